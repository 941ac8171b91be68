"""Plays at size: a start for 10,000 accounts in chunks as the job does it, the same again, and the sweep of everything.

    python -m bench.plays --accounts 100000

The accounts are those of the renewal benchmark. What was started is deleted at the beginning of the next run.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

from bench.renewals import NOW, TODAY, prepare
from bench.rows import Row, alone

CHUNK = 500


def run(accounts: int = 100_000, say: Callable[[str], None] = lambda _text: None) -> list[Row]:
    """The rows of the table."""
    tenant = prepare(accounts, say)
    _empty(tenant)
    many = min(accounts, 10_000)
    first, started = _start(tenant, many)
    second, again = _start(tenant, many)
    if (started, again) != (many, 0):
        sys.exit(f"{started} and then {again} plays started; {many} and then none were expected.")
    say(f"Started {many:,} plays in {first:.0f} ms, again in {second:.0f} ms")
    sweep, _ = _sweep(tenant)
    idle, written = _sweep(tenant)
    if written:
        sys.exit(f"The second sweep started {written} plays.")
    return [
        Row(f"start of a play for {many:,} accounts, in chunks of {CHUNK}", first, None, 60_000, "ms"),
        Row(f"the same again, {many:,} accounts, starts nothing", second, None, 30_000, "ms"),
        Row(f"sweep of all playbooks, {accounts:,} accounts", sweep, None, 60_000, "ms"),
        Row(f"second sweep, {accounts:,} accounts, starts nothing", idle, None, 60_000, "ms"),
    ]


def _empty(tenant: Any) -> None:
    from django.db import connection

    from core.tenancy import tenant_context

    with tenant_context(tenant.pk), connection.cursor() as cursor:
        for table in ("journeys_runstep", "journeys_playbookrun", "journeys_task"):
            cursor.execute(f"DELETE FROM {table} WHERE tenant_id = %s", [tenant.pk])


def _start(tenant: Any, many: int) -> tuple[float, int]:
    """Milliseconds, and how many plays are new."""
    from accounts.models import Account
    from core.actors import Actor
    from core.tenancy import tenant_context
    from journeys.actions.plays import Request, begin
    from journeys.queries.plays import live_playbook
    from journeys.queries.plays.planning import by_index

    with tenant_context(tenant.pk):
        ids = list(Account.objects.order_by("pk").values_list("pk", flat=True)[:many])
        version = live_playbook("low_usage")
    if version is None:
        sys.exit("The workspace has no starter playbooks.")
    began, started = time.perf_counter(), 0
    for low in range(0, len(ids), CHUNK):
        some = ids[low : low + CHUNK]
        request = Request(
            version, Actor.system("bench"), TODAY, NOW, origins={one: f"job:bench:{one}" for one in some}
        )  # fmt: skip
        with tenant_context(tenant.pk), by_index():
            started += len(begin(request, some).runs)
    return (time.perf_counter() - began) * 1000, started


def _sweep(tenant: Any) -> tuple[float, int]:
    from core.tenancy import tenant_context
    from journeys.actions.plays import sweep_plays

    began = time.perf_counter()
    with tenant_context(tenant.pk):
        done = sweep_plays(tenant=tenant, today=TODAY, now=NOW)
    return (time.perf_counter() - began) * 1000, done.started


if __name__ == "__main__":
    alone(run, __doc__, accounts=100_000)
