"""Excel workbooks (.xlsx) as rows of text, so that one engine reads them as it reads a CSV file of the same data.

Cells are typed: a number is written with a point, a date year first, so neither leaves room for doubt. Of a formula
counts the result that was stored with it. The sheet is read as a stream; only the table of shared texts is in memory,
and its size is limited. Nothing inside is run, followed or fetched, and entities are refused.
"""

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import ParseError

from accounts.importing.errors import ImportRefused

MEBIBYTE: Final = 1024 * 1024
ROWS_MAX: Final = 1_048_576
PART_MAX: Final = 64 * MEBIBYTE
RATIO_MAX: Final = 200
SMALL: Final = MEBIBYTE
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_BROKEN: Final = (
    zipfile.BadZipFile, zlib.error, ParseError, KeyError, ValueError, TypeError, IndexError, AttributeError, EOFError,
    OSError, NotImplementedError, RuntimeError,
)  # fmt: skip
# A cell with a formula and no value; one whose result is an empty text (t="str") has its result.
_NO_RESULT: Final = re.compile(
    rb'<c (?![^>]*t="str")[^>]*>\s*<f(?:\s[^>]*/>|/>|[^>]*>[^<]*</f>)\s*(?:<v\s*/>|<v></v>)?\s*</c>'
)
_READS_TWO_WAYS: Final = re.compile(r"-?\d{1,3}\.\d{3}")

Cells = tuple[int, list[str], str]


def is_workbook(path: Path) -> bool:
    """Whether the file is meant to be an Excel workbook of the present kind; it may be broken all the same."""
    if not zipfile.is_zipfile(path):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return "[Content_Types].xml" in archive.namelist()
    except _BROKEN:
        return False


def refuse_other_offices(path: Path) -> None:
    """Files of other office programs, with the way to one that can be read. Raises `ImportRefused`."""
    with path.open("rb") as stream:
        if stream.read(len(OLE)) != OLE:
            return
        # The names of an old file's parts stand in its directory, which may lie anywhere.
        stream.seek(0)
        tail = b""
        while piece := stream.read(MEBIBYTE):
            if _ENCRYPTED in tail + piece:
                raise ImportRefused(
                    "protected_workbook",
                    "This workbook is protected by a password. Open it in Excel, take the password away (File, Info, "
                    "Protect Workbook), save it and choose it again.",
                )
            tail = piece[-len(_ENCRYPTED) :]
    raise ImportRefused(
        "wrong_type",
        "This is an old Excel workbook (.xls). Open it in Excel or LibreOffice, save it as “Excel Workbook (.xlsx)” or "
        "as CSV, and choose that file.",
    )


def open_sheet(path: Path, wanted: str = "", *, max_bytes: int = 0, whole: bool = True) -> tuple[str, int]:
    """The name of the asked sheet (by name or number), or of the first visible one, and its rows or 0 if unknown.

    Sizes are checked before anything is unpacked. Raises `ImportRefused` with the remedy.
    """
    _check_parts(path, max_bytes)
    with _opened(path) as book:
        names = [sheet.title for sheet in book.worksheets]
        visible = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if not names:
            raise ImportRefused("no_sheet", "The workbook has no sheet with cells. Choose one with a table.")
        if not wanted:
            name = (visible or names)[0]
        elif wanted in names:
            name = wanted
        elif wanted.isascii() and wanted.isdigit() and 0 < int(wanted[:6]) <= len(names):
            name = names[int(wanted[:6]) - 1]
        else:
            shown = ", ".join(f"“{one}”" for one in names[:20])
            raise ImportRefused("no_sheet", f"The workbook has no sheet “{wanted[:80]}”. It has {shown}.")
        sheet = book[name]
        rows = sheet.max_row or 0
        if whole:
            _refuse_missing_results(path, name, sheet)
        return name, max(rows - 1, 0)


def sheet_rows(path: Path, name: str) -> Iterator[Cells]:
    """Every row that has a cell with something in it: its number in the sheet, its texts, and what is wrong or ""."""
    with _opened(path) as book:
        sheet = book[name]
        sheet.reset_dimensions()  # what the file says about its size is often wrong
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            if number > ROWS_MAX:
                raise ImportRefused("too_large", f"Sheet “{name}” has more rows than a sheet can have. Save it anew.")
            texts = [_text(cell.value) for cell in cells]
            while texts and not texts[-1]:
                texts.pop()
            if texts:
                yield number, texts, _error_in(cells, name)


def head_of(path: Path, name: str) -> tuple[int, list[str]]:
    """The first row with something in it, which names the columns; (0, []) for an empty sheet."""
    for number, texts, _ in islice(sheet_rows(path, name), 1):
        return number, texts
    return 0, []


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    # Loaded here: the reader costs every start of the web server a third of a second, and few of them read a workbook.
    from openpyxl import DEFUSEDXML, load_workbook  # noqa: PLC0415 -- see above

    if not DEFUSEDXML:  # pragma: no cover -- the lock has it, and the doctor would see it missing
        raise ImportRefused("wrong_type", "Workbooks cannot be read safely here: defusedxml is missing. Save as CSV.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about styles and extensions that nothing here reads
            with path.open("rb") as stream:  # not the path, whose ending would have a say
                book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
                try:
                    yield book
                finally:
                    book.close()
    except ImportRefused:
        raise
    except _BROKEN as error:
        raise ImportRefused(
            "broken_workbook",
            "The workbook is broken or holds what cannot be read here. Open it in Excel, save it again, or save the "
            "sheet as CSV (“CSV UTF-8”).",
        ) from error


def _check_parts(path: Path, max_bytes: int) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except _BROKEN as error:
        raise ImportRefused("broken_workbook", "The workbook is broken. Open it in Excel and save it again.") from error
    names = {part.filename for part in parts}
    if any(part.flag_bits & 1 for part in parts):
        raise ImportRefused("protected_workbook", "The workbook is protected by a password. Save it without one.")
    if "xl/workbook.bin" in names:
        raise ImportRefused(
            "wrong_type", "This is a binary workbook (.xlsb). Save it as “Excel Workbook (.xlsx)” or as CSV."
        )
    if "word/document.xml" in names or "ppt/presentation.xml" in names:
        raise ImportRefused("wrong_type", "This is a document, not a workbook. Export the data as CSV.")
    for part in parts:
        is_sheet = part.filename.startswith("xl/worksheets/")
        bomb = part.file_size > RATIO_MAX * max(part.compress_size, 1) and part.file_size > SMALL
        if bomb or (max_bytes and part.file_size > max_bytes):
            raise ImportRefused(
                "too_large", f"{part.filename} unpacks to {part.file_size:,} bytes. Split the workbook, or save as CSV."
            )
        if not is_sheet and part.filename.endswith((".xml", ".rels")) and part.file_size > PART_MAX:
            raise ImportRefused(
                "too_large",
                f"{part.filename} unpacks to {part.file_size:,} bytes, {PART_MAX:,} are allowed: there are very many "
                "different texts. Save the sheet as CSV, which has no such limit.",
            )


def _refuse_missing_results(path: Path, name: str, sheet: Any) -> None:
    """A formula without its result would be read as an empty cell: programs that only write formulas leave them out."""
    part = str(getattr(sheet, "_worksheet_path", "")).lstrip("/")
    with zipfile.ZipFile(path) as archive:
        if part not in archive.namelist():
            return
        with archive.open(part) as stream:
            tail = b""
            while piece := stream.read(MEBIBYTE):
                if _NO_RESULT.search(tail + piece):
                    raise ImportRefused(
                        "formulas_without_results",
                        f"Sheet “{name}” has formulas whose results were not saved. Open the workbook in Excel or "
                        "LibreOffice, save it there and choose it again.",
                    )
                tail = piece[-4096:]


def _text(value: Any) -> str:
    """What a CSV file of the same cell would hold, in the form that reads one way only."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime):
        day_only = value.time() == time(0)
        return value.date().isoformat() if day_only else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _number(value.total_seconds() / 86400)
    return str(value)


def _number(value: float) -> str:
    if isinstance(value, int) or value.is_integer():
        return str(int(value))
    text = format(Decimal(repr(value)), "f")
    # 1.234 in a text may be a thousand; in a number it is one and a bit, and a fourth decimal says so.
    return f"{text}0" if _READS_TWO_WAYS.fullmatch(text) else text


def _error_in(cells: Any, name: str) -> str:
    for cell in cells:
        if cell.data_type == "e" and cell.value != "#N/A":
            return (
                f"sheet “{name}”, cell {cell.coordinate}: it holds the error {cell.value}, correct it in the workbook"
            )
    return ""
