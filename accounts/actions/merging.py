"""Two accounts become one. It cannot be undone: the history of both is kept, and nothing of it is counted twice."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from accounts.actions.ledger import refresh_revenue
from accounts.choices import AccountStatus
from accounts.importing.engine import LOCK
from accounts.models import Account, AccountMerge
from accounts.queries.merging import merge_parts, statement_values
from accounts.rules.merging import CHOICES, DROPPED, GONE, MergePart, usual_choice
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from core.tenancy import require_tenant_id


class MergeRefused(ValueError):
    """The accounts cannot be merged; the message says what to do instead."""


@dataclass(frozen=True)
class _Gathered:
    moved: dict[str, int]
    set_aside: dict[str, Any]


@transaction.atomic
def merge_accounts(
    *,
    kept_id: int,
    gone_id: int,
    choices: Mapping[str, str],
    reason: str,
    actor: Actor,
    today: date,
    now: datetime,
) -> AccountMerge:
    """Everything of the account `gone_id` goes to `kept_id`; the other stays as a name that leads there.

    `choices` says by field of `CHOICES` whether the value of the "kept" or the "gone" account is taken; what is not
    named follows the usual rule. A constant number of statements. The sum of ARR is the same on every day, and every
    metric is that of one account that always was one. Raises `MergeRefused`.
    """
    if not reason.strip():
        raise MergeRefused("Say why the two are one: the merge is kept with its reason.")
    kept, gone = _locked(kept_id, gone_id)
    gathered = _carry_over(kept, gone, actor=actor, today=today, now=now)
    _take_values(kept, gone, choices, now)
    _close(kept, gone, now)
    refresh_revenue(
        today=today, now=now, accounts_sql="SELECT unnest(%s::bigint[])", params=[[kept.pk, gone.pk]], actor=actor
    )
    mark_changed([kept.pk, gone.pk])
    merge = AccountMerge.objects.create(
        kept=kept, gone=gone, merged_at=now, merged_by=actor.label, reason=reason.strip(), moved=gathered.moved,
        set_aside=gathered.set_aside,
    )  # fmt: skip
    for subject in (kept, gone):
        audit.record(
            actor=actor, at=now, verb="merged accounts", subject=subject, reason=reason.strip(),
            after={"kept": kept.pk, "gone": gone.pk, "gone_name": gone.name, "moved": gathered.moved},
        )  # fmt: skip
    return merge


def _locked(kept_id: int, gone_id: int) -> tuple[Account, Account]:
    """Both rows, locked in one order. No import runs beside: it would write to an account that is going."""
    if kept_id == gone_id:
        raise MergeRefused("This is the same account. Choose another one.")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s::int)", [LOCK, require_tenant_id()])
        if not cursor.fetchone()[0]:
            raise MergeRefused("An import is running. Merge when it is done.")
    rows = Account.objects.select_for_update().filter(pk__in=[kept_id, gone_id]).order_by("pk")
    found = {one.pk: one for one in rows}
    kept, gone = found.get(kept_id), found.get(gone_id)
    if kept is None or gone is None:
        raise MergeRefused("One of the accounts is not there any more.")
    for one in (kept, gone):
        if one.status == AccountStatus.MERGED:
            raise MergeRefused(f"{one.name} has gone into another account already. Choose that one.")
    return kept, gone


def _carry_over(kept: Account, gone: Account, *, actor: Actor, today: date, now: datetime) -> _Gathered:
    values = statement_values(
        kept.pk, gone.pk, today=today, now=now, actor=actor.label, because=f"Merged into {kept.name}"[:200]
    )
    moved: dict[str, int] = {}
    set_aside: dict[str, Any] = {}
    with connection.cursor() as cursor:

        def run(sql: str) -> int:
            cursor.execute(sql, values)
            return int(cursor.rowcount)

        for part in merge_parts():
            ended = sum(run(sql) for sql in part.before)
            aside = _give_way(cursor, part, values)
            if not part.moves_none:
                # Its own rows do not move; rows that give way keep their account by the same condition.
                stay = "" if part.fate == DROPPED else f" AND NOT ({part.gives_way})"
                moved[part.label] = run(
                    f"UPDATE {part.table} AS g SET {part.column} = %(kept)s "  # noqa: S608 -- our own tables
                    f"WHERE g.tenant_id = %(tenant)s AND g.{part.column} = %(gone)s{stay}"
                )
            ended += sum(run(sql) for sql in part.after)
            if aside or ended:
                set_aside[part.label] = aside | ({"ended": ended} if ended else {})
    return _Gathered({label: count for label, count in moved.items() if count}, set_aside)


def _give_way(cursor: Any, part: MergePart, values: Mapping[str, Any]) -> dict[str, Any]:
    """What does not move: counted, or taken out with all it said."""
    if part.gives_way == "FALSE":
        return {}
    whose = "IN (%(gone)s, %(kept)s)" if part.both else "= %(gone)s"
    where = f"g.tenant_id = %(tenant)s AND g.{part.column} {whose} AND ({part.gives_way})"
    if part.fate == DROPPED:
        cursor.execute(f"DELETE FROM {part.table} AS g WHERE {where} RETURNING to_jsonb(g)::text", values)  # noqa: S608 -- our own tables
        rows = [json.loads(row) for (row,) in cursor.fetchall()]
        return {"rows": rows} if rows else {}
    cursor.execute(f"SELECT count(*) FROM {part.table} AS g WHERE {where}", values)  # noqa: S608 -- our own tables
    count = int(cursor.fetchone()[0])
    return {"stayed": count} if count else {}


def _take_values(kept: Account, gone: Account, choices: Mapping[str, str], now: datetime) -> None:
    """The chosen values, and those that both give: the later contact, the columns of both files, a missing id."""
    for field in CHOICES:
        usual = usual_choice(field, getattr(kept, field), getattr(gone, field))
        if choices.get(field, usual) == GONE:
            setattr(kept, field, getattr(gone, field))
            if field == "name":
                kept.name_key = gone.name_key
    if gone.last_contact_on and (kept.last_contact_on is None or kept.last_contact_on < gone.last_contact_on):
        kept.last_contact_on = gone.last_contact_on
    if AccountStatus.CUSTOMER in (kept.status, gone.status):
        kept.status = AccountStatus.CUSTOMER
    kept.attributes = {**gone.attributes, **kept.attributes}
    if kept.deputy_id == kept.owner_id:
        kept.deputy_id = None
    if not kept.external_id and gone.external_id:
        taken = gone.external_id
        gone.external_id = ""
        Account.objects.filter(pk=gone.pk).update(external_id="")
        kept.external_id = taken
    kept.updated_at = now


def _close(kept: Account, gone: Account, now: datetime) -> None:
    kept.save()
    gone.status, gone.merged_into_id, gone.updated_at = AccountStatus.MERGED, kept.pk, now
    gone.save(update_fields=["status", "merged_into", "updated_at"])
    Account.objects.filter(~Q(pk=gone.pk), merged_into_id=gone.pk).update(merged_into_id=kept.pk)
