"""What the page "Health, explained" shows: the explanation in words, point by point, and over time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import Account
from core import formatting as f
from health.choices import Band
from health.models import ScoreHistory
from health.queries.explanation import Explanation, explain, score_series
from health.queries.score_chart import score_chart, score_sentence
from health.rules import Split

RANGES = {30: "30 d", 180: "6 months", 730: "2 years"}
DEFAULT_RANGE = 180
_CHART_NOTE = "Markers: model versions. Past scores keep theirs."
_BROUGHT_IN = " Dotted: brought in as history."
_WORDS = {band: str(Band(band).label).lower() for band in Band.values}


@dataclass(frozen=True)
class Part:
    """One of the five parts of a change. The shown values add up to the shown change."""

    label: str
    value: Decimal
    note: str

    @property
    def tone(self) -> str:
        return "muted" if not self.value else "ok" if self.value > 0 else "risk"


@dataclass(frozen=True)
class HealthPage:
    """`health` is None before the first score. `since` is the day that is compared with, asked for or chosen."""

    account: Account
    health: Explanation | None
    finding: str = ""
    meaning: str = ""
    since: date | None = None
    first_day: date | None = None
    parts: tuple[Part, ...] = ()
    steps: tuple[dict[str, Any], ...] = ()
    steps_sentence: str = ""
    chart: dict[str, Any] | None = None
    chart_sentence: str = ""
    chart_note: str = ""
    days: int = DEFAULT_RANGE

    @property
    def longest(self) -> float:
        """The longest step, which the bars of the phone are measured by."""
        return max((abs(step["value"]) for step in self.steps if step["tone"] != "total"), default=1.0) or 1.0


def health_page(
    account_id: int,
    *,
    today: date,
    since: date | None = None,
    on: date | None = None,
    days: int = DEFAULT_RANGE,
    known: datetime | None = None,
) -> HealthPage | None:
    """Everything on the page of an account; None when there is no such account.

    `on` shows what was stored that day, and nothing that was written later for later days; with `known`, only what
    had been written before that instant.
    """
    account = Account.objects.select_related("owner").filter(pk=account_id).first()
    if account is None:
        return None
    compared = since or (on - timedelta(days=30) if on else None)
    back = None if compared else 30
    health = explain(account_id, since=compared, since_days=back, on=on, known=known, today=today)
    if health is None:
        return HealthPage(account, None, since=compared, days=days)
    series = score_series(account_id, since=health.as_of - timedelta(days=days), until=health.as_of, known=known)
    steps = _steps(health)
    return HealthPage(
        account=account,
        health=health,
        finding=_finding(health, today),
        meaning=_meaning(health),
        since=compared or health.as_of - timedelta(days=30),
        first_day=_first_day(account_id) if health.then is None else None,
        parts=_parts(health, today),
        steps=steps,
        steps_sentence=", ".join(f"{step['name']} {f.number(step['value'], 1)}" for step in steps),
        chart=score_chart(series, health) if len(series) > 1 else None,
        chart_sentence=score_sentence(series),
        chart_note=_CHART_NOTE + (_BROUGHT_IN if any(point.imported for point in series) else ""),
        days=days,
    )


def _first_day(account_id: int) -> date | None:
    first = ScoreHistory.objects.filter(account_id=account_id, score__isnull=False).order_by("as_of")
    return first.values_list("as_of", flat=True).first()


def _shown(health: Explanation, score: float) -> str:
    return f.score(score, 1, (health.yellow, health.green))


def _finding(health: Explanation, today: date) -> str:
    """One sentence: `47.5, at risk. Down 19.5 points since 1 Nov.`"""
    if health.score is None:
        return f"No score. Coverage is {f.percent(health.coverage, 0)}, {f.percent(health.min_coverage, 0)} are needed."
    standing = f"{_shown(health, health.score)}, {_WORDS[health.band]}."
    if health.override:
        by_hand = _shown(health, health.override.score)
        standing = f"{standing[:-1]}; {by_hand}, {_WORDS[health.override.band]}, by override."
    if health.split is None or health.then is None:
        return standing
    change = round(health.split.total, 1)
    when = f.day_short(health.then.day, today)
    if change == 0:
        return f"{standing} As on {when}."
    points = f.number(abs(change), 1)
    return f"{standing} {'Up' if change > 0 else 'Down'} {points} points since {when}."


def _meaning(health: Explanation) -> str:
    """What the change is made of, in words."""
    if health.score is None:
        missing = ", ".join(one.label.lower() for one in health.left_out)
        return f"Nothing current is known about {missing}." if missing else ""
    split = health.split
    if split is None or health.then is None:
        return ""
    sentences = [_drivers(health, split)] if abs(split.total - split.override) >= 0.05 else []
    if abs(split.override) >= 0.05:
        sentences.append(f"{f.number(split.override, 1, plus=True)} of the change is the override.")
    if abs(split.configuration) >= 0.05:
        without = f.number(health.score - split.configuration, 1)
        sentences.append(f"Without the change of the model the score would be {without}.")
    return " ".join(sentence for sentence in sentences if sentence)


def _drivers(health: Explanation, split: Split) -> str:
    down = split.total - split.override < 0
    moved = [one for one in health.inputs if one.part and (one.part < 0) == down and abs(one.part) >= 0.05]
    moved.sort(key=lambda one: abs(one.part or 0), reverse=True)
    if not moved:
        return "The change comes from coverage, not from the customer." if abs(split.coverage) >= 0.05 else ""
    names = " and ".join(one.label.lower() for one in moved[:2])
    share = abs(split.values) / max(abs(split.values) + abs(split.coverage) + abs(split.configuration), 1e-9)
    verb = "fell" if down else "rose"
    if share >= 0.75:
        what = "the computed change" if abs(split.override) >= 0.05 else "it"
        return f"Nearly all of {what} is the customer, not the model: {names} {verb}."
    return f"{names[0].upper()}{names[1:]} {verb}."


def _parts(health: Explanation, today: date) -> tuple[Part, ...]:
    """Values, coverage, configuration, tenure and override, in the order in which the change is taken apart."""
    split, then = health.split, health.then
    if split is None or then is None:
        return ()
    moved = len([one for one in health.inputs if one.part and abs(one.part) >= 0.05])
    versions = f"v{then.model_number} to v{health.model_number}"
    rows = [
        ("Values changed", split.values, f.plural(moved, "input")),
        ("Coverage changed", split.coverage, f"{f.percent(health.coverage, 0)} of weight has data"),
        (
            "Configuration changed",
            split.configuration,
            versions if then.model_number != health.model_number else f"v{health.model_number}, same",
        ),
        ("Tenure row changed", split.tenure, _tenure_note(split.tenure)),
        ("Override", split.override, _override_note(health, today)),
    ]
    shown = f.largest_remainder([value for _, value, _ in rows], 1)
    return tuple(Part(label, value, note) for (label, _, note), value in zip(rows, shown, strict=True))


def _override_note(health: Explanation, today: date) -> str:
    if health.override:
        return f"{f.number(health.override.score, 1)} until {f.day_short(health.override.until_day, today)}"
    if health.then and health.then.override:
        return f"{f.number(health.then.override.score, 1)} then, ended"
    return "none set"


def _tenure_note(points: float) -> str:
    return "another row answers" if abs(points) >= 0.05 else "same row"


def _steps(health: Explanation) -> tuple[dict[str, Any], ...]:
    """The waterfall: from the score then, input by input, coverage and configuration, to the score now."""
    split, then = health.split, health.then
    if split is None or then is None or then.score is None or health.score is None:
        return ()
    labels = {one.key: one.label for one in health.inputs}
    moved = [(key, change) for key, change in split.by_input if abs(change) >= 0.05]
    parts = [(labels.get(key, key.capitalize()), "", change, "value") for key, change in moved]
    parts.sort(key=lambda part: part[2])
    if abs(split.coverage) >= 0.05:
        parts.append(("Coverage", "", split.coverage, "cover"))
    if abs(split.configuration) >= 0.05:
        parts.append(("Model", f"v{then.model_number} to v{health.model_number}", split.configuration, "config"))
    if abs(split.override) >= 0.05:
        parts.append(("Override", "", split.override, "config"))
    rest = split.total - sum(part[2] for part in parts)
    if abs(rest) >= 0.05:
        parts.append(("Smaller changes", "", rest, "value"))
    shown = f.largest_remainder([part[2] for part in parts], 1) if parts else []
    first = then.override.score if then.override else then.score
    last = health.override.score if health.override else health.score
    start = {
        "name": f.day(then.day),
        "second": "override" if then.override else f"v{then.model_number}",
        "value": round(first, 1),
        "tone": "total",
    }
    end = {
        "name": f.day(health.as_of),
        "second": "override" if health.override else f"v{health.model_number}",
        "value": round(last, 1),
        "tone": "total",
    }
    middle = [
        {"name": name, "second": second, "value": float(value), "tone": tone}
        for (name, second, _, tone), value in zip(parts, shown, strict=True)
    ]
    return (start, *middle, end)
