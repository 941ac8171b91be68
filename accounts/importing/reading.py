"""A file of rows, read as a stream: encoding, delimiter and header found, broken rows reported one by one.

Memory does not grow with the file: it is decoded in chunks and given on row by row.
"""

import codecs
import csv
import io
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final, NamedTuple

from accounts.importing.archives import is_archive, pick_member, unpacked
from accounts.importing.errors import ImportRefused
from accounts.importing.workbooks import head_of, is_workbook, open_sheet, refuse_other_offices, sheet_rows

CELL_MAX: Final = 8 * 1024 * 1024
LINES_IN_A_CELL: Final = 2000
COLUMNS_MAX: Final = 500
CHUNK: Final = 1024 * 1024
HEAD: Final = CHUNK // 4
DELIMITERS: Final = (",", ";", "\t", "|")
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC: Final = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x1f\x8b": "a gzip archive",
    b"SQLite format": "a database",
}

_CONTROLS: Final = bytes(set(range(32)) - {9, 10, 12, 13})

csv.field_size_limit(CELL_MAX)


@dataclass(frozen=True)
class Source:
    """Where the rows come from and how they are to be read. `member` is a file inside a zip archive.

    `sheet` is set for an Excel workbook, whose names of columns stand in the row `head`.
    """

    path: Path
    member: str
    encoding: str
    delimiter: str
    skip_lines: int
    headers: tuple[str, ...]
    has_damage: bool = False
    has_quotes: bool = True
    lines: int = 0
    sheet: str = ""
    head: int = 1

    @property
    def name(self) -> str:
        return self.member or self.path.name


class Row(NamedTuple):
    """One record. `line` counts records as a spreadsheet does, the header being 1. `problem` = (code, words)."""

    line: int
    cells: list[str]
    problem: tuple[str, str] | None = None


def open_source(path: Path, *, member: str = "", max_bytes: int = 0, whole: bool = True, sheet: str = "") -> Source:
    """Finds out how the file is to be read; raises `ImportRefused` with the remedy when it cannot be.

    Not `whole`, only the beginning is looked at, which is quick for a file of any size and right for most: a page may
    show what is found, an import may not rely on it.
    """
    size = path.stat().st_size
    if not size:
        raise ImportRefused("empty_file", "The file is empty. Export it again, with a header row and at least one row.")
    if max_bytes and size > max_bytes:
        raise ImportRefused(
            "too_large", f"The file has {size:,} bytes; {max_bytes:,} are allowed. Split it into several files."
        )
    if is_workbook(path):
        return _workbook(path, sheet, max_bytes, whole=whole)
    refuse_other_offices(path)
    if sheet:
        raise ImportRefused("no_sheet", "The map names a sheet, and this file has none. Take `sheet` out of the map.")
    if is_archive(path):
        member = pick_member(path, member, max_bytes)
    with _binary(path, member) as stream:
        found = _detect(stream, whole=whole)
        encoding = found.encoding
    with _text(path, member, encoding) as text:
        sample = text.read(HEAD)
    if not sample.strip():
        raise ImportRefused("empty_file", "The file holds no rows. Export it again, with a header row.")
    skip, delimiter = _layout(sample)
    source = Source(path, member, encoding, delimiter, skip, (), found.has_damage, found.has_quotes, found.lines)
    return replace(source, headers=_headers(source))


def _workbook(path: Path, sheet: str, max_bytes: int, *, whole: bool) -> Source:
    name, lines = open_sheet(path, sheet, max_bytes=max_bytes, whole=whole)
    head, cells = head_of(path, name)
    if not cells:
        raise ImportRefused("empty_file", f"Sheet “{name}” has no rows. Choose a sheet with a header row: `sheet:`.")
    return Source(path, "", "utf-8", ",", 0, _names(cells), lines=lines, sheet=name, head=head)


def _sheet_rows(source: Source) -> Iterator[Row]:
    width = len(source.headers)
    for number, cells, wrong in sheet_rows(source.path, source.sheet):
        if number <= source.head:
            continue
        if wrong:
            yield Row(number, cells, ("cell_error", wrong))
        elif len(cells) > width:
            words = (
                f"sheet “{source.sheet}”, row {number}: the row has {len(cells)} cells, the header {width}: name the "
                "columns that have none, or empty the cells"
            )
            yield Row(number, cells, ("wrong_cell_count", words))
        else:
            yield Row(number, cells + [""] * (width - len(cells)))


def rows(source: Source) -> Iterator[Row]:
    """All records after the header, the broken ones with their problem. Blank lines are counted, not given."""
    if source.sheet:
        yield from _sheet_rows(source)
        return
    width = len(source.headers)
    with _text(source.path, source.member, source.encoding) as text:
        records = _records(text, source) if source.has_quotes else _plain_records(text, source)
        next(records, None)
        for row in records:
            if row.problem is not None:
                yield row
            elif row.cells:
                checked = source.has_damage and _is_suspicious(row.cells)
                yield row if len(row.cells) == width and not checked else _checked(row, width, source)


def sample_rows(source: Source, limit: int) -> list[list[str]]:
    """The cells of the first sound rows, for guessing and for showing."""
    found: list[list[str]] = []
    for row in rows(source):
        if row.problem is None:
            found.append(row.cells)
        if len(found) >= limit:
            break
    return found


def _is_suspicious(cells: list[str]) -> bool:
    joined = "".join(cells)
    return "\x00" in joined or "\ufffd" in joined


def _plain_records(text: IO[str], source: Source) -> Iterator[Row]:
    """The quick way for files without any quote: a record is a line."""
    for _ in range(source.skip_lines):
        next(text, None)
    reader = csv.reader(text, delimiter=source.delimiter, quoting=csv.QUOTE_NONE)
    number = 0
    while True:
        number += 1
        try:
            for cells in reader:
                yield Row(number, cells)
                number += 1
            return
        except csv.Error as error:
            yield Row(number, [], _quote_problem(error, 1))


def _checked(row: Row, width: int, source: Source) -> Row:
    cells = row.cells
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        cells = cells[:width]
    if len(cells) != width:
        words = (
            f"the row has {len(cells)} cells, the header {width}: look for a missing quote or a wrong delimiter "
            f"(read with “{_shown(source.delimiter)}”)"
        )
        return Row(row.line, cells, ("wrong_cell_count", words))
    if any("\x00" in cell for cell in cells):
        return Row(row.line, cells, ("nul_character", "a cell holds a NUL character: remove it"))
    if any("\ufffd" in cell for cell in cells):
        words = "a cell holds characters that are not text in the file's encoding: save the file as UTF-8"
        return Row(row.line, cells, ("unreadable_characters", words))
    return Row(row.line, cells)


class _EndlessQuote(Exception):
    """A quoted cell runs over more lines than a cell can have."""


class _Lines:
    """Feeds lines to the parser and remembers those of the current record, to go back to when it is broken."""

    def __init__(self, text: IO[str]) -> None:
        self.source = iter(text)
        self.waiting: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.waiting.popleft() if self.waiting else next(self.source)
        self.taken.append(line)
        if len(self.taken) > LINES_IN_A_CELL:
            raise _EndlessQuote
        return line

    def back_to_second_line(self) -> None:
        self.waiting.extendleft(reversed(self.taken[1:]))


def _records(text: IO[str], source: Source) -> Iterator[Row]:
    """Parses record by record. After a broken one reading goes on at the line that follows where it began."""
    lines = _Lines(text)
    for _ in range(source.skip_lines):
        next(lines.source, None)
    reader = csv.reader(lines, delimiter=source.delimiter, strict=True)
    width = len(source.headers)
    number = 0
    while True:
        lines.taken.clear()
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, _EndlessQuote) as error:
            yield Row(number, [lines.taken[0].rstrip("\r\n")[:2000]], _quote_problem(error, len(lines.taken)))
            lines.back_to_second_line()
            continue
        if len(lines.taken) > 1 and width and len(cells) != width:
            yield Row(number, [lines.taken[0].rstrip("\r\n")[:2000]], _quote_problem(None, len(lines.taken)))
            lines.back_to_second_line()
            continue
        yield Row(number, cells)


def _quote_problem(error: Exception | None, lines: int) -> tuple[str, str]:
    if isinstance(error, csv.Error) and "field larger" in str(error):
        return "cell_too_large", f"a cell holds more than {CELL_MAX:,} characters"
    if lines > 1:
        return "open_quote", "a quote is opened and not closed: close it or remove it"
    return "broken_quote", "a quote stands inside a cell: double it, or quote the whole cell"


@contextmanager
def _binary(path: Path, member: str) -> Iterator[IO[bytes]]:
    with unpacked(path, member) if member else path.open("rb") as stream:
        yield stream


@contextmanager
def _text(path: Path, member: str, encoding: str) -> Iterator[IO[str]]:
    with (
        _binary(path, member) as stream,
        io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="") as text,
    ):
        yield text


@dataclass(frozen=True)
class _Found:
    """The encoding; whether NUL or unreadable characters may occur, and quotes; lines, or 0 where they are unknown."""

    encoding: str
    has_damage: bool = True
    has_quotes: bool = True
    lines: int = 0


def _detect(stream: IO[bytes], *, whole: bool) -> _Found:
    head = stream.read(CHUNK if whole else HEAD)
    for magic, words in _MAGIC.items():
        if head.startswith(magic):
            raise ImportRefused("wrong_type", f"This is {words}. Export the data as CSV and choose that file.")
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return _Found(encoding)
    wide = _wide_without_mark(head)
    if wide:
        return _Found(wide)
    found = _utf8_or_western(head, stream if whole else io.BytesIO())
    return found if whole else _Found(found.encoding)


def _wide_without_mark(head: bytes) -> str:
    pairs = head[:4096]
    half = max(len(pairs) // 2, 1)
    if pairs[1::2].count(0) > half * 0.7:
        return "utf-16-le"
    if pairs[0::2].count(0) > half * 0.7:
        return "utf-16-be"
    return ""


def _utf8_or_western(head: bytes, stream: IO[bytes]) -> _Found:
    """UTF-8 if the bytes are, or mostly are; else cp1252. A few broken bytes then cost their rows, not the file.

    The decoder keeps a letter that is cut at the end of a piece, so that the cut is not taken for damage.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    broken = wide = lines = 0
    has_nul = has_quotes = False
    chunk = head
    while chunk:
        has_quotes = has_quotes or b'"' in chunk
        lines += chunk.count(b"\n")
        has_nul = has_nul or b"\x00" in chunk
        if not chunk.isascii():
            text = decoder.decode(chunk)
            broken += text.count("\ufffd")
            wide += len(text) - len(text.encode("ascii", errors="ignore"))
        chunk = stream.read(CHUNK)
    controls = len(head) - len(head.translate(None, delete=_CONTROLS))
    if controls > len(head) // 50:
        raise ImportRefused("wrong_type", "This is not a text file. Export the data as CSV and choose that file.")
    encoding = "utf-8" if not broken or wide > 4 * broken else "cp1252"
    return _Found(encoding, has_nul or broken > 0, has_quotes, lines)


def _layout(sample: str) -> tuple[int, str]:
    """Lines to skip before the header, and the delimiter."""
    first, _, _ = sample.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
        return 1, first.strip()[4]
    lines = sample.splitlines(keepends=True)
    body = "".join(lines[:-1] if len(lines) > 1 and len(sample) >= HEAD else lines)
    scores = {delimiter: _evenness(body, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: scores[delimiter])
    return 0, best if scores[best][1] > 1 else ","


def _evenness(sample: str, delimiter: str) -> tuple[float, int]:
    """How even the rows are when cut this way: (share of rows with the commonest width above one, that width)."""
    widths: Counter[int] = Counter()
    try:
        for cells in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            if cells:
                widths[len(cells)] += 1
            if widths.total() >= 200:
                break
    except csv.Error:
        pass
    several = {width: count for width, count in widths.items() if width > 1}
    if not several:
        return 0.0, 1
    width = max(several, key=lambda key: (several[key], key))
    return several[width] / widths.total(), width


def _headers(source: Source) -> tuple[str, ...]:
    """The header cells, made unique; an unnamed column is called by its place."""
    with _text(source.path, source.member, source.encoding) as text:
        first = next(_records(text, source), None)
    if first is None or first.problem is not None or not any(cell.strip() for cell in first.cells):
        raise ImportRefused("no_header", "The first row must hold the names of the columns.")
    return _names(first.cells)


def _names(cells: list[str]) -> tuple[str, ...]:
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    if len(cells) > COLUMNS_MAX:
        raise ImportRefused("too_many_columns", f"The file has {len(cells):,} columns; {COLUMNS_MAX} are allowed.")
    seen: Counter[str] = Counter()
    names: list[str] = []
    for place, cell in enumerate(cells, start=1):
        name = " ".join(cell.replace("\x00", "").lstrip("\ufeff").split())[:200] or f"Column {place}"
        seen[name.casefold()] += 1
        names.append(name if seen[name.casefold()] == 1 else f"{name} ({seen[name.casefold()]})")
    return tuple(names)


def _shown(delimiter: str) -> str:
    return "tab" if delimiter == "\t" else delimiter
