"""Alert rules: when an episode opens and when it is over. Pure functions of documents, days and values.

A rule holds for an account from the day on which its condition is met until the day on which it is *known* to be
over. Between the two edges lies the margin, so that a value that wavers around an edge opens one episode, not thirty.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from core.trees import leaves

SEVERITIES: Final = ("high", "medium", "low")
TELL: Final = ("owner", "deputy", "manager")
CHANNELS: Final = ("bell", "email", "slack")
FIELDS: Final = frozenset(
    {"kind", "key", "name", "when", "clear_when", "margin", "for_days", "cool_down_days", "severity", "tell", "budget",
     "task", "channels", "playbook"}
)  # fmt: skip
_OPPOSITE: Final = {"lt": ("gte", 1), "lte": ("gt", 1), "gt": ("lte", -1), "gte": ("lt", -1)}


class BadAlertRule(ValueError):
    """The document cannot be used; the message names the field and the remedy."""


@dataclass(frozen=True)
class TaskWish:
    """The task that an alert starts."""

    title: str
    due_days: int


@dataclass(frozen=True)
class AlertRule:
    """What a published document says. `clear_when` is always there: given, or made of the condition and the margin."""

    when: dict[str, Any]
    clear_when: dict[str, Any]
    for_days: int = 1
    cool_down_days: int = 14
    severity: str = "medium"
    tell: tuple[str, ...] = ("owner",)
    budget: int = 5
    task: TaskWish | None = None
    channels: tuple[str, ...] = ("bell", "email")
    playbook: str = ""

    @property
    def urgency(self) -> int:
        """0 for the most urgent."""
        return SEVERITIES.index(self.severity)


def parse_alert_rule(definition: Mapping[str, Any]) -> AlertRule:
    """Raises `BadAlertRule`. Whether the trees name known facts is checked against the registry, not here."""
    unknown = sorted(set(definition) - FIELDS)
    if unknown:
        raise BadAlertRule(f"Unknown field '{unknown[0]}'. Known: {', '.join(sorted(FIELDS))}.")
    when = definition.get("when")
    if not isinstance(when, dict) or when in ({}, {"all": []}, {"any": []}):
        raise BadAlertRule("`when` is missing or empty: name at least one condition on a fact.")
    return AlertRule(
        when=when,
        clear_when=_clear_when(definition, when),
        for_days=_whole(definition, "for_days", 1, 14, 1),
        cool_down_days=_whole(definition, "cool_down_days", 0, 365, 14),
        severity=_word(definition, "severity", SEVERITIES, "medium"),
        tell=_words(definition, "tell", TELL, ["owner"]),
        budget=_whole(definition, "budget", 1, 100, 5),
        task=_task(definition.get("task")),
        channels=_words(definition, "channels", CHANNELS, ["bell", "email"]),
        playbook=_playbook(definition.get("playbook")),
    )


def _clear_when(definition: Mapping[str, Any], when: dict[str, Any]) -> dict[str, Any]:
    given, margin = definition.get("clear_when"), definition.get("margin")
    if given is not None and margin is not None:
        raise BadAlertRule("Give `clear_when` or `margin`, not both.")
    if given is not None:
        if not isinstance(given, dict) or given in ({}, {"all": []}, {"any": []}):
            raise BadAlertRule("`clear_when` is empty: name at least one condition, or leave it out.")
        return given
    if margin is None:
        return clear_tree(when, 0)
    if isinstance(margin, bool) or not isinstance(margin, (int, float)) or margin < 0:
        raise BadAlertRule(f"`margin` is a number from 0 on, not {margin!r}.")
    if _numeric_leaves(when) != 1:
        raise BadAlertRule("A `margin` needs exactly one condition on a number. Write `clear_when` instead.")
    return clear_tree(when, margin)


def clear_tree(tree: Mapping[str, Any], margin: float) -> dict[str, Any]:
    """When the condition is known to be over, by the margin. An unknown value ends nothing."""
    if "all" in tree:
        return {"any": [clear_tree(branch, margin) for branch in tree["all"]]}
    if "any" in tree:
        return {"all": [clear_tree(branch, margin) for branch in tree["any"]]}
    if "not" in tree:
        return dict(tree["not"])
    fact, op, value = tree.get("fact"), tree.get("op"), tree.get("value")
    if op in _OPPOSITE:
        other, sign = _OPPOSITE[str(op)]
        moved = value + sign * margin if margin and isinstance(value, (int, float)) else value
        return {"fact": fact, "op": other, "value": moved}
    if op in {"is_known", "is_unknown"}:
        return {"fact": fact, "op": "is_unknown" if op == "is_known" else "is_known"}
    return {"all": [{"fact": fact, "op": "is_known"}, {"not": dict(tree)}]}


def _numeric_leaves(tree: Mapping[str, Any]) -> int:
    return sum(1 for leaf in leaves(tree) if leaf.get("op") in _OPPOSITE)


@dataclass
class Episode:
    """From the day on which it opened until the day on which it was over."""

    opened_on: date
    closed_on: date | None = None


@dataclass
class Watch:
    """One rule and one account, day by day. Days must come in order."""

    cool_down_days: int
    episodes: list[Episode] = field(default_factory=list)

    @property
    def open(self) -> Episode | None:
        last = self.episodes[-1] if self.episodes else None
        return last if last is not None and last.closed_on is None else None

    def cooling_until(self) -> date | None:
        """The first day on which the next episode may open, after one that is over."""
        last = self.episodes[-1] if self.episodes else None
        if last is None or last.closed_on is None:
            return None
        return last.closed_on + timedelta(days=self.cool_down_days)

    def see(self, day: date, *, fires: bool, clears: bool) -> bool:
        """Takes a day's judgement; whether an episode opened on it."""
        running = self.open
        if running is not None:
            if clears:
                running.closed_on = day
            return False
        if not fires or clears:
            return False
        until = self.cooling_until()
        if until is not None and day < until:
            return False
        if self.episodes and self.episodes[-1].opened_on == day:
            return False
        self.episodes.append(Episode(day))
        return True


def lead_days(opened: Sequence[date], lost_on: date) -> int | None:
    """Days from the first alert before a loss to the loss; None without one."""
    before = [day for day in opened if day <= lost_on]
    return (lost_on - min(before)).days if before else None


def median(values: Iterable[float]) -> float | None:
    """The middle value; the mean of the middle two."""
    ordered = sorted(values)
    if not ordered:
        return None
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _whole(definition: Mapping[str, Any], name: str, low: int, high: int, default: int) -> int:
    value = definition.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadAlertRule(f"`{name}` is a whole number from {low} to {high}, not {value!r}.")
    return value


def _word(definition: Mapping[str, Any], name: str, known: tuple[str, ...], default: str) -> str:
    value = definition.get(name, default)
    if value not in known:
        raise BadAlertRule(f"`{name}` is one of {', '.join(known)}, not {value!r}.")
    return str(value)


def _words(definition: Mapping[str, Any], name: str, known: tuple[str, ...], default: list[str]) -> tuple[str, ...]:
    value = definition.get(name, default)
    if not isinstance(value, list) or not value or any(one not in known for one in value):
        raise BadAlertRule(f"`{name}` is a list of {', '.join(known)}, not {value!r}.")
    return tuple(dict.fromkeys(value))


def _task(wish: object) -> TaskWish | None:
    if wish is None:
        return None
    if not isinstance(wish, dict) or set(wish) - {"title", "due_days"}:
        raise BadAlertRule("`task` holds `title` and `due_days`, nothing else.")
    title = str(wish.get("title", "")).strip()
    if not title or len(title) > 160:
        raise BadAlertRule("`task.title` is missing or longer than 160 characters: say what is to be done.")
    return TaskWish(title, _whole(wish, "due_days", 0, 90, 2))


def _playbook(key: object) -> str:
    if key is None:
        return ""
    if not isinstance(key, str) or not key or len(key) > 80:
        raise BadAlertRule(f"`playbook` is the key of a playbook, such as low_usage, not {key!r}.")
    return key
