"""Killed workers, an emptied broker, messages that come twice: every effect is there exactly once."""

import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.cookiejar import CookieJar
from typing import Any

import psycopg2
import pytest

from revops.local.home import CHECKOUT
from tests.stack import ENTER, Stack, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.slow]

NIGHTLY_TASKS = (
    "accounts.refresh_arr", "health.nightly", "renewals.sweep", "qbr.assemble", "escalations.sweep",
    "journeys.sweep_lifecycle", "journeys.sweep_handoffs", "journeys.sweep_plays",
)  # fmt: skip
NIGHTLY_COMMANDS = (
    "recompute_health", "sweep_renewals", "assemble_qbrs", "sweep_escalations", "sweep_alerts", "sweep_journey",
    "sweep_plays",
)  # fmt: skip
SCORES = """
    SELECT 'score', a.external_id, s.as_of::text, s.score::text, s.band, s.sub_scores::text
    FROM health_score s JOIN accounts_account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
    UNION ALL
    SELECT 'history', a.external_id, h.as_of::text, h.score::text, h.band, h.sub_scores::text
    FROM health_scorehistory h JOIN accounts_account a ON a.tenant_id = h.tenant_id AND a.id = h.account_id
    UNION ALL
    SELECT 'day', d.day::text, d.segment, d.band, sum(d.accounts)::text, sum(d.arr_minor)::text
    FROM health_healthday d GROUP BY d.day, d.segment, d.band
    ORDER BY 1, 2, 3, 4, 5, 6
"""
EFFECTS = """
    SELECT 'renewal', count(*), count(DISTINCT (contract_id, due_on)) FROM renewals_renewal
    UNION ALL SELECT 'step', count(*), count(DISTINCT (renewal_id, offset_days)) FROM renewals_renewalstep
    UNION ALL SELECT 'task', count(*), count(DISTINCT origin_key) FROM journeys_task WHERE origin_key <> ''
    UNION ALL SELECT 'qbr', count(*), count(DISTINCT (account_id, due_on)) FROM qbr_qbr
    UNION ALL SELECT 'package', count(*), count(DISTINCT qbr_id) FROM qbr_qbrpackage
    UNION ALL SELECT 'escalation', count(*), count(DISTINCT account_id) FROM escalations_escalation
    UNION ALL SELECT 'alert', count(*), count(DISTINCT (rule_key, account_id, opened_on)) FROM health_alert
    UNION ALL SELECT 'play', count(*), count(DISTINCT origin_key) FROM journeys_playbookrun
    UNION ALL SELECT 'play step', count(*), count(DISTINCT (run_id, key)) FROM journeys_runstep
    UNION ALL SELECT 'hand-off', count(*), count(DISTINCT (origin_key, attempt)) FROM journeys_handoff
    UNION ALL SELECT 'stage visit', count(*), count(DISTINCT (account_id, entered_on, stage_id))
      FROM journeys_stagevisit
    UNION ALL SELECT 'movement', count(*), count(DISTINCT (account_id, effective_on, kind))
      FROM accounts_revenuemovement
    ORDER BY 1
"""


@contextmanager
def held(stack: Stack, slug: str, lock: str) -> Iterator[None]:
    """Keeps a lock that the worker needs, so that it stands still at this point."""
    connection = psycopg2.connect(stack.environment["DATABASE_OWNER_URL"])
    try:
        with connection.cursor() as cursor:
            cursor.execute(ENTER, [slug])
            cursor.execute(lock)
        yield
    finally:
        connection.close()


def somebody_waits(stack: Stack) -> bool:
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    return bool(stack.rows(f"SELECT 1 FROM pg_locks WHERE NOT granted AND {here}"))


def nobody_works(stack: Stack) -> bool:
    """No job is open, and no message waits."""
    open_jobs = sum(
        stack.rows("SELECT count(*) FROM core_job WHERE state IN ('queued', 'running')", slug=slug)[0][0]
        for slug in ("hurt", "sound")
    )
    return open_jobs == 0 and messages(stack) == 0 and stack.broker.hlen("unacked") == 0


def messages(stack: Stack) -> int:
    return sum(stack.broker.llen(queue) for queue in ("celery", "long"))


def let_the_lease_run_out(stack: Stack, slug: str) -> None:
    """As if more than a minute had passed: nobody trusts the last bell and the last sign of life any longer."""
    with stack.as_owner() as cursor:
        cursor.execute(ENTER, [slug])
        cursor.execute(
            "UPDATE core_job SET lease_until = now() - interval '1 second' WHERE state IN ('queued', 'running')"
        )


def recomputes(stack: Stack, slug: str) -> list[tuple[Any, ...]]:
    """State and attempts of the full runs; each is followed by a look at the alert rules, a job of its own."""
    return stack.rows("SELECT state, attempts FROM core_job WHERE kind = 'health.recompute' ORDER BY id", slug=slug)


KILL_POINTS = {
    "before it may score": "SELECT pg_advisory_xact_lock(4710001, current_setting('app.tenant_id')::int)",
    "before the scores": "LOCK TABLE health_score IN ACCESS EXCLUSIVE MODE",
    "between scores and roll-up": "LOCK TABLE health_healthday IN SHARE ROW EXCLUSIVE MODE",
    "before the report": "LOCK TABLE core_auditentry IN SHARE ROW EXCLUSIVE MODE",
}


def test_a_worker_killed_in_the_middle_of_a_recompute_leaves_every_score_exactly_once(
    stack: Stack, tenants: dict[str, int]
) -> None:
    worker = stack.start_worker()
    stack.ring("health.nightly", tenant_id=tenants["sound"])
    wait_until(lambda: recomputes(stack, "sound") == [("done", 1)], what="the undisturbed run")
    for place, (where, lock) in enumerate(KILL_POINTS.items()):
        with held(stack, "hurt", lock):
            task = "core.sweep" if place else "health.nightly"
            stack.ring(task, tenant_id=tenants["hurt"])
            wait_until(lambda: somebody_waits(stack), what=f"the worker stands {where}")
            stack.kill(worker)
        assert recomputes(stack, "hurt") == [("running", place + 1)], where
        wait_until(lambda: not somebody_waits(stack), what="Postgres has noticed")
        assert stack.rows("SELECT count(*) FROM health_score", slug="hurt") == [(0,)], where
        let_the_lease_run_out(stack, "hurt")
        stack.broker.flushdb()
        worker = stack.start_worker()
    stack.ring("core.sweep", tenant_id=tenants["hurt"])
    wait_until(lambda: recomputes(stack, "hurt") == [("done", len(KILL_POINTS) + 1)], what="it is done")
    assert stack.rows(SCORES, slug="hurt") == stack.rows(SCORES, slug="sound")
    assert stack.rows("SELECT count(*) FROM health_score", slug="hurt")[0][0] > 25


def test_a_flushed_broker_loses_no_job_and_no_change(stack: Stack, tenants: dict[str, int]) -> None:
    stack.python(
        "from core import clock, jobs\n"
        "from core.actors import Actor\n"
        "from core.changes import mark_changed_where\n"
        "from core.tenancy import tenant_context\n"
        f"with tenant_context({tenants['hurt']}):\n"
        "    for number in range(20):\n"
        "        jobs.start_job(kind='health.recompute', key=f'flushed {number}', payload={},\n"
        "                       actor=Actor.system('test'), now=clock.now())\n"
        "    mark_changed_where('SELECT id FROM accounts_account WHERE tenant_id = %s', "
        f"[{tenants['hurt']}])\n"
    )
    assert messages(stack) >= 21
    stack.broker.flushdb()
    let_the_lease_run_out(stack, "hurt")
    stack.start_worker(concurrency=2)
    stack.ring("core.fan_out", task="core.sweep")
    flushed = "SELECT state, attempts, count(*) FROM core_job WHERE key LIKE 'flushed%%' GROUP BY 1, 2"
    wait_until(lambda: stack.rows(flushed, slug="hurt") == [("done", 1, 20)], 120, "every job is done once")
    wait_until(lambda: stack.rows("SELECT count(*) FROM core_change", slug="hurt") == [(0,)], what="changes are seen")
    assert stack.rows(SCORES, slug="hurt") == stack.rows(SCORES, slug="sound")


def test_messages_that_come_twice_and_at_the_same_time_change_nothing(stack: Stack, tenants: dict[str, int]) -> None:
    stack.start_worker(concurrency=2)
    for task in NIGHTLY_TASKS:
        stack.ring(task, tenant_id=tenants["hurt"])
        wait_until(lambda: nobody_works(stack), what=f"{task} is done")
    once = stack.checksums("hurt")
    for task in (*NIGHTLY_TASKS, "core.sweep", "health.score_changes"):
        for _ in range(3):
            stack.ring(task, tenant_id=tenants["hurt"])
    job_id = stack.rows("SELECT min(id) FROM core_job", slug="hurt")[0][0]
    for _ in range(3):
        stack.ring("core.run_job", tenant_id=tenants["hurt"], job_id=job_id)
    wait_until(lambda: nobody_works(stack), what="the messages are read")
    assert stack.checksums("hurt") == once
    assert all(rows == distinct for _, rows, distinct in stack.rows(EFFECTS, slug="hurt"))


def test_the_nightly_commands_write_nothing_the_second_time(stack: Stack) -> None:
    for command in NIGHTLY_COMMANDS:
        stack.manage(command, "--tenant", "sound", "--json")
    once = stack.checksums("sound")
    second = {command: stack.manage(command, "--tenant", "sound", "--json") for command in NIGHTLY_COMMANDS}
    assert stack.checksums("sound") == once
    assert second["recompute_health"]["changed"] == 0
    assert [second["sweep_renewals"][key] for key in ("renewals_opened", "tasks_created", "tasks_moved")] == [0, 0, 0]
    assert second["assemble_qbrs"]["assembled"] == 0
    assert [second["sweep_escalations"][key] for key in ("opened", "closed")] == [0, 0]
    assert [second["sweep_alerts"][key] for key in ("opened", "closed")] == [0, 0]
    assert second["sweep_plays"]["started"] == 0


def test_two_schedulers_at_once_equal_one(stack: Stack) -> None:
    stack.manage("seed_demo", "--tenant", "twice", "--accounts", "40", "--score-days", "0", "--json")
    for command in NIGHTLY_COMMANDS:
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(stack.manage, command, "--tenant", "twice", "--json") for _ in range(2)]
        assert [one.exception() for one in both] == [None, None], command
        stack.manage(command, "--tenant", "sound", "--json")
    assert stack.rows(EFFECTS, slug="twice") == stack.rows(EFFECTS, slug="sound")
    assert stack.rows(SCORES, slug="twice") == stack.rows(SCORES, slug="sound")


def test_without_a_broker_people_sign_in_read_and_write_and_the_work_is_done_later(
    stack: Stack, tenants: dict[str, int]
) -> None:
    nobody_there = "redis://127.0.0.1:1/0"
    password = "a-long-password-7"
    stack.python(
        "from core.models import User\n"
        "user = User.objects.get(email='ruth@hurt.example')\n"
        f"user.set_password('{password}')\n"
        "user.save()\n"
    )
    url = stack.start_web(REDIS_URL=nobody_there, CACHE_URL=nobody_there)
    person = Visitor(url)
    assert person.post("/sign-in/login/", login="ruth@hurt.example", password=password) == 200
    assert "Larkfield" in person.page
    account_id = stack.rows("SELECT min(id) FROM accounts_account WHERE status = 'customer'", slug="hurt")[0][0]
    for address in ("/", "/accounts/", f"/accounts/{account_id}/", "/renewals/", "/trend/", "/readyz"):
        assert person.get(address) == 200, f"{address}\n{stack.log('web')[-2000:]}"
    person.get(f"/accounts/{account_id}/")
    logged = {"kind": "call", "subject": "Logged without a broker", "body": "", "occurred_at": ""}
    assert person.post(f"/accounts/{account_id}/activities/", **logged) == 200
    waiting = "SELECT count(*) FROM core_change WHERE account_id = %s"
    assert stack.rows(waiting, account_id, slug="hurt")[0][0] > 0
    stack.start_worker()
    stack.ring("core.sweep", tenant_id=tenants["hurt"])
    wait_until(lambda: stack.rows(waiting, account_id, slug="hurt") == [(0,)], what="the change is seen")


class Visitor:
    """A person's browser without a screen: cookies, and the token of the form last seen."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.page = ""
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, address: str, data: bytes | None = None) -> int:
        request = urllib.request.Request(self.url + address, data, {"Referer": self.url})
        try:
            with self.opener.open(request, timeout=60) as answer:
                self.page = answer.read().decode()
                return int(answer.status)
        except urllib.error.HTTPError as refusal:
            return refusal.code

    def post(self, address: str, **form: str) -> int:
        self.get(address if "login" in address else "/help/")
        token = next(one.value for one in self.cookies if one.name == "csrftoken")
        return self.get(address, urllib.parse.urlencode({**form, "csrfmiddlewaretoken": token}).encode())


def test_nothing_is_broken_after_all_of_this(stack: Stack) -> None:
    for slug in ("hurt", "sound"):  # their contracts are years old, and no night has passed since they were seeded
        stack.manage("sweep_renewals", "--tenant", slug, "--json")
    assert stack.manage("doctor", "--json", ok=(0, 1))["broken"] == []


def test_a_process_that_could_see_every_workspace_does_not_start(stack: Stack) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "celery", "-A", "revops", "worker", "--concurrency", "1"],
        cwd=CHECKOUT,
        env=stack.served() | {"DATABASE_URL": stack.environment["DATABASE_OWNER_URL"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert "owns the tables" in done.stdout + done.stderr
