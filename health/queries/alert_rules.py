"""Alert rules as they are published, and the accounts that they find on a day."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db.models import BooleanField, Case, Exists, OuterRef, Q, QuerySet, Value, When

from accounts.choices import AccountStatus, LineKind
from accounts.models import Account, ContractLine
from core import facts
from core.models import ProcessVersion
from core.queries import published_version, published_versions
from health.models import Alert
from health.rules.alerts import AlertRule, parse_alert_rule

KIND: Final = "alert_rule"


@dataclass(frozen=True)
class LiveRule:
    """A published rule with the version that names it."""

    version: ProcessVersion
    rule: AlertRule


def parse_checked(definition: dict[str, Any]) -> AlertRule:
    """A rule whose trees name only facts that exist. Raises `ValueError` with the place and the remedy."""
    rule = parse_alert_rule(definition)
    facts.conditions(rule.when)
    facts.conditions(rule.clear_when)
    return rule


def live_rules() -> list[LiveRule]:
    """The published rules, the most urgent first."""
    found = [LiveRule(version, parse_alert_rule(version.definition)) for version in published_versions(KIND)]
    return sorted(found, key=lambda live: (live.rule.urgency, live.version.key))


def versions_of(key: str) -> QuerySet[ProcessVersion]:
    """Every version of a rule that was ever live, the latest first."""
    return ProcessVersion.objects.filter(kind=KIND, key=key, published_at__isnull=False).order_by("-published_at")


def live_rule(key: str) -> LiveRule | None:
    """The live version of one rule."""
    version = published_version(KIND, key)
    return LiveRule(version, parse_alert_rule(version.definition)) if version else None


def customers_now() -> QuerySet[Account]:
    """The accounts that rules look at."""
    return Account.objects.filter(status=AccountStatus.CUSTOMER)


def customers_then(day: date) -> QuerySet[Account]:
    """Who was a customer on a past day: paid then, or has no contract on file and was one already."""
    lines = ContractLine.objects.filter(account_id=OuterRef("pk"))
    running = lines.filter(Q(ends_on=None) | Q(ends_on__gt=day), kind=LineKind.RECURRING, arr_minor__gt=0)
    return Account.objects.filter(
        Exists(running.filter(starts_on__lte=day))
        | (Q(status=AccountStatus.CUSTOMER, customer_since__lte=day) & ~Exists(lines))
    )


def firing(rule: AlertRule, accounts: QuerySet[Account], as_of: date) -> QuerySet[Account]:
    """The accounts for which the rule's condition holds, and held on each of the days it asks for.

    What is over by the rule's own margin does not fire. Every fact of the condition is a column.
    """
    found = facts.annotate_facts(accounts, [*_keys(rule.when), *_keys(rule.clear_when)], as_of)
    found = found.filter(facts.to_q(rule.when)).annotate(is_over=_truth(rule.clear_when)).filter(is_over=False)
    for back in range(1, rule.for_days):
        held = facts.matching(accounts, rule.when, as_of - timedelta(days=back))
        found = found.filter(pk__in=held.order_by().values("pk"))
    return found


def clearing(rule: AlertRule, accounts: QuerySet[Account], as_of: date) -> QuerySet[Account]:
    """The accounts for which the condition is known to be over."""
    return facts.matching(accounts, rule.clear_when, as_of)


def with_open_alert(rule_key: str) -> QuerySet[Account]:
    """The accounts on which the rule has an episode open."""
    running = Alert.objects.filter(rule_key=rule_key, closed_at=None, account_id=OuterRef("pk"))
    return Account.objects.filter(Exists(running))


def _keys(tree: dict[str, Any]) -> list[str]:
    return [leaf.fact for leaf in facts.conditions(tree)]


def _truth(tree: dict[str, Any]) -> Any:
    # Not `NOT tree`: where a value is unknown the tree is neither true nor false, and nothing is over.
    return Case(When(facts.to_q(tree), then=Value(True)), default=Value(False), output_field=BooleanField())
