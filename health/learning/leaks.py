"""Inputs that know the outcome. They look brilliant on history and say nothing of tomorrow, so they are refused."""

from dataclasses import dataclass

import numpy as np

from health.learning.arrays import Flags, Floats
from health.learning.mappings import apply, bands
from health.learning.separation import auc

TOO_GOOD = 0.97
_ENOUGH = 10
_HARDLY_ANY, _MANY = 0.01, 0.2
_BEFORE, _AFTER = 0.1, 0.3

TOO_GOOD_CODE = "predicts_too_well"
FOLLOWS_CODE = "follows_from_outcome"
LATE_CODE = "dated_after_outcome"


@dataclass(frozen=True)
class Flag:
    """Something that a reader of the figures must know. `input` is empty where it concerns all of them."""

    code: str
    message: str
    input: str = ""

    def as_json(self) -> dict[str, str | None]:
        return {"code": self.code, "input": self.input or None, "message": self.message}


def alone(values: Floats, lost: Flags) -> float | None:
    """How well the value alone tells them apart, rising, falling, or in steps: 0.5 to 1."""
    there = ~np.isnan(values)
    known, gone = values[there], lost[there]
    plain = auc(known, gone)
    if plain is None:
        return None
    stepped = auc(apply(bands(known, gone), known), gone)
    return max(plain, 1 - plain, stepped or 0.5)


def leak(key: str, label: str, values: Floats, lost: Flags, *, seen_after: float = 0.0) -> Flag | None:
    """Why an input must be refused, if it must. `seen_after`: share of outcomes after which it had a value."""
    there = ~np.isnan(values)
    seen = float(there.mean()) if len(there) else 0.0
    if seen < _BEFORE and seen_after >= _AFTER:
        return Flag(
            LATE_CODE,
            f"'{label}' has a value for {seen:.0%} of the accounts before the lead date and for {seen_after:.0%} after "
            "the outcome: it is dated too late to warn. Left out.",
            key,
        )
    among_lost, among_kept = _share(there, lost), _share(there, ~lost)
    for many, few, who in ((among_lost, among_kept, "lost"), (among_kept, among_lost, "kept")):
        if many >= _MANY and few <= _HARDLY_ANY:
            return Flag(
                FOLLOWS_CODE,
                f"'{label}' is known for {many:.0%} of the {who} accounts and {few:.0%} of the others: whether it is "
                "there follows from the outcome. Left out.",
                key,
            )
    if min((there & lost).sum(), (there & ~lost).sum()) < _ENOUGH:
        return None
    found = alone(values, lost)
    if found is not None and found > TOO_GOOD:
        return Flag(
            TOO_GOOD_CODE,
            f"'{label}' alone tells lost from kept with an AUC of {found:.3f}. Nothing honest does that so long "
            "before: it probably records the outcome. Left out.",
            key,
        )
    return None


def _share(there: Flags, of: Flags) -> float:
    return float(there[of].mean()) if of.any() else 0.0
