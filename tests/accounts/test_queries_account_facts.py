"""Facts about accounts, as rules read them."""

from datetime import date

from accounts.models import Account
from core.facts import annotate_facts, matching
from core.models import Tenant


def test_days_since_contact_are_whole_days_and_unknown_without_a_contact(in_kestrel: Tenant) -> None:
    Account.objects.create(name="A", name_key="a", last_contact_on=date(2026, 2, 1), arr_minor=5)
    Account.objects.create(name="B", name_key="b")
    rows = annotate_facts(Account.objects.order_by("name"), ["accounts.days_since_contact"], date(2026, 3, 2))
    assert list(rows.values_list("fact_accounts_days_since_contact", flat=True)) == [29, None]


def test_a_rule_over_arr_and_silence_finds_its_accounts(in_kestrel: Tenant) -> None:
    Account.objects.create(name="A", name_key="a", last_contact_on=date(2026, 2, 1), arr_minor=500)
    Account.objects.create(name="B", name_key="b", last_contact_on=date(2026, 2, 1), arr_minor=5)
    tree = {
        "all": [
            {"fact": "accounts.arr", "op": "gte", "value": 100},
            {"fact": "accounts.days_since_contact", "op": "gt", "value": 20},
        ]
    }
    found = matching(Account.objects.all(), tree, date(2026, 3, 2))
    assert [account.name for account in found] == ["A"]
