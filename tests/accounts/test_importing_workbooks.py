"""Excel workbooks go through the same engine and give what a CSV file of the same data gives."""

import csv
import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import xlsxwriter  # type: ignore[import-untyped]  # -- has no types
from django.db import connection
from django.urls import reverse
from openpyxl.worksheet.worksheet import Worksheet

from accounts.importing.errors import ImportRefused
from accounts.importing.report import Report
from accounts.importing.workbooks import sheet_rows
from accounts.models import Account, Contract, ContractLine, ImportBatch, Signal
from core.models import Tenant
from core.tenancy import tenant_context
from tests.accounts.conftest import Load

HEAD = ["account_id", "account_name", "industry", "signup_date", "seats"]
ROWS: list[list[Any]] = [
    [101, "Brightwater", "Food", date(2024, 3, 4), 12],
    [102, "=HYPERLINK(1)", None, datetime(2024, 12, 31), 7],
    [103, "Müller & Söhne", "Ümlaut", date(2025, 1, 2), 1_000_000],
]


def workbook(*sheets: tuple[str, list[list[Any]]], hidden: int = -1) -> bytes:
    book = openpyxl.Workbook()
    first: Worksheet = book.worksheets[0]
    book.remove(first)
    for place, (name, rows) in enumerate(sheets):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
            for cell in sheet[sheet.max_row]:
                if isinstance(cell.value, str) and cell.value.startswith("=H"):
                    cell.data_type = "s"  # a text that looks like a formula
        if place == hidden:
            sheet.sheet_state = "hidden"
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def shared(rows: list[list[Any]]) -> bytes:
    """A workbook whose texts stand in one table, as Excel writes it."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(made, {"default_date_format": "dd/mm/yyyy", "strings_to_formulas": False})
    sheet = book.add_worksheet("Shared")
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            sheet.write(number, place, cell)
    book.close()
    return made.getvalue()


def as_csv(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([["" if cell is None else cell for cell in row] for row in rows])
    return text.getvalue()


def edited(content: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """The workbook with one of its parts changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            data = source.read(info.filename)
            if info.filename == part:
                assert old in data
                data = data.replace(old, new, 1)
            target.writestr(info.filename, data)
    return made.getvalue()


def counts(report: Report) -> tuple[int, int, int, int, int]:
    return (report.read, report.created, report.updated, report.unchanged, report.rejected)


def refusal(load: Load, content: bytes, **decided: Any) -> ImportRefused:
    with pytest.raises(ImportRefused) as refused:
        load("accounts", content, name="book.xlsx", **decided)
    assert not Account.objects.exists()
    return refused.value


def stored(model: Any, *fields: str) -> list[Any]:
    return list(model.objects.order_by(*fields).values_list(*fields))


def test_a_workbook_gives_what_the_csv_of_the_same_data_gives(load: Load) -> None:
    first = load("accounts", workbook(("Accounts", [HEAD, *ROWS])), name="book.xlsx")
    fields = ("external_id", "name", "industry", "customer_since", "seats")
    from_workbook = stored(Account, *fields)
    assert counts(first) == (3, 3, 0, 0, 0)
    assert first.sheet == "Accounts"
    again = load("accounts", as_csv([HEAD, *ROWS]))
    assert counts(again) == (3, 0, 0, 3, 0)
    assert stored(Account, *fields) == from_workbook
    assert from_workbook[1] == ("102", "=HYPERLINK(1)", "", date(2024, 12, 31), 7)


def test_texts_in_one_table_are_read_as_texts_in_their_cells_are(load: Load) -> None:
    assert counts(load("accounts", shared([HEAD, *ROWS]), name="book.xlsx")) == (3, 3, 0, 0, 0)
    assert counts(load("accounts", workbook(("S", [HEAD, *ROWS])), name="book.xlsx")) == (3, 0, 0, 3, 0)


def test_numbers_dates_and_truths_keep_their_value_whatever_their_column_suggests(load: Load) -> None:
    load("accounts", as_csv([HEAD, *ROWS]))
    rows: list[list[Any]] = [
        ["account_id", "start_date", "mrr_amount", "auto_renew"],
        [101, datetime(2025, 3, 4), 1.234, True],
        [102, date(2025, 4, 3), 1234.5, False],
    ]
    report = load("contracts", workbook(("S", rows)), name="book.xlsx")
    assert counts(report) == (2, 2, 0, 0, 0)
    # 1.23 a month is 14.76 a year, not fourteen thousand; the day is the fourth of March, not the third of April.
    assert stored(ContractLine, "starts_on", "arr_minor") == [(date(2025, 3, 4), 1476), (date(2025, 4, 3), 1_481_400)]
    assert stored(Contract, "starts_on", "auto_renew") == [(date(2025, 3, 4), True), (date(2025, 4, 3), False)]


def test_signals_of_many_rows_equal_those_of_the_csv(load: Load, tmp_path: Path) -> None:
    load("accounts", as_csv([HEAD, *ROWS]))
    rows: list[list[Any]] = [["account_id", "date", "csat", "mood"]]
    rows += [[101 + n % 3, date(2025, 1 + n % 12, 1 + n // 84), n / 8, ("good", "bad")[n % 2]] for n in range(1500)]
    report = load("signals", workbook(("S", rows)), name="book.xlsx", columns={"csat": {"measure": "csat"}})
    fields = ("account__external_id", "measure__key", "day", "value", "category")
    found = stored(Signal, *fields)
    assert report.rejected + report.created == 1500
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM accounts_signal")
    again = load("signals", as_csv(rows), columns={"csat": {"measure": "csat"}})
    other = stored(Signal, *fields)
    assert counts(again) == counts(report)
    assert [(a, b) for a, b in zip(found, other, strict=True) if a != b][:3] == []


def test_the_first_visible_sheet_is_read_or_the_one_that_the_map_names(load: Load) -> None:
    book = workbook(("Secret", [["x"], [1]]), ("Notes", [HEAD, ROWS[0]]), ("More", [HEAD, ROWS[1]]), hidden=0)
    assert load("accounts", book, writes=False, name="book.xlsx").sheet == "Notes"
    assert load("accounts", book, writes=False, name="book.xlsx", sheet="More").sheet == "More"
    assert load("accounts", book, writes=False, name="book.xlsx", sheet=3).sheet == "More"
    assert "“Secret”, “Notes”, “More”" in refusal(load, book, sheet="Nowhere").message


def test_a_map_that_names_a_sheet_does_not_fit_a_csv_file(load: Load) -> None:
    with pytest.raises(ImportRefused, match="Take `sheet` out of the map"):
        load("accounts", as_csv([HEAD, ROWS[0]]), sheet="Accounts")


def test_empty_rows_are_skipped_and_a_refusal_names_sheet_and_row(load: Load, tmp_path: Path) -> None:
    rows = [[], HEAD, [], ROWS[0], [None, None, None], [104, "Oakline", "Food", "not a day", 3], ROWS[1],
            [*ROWS[2], "more"]]  # fmt: skip
    report = load("accounts", workbook(("Q1", rows)), name="book.xlsx", columns={"customer_since": "signup_date"})
    assert counts(report) == (4, 2, 0, 0, 2), report
    assert {one.code: one.line for one in report.refusals} == {"bad_date": 6, "wrong_cell_count": 8}
    assert "sheet “Q1”, row 8" in next(one.example for one in report.refusals if one.code == "wrong_cell_count")
    assert report.rejects_file is not None
    written = list(csv.reader(Path(report.rejects_file).read_text(encoding="utf-8-sig").splitlines()))
    assert written[0][-4:] == ["sheet", "row", "reason", "what to do"]
    assert [row[row.index("Q1") + 1] for row in written[1:]] == ["6", "8"]


def test_a_cell_with_an_error_costs_its_row_and_is_named(load: Load) -> None:
    book = workbook(("S", [HEAD, [101, "Brightwater", "Food", None, 3], [102, "Oakline", "#DIV/0!", None, 4]]))
    report = load("accounts", book, name="book.xlsx")
    assert counts(report) == (2, 1, 0, 0, 1)
    assert report.refusals[0].example == ("sheet “S”, cell C3: it holds the error #DIV/0!, correct it in the workbook")


def test_a_formula_counts_with_the_result_that_was_saved_and_is_refused_without(load: Load) -> None:
    book = workbook(("S", [HEAD, [101, "Brightwater", "Food", None, "=6+6"]]))
    assert refusal(load, book).code == "formulas_without_results"
    saved = edited(book, "xl/worksheets/sheet1.xml", b"<f>6+6</f><v /></c>", b"<f>6+6</f><v>12</v></c>")
    assert counts(load("accounts", saved, name="book.xlsx")) == (1, 1, 0, 0, 0)
    assert stored(Account, "seats") == [(12,)]


def test_a_day_outside_the_calendar_is_an_error_of_its_row(load: Load) -> None:
    book = workbook(("S", [HEAD, [101, "Brightwater", "Food", date(2024, 1, 1), 3], ROWS[2]]))
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        number = archive.read("xl/worksheets/sheet1.xml").split(b'r="D2"')[1].split(b"<v>")[1].split(b"</v>")[0]
    wild = edited(book, "xl/worksheets/sheet1.xml", b"<v>" + number + b"</v>", b"<v>99999999999</v>")
    report = load("accounts", wild, name="book.xlsx")
    assert counts(report) == (2, 1, 0, 0, 1)


@pytest.mark.parametrize(
    ("part", "old", "new", "code"),
    [
        # Entities that would grow without end, or read a file of the machine.
        (
            "xl/worksheets/sheet1.xml",
            b"<worksheet",
            b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><worksheet',
            "broken_workbook",
        ),
        (
            "xl/sharedStrings.xml",
            b"<sst",
            b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><sst',
            "broken_workbook",
        ),
        ("xl/worksheets/sheet1.xml", b"</sheetData>", b"", "broken_workbook"),
        ("xl/workbook.xml", b"<sheets>", b"<sheetz>", "broken_workbook"),
        ("xl/worksheets/sheet1.xml", b'<row r="3"', b'<row r="900000000"', "too_large"),
    ],
    ids=["entities", "a file of the machine", "cut off", "no sheets", "a row far away"],
)
def test_hostile_and_broken_parts_are_refused(load: Load, part: str, old: bytes, new: bytes, code: str) -> None:
    book = shared([HEAD, *ROWS]) if "shared" in part else workbook(("S", [HEAD, *ROWS]))
    assert refusal(load, edited(book, part, old, new)).code == code


def test_a_part_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(load: Load) -> None:
    book = workbook(("S", [HEAD, *ROWS]))
    bomb = edited(book, "xl/worksheets/sheet1.xml", b"</sheetData>", b"</sheetData>" + b" " * 20_000_000)
    assert refusal(load, bomb).code == "too_large"


def old_office(words: bytes) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 3000 + words + b"\x00" * 3000


@pytest.mark.parametrize(
    ("content", "code", "remedy"),
    [
        (old_office(b""), "wrong_type", "save it as “Excel Workbook (.xlsx)”"),
        (old_office("EncryptedPackage".encode("utf-16-le")), "protected_workbook", "take the password away"),
    ],
)
def test_old_and_protected_workbooks_are_refused_with_the_remedy(
    load: Load, content: bytes, code: str, remedy: str
) -> None:
    refused = refusal(load, content)
    assert (refused.code, remedy in refused.message) == (code, True)


@pytest.mark.parametrize("rows", [[], [[None, None]]])
def test_a_sheet_without_rows_says_so(load: Load, rows: list[list[Any]]) -> None:
    assert refusal(load, workbook(("Empty", rows))).code == "empty_file"


def test_a_size_that_the_sheet_states_wrongly_loses_no_row(load: Load) -> None:
    book = workbook(("S", [HEAD, *ROWS]))
    wrong = edited(book, "xl/worksheets/sheet1.xml", b'<dimension ref="A1:E4"', b'<dimension ref="A1:A1"')
    assert counts(load("accounts", wrong, name="book.xlsx")) == (3, 3, 0, 0, 0)


def test_memory_does_not_grow_with_the_sheet(tmp_path: Path) -> None:
    import tracemalloc

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Big")
    for n in range(20_000):
        sheet.append([n, n / 3, "one of few", n % 7, "x", n])
    path = tmp_path / "big.xlsx"
    book.save(path)
    tracemalloc.start()
    assert sum(1 for _ in sheet_rows(path, "Big")) == 20_000
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 12_000_000


def test_the_page_takes_a_workbook_too(browser: Any, media: Path, kestrel: Tenant) -> None:
    content = workbook(("Accounts", [HEAD, *ROWS]))
    upload = io.BytesIO(content)
    upload.name = "book.xlsx"
    page = browser.post(reverse("accounts:import_new"), {"file": upload})
    assert page.status_code == 302
    with tenant_context(kestrel.pk):
        batch = ImportBatch.objects.get()
    assert (batch.file_name, batch.kind) == ("book.xlsx", "accounts")
