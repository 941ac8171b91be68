"""The twin as an XLSX file: Read me, then Model, Accounts and Score for each version in use."""

from io import BytesIO
from typing import Any

from core.formatting import day
from core.spreadsheets import harmless
from health.queries.twin.collect import Twin
from health.queries.twin.score_sheet import Scores
from health.queries.twin.sheets import Version


def workbook(twin: Twin) -> bytes:
    """The file. Every cell that is worked out carries its formula and the value that the formula gives."""
    import xlsxwriter  # type: ignore[import-untyped]  # noqa: PLC0415 -- no stubs; only who asks for the file pays

    target = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    book = xlsxwriter.Workbook(target, options)
    book.set_properties({"title": "Health scores with their formulas", "created": twin.made_at.replace(tzinfo=None)})
    looks = {
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "bold": book.add_format({"bold": True}),
        "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
        "share": book.add_format({"num_format": "0.0%"}),
        "points": book.add_format({"num_format": "0.00"}),
        "score": book.add_format({"num_format": "0.00", "bold": True}),
    }
    _read_me(book.add_worksheet("Read me"), twin, looks)
    for number, one in enumerate(twin.models, 1):
        mark = "" if number == 1 else f" {number}"
        sheets = {name: book.add_worksheet(f"{name}{mark}") for name in ("Model", "Accounts", "Score")}
        version = Version(one, mark, sheets, looks, with_money=twin.with_money)
        version.write()
        Scores(version).write()
    book.close()
    return target.getvalue()


def _read_me(sheet: Any, twin: Twin, looks: dict[str, Any]) -> None:
    accounts = sum(len(one.accounts) for one in twin.models)
    lines = [
        f"Health scores of {twin.workspace}, worked out again by this file.",
        f"Made on {day(twin.made_at.date())} for {accounts} accounts.",
        "",
        "Model: weights, mapping tables, groups, caps and floors, band edges. Change them and the scores follow.",
        "Accounts: the values as they were stored, each with its age in days and the reading that answered.",
        "Score: sub-scores, groups, score, coverage and band by live formulas; points that add up to the score.",
        "",
        "A sub-score is 0 to 100. The score is the weighted mean of the sub-scores that there are; in a model with",
        "groups each group is a mean of its own first. Floors act before caps. Below the minimum coverage there is",
        "no score. An override is a person's own judgement; it stands beside the score and never changes it.",
        "The last columns compare with what the product stored: the difference is below 0.01 while nothing is changed.",
    ]
    if not twin.with_money:
        lines.append("Your role sees no amounts: such values are hidden, and their sub-scores are fixed numbers.")
    if twin.left_out:
        lines.append(f"{twin.left_out} chosen accounts have no score and are left out.")
    for number, one in enumerate(twin.models, 1):
        lines.append(f"Sheets {number}: {one.name} v{one.number}, {len(one.accounts)} accounts.")
    sheet.set_column(0, 0, 110)
    for row, line in enumerate(lines):
        sheet.write_string(row, 0, harmless(line), looks["bold"] if row == 0 else looks["wrap"])
