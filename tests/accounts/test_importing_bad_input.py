"""Broken, odd and hostile files: each gives a message that names row or field and remedy; nothing is half-written."""

import codecs
import csv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, transaction

from accounts.importing.errors import ImportRefused
from accounts.importing.reading import HEAD, open_source
from accounts.importing.report import Report
from accounts.importing.staging import copy_in
from accounts.models import Account, Contract, ContractLine, Outcome, Signal, Ticket
from core.jobs import JobCancelled
from tests.accounts.conftest import Load

TWO = "account_id,account_name\nA-1,Brightwater\nA-2,Oakline\n"


def counts(report: Report) -> tuple[int, int, int, int, int]:
    return (report.read, report.created, report.updated, report.unchanged, report.rejected)


def reasons(report: Report) -> dict[str, int]:
    return {refusal.code: refusal.count for refusal in report.refusals}


def broken_archive(folder: Path, damage: str) -> bytes:
    """An archive with one CSV file that has been tampered with."""
    path = folder / "whole.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("accounts.csv", TWO)
    content = bytearray(path.read_bytes())
    directory = content.index(b"PK\x01\x02")
    if damage == "directory":
        content[directory : directory + 4] = b"PKxx"
    elif damage == "content":
        content[content.index(b"Brightwater")] ^= 1
    elif damage == "password":
        content[6] |= 1
        content[directory + 8] |= 1
    else:
        content[8] = content[directory + 10] = 97
    return bytes(content)


def refusal_of(load: Load, kind: str, text: str | bytes, **decided: object) -> str:
    with pytest.raises(ImportRefused) as refused:
        load(kind, text, **decided)
    assert not Account.objects.exists()
    return refused.value.code


class TestEncodings:
    @pytest.mark.parametrize(
        "content",
        [
            codecs.BOM_UTF8 + "account_id,account_name\nA-1,Zürich Käse\n".encode(),
            "account_id,account_name\nA-1,Zürich Käse\n".encode("utf-16"),
            "account_id,account_name\nA-1,Zürich Käse\n".encode("utf-16-le"),
            "account_id,account_name\nA-1,Zürich Käse\n".encode("utf-16-be"),
            "account_id,account_name\nA-1,Zürich Käse\n".encode("cp1252"),
            "account_id,account_name\nA-1,Zürich Käse\n".encode("utf-32"),
        ],
        ids=["utf-8 with BOM", "utf-16 with BOM", "utf-16-le", "utf-16-be", "cp1252", "utf-32"],
    )
    def test_every_usual_encoding_gives_the_same_name(self, load: Load, content: bytes) -> None:
        load("accounts", content)
        assert list(Account.objects.values_list("name", "external_id")) == [("Zürich Käse", "A-1")]

    def test_a_few_broken_bytes_cost_their_row_only(self, load: Load) -> None:
        good = "".join(f"A-{number},Zürich {number}\n" for number in range(50)).encode()
        report = load("accounts", b"account_id,account_name\n" + good + b"A-99,broken \xff\xfe here\n")
        assert (report.created, reasons(report)) == (50, {"unreadable_characters": 1})

    def test_a_nul_character_refuses_its_row(self, load: Load) -> None:
        report = load("accounts", b"account_id,account_name\nA-1,Bright\x00water\nA-2,Oakline\n")
        assert (report.created, reasons(report), report.refusals[0].line) == (1, {"nul_character": 1}, 2)


class TestLayouts:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_the_delimiter_is_found(self, load: Load, delimiter: str) -> None:
        assert counts(load("accounts", TWO.replace(",", delimiter))) == (2, 2, 0, 0, 0)

    @pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
    def test_every_line_ending_is_read(self, load: Load, ending: str) -> None:
        assert counts(load("accounts", TWO.replace("\n", ending))) == (2, 2, 0, 0, 0)

    def test_doubled_spaces_and_capitals_in_headers_do_not_matter(self, load: Load) -> None:
        load("accounts", " ACCOUNT   Id ,Account  NAME\nA-1,Brightwater\n")
        assert Account.objects.get().external_id == "A-1"

    def test_a_line_break_inside_a_quoted_cell_stays_in_the_cell(self, load: Load) -> None:
        load("accounts", 'account_id,account_name,street\nA-1,Brightwater,"Main St 1\nBerlin"\nA-2,Oakline,x\n')
        assert Account.objects.get(external_id="A-1").attributes == {"street": "Main St 1\nBerlin"}

    def test_a_cell_of_200_kilobytes_is_kept(self, load: Load) -> None:
        load("accounts", f"account_id,account_name,about\nA-1,Brightwater,{'x' * 200_000}\n")
        assert len(Account.objects.get().attributes["about"]) == 200_000

    def test_a_quote_that_is_never_closed_costs_its_row_only(self, load: Load) -> None:
        rows = "".join(f"A-{number},Account {number}\n" for number in range(3, 500))
        report = load("accounts", f'account_id,account_name\nA-1,Brightwater\nA-2,"Oakline\n{rows}')
        assert (report.created, reasons(report), report.refusals[0].line) == (498, {"open_quote": 1}, 3)

    def test_rows_with_too_many_or_too_few_cells_are_refused(self, load: Load) -> None:
        report = load("accounts", TWO + "A-3\nA-4,Tideway,what\nA-5,Vantage,,\n")
        assert (report.created, reasons(report)) == (3, {"wrong_cell_count": 2})

    def test_blank_lines_are_no_rows(self, load: Load) -> None:
        assert counts(load("accounts", TWO + "\n\n")) == (2, 2, 0, 0, 0)

    def test_excel_says_its_delimiter_in_the_first_line(self, load: Load) -> None:
        assert counts(load("accounts", "sep=;\n" + TWO.replace(",", ";"))) == (2, 2, 0, 0, 0)

    def test_one_file_in_an_archive_is_read(self, load: Load, tmp_path: Path) -> None:
        path = tmp_path / "one.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("folder/accounts.csv", TWO)
        assert counts(load("accounts", path.read_bytes(), name="one.zip")) == (2, 2, 0, 0, 0)

    def test_a_zip_bomb_is_refused_before_it_is_unpacked(self, load: Load, tmp_path: Path) -> None:
        path = tmp_path / "bomb.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("accounts.csv", TWO + "\n" * 20_000_000)
        assert refusal_of(load, "accounts", path.read_bytes()) == "too_large"

    @pytest.mark.parametrize("damage", ["directory", "content", "password", "packing"])
    def test_an_archive_that_cannot_be_unpacked_is_refused_with_the_remedy(
        self, load: Load, tmp_path: Path, damage: str
    ) -> None:
        content = broken_archive(tmp_path, damage)
        assert refusal_of(load, "accounts", content) == "archive"

    def test_a_broken_workbook_is_refused_with_what_to_save_it_as(self, load: Load, tmp_path: Path) -> None:
        path = tmp_path / "book.xlsx"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("[Content_Types].xml", "<Types/>")
        with pytest.raises(ImportRefused, match="save the sheet as CSV"):
            load("accounts", path.read_bytes())


class TestTheBeginningOfAFile:
    """What a page reads of a file, however long that is."""

    def test_a_letter_that_is_cut_in_two_is_no_damage(self, tmp_path: Path) -> None:
        path = tmp_path / "long.csv"
        path.write_text("account_id,account_name\n" + "A-1,Bü\n" * HEAD, encoding="utf-8")
        for shift in range(2):
            path.write_bytes(b"x" * shift + path.read_bytes())
            assert open_source(path, whole=False).encoding == "utf-8"

    def test_the_import_itself_looks_at_every_byte(self, tmp_path: Path) -> None:
        path = tmp_path / "late.csv"
        path.write_bytes(b"account_id,account_name\n" + b"A-1,Oakline\n" * HEAD + b"A-2,B\xfccher\n")
        assert (open_source(path, whole=False).encoding, open_source(path).encoding) == ("utf-8", "cp1252")


def test_a_cancel_while_rows_are_read_stays_a_cancel(in_kestrel: object) -> None:
    def lines() -> Iterator[list[str]]:
        yield ["A-1"]
        raise JobCancelled

    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE half_read (id text) ON COMMIT DROP")
    with pytest.raises(JobCancelled), transaction.atomic():
        copy_in("half_read", lines())


class TestWholeFilesRefused:
    @pytest.mark.parametrize(
        ("content", "code"),
        [
            (b"", "empty_file"),
            (b"   \n\n", "empty_file"),
            (b"%PDF-1.4", "wrong_type"),
            (bytes(range(256)) * 40, "wrong_type"),
            (b"account_id,seats\nA-1,5\n", "missing_column"),
        ],
    )
    def test_the_reason_is_a_code_and_a_message(self, load: Load, content: bytes, code: str) -> None:
        assert refusal_of(load, "accounts", content) == code

    def test_a_header_without_rows_imports_nothing(self, load: Load) -> None:
        assert counts(load("accounts", "account_id,account_name\n")) == (0, 0, 0, 0, 0)

    @pytest.mark.parametrize(
        ("decided", "code"),
        [
            ({"columns": {"name": "Nothing like it"}}, "missing_column"),
            ({"columns": {"colour": "account_name"}}, "bad_map"),
            ({"colour": "blue"}, "bad_map"),
            ({"columns": [1, 2]}, "bad_map"),
            ({"decimal": "dot"}, "bad_map"),
            ({"create_accounts": "perhaps"}, "bad_map"),
            ({"end_date_is": "tomorrow"}, "bad_map"),
        ],
    )
    def test_a_wrong_map_says_what_is_wrong(self, load: Load, decided: dict[str, object], code: str) -> None:
        assert refusal_of(load, "accounts", TWO, **decided) == code


class TestValues:
    def test_ids_and_texts_stay_as_they_are_printed(self, load: Load) -> None:
        load("accounts", "account_id,account_name,country,code\n00123,NA,NA,007\n00124,#N/A Ltd,#N/A,#N/A\n")
        found = list(
            Account.objects.order_by("external_id").values_list("external_id", "name", "country", "attributes")
        )
        assert found == [("00123", "NA", "NA", {"code": "007"}), ("00124", "#N/A Ltd", "", {})]

    def test_impossible_dates_refuse_their_rows(self, load: Load) -> None:
        report = load(
            "accounts",
            "account_id,account_name,signup_date\nA-1,Brightwater,2025-02-30\nA-2,Oakline,2025-02-28\n"
            "A-3,Tideway,0000-00-00\nA-4,Vantage,1025-01-01\nA-5,Quillon,31/31/2025\nA-6,Harbour,\n",
            columns={"customer_since": "signup_date"},
        )
        assert (report.created, reasons(report)) == (2, {"bad_date": 4})

    @pytest.mark.parametrize(
        ("first", "second", "expected"),
        [("13/04/2025", "05/04/2025", "2025-04-05"), ("04/13/2025", "04/05/2025", "2025-04-05")],
    )
    def test_one_sure_date_decides_for_its_column(self, load: Load, first: str, second: str, expected: str) -> None:
        load("accounts", f"account_id,account_name,signup_date\nA-1,Brightwater,{first}\nA-2,Oakline,{second}\n")
        assert str(Account.objects.get(external_id="A-2").customer_since) == expected

    def test_dates_that_read_two_ways_are_asked_for(self, load: Load) -> None:
        text = "account_id,account_name,signup_date\nA-1,Brightwater,3/4/2025\n"
        assert refusal_of(load, "accounts", text) == "ambiguous_dates"
        load("accounts", text, date_format="%d/%m/%Y")
        assert str(Account.objects.get().customer_since) == "2025-04-03"

    @pytest.mark.parametrize("printed", ["1.200,50", "1 200,50", "1200,5", "€ 1.200,50"])
    def test_decimal_commas_are_read_when_the_column_says_so(self, load: Load, printed: str) -> None:
        load("accounts", TWO)
        load(
            "contracts",
            f"subscription_id;account_id;start_date;mrr\nS-1;A-1;2025-01-01;{printed}\nS-2;A-2;2025-01-01;7,25\n",
        )
        assert ContractLine.objects.get(external_id="S-1").arr_minor == 1_440_600

    @pytest.mark.parametrize("printed", ['"1,200.50"', "1200.5", "€1200.50", "1'200.50", '"1,200.50 EUR"'])
    def test_decimal_points_and_thousands_are_read(self, load: Load, printed: str) -> None:
        load("accounts", TWO)
        load(
            "contracts",
            f"subscription_id,account_id,start_date,mrr\nS-1,A-1,2025-01-01,{printed}\nS-2,A-2,2025-01-01,7.25\n",
        )
        assert ContractLine.objects.get(external_id="S-1").arr_minor == 1_440_600

    def test_numbers_that_are_words_refuse_their_rows(self, load: Load) -> None:
        report = load(
            "accounts",
            "account_id,account_name,seats\nA-1,Brightwater,five\nA-2,Oakline,5\nA-3,Tideway, \nA-4,Vantage,1e400\n"
            "A-5,Quillon,99999999999\nA-6,Harbour,Infinity\nA-7,Norrland,12.5\nA-8,Solheim,12.0\n",
            columns={"seats": "seats"},
        )
        assert (report.created, reasons(report)) == (3, {"bad_integer": 5})

    def test_a_repeated_key_keeps_the_last_row(self, load: Load) -> None:
        text = "account_id,account_name\nA-1,Old\nA-2,Oakline\nA-1,New\n"
        report = load("accounts", text)
        assert (counts(report), reasons(report), report.refusals[0].line) == ((3, 2, 0, 0, 1), {"duplicate_key": 1}, 2)
        assert Account.objects.get(external_id="A-1").name == "New"
        assert counts(load("accounts", text)) == (3, 0, 0, 2, 1)

    def test_a_text_that_does_not_fit_refuses_its_row(self, load: Load) -> None:
        report = load("accounts", TWO + f"A-3,{'x' * 201}\n")
        assert (report.created, reasons(report)) == (2, {"too_long": 1})

    def test_the_year_9999_is_no_end(self, load: Load) -> None:
        load("accounts", TWO)
        load("contracts", "subscription_id,account_id,start_date,end_date,mrr\nS-1,A-1,2025-01-01,9999-12-31,10\n")
        assert Contract.objects.get().ends_on is None


class TestReferences:
    def test_unknown_accounts_refuse_their_rows(self, load: Load) -> None:
        load("accounts", TWO)
        report = load(
            "tickets", "ticket_id,account_id,created_at,priority\nT-1,A-1,2025-01-01,high\nT-2,A-9,2025-01-01,low\n"
        )
        assert (report.created, reasons(report)) == (1, {"unknown_account": 1})
        assert Ticket.objects.get().account.name == "Brightwater"

    def test_unknown_accounts_are_created_when_the_map_says_so(self, load: Load) -> None:
        report = load("outcomes", "customer,churn_date,reason\nNorrland,2025-01-01,price\n", create_accounts=True)
        assert (report.created, list(Outcome.objects.values_list("account__name", "kind"))) == (
            1,
            [("Norrland", "churned")],
        )

    def test_two_accounts_of_one_name_are_ambiguous(self, load: Load) -> None:
        load("accounts", "account_id,account_name\nA-1,Oakline\nA-2,OAKLINE\n")
        report = load("outcomes", "customer,churn_date,reason\nOakline,2025-01-01,price\n")
        assert reasons(report) == {"ambiguous_account": 1}

    def test_usage_of_an_unknown_subscription_is_refused(self, load: Load) -> None:
        load("accounts", TWO)
        report = load("usage", "usage_id,subscription_id,usage_date,usage_count\nU-1,S-1,2025-01-01,5\n")
        assert (reasons(report), Signal.objects.count()) == ({"unknown_contract": 1}, 0)


class TestTheFileOfRefusedRows:
    def test_it_holds_each_row_with_its_reason(self, load: Load) -> None:
        report = load(
            "accounts",
            "account_id,account_name,seats\nA-1,Brightwater,many\nA-2,Oakline,5\n",
            columns={"seats": "seats"},
        )
        assert report.rejects_file is not None
        with Path(report.rejects_file).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))
        assert rows == [
            ["account_id", "account_name", "seats", "row", "reason", "what to do"],
            ["A-1", "Brightwater", "many", "2", "bad_integer", "seats: “many” is not a number"],
        ]

    def test_formulas_in_it_are_harmless_and_negative_numbers_stay(self, load: Load) -> None:
        text = 'account_id,account_name,seats,x\n"=1+1",@SUM(A1),many,-12.5\n'
        report = load("accounts", text, columns={"seats": "seats"})
        assert report.rejects_file is not None
        with Path(report.rejects_file).open(encoding="utf-8-sig", newline="") as file:
            assert list(csv.reader(file))[1][:4] == ["'=1+1", "'@SUM(A1)", "many", "-12.5"]


class TestADryRun:
    def test_it_gives_the_counts_of_the_import_and_writes_nothing(self, load: Load) -> None:
        load("accounts", "account_id,account_name,csm\nA-1,Brightwater,Maya\nA-2,Oakline,Maya\n")
        changed = "account_id,account_name,csm\nA-1,Brightwater,Noor\nA-2,Oakline,Maya\nA-3,Tideway,Noor\nA-4,,Noor\n"
        before = list(Account.objects.order_by("pk").values())
        dry = load("accounts", changed, writes=False)
        assert list(Account.objects.order_by("pk").values()) == before
        real = load("accounts", changed)
        assert counts(dry) == counts(real) == (4, 1, 1, 1, 1)
