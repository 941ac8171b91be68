"""Moves of accounts along the journey."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from django.db import connection, transaction

from accounts.models import Account
from accounts.queries.living import living_account
from accounts.queries.planning import whole_tables
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from core.tenancy import require_tenant_id
from journeys.actions.moving import (
    ASKED,
    GATE,
    REASON,
    Asked,
    GateShut,
    Moved,
    ReasonNeeded,
    Sorted,
    moved_after,
    sort_out,
    use_waivers,
    waivers_for,
)
from journeys.models import LifecycleStage, StageVisit
from journeys.queries.gates import Process, account_gate, account_goes_back, journey_process, judge_accounts
from journeys.queries.placing import BEGINS_TODAY, FIRST, beginnings
from journeys.queries.stages import STANDARD

BY_STATUS: Final = "First stage by status"
# Why an account stands in the journey again that had churned.
BACK: Final = "In business again"


@transaction.atomic
def move_account_stage(
    *, account_id: int, stage_key: str, today: date, now: datetime, actor: Actor, reason: str = ""
) -> StageVisit:
    """Ends the account's stay in its stage and starts one in another; both stay in history.

    The stage it is in already: nothing happens. Raises `GateShut` with what is missing, `ReasonNeeded` for a step back
    that is no loop of the journey, `AccountMerged` for an account that has gone, and `DoesNotExist` for an
    unknown account or stage.
    """
    account = living_account(account_id)
    result = move_accounts(
        account_ids=[account.pk], stage_key=stage_key, actor=actor, today=today, now=now, reason=reason
    )
    for refusal in result.refused:
        if refusal.code == GATE:
            raise GateShut(account_gate(account_id=account.pk, to_stage=stage_key, today=today), refusal.missing)
        raise ReasonNeeded(f"{ASKED[refusal.code]} is needed.", refusal.code)
    return StageVisit.objects.select_related("stage").get(account_id=account.pk, left_on=None)


@transaction.atomic
def move_accounts(
    *,
    account_ids: Collection[int],
    stage_key: str,
    actor: Actor,
    today: date,
    now: datetime,
    reason: str = "",
    is_seen: bool = False,
) -> Moved:
    """Many accounts into one stage: those whose gates are open go, the others stay and are named. Set-based.

    Accounts that are in the stage already, accounts that went into another one, and ids without an account, are
    passed over. With `is_seen` an account that never had a stage is not moved: it is only seen there today, and since
    when it stands there is known of those alone that begin today.
    """
    stage = LifecycleStage.objects.get(journey=STANDARD, key=stage_key)
    accounts = list(
        Account.objects.select_for_update().filter(pk__in=set(account_ids), merged_into=None).order_by("pk")
    )
    stays = StageVisit.objects.filter(account_id__in=[one.pk for one in accounts], left_on=None)
    here = {one.account_id: one.stage for one in stays.select_related("stage")}
    accounts = [one for one in accounts if one.pk not in here or here[one.pk].pk != stage.pk]
    if not accounts:
        return Moved(())
    process = journey_process()
    asked = [
        Asked(one.pk, one.name, "" if reason.strip() else _needs(process, here.get(one.pk), stage)) for one in accounts
    ]
    judged = judge_accounts(process, [one.id for one in asked], stage.key, today)
    result = sort_out(asked, judged, process, subject="account", stage_key=stage.key, today=today)
    ids = set(result.going)
    going = [one for one in accounts if one.pk in ids]
    if going:
        use_waivers(result.waivers, now)
        _write(going, here, stage, process, actor, today, now, reason.strip(), result, is_seen=is_seen)
    return Moved(result.going, result.refused)


def _needs(process: Process, here: LifecycleStage | None, stage: LifecycleStage) -> str:
    return REASON if here is not None and account_goes_back(process, here, stage) else ""


# The stay that ends and the stay that begins meet on one day: stays never overlap.
_LEAVE: Final = """
UPDATE journeys_stagevisit SET left_on = GREATEST(entered_on, %s)
WHERE tenant_id = %s AND account_id = ANY(%s) AND left_on IS NULL
"""
_ENTER: Final = f"""
INSERT INTO journeys_stagevisit (tenant_id, account_id, stage_id, entered_on, is_start_known, moved_by, reason,
  version_id)
SELECT %(tenant)s, account.id, %(stage)s, GREATEST(%(today)s, past.left_on),
       NOT %(seen)s OR past.left_on IS NOT NULL OR {BEGINS_TODAY}, %(by)s, %(reason)s, %(version)s
FROM accounts_account AS account
CROSS JOIN LATERAL (SELECT max(stay.left_on) AS left_on FROM journeys_stagevisit AS stay
                    WHERE stay.tenant_id = %(tenant)s AND stay.account_id = account.id) AS past
WHERE account.tenant_id = %(tenant)s AND account.id = ANY(%(ids)s) ORDER BY account.id
"""  # noqa: S608 -- a constant


def _write(
    accounts: Sequence[Account],
    here: Mapping[int, LifecycleStage],
    stage: LifecycleStage,
    process: Process,
    actor: Actor,
    today: date,
    now: datetime,
    reason: str,
    result: Sorted,
    *,
    is_seen: bool,
) -> None:
    # The hand-offs' answers move accounts through here, so that the modules know each other.
    from journeys.actions.handoffs.opening import open_for_moves  # noqa: PLC0415 -- see above

    ids, tenant_id = [one.pk for one in accounts], require_tenant_id()
    entering: dict[str, Any] = {
        "tenant": tenant_id,
        "ids": ids,
        "stage": stage.pk,
        "today": today,
        "seen": is_seen,
        "by": actor.label,
        "reason": reason,
        "version": process.version.pk if process.version else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, [today, tenant_id, ids])
        cursor.execute(_ENTER, entering)
    audit.record_many(
        actor=actor,
        at=now,
        verb="moved account",
        rows=[
            (one, {"stage": here[one.pk].key if one.pk in here else None}, moved_after(result, one.pk, stage.key))
            for one in accounts
        ],
        reason=reason,
    )
    mark_changed(ids)
    open_for_moves(account_ids=ids, actor=actor, today=today, now=now)


# A first stage by what is known of an account. Churned accounts get none: they are in no stage of the journey. Nobody
# knows since when those stand there that do not begin today: known is only that they do.
_PLACE = f"""
INSERT INTO journeys_stagevisit (tenant_id, account_id, stage_id, entered_on, is_start_known, moved_by, reason,
  version_id)
SELECT %(tenant)s, first.id, first.stage_id, %(today)s, first.begins_today, %(by)s, %(why)s, %(version)s
FROM ({FIRST} {{scope}}) AS first
WHERE first.id <> ALL(%(shut)s)
ORDER BY first.id
ON CONFLICT (tenant_id, account_id) WHERE left_on IS NULL DO NOTHING
"""  # noqa: S608 -- constants


@transaction.atomic
def place_accounts(*, today: date, now: datetime, actor: Actor, account_ids: Sequence[int] | None = None) -> int:
    """Gives accounts that never had a stage the one that the journey names for their status (`first_for`).

    A waiver opens its gate as for a move. Those whose gate is shut get none, and the trail says so, once of each.
    Whoever had left because it churned, and is in business again, goes through the gates as in a move. One statement
    over the workspace, or over the accounts given; idempotent. Returns the number of accounts placed.
    """
    begins = beginnings()
    if begins is None:
        return 0
    scope = "" if account_ids is None else "AND account.id = ANY(%(ids)s)"
    asked: dict[str, Any] = {"ids": list(account_ids or ()), "today": today, "by": actor.label, "why": BY_STATUS}
    version = begins.process.version
    with whole_tables() if account_ids is None else nullcontext(), connection.cursor() as cursor:
        shut = begins.shut(scope, asked, today)
        out = {one.id: _Out(key, begins.names(one)) for key, judged in shut.items() for one in judged}
        cursor.execute(
            _PLACE.format(scope=scope),
            {**begins.params, **asked, "shut": list(out), "version": version.pk if version else None},
        )
        placed = int(cursor.rowcount)
        again = begins.again(scope, asked)
    moves = [(key, list(waivers_for("account", {one.id for one in judged}, key, today, hold=False)), BY_STATUS)
             for key, judged in shut.items()]  # fmt: skip
    went = 0
    for key, ids, why in [*moves, *((key, ids, BACK) for key, ids in again)]:
        moved = move_accounts(
            account_ids=ids, stage_key=key, actor=actor, today=today, now=now, reason=why, is_seen=True
        )
        went += len(moved.moved)
        out = {pk: one for pk, one in out.items() if pk not in moved.moved}
        out |= {one.id: _Out(key, one.missing) for one in moved.refused}
    _tell(placed, out, actor, now)
    return placed + went


class _Out(NamedTuple):
    """The stage that lets an account not in, and what is missing."""

    stage: str
    missing: tuple[str, ...]


_TOLD: Final = """
SELECT told.subject_id FROM core_auditentry AS told
WHERE told.tenant_id = %s AND told.subject_type = 'accounts.account' AND told.subject_id = ANY(%s)
  AND told.verb = 'kept out of a stage'
"""


def _tell(placed: int, out: Mapping[int, _Out], actor: Actor, now: datetime) -> None:
    """One row of how many were placed and kept out, also when all were; and one of each that is kept out, once."""
    told: set[int] = set()
    if out:
        with connection.cursor() as cursor:
            cursor.execute(_TOLD, [require_tenant_id(), list(out)])
            told = {pk for (pk,) in cursor.fetchall()}
    new = Account.objects.filter(pk__in=set(out) - told).order_by("pk") if set(out) - told else ()
    if placed or new:
        after = {"accounts": placed} | ({"gate shut": len(out)} if out else {})
        audit.record(actor=actor, at=now, verb="placed accounts", subject_type="journeys.stagevisit", after=after)
    audit.record_many(
        actor=actor, at=now, verb="kept out of a stage",
        rows=[(one, {}, {"stage": out[one.pk].stage, "missing": list(out[one.pk].missing)}) for one in new],
    )  # fmt: skip


@transaction.atomic
def place_changed_accounts(*, account_ids: Sequence[int], today: date, now: datetime) -> int:
    """As `place_accounts`, for accounts that were reported as changed."""
    if not account_ids:
        return 0
    return place_accounts(today=today, now=now, actor=Actor.system("Journey"), account_ids=account_ids)
