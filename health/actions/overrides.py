"""A person's own judgement beside the computed score: set, cleared, and taken back."""

from datetime import date, datetime

from django.db import transaction

from accounts.queries.living import living_account
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from health.models import Override
from health.rules.overrides import refusal


class OverrideRefused(ValueError):
    """The override breaks a rule; the message says which, and the remedy."""


@transaction.atomic
def set_override(
    *, account_id: int, score: float, reason: str, until: date, actor: Actor, now: datetime, today: date
) -> Override:
    """One open override per account: an earlier one ends today. Counts from today until the day before `until`.

    Neither scores nor history are touched. Raises `OverrideRefused`, `AccountMerged`, or
    `Account.DoesNotExist`.
    """
    account = living_account(account_id)
    if why := refusal(score=score, reason=reason, today=today, until=until):
        raise OverrideRefused(why)
    earlier = _open(account_id)
    if earlier is not None:
        _end(earlier, actor=actor, now=now, today=today)
    one = Override.objects.create(
        account=account,
        score=score,
        reason=reason.strip(),
        from_day=today,
        until_day=until,
        set_at=now,
        set_by=actor.label,
    )
    audit.record(
        actor=actor,
        at=now,
        verb="override_set",
        subject=one,
        before=_told(earlier) if earlier else None,
        after={"account": account_id, **_told(one)},
        reason=one.reason,
    )
    mark_changed([account_id])  # rules may ask for the score that counts
    return one


@transaction.atomic
def clear_override(*, account_id: int, actor: Actor, now: datetime, today: date) -> Override:
    """The computed score counts alone again. Raises `OverrideRefused` when nothing is set."""
    living_account(account_id)
    one = _open(account_id)
    if one is None or one.until_day <= today:
        raise OverrideRefused("No override is set.")
    _end(one, actor=actor, now=now, today=today)
    audit.record(actor=actor, at=now, verb="override_cleared", subject=one, before=_told(one))
    mark_changed([account_id])
    return one


@transaction.atomic
def undo_override(*, account_id: int, actor: Actor, now: datetime, today: date) -> Override | None:
    """Takes back the last act of the same day: a set one goes and the one before it returns; a cleared one returns.

    Returns the override that stands afterwards, if any. Raises `OverrideRefused` when there is nothing to take back.
    """
    living_account(account_id)
    ended = Override.objects.filter(account_id=account_id, cleared_on=today, until_day__gt=today)
    one = _open(account_id)
    if one is not None:
        if one.from_day != today:
            raise OverrideRefused("The override is older than today. Clear it instead.")
        before = ended.filter(cleared_at=one.set_at).first()
        _end(one, actor=actor, now=now, today=today)
    else:
        before = ended.order_by("-cleared_at").first()
        if before is None:
            raise OverrideRefused("Nothing to take back.")
    if before is not None:
        before.cleared_at = before.cleared_on = None
        before.cleared_by = ""
        before.save(update_fields=["cleared_at", "cleared_on", "cleared_by"])
    audit.record(
        actor=actor,
        at=now,
        verb="override_undone",
        subject=one or before,
        before=_told(one) if one else None,
        after=_told(before) if before else None,
    )
    mark_changed([account_id])
    return before


def _open(account_id: int) -> Override | None:
    return Override.objects.filter(account_id=account_id, cleared_at=None).first()


def _end(one: Override, *, actor: Actor, now: datetime, today: date) -> None:
    one.cleared_at, one.cleared_on, one.cleared_by = now, today, actor.label
    one.save(update_fields=["cleared_at", "cleared_on", "cleared_by"])


def _told(one: Override) -> dict[str, object]:
    return {"score": one.score, "reason": one.reason, "from": one.from_day, "until": one.until_day}
