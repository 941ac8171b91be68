"""docs/capabilities.md says how far each row of the mission is; a row called done must have a test that shows it."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATES = {"done", "thin", "not yet"}
COUNTS = {"R": 3, "C": 15, "K": 10, "J": 6, "S": 4, "G": 4, "W": 6, "X": 4, "Q": 9, "H": 6, "D": 5, "E": 5, "P": 4,
          "A": 10, "O": 1, "T": 3, "N": 43}  # fmt: skip


def table() -> dict[str, list[str]]:
    lines = (ROOT / "docs/capabilities.md").read_text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if re.match(r"\| [A-Z]\d", line)]
    return {row[0].strip("| "): row for row in cells}


def rows_with_a_test() -> set[str]:
    """Rows named by `@pytest.mark.capability("X")` on a test function."""
    found: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                for mark in node.decorator_list:
                    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.capability":
                        found |= {str(a.value) for a in mark.args if isinstance(a, ast.Constant)}
    return found


def test_every_row_of_the_mission_is_in_the_table() -> None:
    assert dict(Counter(row[0] for row in table())) == COUNTS


def test_every_row_has_a_known_state() -> None:
    assert {name: row[2] for name, row in table().items() if row[2] not in STATES} == {}


def test_a_row_called_done_has_a_test_that_shows_its_figure() -> None:
    done = {name for name, row in table().items() if row[2] == "done"}
    assert done - rows_with_a_test() == set(), "Mark the test with @pytest.mark.capability, or call the row thin."


def test_a_marked_row_exists_and_has_begun() -> None:
    begun = {name for name, row in table().items() if row[2] != "not yet"}
    assert rows_with_a_test() - begun == set(), "The table says less than the tests show; or the mark is misspelt."


def test_a_row_that_has_begun_names_its_test_file() -> None:
    missing = [
        name
        for name, row in table().items()
        if row[2] != "not yet" and not all((ROOT / path).is_file() for path in re.findall(r"tests/[^`\s]+\.py", row[5]))
    ]
    unnamed = [name for name, row in table().items() if row[2] != "not yet" and "tests/" not in row[5]]
    assert (missing, unnamed) == ([], [])


def test_the_counts_at_the_top_are_true() -> None:
    states = Counter(row[2] for row in table().values())
    line = f"{states['done']} done, {states['thin']} thin, {states['not yet']} not yet."
    assert line in (ROOT / "docs/capabilities.md").read_text()
