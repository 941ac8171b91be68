"""A worker killed in the middle of starting thousands of plays: every play, step and task is there exactly once."""

import pytest

from tests.faults.test_worker import let_the_lease_run_out
from tests.stack import Stack, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.slow]

ACCOUNTS = 3_000
MAKE = f"""
from core import clock
from core.actors import Actor
from core.models import Tenant
from core.tenancy import tenant_context
from accounts.models import Account
from journeys.actions.plays import ask_start_plays

tenant = Tenant.objects.get(slug="hurt")
with tenant_context(tenant.pk):
    made = Account.objects.bulk_create(
        Account(tenant=tenant, name=f"Many {{n}}", name_key=f"many {{n}}", segment="small") for n in range({ACCOUNTS})
    )
    now = clock.now()
    ask_start_plays(playbook="low_usage", account_ids=[one.pk for one in made], key="many",
                    actor=Actor.system("test"), today=tenant.today(now), now=now)
"""
JOB = "SELECT state, attempts, result FROM core_job WHERE kind = 'journeys.start_plays'"
OURS = "origin_key LIKE 'job:%%'"
PLAYS = f"SELECT count(*), count(DISTINCT account_id) FROM journeys_playbookrun WHERE {OURS}"
STEPS = f"""
    SELECT count(*), count(DISTINCT (s.run_id, s.key)) FROM journeys_runstep s
    JOIN journeys_playbookrun r ON r.tenant_id = s.tenant_id AND r.id = s.run_id AND r.{OURS}
"""
TASKS = f"""
    SELECT count(*), count(DISTINCT t.origin_key) FROM journeys_task t
    JOIN journeys_playbookrun r ON r.tenant_id = t.tenant_id AND r.id = t.subject_id AND r.{OURS}
    WHERE t.subject_kind = 'play' AND t.state = 'open'
"""


def test_a_worker_killed_while_it_starts_plays_leaves_each_exactly_once(stack: Stack) -> None:
    stack.python(MAKE)
    begun = 0
    for attempt in range(3):
        worker = stack.start_worker()
        stack.ring("core.fan_out", task="core.sweep")
        before = begun
        wait_until(lambda: stack.rows(PLAYS, slug="hurt")[0][0] > before, 120, "some plays have started")  # noqa: B023 -- used at once
        stack.kill(worker)
        begun = stack.rows(PLAYS, slug="hurt")[0][0]
        assert begun % 500 == 0
        assert stack.rows(JOB, slug="hurt")[0][:2] == ("running", attempt + 1)
        let_the_lease_run_out(stack, "hurt")
        stack.broker.flushdb()
    assert begun < ACCOUNTS
    stack.start_worker()
    stack.ring("core.fan_out", task="core.sweep")
    wait_until(lambda: stack.rows(JOB, slug="hurt")[0][0] == "done", 180, "the job is done")
    result = stack.rows(JOB, slug="hurt")[0][2]
    assert (result["asked"], result["started"], result["refused"]) == (ACCOUNTS, ACCOUNTS, [])
    assert stack.rows(PLAYS, slug="hurt") == [(ACCOUNTS, ACCOUNTS)]
    assert stack.rows(STEPS, slug="hurt") == [(4 * ACCOUNTS, 4 * ACCOUNTS)]
    assert stack.rows(TASKS, slug="hurt") == [(ACCOUNTS, ACCOUNTS)]
