"""Moves of accounts along the journey."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from datetime import date, datetime
from typing import Any, Final

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
)
from journeys.models import LifecycleStage, StageVisit
from journeys.queries.gates import Process, account_gate, account_goes_back, journey_process, judge_accounts
from journeys.queries.placing import FIRST, beginnings
from journeys.queries.stages import STANDARD

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
) -> Moved:
    """Many accounts into one stage: those whose gates are open go, the others stay and are named. Set-based.

    Accounts that are in the stage already, accounts that went into another one, and ids without an account, are
    passed over.
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
        _write(going, here, stage, process, actor, today, now, reason.strip(), result)
    return Moved(result.going, result.refused)


def _needs(process: Process, here: LifecycleStage | None, stage: LifecycleStage) -> str:
    return REASON if here is not None and account_goes_back(process, here, stage) else ""


# The stay that ends and the stay that begins meet on one day: stays never overlap.
_LEAVE: Final = """
UPDATE journeys_stagevisit SET left_on = GREATEST(entered_on, %s)
WHERE tenant_id = %s AND account_id = ANY(%s) AND left_on IS NULL
"""
_ENTER: Final = """
INSERT INTO journeys_stagevisit (tenant_id, account_id, stage_id, entered_on, left_on, moved_by, reason, version_id)
SELECT %s, account.id, %s, GREATEST(%s, (SELECT max(stay.left_on) FROM journeys_stagevisit AS stay
                                        WHERE stay.tenant_id = %s AND stay.account_id = account.id)), NULL, %s, %s, %s
FROM unnest(%s::bigint[]) AS account (id) ORDER BY account.id
"""


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
) -> None:
    # The hand-offs' answers move accounts through here, so that the modules know each other.
    from journeys.actions.handoffs.opening import open_for_moves  # noqa: PLC0415 -- see above

    ids, tenant_id = [one.pk for one in accounts], require_tenant_id()
    version_id = process.version.pk if process.version else None
    with connection.cursor() as cursor:
        cursor.execute(_LEAVE, [today, tenant_id, ids])
        cursor.execute(_ENTER, [tenant_id, stage.pk, today, tenant_id, actor.label, reason, version_id, ids])
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
# knows since when the others stand there: known is only that they do today.
_PLACE = f"""
INSERT INTO journeys_stagevisit (tenant_id, account_id, stage_id, entered_on, is_start_known, moved_by, reason,
  version_id)
SELECT %(tenant)s, first.id, first.stage_id, %(today)s, false, %(by)s, 'First stage by status', %(version)s
FROM ({FIRST} {{scope}}) AS first
WHERE first.id <> ALL(%(shut)s)
ORDER BY first.id
ON CONFLICT (tenant_id, account_id) WHERE left_on IS NULL DO NOTHING
"""  # noqa: S608 -- constants


@transaction.atomic
def place_accounts(*, today: date, now: datetime, actor: Actor, account_ids: Sequence[int] | None = None) -> int:
    """Gives accounts that never had a stage the one that the journey names for their status (`first_for`).

    Those whose gate into it is shut get none, and are counted in the trail. Whoever had left because it churned, and
    is in business again, goes through the gates as in a move. One statement over the workspace, or over the accounts
    given; idempotent. Returns the number of accounts placed.
    """
    begins = beginnings()
    if begins is None:
        return 0
    scope = "" if account_ids is None else "AND account.id = ANY(%(ids)s)"
    asked: dict[str, Any] = {"ids": list(account_ids or ()), "today": today, "by": actor.label}
    version = begins.process.version
    with whole_tables() if account_ids is None else nullcontext(), connection.cursor() as cursor:
        shut = begins.shut(scope, asked, today)
        cursor.execute(
            _PLACE.format(scope=scope),
            {**begins.params, **asked, "shut": shut, "version": version.pk if version else None},
        )
        placed = int(cursor.rowcount)
        again = begins.again(scope, asked)
    if placed:
        after = {"accounts": placed} | ({"gate shut": len(shut)} if shut else {})
        audit.record(actor=actor, at=now, verb="placed accounts", subject_type="journeys.stagevisit", after=after)
    for key, ids in again:
        back = move_accounts(account_ids=ids, stage_key=key, actor=actor, today=today, now=now, reason=BACK)
        placed += len(back.moved)
    return placed


@transaction.atomic
def place_changed_accounts(*, account_ids: Sequence[int], today: date, now: datetime) -> int:
    """As `place_accounts`, for accounts that were reported as changed."""
    if not account_ids:
        return 0
    return place_accounts(today=today, now=now, actor=Actor.system("Journey"), account_ids=account_ids)
