"""What a page tells a role, and what it makes of an address that nobody wrote."""

import base64
import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.models import Account, Person, RevenueMovement
from core.choices import Role
from core.models import AuditEntry
from core.permissions import ROLE_PERMISSIONS, Permission
from core.tenancy import tenant_context
from journeys.models import Task
from revops.dashboards.queries.portfolio import Filter
from revops.dashboards.queries.portfolio_rows import BadCursor, read_cursor
from revops.dashboards.queries.queue import Owners, queue
from revops.dashboards.queries.timeline import timeline
from revops.dashboards.views import portfolio
from tests.factories.world import NOW, World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world("kestrel", canary="Canary")


@pytest.fixture
def inside(world: World) -> Iterator[World]:
    with tenant_context(world.tenant.pk):
        yield world


def signed_in(world: World, role: Role) -> Client:
    client = Client()
    client.force_login(world.members[role].user)
    return client


def cursor(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def test_a_role_without_money_can_neither_sort_by_arr_nor_read_it_from_the_cursor(world: World) -> None:
    for role, offered in ((Role.CSM, True), (Role.SUPPORT_AGENT, False)):
        page = signed_in(world, role).get("/accounts/?view=all&sort=-arr")
        assert (page.context["wanted"].sort == "arr", "arr" in page.context["sorts"]) == (offered, offered)


@pytest.mark.parametrize(
    ("sort", "place"),
    [
        ("health", (0, float("nan"), 1)),
        ("health", (0, float("inf"), 1)),
        ("health", (0, 10**400, 1)),
        ("name", (0, "\ud800", 1)),
        ("name", (0, "a\x00", 1)),
        ("renewal", (0, "not a day", 1)),
    ],
)
def test_a_place_in_the_list_that_cannot_be_is_refused(sort: str, place: tuple[object, ...]) -> None:
    with pytest.raises(BadCursor):
        read_cursor(cursor(*place), Filter(view="all", today=NOW.date(), sort=sort))


def test_a_place_that_is_refused_shows_the_first_page(world: World) -> None:
    place = cursor(0, "\ud800", 1)
    page = signed_in(world, Role.REVOPS_ADMIN).get(f"/accounts/?view=all&sort=name&after={place}")
    assert (page.status_code, page.context["lost"][:12]) == (200, "That page of")


@pytest.mark.parametrize(
    "place",
    [
        ("0001-01-01T00:00:00+23:59", "task", "1"),
        ("9999-12-31T23:59:59-23:59", "task", "1"),
        ("9999-12-31T23:59:59+00:00", "task", "1"),
        ("2026-03-02T00:00:00", "task", "1"),
        ("2026-03-02T00:00:00+00:00", "\ud800", "1"),
        ("2026-03-02T00:00:00+00:00", "task", "\x00"),
        ("2026-03-02T00:00:00+00:00", 1, 2),
        (1, "task", "1"),
    ],
)
def test_a_place_in_the_timeline_that_cannot_be_starts_again_at_the_top(
    inside: World, place: tuple[object, ...]
) -> None:
    account_id = inside.ids["account_id"]

    def page(before: str) -> list[str]:
        zone = "America/New_York"
        return [
            one.key for one in timeline(account_id=account_id, kind="all", zone=zone, now=NOW, before=before).events
        ]

    assert page(cursor(*place)) == page("")


def test_a_place_with_a_wild_offset_is_read_as_the_moment_it_is(inside: World) -> None:
    found = timeline(account_id=inside.ids["account_id"], kind="all", zone="Europe/Berlin", now=NOW,
                     before=cursor("2026-03-02T12:00:00+23:59", "zzz", "9"))  # fmt: skip
    assert [one.kind for one in found.events] == []


def test_without_the_money_a_page_of_the_timeline_is_as_long_as_with_it(inside: World) -> None:
    account_id = inside.ids["account_id"]
    RevenueMovement.objects.bulk_create(
        RevenueMovement(tenant=inside.tenant, account_id=account_id, effective_on=NOW.date() - timedelta(days=n),
                        kind="expansion", recorded_at=NOW, amount_minor=100, currency="EUR")
        for n in range(40)
    )  # fmt: skip
    Task.objects.bulk_create(
        Task(tenant=inside.tenant, account_id=account_id, title="Old", due_on=NOW.date(), created_at=NOW, state="done",
             closed_at=NOW - timedelta(days=100 + n))
        for n in range(40)
    )  # fmt: skip
    for with_money in (True, False):
        found = timeline(account_id=account_id, kind="all", zone="UTC", now=NOW, with_money=with_money)
        kinds = {one.kind for one in found.events}
        assert (len(found.events), "movement" in kinds) == (30, with_money)


def test_my_day_has_no_rows_and_no_figures_whose_page_the_role_cannot_open(world: World) -> None:
    with tenant_context(world.tenant.pk):
        today = datetime.now(tz=UTC).date()
        Task.objects.update(due_on=today)
        Task.objects.create(title="Call back", due_on=today, created_at=NOW, kind="todo")
        renewal_task = Task.objects.get(kind="renewal").pk
    agent, manager = (signed_in(world, role) for role in (Role.SUPPORT_AGENT, Role.CS_MANAGER))
    page, all_of_it = agent.get("/?scope=everyone"), manager.get("/?scope=everyone")
    assert [key for key, _, _ in page.context["tabs"]] == [
        "all", "escalations", "handoffs", "alerts", "plays", "tasks",
    ]  # fmt: skip
    mine, theirs = page.context["counts"].tabs, all_of_it.context["counts"].tabs
    assert [(mine[tab], theirs[tab]) for tab in ("all", "plays", "renewals")] == [(2, 3), (1, 1), (0, 1)]
    assert ("/renewals/" in page.content.decode(), "QBRs held" in page.content.decode()) == (False, False)
    assert "QBRs held" in all_of_it.content.decode()
    for verb in ("done", "undo"):
        assert agent.post(f"/day/tasks/{renewal_task}/{verb}/").status_code == 404
    assert agent.get(f"/day/tasks/{renewal_task}/snooze/").status_code == 404
    assert manager.post(f"/day/tasks/{renewal_task}/done/").status_code == 200


def test_a_csm_who_is_no_person_has_no_accounts_and_is_told_so(world: World) -> None:
    with tenant_context(world.tenant.pk):
        Person.objects.update(membership=None)
        Account.objects.update(owner=None)
    page = signed_in(world, Role.CSM).get("/")
    assert (page.context["book"].accounts, "No accounts are assigned to you" in page.content.decode()) == (0, True)


@pytest.mark.parametrize(("limit", "cut"), [(100, False), (1, True)])
def test_an_export_is_kept_in_the_audit_trail_and_says_when_it_was_cut(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: int, cut: bool
) -> None:
    monkeypatch.setattr(portfolio, "EXPORT_LIMIT", limit)
    with tenant_context(world.tenant.pk):
        Account.objects.create(name="Alder", name_key="alder")
    answer = signed_in(world, Role.CSM).post("/accounts/export/?view=all", {"all": "1"})
    lines = list(csv.reader(io.StringIO(answer.content.decode())))
    with tenant_context(world.tenant.pk):
        entry = AuditEntry.objects.get(verb="exported")
        there = Account.objects.count()
    assert entry.after == {"rows": min(there, limit), "cut": cut}
    assert any(line[0].startswith("Cut: these are the first 1 accounts") for line in lines) is cut


def test_whoever_sees_renewals_or_reviews_sees_their_money() -> None:
    for role, granted in ROLE_PERMISSIONS.items():
        if granted & {Permission.VIEW_RENEWALS, Permission.VIEW_QBRS}:
            assert Permission.VIEW_MONEY in granted, role


def test_fifty_overdue_tasks_do_not_crowd_out_the_escalation_of_today(inside: World) -> None:
    today = NOW.date()
    Task.objects.update(state="done")
    late = [
        Task(tenant=inside.tenant, title=f"Late {n}", due_on=today - timedelta(days=n), created_at=NOW, kind=kind)
        for n in range(1, 61)
        for kind in ("todo", "renewal")
    ]
    Task.objects.bulk_create(late)
    Task.objects.create(title="Reply", due_on=today, created_at=NOW, kind="escalation")
    rows = queue(owners=Owners(None), role=Role.CSM, tab="all", now=NOW, today=today, average_arr_minor=0)
    assert [row.title for row in rows if row.kind == "escalation"] == ["Reply"]
