"""Reads of escalations."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import connection
from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.choices import AccountStatus
from accounts.models import Account
from core import facts
from core.models import ProcessVersion, Tenant
from core.queries import published_versions
from core.tenancy import require_tenant_id
from escalations.choices import EscalationState
from escalations.models import Escalation
from escalations.rules import Policy, parse_policy, unless_known_otherwise

POLICY_KIND: Final = "escalation_policy"


@dataclass(frozen=True)
class LivePolicy:
    """A published policy with the version that names it."""

    version: ProcessVersion
    policy: Policy


@dataclass(frozen=True)
class AtRisk:
    """What open escalations put at risk. An account with two of them is counted once in ARR."""

    escalations: int
    accounts: int
    arr_minor: int


def parse_checked(definition: dict[str, Any]) -> Policy:
    """A policy whose criteria name only facts that exist. Raises `ValueError` with the place and the remedy."""
    policy = parse_policy(definition)
    facts.conditions(policy.criteria, "criteria")
    return policy


def live_policies() -> list[LivePolicy]:
    """The published policies in a stable order."""
    return [LivePolicy(version, parse_policy(version.definition)) for version in published_versions(POLICY_KIND)]


def candidates() -> QuerySet[Account]:
    """The accounts that policies look at: customers."""
    return Account.objects.filter(status=AccountStatus.CUSTOMER)


def matching(policy: Policy, today: date) -> QuerySet[Account]:
    """The accounts for which the policy's condition holds, with each fact as a column."""
    return facts.matching(candidates(), policy.criteria, today)


def going_on(policy: Policy, today: date) -> QuerySet[Account]:
    """The accounts for which the condition holds, or might hold while a score that it asks about is unknown."""
    return facts.matching(candidates(), unless_known_otherwise(policy.criteria), today)


def open_escalations(owner_id: int | None = None) -> QuerySet[Escalation]:
    """Open escalations, of one owner or of all, the oldest first."""
    found = (
        Escalation.objects.filter(state=EscalationState.OPEN)
        .select_related("account", "owner", "policy_version")
        .order_by("opened_at", "pk")
    )
    return found if owner_id is None else found.filter(owner_id=owner_id)


def closed_escalations(owner_id: int | None = None) -> QuerySet[Escalation]:
    """Closed escalations, the latest first."""
    found = (
        Escalation.objects.filter(state=EscalationState.CLOSED)
        .select_related("account", "owner", "policy_version")
        .order_by("-closed_at", "-pk")
    )
    return found if owner_id is None else found.filter(owner_id=owner_id)


def escalations_of_account(account_id: int) -> QuerySet[Escalation]:
    """Every escalation of an account, the latest first."""
    return (
        Escalation.objects.filter(account_id=account_id)
        .select_related("owner", "policy_version")
        .order_by("-opened_at", "-pk")
    )


def escalation_detail(escalation_id: int) -> Escalation | None:
    """The escalation with account, owner and policy, or None."""
    return Escalation.objects.select_related("account", "owner", "policy_version").filter(pk=escalation_id).first()


_AT_RISK: Final = """
SELECT COALESCE(sum(n), 0)::bigint, count(*), COALESCE(sum(arr), 0)::bigint
FROM (
    SELECT count(*) AS n, max(arr_at_risk_minor) AS arr FROM escalations_escalation
    WHERE tenant_id = %(tenant)s AND state = 'open' AND (%(owner)s::bigint IS NULL OR owner_id = %(owner)s)
    GROUP BY account_id
) AS account
"""


def arr_at_risk(owner_id: int | None = None) -> AtRisk:
    """The figure of the ARR at risk tile; the list of open escalations adds up to it. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_AT_RISK, {"tenant": require_tenant_id(), "owner": owner_id})
        return AtRisk(*cursor.fetchone())


def open_by_tier(owner_id: int | None = None) -> dict[int, int]:
    """How many are open on each tier. One query."""
    rows = open_escalations(owner_id).order_by().values("tier").annotate(n=Count("pk"))
    return {row["tier"]: row["n"] for row in rows}


def open_count(_as_of: date) -> Any:
    """An expression on accounts: the number of open escalations."""
    rows = (
        Escalation.objects.filter(account_id=OuterRef("pk"), state=EscalationState.OPEN)
        .order_by()
        .values("account_id")
        .annotate(n=Count("pk"))
    )
    return Coalesce(Subquery(rows.values("n"), output_field=IntegerField()), 0)


def episodes_out_of_step(today: date) -> int:
    """How many accounts match a live policy without an episode, or have an episode without matching.

    Zero right after a sweep; in between it counts what the next sweep will do.
    """
    waiting = 0
    for live in live_policies():
        running = Escalation.objects.filter(policy_key=live.version.key, over_at=None)
        match = matching(live.policy, today)
        waiting += match.exclude(pk__in=running.values("account_id")).count()
        waiting += running.exclude(account_id__in=going_on(live.policy, today).values("pk")).count()
    return waiting


def states_out_of_step(_tenant: Tenant, _now: datetime) -> int:
    """How many escalations are open and over, or closed without a time and a reason."""
    broken = Q(state=EscalationState.OPEN) & (Q(over_at__isnull=False) | Q(closed_at__isnull=False))
    broken |= Q(state=EscalationState.CLOSED) & (Q(closed_at=None) | Q(closed_because=""))
    return Escalation.objects.filter(broken).count()


_TASKS_WRONG: Final = """
SELECT count(*) FROM escalations_escalation e
WHERE e.tenant_id = %(tenant)s AND (
    SELECT count(*) FROM journeys_task t
    WHERE t.tenant_id = e.tenant_id AND t.subject_kind = 'escalation' AND t.subject_id = e.id
      AND t.origin_key = 'escalation:' || e.id AND (e.state = 'open' OR t.state <> 'open')
) <> 1
"""


def tasks_wrong(tenant: Tenant, _now: datetime) -> int:
    """How many escalations lack their one task, or are closed while it is open."""
    with connection.cursor() as cursor:
        cursor.execute(_TASKS_WRONG, {"tenant": tenant.pk})
        return int(cursor.fetchone()[0])
