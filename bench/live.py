"""From a logged call to the new score that a page would show, through a real worker and broker.

    python -m bench --only pages live

A call is logged for one account after another; the clock runs from its commit until the new score can be read. The
worker is a process of its own on the benchmark's database and broker.
"""

import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from bench.pages import prepare
from bench.rows import Row

CHECKOUT = Path(__file__).resolve().parent.parent
PATIENCE = 120.0


def run(accounts: int = 100_000, times: int = 60, say: Callable[[str], None] = lambda _text: None) -> list[Row]:
    """One row: the 95th percentile in milliseconds."""
    prepare(accounts, say)
    with worker():
        say("The first change, which also wakes the worker")
        first, *taken = (change(accounts, turn) for turn in range(times + 1))
    say(f"First {first:.0f} ms, then median {statistics.median(taken):.0f} ms")
    p95 = statistics.quantiles(taken, n=20, method="inclusive")[18]
    return [Row(f"change → visible score among {accounts:,}, p95 through the worker", p95, None, 5_000, "ms")]


@contextlib.contextmanager
def worker() -> Iterator[None]:
    """A worker for as long as the block runs."""
    command = [sys.executable, "-m", "celery", "-A", "revops", "worker", "--concurrency", "1", "--loglevel", "ERROR"]
    process = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def change(accounts: int, turn: int) -> float:
    """Logs a call for the account in this turn; milliseconds until its score was written again."""
    from accounts.actions.activities import log_activity
    from accounts.choices import ActivityKind
    from accounts.models import Account
    from core import clock
    from core.actors import Actor
    from core.models import Tenant
    from core.tenancy import tenant_context
    from health.models import Score

    tenant = Tenant.objects.get(slug=f"bench-pages-{accounts}")
    now = clock.now()
    with tenant_context(tenant.pk):
        # A customer who was not spoken to for a while, so that the call moves the score.
        quiet = Account.objects.filter(status="customer", last_contact_on__lt=tenant.today(now) - timedelta(days=20))
        account = quiet.filter(pk__in=Score.objects.values("account_id")).order_by("pk")[turn]
        before = Score.objects.get(account_id=account.pk).computed_at
        log_activity(
            tenant=tenant, account=account, kind=ActivityKind.CALL, subject="Bench", body="", occurred_at=now,
            person=None, actor=Actor.system("bench"), now=now,
        )  # fmt: skip
    began = time.perf_counter()
    while time.perf_counter() - began < PATIENCE:
        with tenant_context(tenant.pk):
            if Score.objects.get(account_id=account.pk).computed_at > before:
                return (time.perf_counter() - began) * 1000
        time.sleep(0.005)
    sys.exit(f"The score of account {account.pk} did not change within {PATIENCE:.0f} seconds.")
