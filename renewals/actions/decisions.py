"""What a person decides about one renewal."""

from datetime import date, datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Sum

from accounts.choices import LineKind, OutcomeKind
from accounts.models import ContractLine, Outcome
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from journeys.choices import ForecastCategory
from renewals.actions.churning import churn_lost
from renewals.actions.sweep import close_tasks_of_decided
from renewals.choices import RenewalState
from renewals.models import Renewal

OPEN_FORECASTS: Final = frozenset(
    {ForecastCategory.NOT_YET, ForecastCategory.BEST_CASE, ForecastCategory.COMMIT, ForecastCategory.AT_RISK}
)


class DecisionRefused(ValueError):
    """The decision cannot be taken like that; the message says what to change."""


def _open(renewal_id: int) -> Renewal:
    renewal = Renewal.objects.select_for_update().get(pk=renewal_id)
    if renewal.state != RenewalState.OPEN:
        raise DecisionRefused(f"This renewal is closed already: {renewal.get_state_display().lower()}.")
    return renewal


@transaction.atomic
def decide_renewal(
    *,
    renewal_id: int,
    won: bool,
    final_minor: int | None,
    reason: str,
    actor: Actor,
    today: date,
    now: datetime,
) -> Renewal:
    """Closes the renewal as won or lost, with its tasks, and writes the outcome that scores are tested against.

    Won takes the final amount; lost needs a reason and counts as zero. Whose last contract is lost has churned once it
    has ended: at once where that day is past, else with the sweep of that day. Raises `DecisionRefused`.
    """
    renewal = _open(renewal_id)
    why = reason.strip()[:200]
    if won and (final_minor is None or final_minor <= 0):
        raise DecisionRefused("A won renewal needs its final amount, above zero.")
    if not won and not why:
        raise DecisionRefused("A lost renewal needs a reason.")
    before = {"state": renewal.state, "forecast": renewal.forecast}
    renewal.state = RenewalState.WON if won else RenewalState.LOST
    renewal.forecast = ForecastCategory.WON if won else ForecastCategory.LOST
    renewal.final_minor = final_minor if won else 0
    renewal.decided_at, renewal.reason = now, why
    renewal.save(update_fields=["state", "forecast", "final_minor", "decided_at", "reason"])
    Outcome.objects.get_or_create(
        external_id=f"renewal:{renewal.pk}",
        defaults={
            "account_id": renewal.account_id,
            "day": today,
            "kind": _outcome(renewal, today),
            "reason": why[:120],
            "amount_minor": renewal.final_minor,
        },
    )
    close_tasks_of_decided(tenant_id=renewal.tenant_id, actor=actor, now=now, reason=f"The renewal is {renewal.state}.")
    mark_changed([renewal.account_id])
    audit.record(
        actor=actor,
        at=now,
        verb="decided renewal",
        subject=renewal,
        before=before,
        after={"state": renewal.state, "final_minor": renewal.final_minor},
        reason=why,
    )
    if not won:
        churn_lost(actor=actor, today=today, now=now, renewal_id=renewal.pk)
    return renewal


def _outcome(renewal: Renewal, today: date) -> str:
    """Less than before is a contraction; so is a lost contract while others of the account go on.

    One that was lost before does not go on, though it may run for a while: the last one that is lost is the churn.
    """
    if renewal.state == RenewalState.WON:
        smaller = renewal.final_minor is not None and renewal.final_minor < renewal.amount_minor
        return OutcomeKind.CONTRACTED if smaller else OutcomeKind.RENEWED
    decided = Renewal.objects.filter(account_id=renewal.account_id)
    on = decided.filter(
        contract_id=OuterRef("contract_id"), due_on__gt=OuterRef("due_on"),
        state__in=[RenewalState.OPEN, RenewalState.WON],
    )  # fmt: skip
    gone = decided.filter(~Exists(on), state=RenewalState.LOST, is_automatic=False)
    others = (
        ContractLine.objects.filter(account_id=renewal.account_id, kind=LineKind.RECURRING, starts_on__lte=today)
        .filter(Q(ends_on=None) | Q(ends_on__gt=today))
        .exclude(contract_id__in=gone.values("contract_id"))
        .aggregate(arr=Sum("arr_minor"))
    )
    return OutcomeKind.CONTRACTED if (others["arr"] or 0) > 0 else OutcomeKind.CHURNED


@transaction.atomic
def set_forecast(*, renewal_id: int, forecast: str, actor: Actor, now: datetime) -> Renewal:
    """Says how the renewal is expected to end. Won and lost are decisions, not forecasts. Raises `DecisionRefused`."""
    if forecast not in OPEN_FORECASTS:
        raise DecisionRefused("Choose Not yet, Best case, Commit or At risk.")
    renewal = _open(renewal_id)
    if renewal.forecast == forecast:
        return renewal
    before = renewal.forecast
    renewal.forecast = forecast
    renewal.save(update_fields=["forecast"])
    audit.record(
        actor=actor,
        at=now,
        verb="changed forecast",
        subject=renewal,
        before={"forecast": before},
        after={"forecast": forecast},
    )
    return renewal
