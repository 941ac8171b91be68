"""What the statistics work on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Words = npt.NDArray[np.str_]


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


def span(day: Ints) -> int:
    """Days that the middle nine tenths of the outcomes spread over: one early outcome does not stretch it."""
    if not len(day):
        return 0
    first, last = np.quantile(day, [0.05, 0.95], method="nearest")
    return int(last - first) + 1
