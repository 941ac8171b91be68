"""What the statistics work on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Words = npt.NDArray[np.str_]

LEAST_OUTCOMES = 50
LEAST_LOSSES = 15


@dataclass(frozen=True)
class Rows:
    """One row per outcome, as an account stood at its lead date. `score` and `subs` are NaN where there is none.

    `day` is the outcome's day as a number of days; `subs` has a column per input.
    """

    account: Ints
    day: Ints
    lost: Flags
    segment: Words
    arr: Floats
    score: Floats
    band: Words
    coverage: Floats
    subs: Floats

    def __len__(self) -> int:
        return len(self.account)

    def where(self, kept: Flags) -> "Rows":
        """The rows for which the flag stands."""
        return Rows(*(getattr(self, name)[kept] for name in self.__dataclass_fields__))

    @property
    def scored(self) -> "Rows":
        """The rows that had a score."""
        return self.where(~np.isnan(self.score))


def enough(n: int, losses: int) -> bool:
    """Whether so many outcomes say anything at all."""
    return n >= LEAST_OUTCOMES and losses >= LEAST_LOSSES and n > losses
