"""Reads of alerts: lists and one alert. Trials on the past stand in `alert_trials`, figures in `alert_figures`."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Count, Q, QuerySet

from accounts.queries.finding import find_accounts
from core.choices import VersionState
from core.models import ProcessVersion
from core.registry import facts as known_facts
from health.choices import AlertVerdict
from health.models import Alert
from health.queries.alert_rules import KIND
from health.queries.alert_trials import DraftScore, DraftScores, Fired, Trial, would_fire

__all__ = [
    "DraftScore",
    "DraftScores",
    "Fired",
    "Trial",
    "alert_counts",
    "alert_detail",
    "alerts",
    "alerts_of_account",
    "find_accounts",
    "money_facts",
    "rule_names",
    "would_fire",
]

STATES: Final = ("open", "held", "closed")
NEWEST: Final = 100


@dataclass(frozen=True)
class AlertCounts:
    """The band over the list. Verdicts count all alerts in sight, open and closed."""

    open: int
    held_back: int
    useful: int
    not_useful: int
    too_early: int
    duplicate: int
    unjudged: int


def alerts(*, owner_id: int | None, state: str = "open", rule_key: str = "") -> QuerySet[Alert]:
    """Alerts of one person or of everybody, of one rule or of all; open ones by urgency of telling, the latest first.

    Open ones that are held back are in `held`, not in `open`.
    """
    found = Alert.objects.select_related("account", "person", "rule")
    if owner_id is not None:
        found = found.filter(person_id=owner_id)
    if rule_key:
        found = found.filter(rule_key=rule_key)
    if state == "closed":
        return found.exclude(closed_at=None).order_by("-closed_on", "-pk")
    return found.filter(closed_at=None, is_held_back=state == "held").order_by("-opened_on", "-pk")


def alert_counts(*, owner_id: int | None, rule_key: str = "") -> AlertCounts:
    """What stands in the band over the list. One query."""
    found = Alert.objects.all()
    if owner_id is not None:
        found = found.filter(person_id=owner_id)
    if rule_key:
        found = found.filter(rule_key=rule_key)
    row = found.aggregate(
        open=Count("pk", filter=Q(closed_at=None, is_held_back=False)),
        held_back=Count("pk", filter=Q(closed_at=None, is_held_back=True)),
        unjudged=Count("pk", filter=Q(verdict="", is_held_back=False)),
        **{verdict.value: Count("pk", filter=Q(verdict=verdict)) for verdict in AlertVerdict},
    )
    return AlertCounts(**row)


def alert_detail(alert_id: int) -> Alert | None:
    """The alert with account, person and rule, or None."""
    return Alert.objects.select_related("account", "account__owner", "person", "rule").filter(pk=alert_id).first()


def alerts_of_account(account_id: int) -> QuerySet[Alert]:
    """Every alert of an account, the latest first."""
    return Alert.objects.filter(account_id=account_id).select_related("rule").order_by("-opened_on", "-pk")


def rule_names() -> dict[str, str]:
    """Key → name of the rules that are live. One query."""
    rows = ProcessVersion.objects.filter(kind=KIND, state=VersionState.PUBLISHED).order_by("name")
    return dict(rows.values_list("key", "name"))


def money_facts() -> frozenset[str]:
    """The facts that are money, which some roles do not see."""
    return frozenset(key for key, fact in known_facts().items() if fact.type == "money")
