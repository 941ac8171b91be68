"""The spreadsheet twin: an independent program works the file out and comes to the scores of the product."""

import random
from datetime import timedelta
from io import BytesIO
from typing import Any

import openpyxl
import pytest

from accounts.models import Account
from core.models import Tenant
from health.actions import recompute
from health.actions.overrides import set_override
from health.models import Score
from health.queries.live import model_of
from health.queries.twin import twin_of, workbook
from health.rules import contributions
from tests.factories.health import (
    ACTOR,
    NOW,
    TODAY,
    account,
    category,
    contact,
    contract,
    measure,
    one_input,
    publish_model,
    signals,
    ticket,
)  # fmt: skip
from tests.health.spreadsheet import Sheets

pytestmark = pytest.mark.django_db

BANDS = {"bands": [[5, 10], [20, 90], [50, 60], [None, 100]]}  # not monotone
NAMES = {"categories": {"=HYPERLINK(1)": 10, "Pro*": 80, "pro*": 40, "Free": 0}}
EVERYTHING: list[dict[str, Any]] = [
    one_input(
        "usage",
        aggregate="mean",
        mapping={"linear": {"worst": 0, "best": 50}},
        thresholds=[{"tenure_months": [0, 12], "mapping": {"linear": {"worst": -20, "best": 20}}}],
        weight=30,
    ),
    one_input("logins", aggregate="max", mapping=BANDS, weight=20, missing={"carry_forward_days": 40}),
    one_input("plan", mapping=NAMES, weight=10, missing="neutral"),
    one_input(
        "nps",
        mapping={"linear": {"worst": 60, "best": -50}},
        weight=15,
        missing="worst",
        otherwise={
            "measure": "tickets.satisfaction",
            "aggregate": "mean",
            "mapping": {"linear": {"worst": 1, "best": 5}},
        },
    ),
    one_input("support", measure="tickets.opened", window_days=90, aggregate="count", mapping=BANDS, weight=15),
    one_input("contract", measure="contracts.arr", mapping=BANDS, weight=10),
]  # fmt: skip


def fill(dice: random.Random, number: int, segment: str) -> Account:
    since = TODAY - timedelta(days=dice.choice([100, 500]))
    one = account(f"{'=1+1 ' if number == 0 else ''}Account {number:03d}", segment=segment, customer_since=since)
    for key in ("usage", "nps"):
        if dice.random() < 0.7:
            signals(one, key, [dice.uniform(-60, 70) for _ in range(3)], step=5)
    if dice.random() < 0.8:  # some inside the window, some carried on, some too old
        signals(one, "logins", [dice.choice([5.0, 20.0, 50.0, dice.uniform(0, 80)])],
                until=TODAY - timedelta(days=dice.choice([0, 29, 30, 45, 69, 70, 100])))  # fmt: skip
    if dice.random() < 0.7:
        category(one, "plan", dice.choice([*NAMES["categories"], "Other"]))
    for _ in range(dice.randint(0, 3)):
        ticket(one, TODAY - timedelta(days=dice.randint(0, 80)), satisfaction=dice.choice([None, 1, 4, 5]))
    if dice.random() < 0.5:
        contract(one, dice.choice([500, 2_000, 100_000]), starts_on=TODAY - timedelta(days=300))
    contact(one, TODAY)
    return one


@pytest.fixture
def scored(in_kestrel: Tenant) -> list[int]:
    dice = random.Random(5)
    for key in ("usage", "logins", "nps"):
        measure(key)
    measure("plan", kind="category")
    publish_model(in_kestrel, *EVERYTHING, min_coverage=0.5)
    grouped = [
        one | {"group": group, "weight": weight}
        for one, group, weight in zip(EVERYTHING, "aabbcc", [3, 1, 2, 2, 1, 4], strict=True)
    ]
    publish_model(
        in_kestrel, *grouped, key="enterprise", name="Enterprise", applies_to="enterprise", min_coverage=0.3,
        groups=[{"key": "a", "name": "Use", "weight": 50}, {"key": "b", "name": "Voice", "weight": 30},
                {"key": "c", "name": "Money", "weight": 20}],
        caps=[{"input": "usage", "below": 20, "at_most": 49}, {"input": "support", "below": 50, "at_most": 45}],
        floors=[{"input": "contract", "at_least": 90, "not_below": 70}],
    )  # fmt: skip
    made = [fill(dice, number, "enterprise" if number % 2 else "smb").pk for number in range(100)]
    recompute(actor=ACTOR, now=NOW, as_of=TODAY)
    return made


def twin_for(ids: list[int], *, with_money: bool = True) -> Sheets:
    twin = twin_of(ids, today=TODAY, now=NOW, workspace="Kestrel", with_money=with_money)
    return Sheets(workbook(twin))


def shown(name: str) -> str:
    return f"'{name}" if name.startswith("=") else name


def rows_of(sheets: Sheets) -> dict[str, tuple[str, int]]:
    """Sheet and row of each account, by the name that the formula gives."""
    return {
        sheets.at(sheet, row, 1): (sheet, row)
        for sheet in sheets.book.sheetnames
        if sheet.startswith("Score")
        for row in range(4, sheets.book[sheet].max_row + 1)
    }


@pytest.mark.capability("A10")
def test_the_recomputed_sheet_equals_the_product_for_a_hundred_accounts(scored: list[int]) -> None:
    sheets = twin_for(scored)
    assert sheets.book.sheetnames == [
        "Read me", "Model", "Accounts", "Score", "Model 2", "Accounts 2", "Score 2",
    ]  # fmt: skip
    rows = rows_of(sheets)
    found = list(Score.objects.select_related("account", "model_version"))
    assert len(found) == len(rows) == 100
    for one in found:
        sheet, row = rows[shown(one.account.name)]
        heads = sheets.heads(sheet)
        model = model_of(one.model_version)
        score = sheets.at(sheet, row, heads["Score"])
        assert score == ("" if one.score is None else pytest.approx(one.score, abs=0.01))
        assert sheets.at(sheet, row, heads["Coverage"]) == pytest.approx(one.coverage, abs=0.0001)
        words = {"red": "At risk", "yellow": "Watch", "green": "Healthy", "none": "No score"}
        assert sheets.at(sheet, row, heads["Band"]) == words[one.band]
        parts = contributions(model, one.sub_scores)
        for each, sub, part in zip(model.inputs, one.sub_scores, parts, strict=True):
            expected = "" if sub is None else pytest.approx(sub, abs=0.01)
            assert sheets.at(sheet, row, heads[each.label]) == expected, (one.account.name, each.key)
            points = "" if sub is None else pytest.approx(part.points, abs=0.01)
            assert sheets.at(sheet, row, heads[f"{each.label}: points"]) == points
        assert sheets.at(sheet, row, heads["Difference"]) in (0, pytest.approx(0, abs=0.01))
    bands = {one.band for one in found}
    assert bands == {"red", "yellow", "green", "none"}


def test_every_formula_carries_the_value_that_it_gives(scored: list[int]) -> None:
    sheets = twin_for(scored)
    checked = 0
    for sheet in sheets.book.worksheets:
        for line in sheet.iter_rows():
            for cell in line:
                if cell.data_type == "f":
                    cached = sheets.stored[sheet.title].cell(cell.row, cell.column).value
                    worked = sheets.at(sheet.title, cell.row, cell.column)
                    expected = pytest.approx(worked, abs=1e-4) if isinstance(worked, float) else worked
                    assert ("" if cached is None else cached) == expected, (sheet.title, cell.coordinate)
                    checked += 1
    assert checked > 2_000


def test_a_changed_weight_changes_the_score_as_the_formula_says(scored: list[int]) -> None:
    content = workbook(twin_of(scored, today=TODAY, now=NOW, workspace="Kestrel", with_money=True))
    book = openpyxl.load_workbook(BytesIO(content))
    for row in range(9, 15):
        book["Model"].cell(row, 2).value = 1.0 if row == 9 else 0.0
    target = BytesIO()
    book.save(target)
    sheets = Sheets(target.getvalue())
    heads = sheets.heads("Score")
    for row in range(4, 20):
        usage = sheets.at("Score", row, heads["Usage"])
        assert sheets.at("Score", row, heads["Score"]) == (usage if usage == "" else pytest.approx(usage, abs=1e-5))


def test_no_cell_is_a_formula_of_somebody_else(scored: list[int]) -> None:
    sheets = twin_for(scored)
    texts = [
        cell.value
        for sheet in sheets.book.worksheets
        for line in sheet.iter_rows()
        for cell in line
        if cell.data_type == "s"
    ]
    assert "'=1+1 Account 000" in texts
    assert "'=HYPERLINK(1)" in texts
    assert [text for text in texts if text.startswith(("=", "+", "-", "@"))] == []


def test_amounts_are_hidden_from_roles_that_see_none(scored: list[int]) -> None:
    sheets = twin_for(scored, with_money=False)
    column = sheets.heads("Accounts")["Contract"]
    values = {sheets.book["Accounts"].cell(row, column).value for row in range(2, 40)}
    assert values == {None, "Hidden"}
    for name, (sheet, row) in rows_of(sheets).items():
        assert sheets.at(sheet, row, sheets.heads(sheet)["Difference"]) in (0, pytest.approx(0, abs=0.01)), name


def test_an_override_stands_beside_the_score(scored: list[int]) -> None:
    set_override(account_id=scored[0], score=77, reason="Signed", until=TODAY + timedelta(days=9), actor=ACTOR,
                 now=NOW, today=TODAY)  # fmt: skip
    sheets = twin_for(scored[:1])
    heads = sheets.heads("Score")
    assert sheets.book["Score"].cell(4, heads["Override"]).value == 77
    assert sheets.at("Score", 4, heads["Score"]) != 77
