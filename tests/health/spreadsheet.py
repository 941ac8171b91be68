"""A small spreadsheet program: works formulas out from the cells of a file, knowing nothing of the product."""

import re
from bisect import bisect_right
from collections.abc import Callable
from io import BytesIO
from typing import Any

import openpyxl
from openpyxl.utils import column_index_from_string

TOKEN = re.compile(
    r"""\s*(?:
    (?P<ref>(?:'[^']+'!)?\$?[A-Z]{1,3}\$?\d+(?::\$?[A-Z]{1,3}\$?\d+)?)(?![A-Z(])
    |(?P<number>\d+(?:\.\d*)?(?:E[+-]?\d+)?)
    |(?P<text>"(?:[^"]|"")*")
    |(?P<name>[A-Z]+)(?=\()
    |(?P<op><=|>=|<>|[-+*/<>=(),])
    )""",
    re.VERBOSE,
)
PLACE = re.compile(r"(?:'([^']+)'!)?\$?([A-Z]+)\$?(\d+)(?::\$?([A-Z]+)\$?(\d+))?$")


class Range(list[Any]):
    """Cells in reading order."""


class Sheets:
    """A workbook whose formulas are worked out on demand. `stored` is what the file says they give."""

    def __init__(self, content: bytes) -> None:
        self.book: Any = openpyxl.load_workbook(BytesIO(content))
        self.stored: Any = openpyxl.load_workbook(BytesIO(content), data_only=True)
        self.known: dict[tuple[str, int, int], Any] = {}

    def at(self, sheet: str, row: int, column: int) -> Any:
        key = sheet, row, column
        if key not in self.known:
            raw = self.book[sheet].cell(row, column).value
            is_formula = self.book[sheet].cell(row, column).data_type == "f"
            self.known[key] = _Reader(self, sheet, str(raw)[1:]).whole() if is_formula else raw
        return self.known[key]

    def heads(self, sheet: str) -> dict[str, int]:
        """Columns by the text of the first row."""
        return {str(cell.value): cell.column for cell in self.book[sheet][1] if cell.value is not None}


class _Reader:
    """One formula."""

    def __init__(self, sheets: Sheets, sheet: str, text: str) -> None:
        self.sheets, self.sheet = sheets, sheet
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            assert found is not None, f"{text!r} at {at}"
            assert found.lastgroup is not None
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self.place = 0

    def whole(self) -> Any:
        value = self.compared()()
        assert self.place == len(self.tokens), self.tokens[self.place :]
        return value

    def peek(self) -> str:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def take(self) -> tuple[str, str]:
        self.place += 1
        return self.tokens[self.place - 1]

    def _chain(self, part: Callable[[], Callable[[], Any]], ops: set[str]) -> Callable[[], Any]:
        left = part()
        while self.peek() in ops:
            left = _both(self.take()[1], left, part())
        return left

    def compared(self) -> Callable[[], Any]:
        return self._chain(self.added, {"<", ">", "=", "<=", ">=", "<>"})

    def added(self) -> Callable[[], Any]:
        return self._chain(self.multiplied, {"+", "-"})

    def multiplied(self) -> Callable[[], Any]:
        return self._chain(self.single, {"*", "/"})

    def single(self) -> Callable[[], Any]:
        kind, text = self.take()
        if kind == "number":
            return lambda: float(text)
        if kind == "text":
            return lambda: text[1:-1].replace('""', '"')
        if kind == "ref":
            return lambda: self.read(text)
        if text == "-":
            inner = self.single()
            return lambda: -_number(inner())
        if text == "(":
            inside = self.compared()
            assert self.take()[1] == ")"
            return inside
        assert kind == "name", text
        return self.called(text)

    def called(self, name: str) -> Callable[[], Any]:
        assert self.take()[1] == "("
        arguments = [self.compared()]
        while self.peek() == ",":
            self.take()
            arguments.append(self.compared())
        assert self.take()[1] == ")"
        return lambda: FUNCTIONS[name](*arguments)

    def read(self, text: str) -> Any:
        found = PLACE.match(text)
        assert found is not None
        sheet, first, row, last, end = found.groups()
        here = sheet or self.sheet
        left, top = column_index_from_string(first), int(row)
        if last is None:
            return self.sheets.at(here, top, left)
        columns = range(left, column_index_from_string(last) + 1)
        return Range(self.sheets.at(here, at, column) for at in range(top, int(end) + 1) for column in columns)


def _number(value: Any) -> float:
    if value is None:
        return 0.0
    if isinstance(value, str):
        raise TypeError(f"#VALUE!: {value!r}")
    return float(value)


def _one(op: str, left: Any, right: Any) -> Any:
    if op in "+-*/":
        a, b = _number(left), _number(right)
        return {"+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b}[op]()
    left, right = _alike(left, right), _alike(right, left)
    if isinstance(left, str) != isinstance(right, str):  # text stands above numbers
        order = 1 if isinstance(left, str) else -1
    else:
        pair: list[Any] = [left.lower(), right.lower()] if isinstance(left, str) else [left, right]
        order = (pair[0] > pair[1]) - (pair[0] < pair[1])
    return {"<": order < 0, ">": order > 0, "=": order == 0, "<=": order <= 0, ">=": order >= 0, "<>": order != 0}[op]


def _alike(value: Any, other: Any) -> Any:
    """An empty cell is an empty text beside text, and 0 beside numbers."""
    if value is None:
        return "" if isinstance(other, str) else 0.0
    return value


def _both(op: str, left: Callable[[], Any], right: Callable[[], Any]) -> Callable[[], Any]:
    def work() -> Any:
        a, b = left(), right()
        if not isinstance(a, Range) and not isinstance(b, Range):
            return _one(op, a, b)
        size = len(a) if isinstance(a, Range) else len(b)
        wide = [one if isinstance(one, Range) else [one] * size for one in (a, b)]
        return Range(_one(op, x, y) for x, y in zip(*wide, strict=True))

    return work


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _sumproduct(*arguments: Callable[[], Any]) -> float:
    columns = [argument() for argument in arguments]
    total = 0.0
    for row in zip(*[one if isinstance(one, Range) else [one] for one in columns], strict=True):
        product = 1.0
        for value in row:
            product *= float(value) if _is_number(value) else 0.0
        total += product
    return total


def _lookup(value: Callable[[], Any], edges: Callable[[], Any], results: Callable[[], Any]) -> Any:
    return results()[bisect_right([float(edge) for edge in edges()], float(value())) - 1]


def _each(test: Callable[..., Any]) -> Callable[..., Any]:
    def work(*arguments: Callable[[], Any]) -> Any:
        values = [argument() for argument in arguments]
        size = max((len(one) for one in values if isinstance(one, Range)), default=0)
        if not size:
            return test(*values)
        wide = [one if isinstance(one, Range) else [one] * size for one in values]
        return Range(test(*row) for row in zip(*wide, strict=True))

    return work


def _flat(arguments: tuple[Callable[[], Any], ...]) -> list[float]:
    values: list[Any] = []
    for argument in arguments:
        value = argument()
        values += value if isinstance(value, Range) else [_number(value)]
    return [float(value) for value in values if _is_number(value)]


def _round(value: Callable[[], Any], digits: Callable[[], Any]) -> float:
    return round(_number(value()), int(digits()))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "IF": lambda test, yes, no: yes() if test() else no(),
    "SUM": lambda *of: sum(_flat(of)),
    "MIN": lambda *of: min(_flat(of)),
    "MAX": lambda *of: max(_flat(of)),
    "ABS": lambda of: abs(_number(of())),
    "ROUND": _round,
    "CHOOSE": lambda which, *of: of[int(which()) - 1](),
    "SUMPRODUCT": _sumproduct,
    "LOOKUP": _lookup,
    "ISNUMBER": _each(_is_number),
    "EXACT": _each(lambda a, b: str(a) == str(b)),
}
