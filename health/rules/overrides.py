"""A person's own judgement of an account: how long it may stand, and what it means for a change."""

from dataclasses import replace
from datetime import date
from typing import Final

from health.rules.explain import Split

LONGEST_DAYS: Final = 90


def refusal(*, score: float, reason: str, today: date, until: date) -> str:
    """Why an override cannot be set, or nothing. `until` is the first day on which it no longer counts."""
    if not 0 <= score <= 100:
        return "The score must lie between 0 and 100."
    if not reason.strip():
        return "Give the reason. It stands beside the score."
    if until <= today:
        return "The last day must not lie in the past."
    if (until - today).days > LONGEST_DAYS:
        return f"An override holds for at most {LONGEST_DAYS} days. Set it again then, if it is still true."
    return ""


def with_override(split: Split, *, before: float | None, after: float | None, old: float, new: float) -> Split:
    """The same change with the part of overrides: `before` and `after` are those in force, `old` and `new` computed.

    The total becomes the change of what counted: the override where there was one, else the computed score.
    """
    offset_then = before - old if before is not None else 0.0
    offset_now = after - new if after is not None else 0.0
    part = offset_now - offset_then
    return replace(split, total=split.total + part, override=part)
