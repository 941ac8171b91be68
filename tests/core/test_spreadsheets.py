"""One answer to formulas in exported cells."""

import ast
from pathlib import Path

import pytest

from core.spreadsheets import harmless

ROOT = Path(__file__).parents[2]
APPS = ("core", "accounts", "journeys", "health", "renewals", "qbr", "escalations", "revops")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_what_a_spreadsheet_would_run_becomes_text(start: str) -> None:
    assert harmless(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    ("cell", "written"),
    [("-12.50", "-12.50"), ("+1 200", "+1 200"), (-3.5, "-3.5"), (7, "7"), (None, ""), ("Brook Ltd", "Brook Ltd"),
     ("-inf", "'-inf"), ("-1+cmd", "'-1+cmd"), ("-1\n=cmd()", "'-1\n=cmd()"), ("a\x00b", "a\ufffdb")],
)  # fmt: skip
def test_numbers_stay_numbers_and_nothing_stays_empty(cell: object, written: str) -> None:
    assert harmless(cell) == written


def test_no_other_module_has_a_helper_of_its_own() -> None:
    names = {"harmless", "safe_cell", "_safe", "_harmless"}
    found = [
        f"{path.relative_to(ROOT)}:{node.name}"
        for app in APPS
        for path in (ROOT / app).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name in names
    ]
    assert found == ["core/spreadsheets.py:harmless"]
