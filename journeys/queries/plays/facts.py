"""What plays ask of accounts: whether a tree holds, what each condition sees, and the day that an anchor means."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from django.db.models import DateField, DurationField, ExpressionWrapper, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce

from accounts.choices import AccountStatus
from accounts.models import Account
from core import facts, registry
from core.money import from_minor
from core.queries import workspace_currency
from core.trees import condition_words, judge_leaf, leaves, tree_words, value_words
from journeys.choices import StageKind
from journeys.models import Opportunity, StageVisit

RENEWAL_FACT: Final = "renewals.days_to_renewal"


def meeting(account_ids: Iterable[int], tree: Mapping[str, Any], day: date) -> set[int]:
    """Those of the accounts for which the tree holds as of the day. One statement."""
    accounts = Account.objects.filter(pk__in=list(account_ids))
    return set(facts.matching(accounts, dict(tree), day).order_by().values_list("pk", flat=True))


def living() -> QuerySet[Account]:
    """Accounts that plays are started for on their own: not merged away, not former."""
    return Account.objects.exclude(status__in=[AccountStatus.MERGED, AccountStatus.CHURNED])


def values_of(account_ids: Iterable[int], keys: Iterable[str], day: date) -> dict[int, dict[str, Any]]:
    """The values of facts as of a day, by account and key. One statement; unknown facts are passed over."""
    wanted = [key for key in dict.fromkeys(keys) if key in registry.facts()]
    rows = facts.annotate_facts(Account.objects.filter(pk__in=list(account_ids)), wanted, day)
    columns = {key: facts.fact_column(key) for key in wanted}
    return {
        row["pk"]: {key: row[column] for key, column in columns.items()}
        for row in rows.order_by().values("pk", *columns.values())
    }


def entries(tree: Mapping[str, Any], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every condition of the tree with what it saw, to be kept with a play."""
    return [
        {
            "fact": str(leaf["fact"]),
            "label": label_of(str(leaf["fact"])),
            "op": leaf["op"],
            "value": leaf.get("value"),
            "saw": values.get(str(leaf["fact"])),
            "met": judge_leaf(leaf, values.get(str(leaf["fact"]))),
        }
        for leaf in leaves(tree)
    ]


def entry_words(entry: Mapping[str, Any], currency: str) -> str:
    """`Health score is under 50: it was 44`. What an amount was is not said: not everybody may see it.

    `currency` is that of the workspace, as `currency_of` finds it for the tree that the entry comes from.
    """
    saw = "it was not" if entry["fact"] in money_facts() else f"it was {value_words(entry['saw'])}"
    return f"{entry['label']} {condition_words(in_major(entry, currency))}: {saw}"


def currency_of(tree: Mapping[str, Any] | None) -> str:
    """The currency of the amounts in a tree, which is the workspace's; "" where it has none. One query at most."""
    has_amounts = tree is not None and any(str(leaf["fact"]) in money_facts() for leaf in leaves(tree))
    return workspace_currency() if has_amounts else ""


def in_major(tree: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """The same tree with amounts as people read them, in whole units of the currency."""
    if str(tree.get("fact")) in money_facts():
        return {**tree, **{name: _major(tree[name], currency) for name in ("value", "saw") if name in tree}}
    branches = {word: [in_major(branch, currency) for branch in tree[word]] for word in ("all", "any") if word in tree}
    return {**tree, **branches, **({"not": in_major(tree["not"], currency)} if "not" in tree else {})}


def _major(value: Any, currency: str) -> Any:
    if isinstance(value, list):
        return [_major(one, currency) for one in value]
    return from_minor(value, currency) if isinstance(value, int) else value


def label_of(key: str) -> str:
    """What a fact is called on a page; its key where it is not registered."""
    found = registry.facts().get(key)
    return found.label if found else key


def said(tree: Mapping[str, Any] | None) -> str:
    """A tree in words; "" for none."""
    return tree_words(in_major(tree, currency_of(tree)), label_of) if tree is not None else ""


def money_facts() -> frozenset[str]:
    """Facts that only those see who may see money."""
    return frozenset(key for key, fact in registry.facts().items() if fact.type == "money")


def anchor(of: str, as_of: date) -> Any:
    """An expression on accounts: the day of `renewal_due`, `close`, `stage_entered`, `start` or a fact that is a date.

    None where the account has no such day.
    """
    if of == "start":
        return Value(as_of, output_field=DateField())
    if of == "renewal_due":
        days = registry.facts()[RENEWAL_FACT].expression(as_of)
        length = ExpressionWrapper(days * Value(timedelta(days=1)), output_field=DurationField())
        return Cast(
            ExpressionWrapper(Value(as_of, output_field=DateField()) + length, output_field=DateField()), DateField()
        )
    if of == "close":
        return Coalesce(_last_close(), F("customer_since"), output_field=DateField())
    if of == "stage_entered":
        visit = StageVisit.objects.filter(account_id=OuterRef("pk"), left_on=None, is_start_known=True)
        return Subquery(visit.values("entered_on")[:1], output_field=DateField())
    return registry.facts()[of].expression(as_of)


def _last_close() -> Subquery:
    won = Opportunity.objects.filter(account_id=OuterRef("pk"), stage__kind=StageKind.WON, closed_on__isnull=False)
    return Subquery(won.order_by("-closed_on").values("closed_on")[:1], output_field=DateField())


def anchors_of(account_ids: Sequence[int], of: str, as_of: date) -> dict[int, date | None]:
    """The day of an anchor, by account. One statement."""
    rows = Account.objects.filter(pk__in=account_ids).annotate(play_anchor=anchor(of, as_of)).order_by()
    return dict(rows.values_list("pk", "play_anchor"))
