"""Makes the demo workspace. Set-based: nothing loops over companies; large worlds are written in batches."""

import json
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connection

from accounts.models import Person
from accounts.rules import name_key
from core import audit
from core.actions import add_member, create_tenant
from core.actors import Actor
from core.choices import Role
from core.models import Membership, Tenant, User
from core.tenancy import tenant_context
from revops.demo import gates, handoffs, journey, names, opportunities, texts, truth
from revops.demo.owner import analyze
from revops.demo.scale import Scale, scale_for, thin_scale

VAR = Path(settings.BASE_DIR) / "var"
SQL: Final = Path(__file__).parent / "sql"
BATCH_ACCOUNTS: Final = 2_000
WRITERS: Final = 2
PLAN: Final = ("01_functions", "02_accounts", "03_terms")  # temporary: each connection draws the same plan
ACTOR: Final = Actor.system("seed_demo")
LARGEST: Final = len(names.COMPANY_FIRST) * len(names.COMPANY_SECOND) * len(names.COMPANY_SUFFIX)
MEASURES: Final = (
    ("active_users", "Active users", "usage", "users"),
    ("feature_adoption", "Feature adoption", "usage", "%"),
    ("nps", "NPS", "survey", "points"),
    ("newsletter_opens", "Newsletter opens", "signal", "opens"),
    ("webinar_signups", "Webinar sign-ups", "signal", "people"),
)

Say = Callable[[str], None]


@dataclass(frozen=True)
class Demo:
    """What was asked for."""

    slug: str
    accounts: int
    seed: int
    as_of: date
    now: datetime
    name: str = "Larkfield Cloud"
    currency: str = "EUR"
    timezone: str = "Europe/Berlin"
    score_days: int | None = None
    thin: bool = False

    @property
    def scale(self) -> Scale:
        """How much is told; `score_days` shortens the past scores, which take most of the time of a small world."""
        usual = thin_scale() if self.thin else scale_for(self.accounts)
        return usual if self.score_days is None else replace(usual, backfill_days=self.score_days)

    @property
    def truth_file(self) -> Path:
        return truth_file(self.slug)


def truth_file(slug: str) -> Path:
    """Where the planted truth of a demo workspace lies."""
    return VAR / f"demo_truth_{slug}.json"


def make_world(demo: Demo, say: Say) -> tuple[Tenant, list[dict[str, str]]]:
    """A new workspace with two years of history, in several transactions. Returns it and one sign-in per role."""
    tenant = create_tenant(
        slug=demo.slug,
        name=demo.name,
        currency=demo.currency,
        timezone=demo.timezone,
        actor=ACTOR,
        now=demo.now,
        is_demo=True,
    )
    with tenant_context(tenant.pk):
        sign_ins = _staff(demo, tenant)
    given = _parameters(demo, tenant)
    with tenant_context(tenant.pk), connection.cursor() as cursor:
        _measures(cursor, given)
        for step in (*PLAN, "04_accounts", "05_ids", "06_contacts", "07_contracts"):
            say(step)
            _run(cursor, step, given)
    analyze()
    _signals(demo, tenant, given, say)
    for step in ("09_voice", "10_timeline", "11_sales", "12_journey", "12_prospects", "12_opportunities", "13_motions"):
        with tenant_context(tenant.pk), connection.cursor() as cursor:
            say(step)
            _run(cursor, step, given)
    with tenant_context(tenant.pk):
        opportunities.publish_gates(actor=ACTOR, now=demo.now)
        gates.seed_waivers(tenant=tenant, today=demo.as_of)
    with tenant_context(tenant.pk), connection.cursor() as cursor:
        say("16_handoffs")
        _run(cursor, "16_handoffs", given)
        _write_truth(cursor, demo)
    return tenant, sign_ins


def finish_world(demo: Demo, tenant: Tenant) -> None:
    """Notes that the world is whole; without this note a demo counts as interrupted."""
    with tenant_context(tenant.pk):
        after = {"accounts": demo.accounts, "seed": demo.seed, "as_of": demo.as_of.isoformat()}
        audit.record(actor=ACTOR, at=demo.now, verb="seeded", subject=tenant, after=after)


def _signals(demo: Demo, tenant: Tenant, given: dict[str, Any], say: Say) -> None:
    """What they did: by far the most rows. Several batches are written by two connections at once."""
    lows = range(1, demo.accounts + 1, BATCH_ACCOUNTS)

    def write(low: int) -> None:
        high = min(low + BATCH_ACCOUNTS - 1, demo.accounts)
        with tenant_context(tenant.pk), connection.cursor() as cursor:
            _run(cursor, "08_signals", {**given, "low": low, "high": high})
        say(f"08_signals {low:,} to {high:,} of {demo.accounts:,}")

    def write_some(mine: Sequence[int]) -> None:
        try:
            with tenant_context(tenant.pk), connection.cursor() as cursor:
                for step in (*PLAN, "05_ids"):
                    _run(cursor, step, given)
            for low in mine:
                write(low)
        finally:
            connection.close()

    if len(lows) == 1 or connection.in_atomic_block:
        for low in lows:
            write(low)
        return
    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(write_some, lows[number::WRITERS]) for number in range(WRITERS)]:
            done.result()


def _run(cursor: Any, step: str, given: dict[str, Any]) -> None:
    # Nobody has analysed the new rows yet: taken for few, they would be joined one by one.
    cursor.execute("SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '128MB'; SET LOCAL jit = off")
    cursor.execute((SQL / f"{step}.sql").read_text(), given)


def run_steps(demo: Demo, tenant: Tenant, *steps: str) -> None:
    """Runs statements of the seed on a world whose facts stand, inside its workspace."""
    given = _parameters(demo, tenant)
    with connection.cursor() as cursor:
        for step in ("01_functions", *steps):
            _run(cursor, step, given)


def _staff(demo: Demo, tenant: Tenant) -> list[dict[str, str]]:
    """Our own people; those with a role can sign in, all with one password made for this workspace."""
    password = f"{demo.slug}-{secrets.token_hex(4)}"
    sign_ins, people = [], []
    for name, role, title in names.STAFF:
        email = f"{name.split(' ')[0].lower()}@{demo.slug}.example"
        membership = None
        if role:
            membership = add_member(
                tenant=tenant, email=email, name=name, role=Role(role), password=None, actor=ACTOR, now=demo.now
            )
            sign_ins.append({"role": title, "email": email, "password": password})
        people.append(Person(tenant=tenant, name=name, name_key=name_key(name), email_key=email, membership=membership))
    Person.objects.bulk_create(people)
    members = Membership.objects.filter(tenant=tenant).values("user_id")
    User.objects.filter(pk__in=members).update(password=make_password(password))
    with connection.cursor() as cursor:
        cursor.execute(
            "DROP TABLE IF EXISTS pg_temp.demo_staff; CREATE TEMP TABLE demo_staff AS "
            "SELECT no, person.id, person.name FROM unnest(%s::text[]) WITH ORDINALITY AS staff(email, no) "
            "JOIN accounts_person AS person ON person.tenant_id = %s AND person.email_key = staff.email",
            [[person.email_key for person in people], tenant.pk],
        )
    return sign_ins


def _measures(cursor: Any, given: dict[str, Any]) -> None:
    for key, name, source, unit in MEASURES:
        cursor.execute(
            "INSERT INTO accounts_measure (tenant_id, key, name, kind, source, unit) "
            "VALUES (%(tenant)s, %(key)s, %(name)s, 'number', %(source)s, %(unit)s) ON CONFLICT DO NOTHING",
            {**given, "key": key, "name": name, "source": source, "unit": unit},
        )


def _parameters(demo: Demo, tenant: Tenant) -> dict[str, Any]:
    """Everything that the SQL files name."""
    return {
        **truth.parameters(),
        **asdict(demo.scale),
        **_words(),
        **journey.parameters(demo.accounts, rich=demo.scale.rich),
        **opportunities.parameters(),
        **handoffs.parameters(),
        "tenant": tenant.pk,
        "currency": tenant.currency,
        "accounts": demo.accounts,
        "seed": demo.seed,
        "as_of": demo.as_of,
    }


def _words() -> dict[str, Any]:
    timeline = texts.timeline()
    goals = [list(column) for column in zip(*texts.GOALS, strict=True)]
    return {
        "first": list(names.COMPANY_FIRST),
        "first_count": len(names.COMPANY_FIRST),
        "second": [word for word, _ in names.COMPANY_SECOND],
        "second_count": len(names.COMPANY_SECOND),
        "industry": [industry for _, industry in names.COMPANY_SECOND],
        "suffix": list(names.COMPANY_SUFFIX),
        "countries": list(names.COUNTRIES),
        "first_names": list(names.FIRST_NAMES),
        "last_names": list(names.LAST_NAMES),
        "other_csms": names.CSM_COUNT - 1,
        "first_seller": 1 + [name for name, _, _ in names.STAFF].index(names.SALES_NAMES[0]),
        **{f"text_{column}": [row[column] for row in timeline] for column in timeline[0]},
        "ticket_plain": list(texts.TICKETS_PLAIN),
        "ticket_bad": list(texts.TICKETS_BAD),
        "todos": list(texts.TODOS),
        **dict(zip(("goal_title", "goal_unit", "goal_baseline", "goal_target"), goals, strict=True)),
    }


def _write_truth(cursor: Any, demo: Demo) -> None:
    """The rules of the world, then one line per company that a cause has struck."""
    cursor.execute((SQL / "15_truth.sql").read_text())
    head = {"workspace": demo.slug, "accounts": demo.accounts, "seed": demo.seed, "as_of": demo.as_of.isoformat()}
    demo.truth_file.parent.mkdir(parents=True, exist_ok=True)
    draft = demo.truth_file.with_suffix(".new")
    with draft.open("w") as file:
        file.write(json.dumps(head | truth.as_json() | journey.as_json(), indent=1)[:-2] + ',\n "companies": [')
        separator = "\n"
        for (company,) in cursor:
            file.write(separator + company)
            separator = ",\n"
        file.write("\n ]\n}\n")
    draft.replace(demo.truth_file)
