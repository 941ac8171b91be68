"""Opens the reviews that are due and freezes their figures, for a whole workspace."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from django.db import connection, transaction

from core import audit
from core.actors import Actor
from core.models import ProcessVersion, Tenant
from journeys.actions import task_sweeps
from qbr.models import QBR, QBRPackage
from qbr.queries import Period, live_cadence, live_template, packages_for
from qbr.rules import MADE_UP_FOR_DAYS, package_hash

# Packages built at once. Statements per chunk are constant, so this bounds memory, not speed.
CHUNK: Final = 1000
TASK_DAYS_BEFORE: Final = 7

# `qbr.rules.due_now` in SQL; a property test holds the two together.
_DUE: Final = """
SELECT a.id AS account_id, a.owner_id, due.day AS due_on, cadence.months,
       (anchor.day + make_interval(months => (due.rounds - 1) * cadence.months))::date AS period_start
FROM accounts_account a
JOIN unnest(%(segments)s::text[], %(months)s::int[]) AS cadence(segment, months) ON cadence.segment = a.segment
CROSS JOIN LATERAL (
    SELECT COALESCE(a.customer_since, (
        SELECT min(c.starts_on) FROM accounts_contract c WHERE c.tenant_id = %(tenant)s AND c.account_id = a.id
    )) AS day
) AS anchor
CROSS JOIN LATERAL (
    SELECT (extract(year FROM %(horizon)s::date)::int - extract(year FROM anchor.day)::int) * 12
         + extract(month FROM %(horizon)s::date)::int - extract(month FROM anchor.day)::int AS months
) AS apart
CROSS JOIN LATERAL (
    SELECT floor(apart.months / cadence.months::numeric)::int AS rounds
) AS whole
CROSS JOIN LATERAL (
    SELECT whole.rounds - ((anchor.day + make_interval(months => whole.rounds * cadence.months))::date
                           > %(horizon)s)::int AS rounds
) AS passed
CROSS JOIN LATERAL (
    SELECT passed.rounds, (anchor.day + make_interval(months => passed.rounds * cadence.months))::date AS day
) AS due
WHERE a.tenant_id = %(tenant)s AND a.status = 'customer' AND due.rounds >= 1
  AND due.day >= %(today)s::date - %(made_up)s
  AND due.day >= LEAST(%(today)s, GREATEST((a.created_at AT TIME ZONE %(zone)s)::date, %(live_since)s))
"""
_OPEN: Final = (
    "WITH due AS ("
    + _DUE
    + """)
INSERT INTO qbr_qbr (tenant_id, account_id, owner_id, cadence_version_id, period_start, period_end, due_on, state,
                     created_at, attendees, outcome)
SELECT %(tenant)s, account_id, owner_id, %(version)s, period_start, due_on, due_on, 'draft', %(now)s, '', ''
FROM due
ON CONFLICT DO NOTHING
"""
)
_COUNT: Final = "SELECT count(*) FROM (" + _DUE + ") AS due"  # noqa: S608 -- only the text above enters

_TASKS: Final = """
SELECT q.account_id, 'qbr' AS kind, 'Read the QBR package and agree the goals' AS title,
       'The figures are frozen; what is missing is listed beside the page.' AS detail,
       GREATEST(%s::date, q.due_on - %s) AS due_on, 10 AS priority, q.owner_id AS assignee_id,
       q.cadence_version_id AS process_version_id, 'qbr:' || q.id AS origin_key,
       'qbr' AS subject_kind, q.id AS subject_id
FROM qbr_qbr q
WHERE q.tenant_id = %s AND q.id = ANY(%s)
"""


# Open reviews follow the owner of the account; so do their tasks, unless they were given to somebody else.
_HAND_OVER: Final = """
SELECT t.id, a.owner_id AS assignee_id
FROM qbr_qbr q
JOIN accounts_account a ON a.tenant_id = q.tenant_id AND a.id = q.account_id
JOIN journeys_task t ON t.tenant_id = q.tenant_id AND t.subject_kind = 'qbr' AND t.subject_id = q.id
    AND t.state = 'open' AND (t.assignee_id IS NOT DISTINCT FROM q.owner_id OR t.covered_for_id = q.owner_id)
WHERE q.tenant_id = %s AND q.state IN ('draft', 'review', 'sent') AND q.owner_id IS DISTINCT FROM a.owner_id
"""
_NEW_OWNERS: Final = """
UPDATE qbr_qbr AS q SET owner_id = a.owner_id
FROM accounts_account a
WHERE q.tenant_id = %s AND a.tenant_id = q.tenant_id AND a.id = q.account_id
  AND q.state IN ('draft', 'review', 'sent') AND q.owner_id IS DISTINCT FROM a.owner_id
"""


@dataclass(frozen=True)
class Assembled:
    """`assembled` packages are new; `unchanged` reviews were due and had theirs already."""

    assembled: int = 0
    unchanged: int = 0


@transaction.atomic
def assemble_qbrs(*, tenant: Tenant, actor: Actor, today: date, now: datetime) -> Assembled:
    """Opens every review that is due within the cadence's lead time and freezes the figures of those without a package.

    Open ones and their tasks go to the new owner of an account. A second run writes nothing; a run after an outage
    makes up for what was missed within a month. Without a published cadence and template nothing is opened.
    """
    _hand_over(tenant, actor, now)
    cadence, template = live_cadence(), live_template()
    if cadence is None or template is None:
        return Assembled()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('qbr.assemble'), %s::int)", [tenant.pk % 2**31])
        values: dict[str, Any] = {
            "tenant": tenant.pk,
            "zone": tenant.timezone,
            "segments": list(cadence[1].months),
            "months": list(cadence[1].months.values()),
            "today": today,
            "horizon": date.fromordinal(today.toordinal() + cadence[1].prepare_days),
            "made_up": MADE_UP_FOR_DAYS,
            "version": cadence[0].pk,
            "live_since": tenant.today(cadence[0].published_at or now),
            "now": now,
        }
        cursor.execute(_COUNT, values)
        due = int(cursor.fetchone()[0])
        cursor.execute(_OPEN, values)
        opened = int(cursor.rowcount)
    waiting = QBR.objects.filter(packages=None, created_at=now).order_by("pk") if opened else QBR.objects.none()
    assembled = freeze(tenant=tenant, qbrs=waiting, template_version=template[0], actor=actor, today=today, now=now)
    return Assembled(assembled=assembled, unchanged=due - opened)


def _hand_over(tenant: Tenant, actor: Actor, now: datetime) -> None:
    task_sweeps.assign_tasks(
        select=_HAND_OVER, params=[tenant.pk], actor=actor, now=now, reason="The account has a new owner."
    )
    with connection.cursor() as cursor:
        cursor.execute(_NEW_OWNERS, [tenant.pk])
        given = int(cursor.rowcount)
    if given:
        audit.record(actor=actor, at=now, verb="gave QBRs to new owners", subject_type="qbr.qbr", after={"qbrs": given})


def freeze(
    *,
    tenant: Tenant,
    qbrs: Iterable[QBR],
    template_version: ProcessVersion,
    actor: Actor,
    today: date,
    now: datetime,
) -> int:
    """Freezes the first package of each of these reviews and tells its owner by a task. Returns their number."""
    waiting = list(qbrs)
    for first in range(0, len(waiting), CHUNK):
        _freeze_chunk(tenant, waiting[first : first + CHUNK], template_version, actor, today, now)
    if waiting:
        audit.record(
            actor=actor, at=now, verb="assembled QBRs", subject_type="qbr.qbr", after={"packages": len(waiting)}
        )
    return len(waiting)


def _freeze_chunk(
    tenant: Tenant, chunk: list[QBR], template_version: ProcessVersion, actor: Actor, today: date, now: datetime
) -> None:
    found = package_data(tenant, chunk, today)
    QBRPackage.objects.bulk_create(
        [
            QBRPackage(
                tenant=tenant,
                qbr=qbr,
                template_version=template_version,
                number=1,
                frozen_at=now,
                data=found[qbr.account_id],
                sha256=package_hash(found[qbr.account_id]),
            )
            for qbr in chunk
        ]
    )
    task_sweeps.insert_tasks(
        select=_TASKS,
        params=[today, TASK_DAYS_BEFORE, tenant.pk, [qbr.pk for qbr in chunk]],
        actor=actor,
        now=now,
        reason="QBR packages assembled.",
    )


def package_data(tenant: Tenant, qbrs: list[QBR], today: date) -> dict[int, dict[str, Any]]:
    """What the packages of these reviews hold as of today, by account."""
    return packages_for(tenant, {qbr.account_id: Period(qbr.period_start, qbr.period_end) for qbr in qbrs}, today)
