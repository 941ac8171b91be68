"""The arithmetic of scores as spreadsheet formulas. Text only: which cell holds what is decided by the caller.

Only functions that every spreadsheet program has, and no array formulas: IF, MIN, MAX, ROUND, SUM, SUMPRODUCT, LOOKUP,
CHOOSE, EXACT, ISNUMBER, ABS.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from health.rules import Categories, Linear, Reading

# Stands for "no lower edge": LOOKUP needs a number to start from.
LOWEST = -1e307


def column(index: int) -> str:
    """`A` for 0, `AA` for 26."""
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(65 + rest) + name
    return name


def cell(row: int, at: int, *, fixed: bool = False, sheet: str = "") -> str:
    """`B3` for row 2, column 1; `$B$3` when fixed; with the sheet's name in front where one is given."""
    mark = "$" if fixed else ""
    place = f"{mark}{column(at)}{mark}{row + 1}"
    return f"'{sheet}'!{place}" if sheet else place


def span(row: int, first: int, last: int, *, fixed_row: bool = False) -> str:
    """Cells side by side in one row: `B4:F4`, or `B$2:F$2`."""
    mark = "$" if fixed_row else ""
    return f"${column(first)}{mark}{row + 1}:${column(last)}{mark}{row + 1}"


def block(first: int, last: int, at: int, sheet: str) -> str:
    """Cells below each other, fixed: `'Model'!$B$3:$B$7`."""
    return f"'{sheet}'!${column(at)}${first + 1}:${column(at)}${last + 1}"


@dataclass(frozen=True)
class Table:
    """Where the mapping of a reading stands: two numbers of a line, or two columns of a table."""

    reading: Reading
    left: str
    right: str

    def points(self, value: str) -> str:
        """The sub-score of the value in a cell."""
        mapping = self.reading.mapping
        if isinstance(mapping, Linear):
            return f"MIN(100,MAX(0,100*({value}-{self.left})/({self.right}-{self.left})))"
        if isinstance(mapping, Categories):
            return f"SUMPRODUCT(EXACT({self.left},{value})*{self.right})"
        return f"LOOKUP({value},{self.left},{self.right})"


def sub_score(value: str, answered: str, missing: str, tables: Sequence[Table]) -> str:
    """The points of an input: by the reading that answered, else what the model says for a missing value."""
    points = [table.points(value) for table in tables]
    body = points[0] if len(points) == 1 else f"CHOOSE({answered},{','.join(points)})"
    return f'=IF({value}="",IF(ISNUMBER({missing}),{missing},""),ROUND({body},6))'


def fresh(value: str, age: str, answered: str, windows: Sequence[int]) -> str:
    """1 where something was observed inside the window. `windows` per reading, none where nothing is carried on."""
    if not windows:
        return f'=IF({value}="",0,1)'
    limit = str(windows[0]) if len(set(windows)) == 1 else f"CHOOSE({answered},{','.join(map(str, windows))})"
    return f'=IF({value}="",0,IF({age}="",1,IF({age}<{limit},1,0)))'


def weighted(weights: str, values: str, *, rounded: bool = False) -> str:
    """Σ weight × value / Σ weight over those that have a value, or empty. Text counts as no value."""
    total = f"SUMPRODUCT(ISNUMBER({values})*{weights})"
    mean = f"SUMPRODUCT({weights},{values})/{total}"
    return f'=IF({total}=0,"",{f"ROUND({mean},6)" if rounded else mean})'


def band(score: str, yellow: str, green: str) -> str:
    """The word of the half-open band."""
    return f'=IF({score}="","No score",IF({score}<{yellow},"At risk",IF({score}<{green},"Watch","Healthy")))'
