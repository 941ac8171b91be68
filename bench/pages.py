"""My day, portfolio, account, health explained, trend, the board of opportunities, the journey, the analysis with its
recurring problems, and hand-offs at two sizes, for an admin and for a CSM who owns a fifth.

    python -m bench.pages --accounts 1000 100000

Django's own client with the real middleware, as rv_app behind row security; an empty signed-in page is asked for in
turn with the others, and all four people take turns. Bytes are the compressed HTML; the first view adds the compressed
styles and scripts of the page.
"""

import argparse
import gzip
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.rows import Row, start_django

EMPTY = "/help/"
PAGES = {
    "My day": "/",
    "portfolio": "/accounts/",
    "account": "/accounts/{account}/",
    "explained": "/accounts/{account}/health/",
    "trend": "/trend/",
    "board": "/opportunities/?who=all",
    "journey": "/journey/",
    "analysis": "/pipeline/",
    "recurring": "/pipeline/recurring/",
    "hand-offs": "/handoffs/",
}
# Who configures has no book: what there is to draw on their day is everybody's.
OF_ADMIN = {"My day": "/?scope=everyone"}
QUERIES = {"My day": 20, "portfolio": 12, "account": 15, "trend": 20, "explained": 15, "board": 20, "journey": 20,
           "analysis": 20, "recurring": 15, "hand-offs": 20}  # fmt: skip
ROLES = {"admin": "ruth", "CSM": "mara"}
TRIALS = 60


@dataclass
class Visit:
    """One page for one role at one size."""

    page: str
    role: str
    accounts: int
    taken: list[float] = field(default_factory=list)
    queries: int = 0
    bytes: int = 0
    first_view: int = 0

    @property
    def p95(self) -> float:
        return statistics.quantiles(self.taken, n=20, method="inclusive")[18]


def run(
    sizes: tuple[int, ...] = (1_000, 100_000), trials: int = TRIALS, say: Callable[[str], None] = lambda _text: None
) -> list[Row]:
    """The rows of the table. Workspaces are made when they are not there; the larger one stands beside the smaller."""
    for accounts in sorted(sizes, reverse=True):
        prepare(accounts, say)
    desks = [Desk(accounts, role) for accounts in sizes for role in ROLES]
    for desk in desks:
        say(f"{desk.accounts:,} accounts as {desk.role}")
        desk.warm_up()
    say(f"{trials} rounds")
    for _ in range(trials):
        for desk in desks:
            desk.round()
    visits = [visit for desk in desks for visit in desk.visits]
    rows = [
        Row(
            f"{one.page}, {one.accounts:,} accounts, {one.role}, p95",
            one.p95,
            desk.empty.p95,
            4.0,
            "× an empty signed-in page",
        )
        for desk in desks
        for one in desk.visits
    ]
    rows += growth(visits, sizes)
    for page, most in QUERIES.items():
        mine = [one for one in visits if one.page == page]
        rows.append(Row(f"{page}, queries", max(one.queries for one in mine), None, most, "queries"))
        rows.append(Row(f"{page}, compressed HTML", max(one.bytes for one in mine) / 1000, None, 20, "kB"))
    rows.append(Row("first view, HTML + CSS + JS", max(one.first_view for one in visits) / 1000, None, 60, "kB"))
    return rows


def growth(visits: list[Visit], sizes: tuple[int, ...]) -> list[Row]:
    """How much slower the largest workspace is than the smallest."""
    rows = []
    by = {(one.page, one.role, one.accounts): one for one in visits}
    for page in PAGES:
        for role in ROLES:
            large, small = by[page, role, max(sizes)], by[page, role, min(sizes)]
            rows.append(Row(f"{page}, {role}, growth of p95", large.p95, small.p95, 1.3, f"× {min(sizes):,} accounts"))
    return rows


def prepare(accounts: int, say: Callable[[str], None]) -> None:
    """A demo workspace of the size, after its main job, with statistics as autovacuum would have made them."""
    from core import clock
    from revops.demo import actions
    from revops.demo.seed import Demo

    now = clock.now()
    demo = Demo(slug=f"bench-pages-{accounts}", accounts=accounts, seed=7, as_of=actions.today(now), now=now, thin=True)
    try:
        made = actions.seed(demo=demo, fresh=False, run_main_job=True, say=say)
    except actions.NotADemo:  # an earlier run was interrupted
        made = actions.seed(demo=demo, fresh=True, run_main_job=True, say=say)
    if made["created"]:
        analyze()


def analyze() -> None:
    """What autovacuum does within minutes; a benchmark does not wait for it."""
    import psycopg2

    owner = psycopg2.connect(os.environ["DATABASE_OWNER_URL"])
    owner.autocommit = True
    with owner.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    owner.close()


class Desk:
    """One person in one workspace, who opens the pages in turn.

    All desks take turns round by round, so that whatever else the machine does meets both sizes and both roles.
    """

    def __init__(self, accounts: int, role: str) -> None:
        from django.test import Client

        from core.models import Membership, Tenant
        from core.tenancy import tenant_context
        from renewals.models import Renewal

        self.accounts, self.role = accounts, role
        tenant = Tenant.objects.get(slug=f"bench-pages-{accounts}")
        member = Membership.objects.get(tenant=tenant, user__email=f"{ROLES[role]}@{tenant.slug}.example")
        with tenant_context(tenant.pk):
            renewal = Renewal.objects.filter(owner__email_key=member.user.email).order_by("due_on").first()
            self.account_id = (renewal or Renewal.objects.order_by("due_on")[0]).account_id
        self.client = Client(headers={"host": "127.0.0.1"})
        self.client.force_login(member.user)
        self.empty = Visit("empty", role, accounts)
        self.visits = [Visit(page, role, accounts) for page in PAGES]

    def round(self) -> None:
        """Every page once, timed."""
        for visit in [self.empty, *self.visits]:
            began = time.perf_counter()
            self._get(visit)
            visit.taken.append((time.perf_counter() - began) * 1000)

    def warm_up(self) -> None:
        """Three rounds that do not count; the last one weighs the pages and counts their queries."""
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        for _ in range(2):
            for visit in [self.empty, *self.visits]:
                self._get(visit)
        for visit in self.visits:
            with CaptureQueriesContext(connection) as captured:
                content = self._get(visit)
            visit.queries = sum(_is_query(one["sql"]) for one in captured.captured_queries)
            visit.bytes = len(gzip.compress(content, 6))
            visit.first_view = visit.bytes + assets(content.decode())

    def _get(self, visit: Visit) -> bytes:
        pages = PAGES | OF_ADMIN if self.role == "admin" else PAGES
        address = pages.get(visit.page, EMPTY).format(account=self.account_id)
        response = self.client.get(address)
        if response.status_code != 200:
            raise RuntimeError(f"{address} answered {response.status_code}.")
        return bytes(response.content)


def _is_query(sql: str) -> bool:
    """Statements that ask for or write rows; entering the workspace and its transaction are not counted."""
    return not sql.startswith(("SELECT set_config", "SAVEPOINT", "RELEASE", "SET ", "BEGIN", "COMMIT", "ROLLBACK"))


def assets(html: str) -> int:
    """Compressed bytes of the styles and scripts that the page names; what loads later does not count."""
    from django.contrib.staticfiles import finders

    total = 0
    for name in set(re.findall(r'(?:href|src)="/static/([^"]+\.(?:css|js))"', html)):
        plain = re.sub(r"\.[0-9a-f]{12}(?=\.\w+$)", "", name)
        found = finders.find(plain)
        if found:
            total += len(gzip.compress(Path(str(found)).read_bytes(), 6))
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, nargs=2, default=[1_000, 100_000])
    parser.add_argument("--trials", type=int, default=TRIALS)
    options = parser.parse_args()
    rows = run(tuple(options.accounts), options.trials, say=lambda text: print(text, file=sys.stderr))
    print(json.dumps([row.as_dict() for row in rows], indent=1))


if __name__ == "__main__":
    start_django()
    main()
