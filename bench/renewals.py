"""The renewal sweep over a book of contracts against hand-written INSERT … SELECT statements, side by side.

    python -m bench.renewals --contracts 100000

Both read the same contracts and write the same renewals, steps and tasks, in turn, as rv_app behind row security, with
every key checked; a fingerprint of the rows is compared. Each run is rolled back, so that the next one starts alike.
The last run stays, and the sweep is timed once more on it: it must write nothing.
"""

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from bench.pages import analyze
from bench.rows import Row, alone, execute

SLUG = "bench-renewals"
TODAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


class RolledBack(Exception):
    """Ends a timed run without keeping its rows."""


def run(contracts: int = 100_000, trials: int = 3, say: Callable[[str], None] = lambda _text: None) -> list[Row]:
    """The rows of the table. Makes the workspace when it is not there, and keeps it for the next time."""
    tenant = prepare(contracts, say)
    ours, hand = [], []
    for trial in range(trials):
        ours.append(timed(tenant, ours_once))
        hand.append(timed(tenant, hand_once))
        say(f"Trial {trial + 1}: sweep {ours[-1][0]:.0f} ms, hand-written {hand[-1][0]:.0f} ms")
    if {found for _, found in ours} != {found for _, found in hand}:
        sys.exit("The sweep and the hand-written statements wrote different rows.")
    second = second_run(tenant)
    return [
        Row(
            f"renewal sweep, {contracts:,} contracts",
            statistics.median(taken for taken, _ in ours),
            statistics.median(taken for taken, _ in hand),
            2.0,
            "× hand-written INSERT … SELECT",
        ),
        Row(f"second renewal sweep, {contracts:,} contracts, writes nothing", second, None, 10_000, "ms"),
    ]


def prepare(contracts: int, say: Callable[[str], None]) -> Any:
    """The workspace with its contracts; every fifth has no end date."""
    from core.actions import create_tenant
    from core.actors import Actor
    from core.models import Tenant
    from core.tenancy import tenant_context

    slug = f"{SLUG}-{contracts}"
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is not None:
        with tenant_context(tenant.pk):
            for table in ("renewals_renewalstep", "renewals_renewal", "journeys_task"):
                execute(f"DELETE FROM {table} WHERE tenant_id = %s", [tenant.pk])
        return tenant
    say(f"Writing {contracts:,} contracts")
    tenant = create_tenant(
        slug=slug, name=f"Bench {contracts:,}", currency="EUR", timezone="UTC", actor=Actor.system("bench"), now=NOW
    )
    with tenant_context(tenant.pk):
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in FACTS:
            execute(statement, {"t": tenant.pk, "n": contracts, "today": TODAY, "now": NOW})
    analyze()
    return tenant


FACTS = (
    """INSERT INTO accounts_person (tenant_id, name, name_key, email_key, is_active)
    SELECT %(t)s, 'CSM ' || n, 'csm ' || n, '', true FROM generate_series(1, 40) n""",
    """INSERT INTO accounts_account (tenant_id, external_id, name, name_key, domain_key, industry, country, segment,
        plan, status, owner_id, arr_minor, attributes)
    SELECT %(t)s, 'R' || n, 'Account ' || n, 'account ' || n, '', '', '', '', '', 'customer',
        (SELECT min(id) FROM accounts_person WHERE tenant_id = %(t)s) + n %% 40, 100000 + n * 10, '{}'
    FROM generate_series(1, %(n)s) n""",
    """INSERT INTO accounts_contract (tenant_id, account_id, external_id, name, starts_on, ends_on, auto_renew,
        currency, created_at)
    SELECT %(t)s, a.id, '', '', %(today)s - 200 - (a.id %% 500)::int,
        CASE WHEN a.id %% 5 > 0 THEN %(today)s + 20 + (a.id %% 380)::int END, false, 'EUR', %(now)s
    FROM accounts_account a WHERE a.tenant_id = %(t)s""",
    """INSERT INTO accounts_contractline (tenant_id, contract_id, account_id, external_id, kind, starts_on, ends_on,
        end_date_is, arr_minor)
    SELECT %(t)s, c.id, c.account_id, '', 'recurring', c.starts_on, c.ends_on, 'first_day_without',
        100000 + c.account_id * 10
    FROM accounts_contract c WHERE c.tenant_id = %(t)s""",
)

_PRINT = """
SELECT md5(string_agg(row_text, ',' ORDER BY row_text)) FROM (
    SELECT concat_ws('|', r.contract_id, r.due_on, r.basis, r.amount_minor, r.owner_id, s.offset_days, s.kind, t.due_on,
                     t.title, t.detail, t.priority, t.assignee_id, t.account_id) AS row_text
    FROM renewals_renewal r
    JOIN renewals_renewalstep s ON s.tenant_id = r.tenant_id AND s.renewal_id = r.id
    JOIN journeys_task t ON t.tenant_id = s.tenant_id AND t.id = s.task_id
    WHERE r.tenant_id = %s
) AS written"""


def timed(tenant: Any, once: Callable[[Any], None]) -> tuple[float, str]:
    """Milliseconds of a run with every key checked, and the fingerprint of what it wrote; the rows are rolled back."""
    from core.tenancy import tenant_context

    taken, found = 0.0, ""
    try:
        with tenant_context(tenant.pk):
            began = time.perf_counter()
            once(tenant)
            execute("SET CONSTRAINTS ALL IMMEDIATE")
            taken = (time.perf_counter() - began) * 1000
            execute("SET LOCAL enable_nestloop = off")  # nobody has analysed the new rows yet
            found = str(execute(_PRINT, [tenant.pk]).fetchone()[0])
            raise RolledBack  # noqa: TRY301 -- leaving the context by an error is what rolls the run back
    except RolledBack:
        pass
    return taken, found


def ours_once(tenant: Any) -> None:
    """The product's own action."""
    from core.actors import Actor
    from renewals.actions import sweep_renewals

    sweep_renewals(tenant=tenant, actor=Actor.system("bench"), today=TODAY, now=NOW)


def second_run(tenant: Any) -> float:
    """Milliseconds of a sweep that finds everything done; ends the benchmark when it writes a row."""
    from core.actors import Actor
    from core.tenancy import tenant_context
    from renewals.actions import sweep_renewals

    with tenant_context(tenant.pk):
        ours_once(tenant)
    began = time.perf_counter()
    with tenant_context(tenant.pk):
        sweep = sweep_renewals(tenant=tenant, actor=Actor.system("bench"), today=TODAY, now=NOW)
    if sweep.wrote:
        sys.exit(f"The second sweep wrote rows: {sweep}.")
    return (time.perf_counter() - began) * 1000


# What somebody who knows the standard timeline by heart would write for an empty workspace. Nothing can be found to
# move, close or decide, so nothing is looked for.
_DUE = """
SELECT c.id, c.account_id, a.owner_id, sum(l.arr_minor)::bigint AS amount,
       CASE WHEN c.ends_on IS NULL THEN 'anniversary' ELSE 'end_date' END AS basis,
       COALESCE(c.ends_on, CASE
           WHEN (c.starts_on + make_interval(years => GREATEST(2026 - extract(year FROM c.starts_on)::int, 1)))::date
               > %(today)s
           THEN (c.starts_on + make_interval(years => GREATEST(2026 - extract(year FROM c.starts_on)::int, 1)))::date
           ELSE (c.starts_on
                 + make_interval(years => GREATEST(2026 - extract(year FROM c.starts_on)::int, 1) + 1))::date
       END) AS due_on
FROM accounts_contract c
JOIN accounts_account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
JOIN accounts_contractline l ON l.tenant_id = c.tenant_id AND l.contract_id = c.id
WHERE c.tenant_id = %(t)s AND a.status <> 'churned' AND l.kind = 'recurring' AND c.starts_on <= %(today)s
  AND (c.ends_on IS NULL OR c.ends_on > %(today)s) AND l.starts_on <= %(today)s
  AND (l.ends_on IS NULL OR l.ends_on > %(today)s)
GROUP BY c.id, c.account_id, a.owner_id, c.starts_on, c.ends_on
HAVING sum(l.arr_minor) > 0"""
HAND_WRITTEN = (
    f"""INSERT INTO renewals_renewal (tenant_id, account_id, contract_id, owner_id, due_on, basis, amount_minor, state,
        forecast, opened_at, seen_on, reason, is_automatic)
    SELECT %(t)s, account_id, id, owner_id, due_on, basis, amount, 'open', 'not_yet', %(now)s, %(today)s, '', false
    FROM ({_DUE}) AS due""",
    """WITH day AS (
        SELECT r.id, r.account_id, r.owner_id, r.due_on, o.*, CASE
            WHEN extract(isodow FROM r.due_on - o.days) <= 5 THEN r.due_on - o.days
            ELSE r.due_on - o.days + 8 - extract(isodow FROM r.due_on - o.days)::int END AS day
        FROM renewals_renewal r, unnest(%(offsets)s::int[], %(titles)s::text[], %(dones)s::text[],
            %(priorities)s::int[]) AS o(days, title, done, priority)
        WHERE r.tenant_id = %(t)s
    ),
    task AS (
        INSERT INTO journeys_task (tenant_id, state, created_at, snooze_reason, closed_by, account_id, kind, title,
            detail, due_on, priority, assignee_id, process_version_id, origin_key, subject_kind, subject_id)
        SELECT %(t)s, 'open', %(now)s, '', '', account_id, 'renewal', title, 'Done when: ' || done, day, priority,
            owner_id, %(v)s, 'renewal:' || id || ':' || days, 'renewal', id
        FROM day WHERE day >= %(today)s
        UNION ALL
        SELECT %(t)s, 'open', %(now)s, '', '', account_id, 'renewal', %(catch_up)s, 'Stands for the steps '
            || string_agg(days::text, ', ' ORDER BY days DESC) || ' days before the due date.', %(today)s,
            max(priority), owner_id, %(v)s, 'renewal:' || id || ':0', 'renewal', id
        FROM day WHERE day < %(today)s GROUP BY id, account_id, owner_id
        RETURNING id, subject_id, origin_key
    )
    INSERT INTO renewals_renewalstep (tenant_id, renewal_id, task_id, process_version_id, offset_days, kind)
    SELECT %(t)s, subject_id, id, %(v)s, split_part(origin_key, ':', 3)::int,
        CASE WHEN origin_key LIKE '%%:0' THEN 'catch_up' ELSE 'step' END
    FROM task""",
)


def hand_once(tenant: Any) -> None:
    """The statements that a person would write for exactly this timeline."""
    from core.queries import published_version
    from renewals.rules import parse_timeline

    version = published_version("renewal_timeline", "standard")
    assert version is not None
    timeline = parse_timeline(version.definition)
    params = {
        "t": tenant.pk, "today": TODAY, "now": NOW, "v": version.pk, "catch_up": timeline.catch_up_title,
        "offsets": list(timeline.offsets), "titles": [step.title for step in timeline.steps],
        "dones": [step.done_when for step in timeline.steps], "priorities": [step.priority for step in timeline.steps],
    }  # fmt: skip
    for statement in HAND_WRITTEN:
        execute(statement, params)


if __name__ == "__main__":
    alone(run, __doc__, contracts=100_000, trials=3)
