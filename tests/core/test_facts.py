"""Rules over facts become one WHERE that means what the tree says."""

from datetime import date
from typing import Any

import pytest

from accounts.models import Account
from core import facts
from core.facts import BadRule
from core.models import Tenant

DAY = date(2026, 3, 2)


@pytest.fixture
def book(in_kestrel: Tenant) -> None:
    for name, arr, segment in (("Alder", 100, "enterprise"), ("Birch", 200, "small"), ("Cedar", 300, "enterprise")):
        Account.objects.create(name=name, name_key=name.lower(), arr_minor=arr, segment=segment)


def names(tree: dict[str, Any]) -> list[str]:
    return list(facts.matching(Account.objects.all(), tree, DAY).order_by("name").values_list("name", flat=True))


ARR_FROM_200 = {"fact": "accounts.arr", "op": "gte", "value": 200}
ENTERPRISE = {"fact": "accounts.segment", "op": "eq", "value": "enterprise"}


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        (ARR_FROM_200, ["Birch", "Cedar"]),
        ({"all": [ARR_FROM_200, ENTERPRISE]}, ["Cedar"]),
        ({"any": [ARR_FROM_200, ENTERPRISE]}, ["Alder", "Birch", "Cedar"]),
        ({"not": ENTERPRISE}, ["Birch"]),
        ({"all": []}, ["Alder", "Birch", "Cedar"]),
    ],
)
def test_a_tree_selects_the_accounts_it_describes(book: None, tree: dict[str, Any], expected: list[str]) -> None:
    assert names(tree) == expected


def test_a_tree_is_one_statement(book: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        names({"all": [ARR_FROM_200, ENTERPRISE]})


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"fact": "accounts.mood", "op": "eq", "value": 1}, "Unknown fact 'accounts.mood'. Known: "),
        ({"fact": "accounts.arr", "op": "like", "value": 1}, "Unknown operator 'like'. Known: eq, lt"),
        ({"every": []}, "A rule needs one of all, any, not, fact"),
    ],
)
def test_a_tree_that_means_nothing_is_refused_with_what_is_known(tree: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRule, match=words.replace(".", r"\.").replace("(", r"\(")):
        facts.conditions(tree)


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({"all": [{"any": []}]}, "An empty 'any' matches nothing"),
        ({"fact": "accounts.arr", "op": "lt", "value": "abc"}, "'accounts.arr' is a money; 'abc' is none"),
        ({"fact": "accounts.segment", "op": "in", "value": "small"}, "'accounts.segment in' needs a list"),
        ({"fact": "accounts.arr", "op": "eq", "value": True}, "'accounts.arr' is a money; True is none"),
    ],
)
def test_a_rule_whose_values_do_not_fit_is_refused_before_it_runs(tree: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRule, match=words):
        facts.conditions(tree)


@pytest.mark.parametrize("value", ["tomorrow", "2026-02-30", "20260331", "2026-W10-1", "", "2026-03-31T00:00"])
@pytest.mark.parametrize("op", ["lt", "eq", "in"])
def test_a_date_rule_needs_a_day_that_is_one(value: str, op: str) -> None:
    asked = [value] if op == "in" else value
    with pytest.raises(BadRule, match=r"when: 'opportunity.close_on' is a date; .* Write it as 2026-03-31."):
        facts.conditions({"fact": "opportunity.close_on", "op": op, "value": asked}, "when", subject="opportunity")


@pytest.mark.parametrize("op", ["lt", "lte", "gt", "gte"])
@pytest.mark.parametrize(("fact", "value"), [("opportunity.stage", "demo"), ("opportunity.owner_known", True)])
def test_what_has_no_order_is_not_asked_for_more_or_less(op: str, fact: str, value: object) -> None:
    with pytest.raises(BadRule, match=r"which has no order: .* Use eq\."):
        facts.conditions({"fact": fact, "op": op, "value": value}, subject="opportunity")
    facts.conditions({"fact": fact, "op": "eq", "value": value}, subject="opportunity")
