"""Digital programs as documents: for whom, what they get when and how, and when it ends. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.shapes import only

CHANNELS: Final = {
    "email": "E-mail",
    "in_app": "In the app",
    "webinar": "Webinar",
    "community": "Community",
    "call": "Call by a person",
}
FIELDS: Final = (
    "goal", "audience", "segment", "rule", "steps", "key", "after_days", "channel", "title", "content", "done_when",
    "exit", "all", "any", "not", "fact", "op", "value",
)  # fmt: skip
MOST_STEPS: Final = 60

DEFAULT_PROGRAM: Final[Mapping[str, Any]] = {
    "goal": "A small customer reaches first value within 30 days, without a call.",
    "audience": {"segment": "small"},
    "steps": [
        {
            "key": "welcome",
            "after_days": 0,
            "channel": "email",
            "title": "Welcome: the one thing to set up first",
            "content": "What they bought this for, the first step in three lines, and who answers questions.",
            "done_when": "the first step is done in the app",
        },
        {
            "key": "checklist",
            "after_days": 3,
            "channel": "in_app",
            "title": "Checklist with what is left to set up",
            "content": "Five steps at most, each with its minutes; the next one is open.",
            "done_when": "every step of the checklist is ticked",
        },
        {
            "key": "group_session",
            "after_days": 10,
            "channel": "webinar",
            "title": "Group session: questions of the first weeks",
            "content": "Thirty minutes with a CSM: three frequent questions, then theirs.",
            "done_when": "somebody of the customer was there, or watched the recording",
        },
        {
            "key": "first_result",
            "after_days": 21,
            "channel": "email",
            "title": "Your first result, and the next one",
            "content": "What their usage shows, beside what similar customers do next.",
            "done_when": "they opened it and use the feature that it names",
        },
        {
            "key": "step_in",
            "after_days": 30,
            "channel": "call",
            "title": "A person steps in where nothing has moved",
            "content": "A CSM of the pool calls: what keeps them, what would help, by when.",
            "done_when": "the reason is written down and a next step is agreed",
        },
    ],
    "exit": {"any": [{"fact": "health.band", "op": "eq", "value": "green"}]},
}


@dataclass(frozen=True)
class ProgramStep:
    """One message or act, so many days after somebody joined."""

    key: str
    after_days: int
    channel: str
    title: str
    content: str
    done_when: str


@dataclass(frozen=True)
class ProgramSpec:
    """`segment` or `rule` says who is in; `exit` when somebody leaves before the last step."""

    goal: str
    segment: str
    rule: Mapping[str, Any] | None
    steps: tuple[ProgramStep, ...]
    exit: Mapping[str, Any] | None


def parse_program(definition: Mapping[str, Any]) -> ProgramSpec:
    """Raises `ValueError` that names the field and the remedy."""
    only(definition, "", {"goal", "audience", "steps", "exit"})
    audience = definition.get("audience")
    if not isinstance(audience, Mapping) or ("segment" in audience) == ("rule" in audience):
        raise ValueError("audience: say who is in, by `segment: KEY` or by a `rule` over facts.")
    only(audience, "audience", {"segment", "rule"})
    raw = definition.get("steps")
    if not isinstance(raw, list) or not 1 <= len(raw) <= MOST_STEPS:
        raise ValueError(f"steps: give at least one step, at most {MOST_STEPS}.")
    steps = tuple(_step(one, f"steps[{place}]") for place, one in enumerate(raw))
    _refuse_disorder(steps)
    return ProgramSpec(
        goal=_text(definition, "goal", ""),
        segment=_text(audience, "segment", "audience.") if "segment" in audience else "",
        rule=_tree(audience.get("rule"), "audience.rule"),
        steps=steps,
        exit=_tree(definition.get("exit"), "exit"),
    )


def _step(raw: Any, place: str) -> ProgramStep:
    if not isinstance(raw, Mapping):
        raise ValueError(f"{place}: a step is a block with key, after_days, channel, title and content.")  # noqa: TRY004 -- a fault of the document, not of the code
    only(raw, place, {"key", "after_days", "channel", "title", "content", "done_when"})
    days, channel = raw.get("after_days"), raw.get("channel")
    if not isinstance(days, int) or isinstance(days, bool) or not 0 <= days <= 730:
        raise ValueError(f"{place}.after_days: a whole number from 0 to 730, not {days!r}.")
    if channel not in CHANNELS:
        raise ValueError(f"{place}.channel: one of {', '.join(CHANNELS)}, not {channel!r}.")
    return ProgramStep(
        key=_text(raw, "key", f"{place}."),
        after_days=days,
        channel=str(channel),
        title=_text(raw, "title", f"{place}."),
        content=_text(raw, "content", f"{place}."),
        done_when=str(raw.get("done_when", "")).strip(),
    )


def _refuse_disorder(steps: Sequence[ProgramStep]) -> None:
    for place, step in enumerate(steps):
        if step.key in [one.key for one in steps[:place]]:
            raise ValueError(f"steps[{place}].key: '{step.key}' stands twice. Give each step a key of its own.")
        if place and step.after_days < steps[place - 1].after_days:
            raise ValueError(f"steps[{place}].after_days: earlier than the step before it. Put the steps in order.")


def _text(block: Mapping[str, Any], name: str, inside: str) -> str:
    value = block.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > 1000:
        raise ValueError(f"{inside}{name}: a text of at most 1000 characters is needed.")
    return value.strip()


def _tree(value: Any, place: str) -> Mapping[str, Any] | None:
    if value is not None and (not isinstance(value, Mapping) or not value):
        raise ValueError(f"{place}: give a tree of all, any, not and conditions on facts, or leave it out.")
    return value
