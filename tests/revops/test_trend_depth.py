"""Trends in depth: a past day shows what was stored, and every number opens exactly its accounts."""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from accounts.models import Account, ContractLine, Person
from accounts.queries.sources import sources, wait_of
from core.actors import Actor
from core.choices import Role
from core.models import AuditEntry, ProcessVersion
from core.tenancy import tenant_context
from health.actions.history import backfill_history
from health.actions.recompute import recompute
from health.choices import EVERYBODY
from health.models import HealthDay, ScoreHistory
from health.queries import portfolio_trend
from health.queries.gaps import BELOW, data_gaps, gap_rows
from health.queries.standing import ORDER, Slice, lines_of, moves, standing, stored_days, stretch
from health.queries.trend import DIMENSIONS, breakdown
from tests.factories.health import TODAY, account, contact, contract, one_input, publish_model, signals, ticket
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db
ACTOR = Actor.system("test")
WEEK = timedelta(days=7)
START = TODAY - 6 * WEEK


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 5, tzinfo=UTC)


@dataclass
class Past:
    world: World
    first: ProcessVersion
    second: ProcessVersion
    changed_on: date


@pytest.fixture
def past() -> Past:
    """Twelve accounts over seven weeks: usage that moves, a customer who left, one who came, a change of the model."""
    world = make_world("kestrel", canary="KESTREL")
    with tenant_context(world.tenant.pk):
        ContractLine.objects.all().delete()
        Account.objects.update(status="prospect")
        owners = [Person.objects.create(name=name, name_key=name.lower()) for name in ("Mara", "Owen")]
        first = publish_model(world.tenant, one_input(), one_input("nps", weight=0.5), now=at(START - WEEK * 4))
        for n in range(12):
            one = account(
                f"Account {n:02}", status="customer", owner=owners[n % 2], segment=("enterprise", "small")[n % 2],
                customer_since=START - WEEK * 30, external_id=f"A{n}",
            )  # fmt: skip
            starts = START + WEEK * 3 if n == 10 else START - WEEK * 30
            contract(one, (n + 1) * 100_00, starts_on=starts, ends_on=START + WEEK * 4 if n == 11 else None)
            if n != 9:  # never observed: no score, a gap
                signals(one, "usage", [float((n * 17 + week * 13 * (n % 3)) % 100) for week in range(7)], step=7)
            if n % 4 == 0:
                signals(one, "nps", [40.0], until=START)
        changed_on = START + WEEK * 4
        backfill_history(actor=ACTOR, now=at(START), from_day=START, to_day=START + WEEK * 3, every_days=7)
        second = publish_model(world.tenant, one_input(), one_input("nps", weight=0.4), now=at(changed_on))
        for week in range(4, 7):
            day = START + WEEK * week
            Account.objects.filter(external_id="A11").update(
                status="churned" if day >= START + WEEK * 4 else "customer"
            )
            _refresh_arr(day)
            recompute(actor=ACTOR, now=at(day), as_of=day)
    return Past(world, first, second, changed_on)


def _refresh_arr(day: date) -> None:
    """What the nightly ledger does: the ARR of the day stands on the account."""
    for one in Account.objects.exclude(external_id=""):
        valid = [x for x in one.contract_lines.all() if x.starts_on <= day and (x.ends_on is None or x.ends_on > day)]
        Account.objects.filter(pk=one.pk).update(arr_minor=sum(x.arr_minor for x in valid), arr_as_of=day)


def cells_of(day: date) -> dict[str, tuple[int, int]]:
    """Straight from the stored rows of a day."""
    found: Counter[str] = Counter()
    arr: Counter[str] = Counter()
    for cell in HealthDay.objects.filter(day=day, owner_id=EVERYBODY):
        found[cell.band] += cell.accounts
        arr[cell.band] += cell.arr_minor
    return {band: (count, arr[band]) for band, count in found.items() if count}


def client_of(past: Past, role: Role) -> Client:
    client = Client()
    client.force_login(past.world.members[role].user)
    return client


@pytest.mark.capability("H6")
def test_the_chart_of_any_past_day_is_what_was_stored(past: Past) -> None:
    with tenant_context(past.world.tenant.pk):
        days = sorted(stored_days())
        assert days == [START + WEEK * week for week in range(7)]
        for until in days:
            shown = portfolio_trend(until=until, weeks=53)
            assert [point.day for point in shown.points] == [day for day in days if day <= until]
            for point in shown.points:
                stored = {band: (n, point.arr_minor[band]) for band, n in point.accounts.items() if n}
                assert stored == cells_of(point.day)
        markers = portfolio_trend(until=days[-1], weeks=53).markers
        assert [(one.day, one.number) for one in markers] == [(past.changed_on, past.second.number)]
        assert portfolio_trend(until=days[-1], weeks=53).imported_until == START + WEEK * 3


@pytest.mark.capability("H6")
def test_the_accounts_behind_every_point_add_up_to_it(past: Past) -> None:
    with tenant_context(past.world.tenant.pk):
        for day in stored_days():
            found: dict[str, tuple[int, int]] = {}
            for (band, _version), cell in standing(day=day, wanted=Slice()).items():
                count, arr = found.get(band, (0, 0))
                found[band] = (count + cell.accounts, arr + cell.arr_now)
                lines = lines_of(list(cell.ids), since=day, until=day)
                assert {line.band_then for line in lines} == {band}
                assert sum(line.arr_then for line in lines) == cell.arr_now
            assert found == cells_of(day), day


def test_movements_take_every_account_once_and_agree_with_both_days(past: Past) -> None:
    with tenant_context(past.world.tenant.pk):
        days = stored_days()
        for since in days[1:]:
            found = moves(since=since, until=days[0], wanted=Slice())
            ids = [one for cell in found.cells for one in cell.ids]
            assert len(ids) == len(set(ids))
            for day, side in ((since, "then"), (days[0], "now")):
                sums = {
                    band: sum(cell.accounts for cell in found.cells if getattr(cell, side) == band)
                    for band in ORDER[:4]
                }
                assert {band: n for band, n in sums.items() if n} == {b: n for b, (n, _) in cells_of(day).items()}
        first = moves(since=days[-1], until=days[0], wanted=Slice())
        left = [cell for cell in first.cells if cell.now == "absent"]
        joined = [cell for cell in first.cells if cell.then == "absent"]
        assert [Account.objects.get(pk=cell.ids[0]).external_id for cell in left] == ["A11"]
        assert [Account.objects.get(pk=cell.ids[0]).external_id for cell in joined] == ["A10"]
        assert first.worst_first()[0].now == "absent"
        assert [cell.fall for cell in first.worst_first()] == sorted(
            (c.fall for c in first.worst_first()), reverse=True
        )


def test_a_segment_an_owner_and_all_add_up(past: Past) -> None:
    with tenant_context(past.world.tenant.pk):
        days = stored_days()
        everybody = moves(since=days[-1], until=days[0], wanted=Slice())
        owners = Person.objects.filter(name__in=["Mara", "Owen"]).values_list("pk", flat=True)
        for slices in (
            [Slice(segment="enterprise"), Slice(segment="small")],
            [Slice(owner_id=one) for one in owners],
        ):
            counts: Counter[tuple[str, str]] = Counter()
            for one in slices:
                for cell in moves(since=days[-1], until=days[0], wanted=one).cells:
                    counts[cell.then, cell.now] += cell.accounts
            assert counts == {(cell.then, cell.now): cell.accounts for cell in everybody.cells}


@pytest.mark.parametrize("by", DIMENSIONS)
def test_every_breakdown_adds_up_to_the_day(past: Past, by: str) -> None:
    with tenant_context(past.world.tenant.pk):
        day = stored_days()[0]
        parts = breakdown(by, day=day)
        total = {
            band: (sum(part.accounts[band] for part in parts), sum(part.arr_minor[band] for part in parts))
            for band in ORDER[:4]
        }
        assert {band: both for band, both in total.items() if both[0]} == cells_of(day)
        if by == "version":
            assert [part.name for part in parts] == [f"Standard v{past.second.number}"]
            assert breakdown(by, day=START)[0].name == f"Standard v{past.first.number}"


def test_a_list_walked_forward_and_back_shows_every_account_once(past: Past) -> None:
    with tenant_context(past.world.tenant.pk):
        cell = max(standing(day=stored_days()[0], wanted=Slice()).values(), key=lambda one: one.accounts)
    place = stretch(cell, size=2)
    seen, places = list(place.ids), [place]
    while place.next:
        place = stretch(cell, after=place.next, size=2)
        places.append(place)
        seen += place.ids
    assert seen == list(cell.ids)
    assert list(cell.keys) == sorted(cell.keys, reverse=True)
    assert stretch(cell, before=places[-1].previous, size=2).ids == places[-2].ids
    assert stretch(cell, after="nonsense", size=2).ids == places[0].ids


def test_the_pages_show_it_and_each_cell_opens_its_accounts(past: Past) -> None:
    client = client_of(past, Role.LEADER)
    page = client.get(f"/trend/movements/?since={START}&until={TODAY}").content.decode()
    links = re.findall(r'<a href="(/trend/accounts/[^"]+)" aria-label="([^"]+): (\d+) account', page)
    assert len(links) > 3
    for url, _, count in links:
        shown = client.get(url.replace("&amp;", "&")).content.decode()
        assert len(re.findall(r"<tr data-row>", shown)) == int(count)
    late = client.get(f"/trend/portfolio/?until={past.changed_on - WEEK}&by=version").content.decode()
    assert "unchanged since" in late
    assert f"Standard v{past.first.number}" in late
    assert f"Standard v{past.second.number}" not in late
    points = re.findall(r'"links": \["([^"]+)"', client.get("/trend/").content.decode())
    assert points[0].startswith("/trend/accounts/?")


def test_an_export_holds_the_whole_list_and_is_on_record(past: Past) -> None:
    client = client_of(past, Role.LEADER)
    response = client.post(f"/trend/accounts/export/?since={START}&until={TODAY}&now=absent")
    rows = list(csv.reader(io.StringIO(response.content.decode())))
    assert [row[0] for row in rows[1:]] == ["A11"]
    assert rows[0][-2:] == [f"arr_{START}_eur", f"arr_{TODAY}_eur"]
    assert rows[1][-2:] == ["1200.00", "0.00"]
    with tenant_context(past.world.tenant.pk):
        assert AuditEntry.objects.filter(verb="exported").count() == 1


@pytest.mark.parametrize(
    "query", ["?since=1900-01-01", "?since=x&until=y", "?segment=x&owner=99999999999999999999&after=9.9.9", ""]
)
@pytest.mark.parametrize("page", ["portfolio", "movements", "accounts", "gaps", "sources"])
def test_an_address_that_means_nothing_still_shows_a_page(past: Past, page: str, query: str) -> None:
    assert client_of(past, Role.LEADER).get(f"/trend/{page}/{query}").status_code == 200


@pytest.mark.parametrize("page", ["portfolio", "movements", "accounts", "gaps", "sources"])
def test_a_new_workspace_sees_what_is_missing(db: None, page: str) -> None:
    world = make_world("lonely", canary="LONELY")
    client = Client()
    client.force_login(world.members[Role.LEADER].user)
    assert client.get(f"/trend/{page}/").status_code == 200


@pytest.mark.capability("N14")
def test_gaps_name_the_input_the_accounts_and_since_when(past: Past) -> None:
    with tenant_context(past.world.tenant.pk):
        groups = {one.key: one for one in data_gaps()}
        assert next(iter(groups)) == BELOW
        for key, group in groups.items():
            rows = gap_rows(key).rows
            assert (len(rows), sum(row.arr_minor for row in rows)) == (group.accounts, group.arr_minor)
            assert [row.arr_minor for row in rows] == sorted((row.arr_minor for row in rows), reverse=True)
        never = next(row for row in gap_rows("usage").rows if row.name == "Account 09")
        assert [(lack.name, lack.is_never) for lack in never.lacks] == [("Usage", True), ("Nps", True)]
        old = next(row for row in gap_rows("nps").rows if row.name == "Account 04")
        assert [(lack.key, lack.last_seen) for lack in old.lacks] == [("nps", START)]
        pages = [gap_rows("nps", limit=3)]
        while pages[-1].next:
            pages.append(gap_rows("nps", limit=3, after=pages[-1].next))
        assert [row.id for page in pages for row in page.rows] == [row.id for row in gap_rows("nps").rows]
        assert gap_rows("no such input").rows == []


def test_a_source_is_late_by_its_own_rhythm(past: Past) -> None:
    with tenant_context(past.world.tenant.pk):
        one = Account.objects.get(external_id="A1")
        signals(one, "logins", [1.0] * 80, until=TODAY - timedelta(days=5))
        signals(one, "seats", [1.0] * 12, until=TODAY - timedelta(days=9), step=7)
        signals(one, "beta", [1.0] * 9, until=TODAY - timedelta(days=200))
        ticket(one, TODAY)
        contact(one, TODAY - timedelta(days=1))
        found = {source.key: source for source in sources(tenant=past.world.tenant, today=TODAY)}
    assert (found["logins"].state, found["logins"].last_day) == ("late", TODAY - timedelta(days=5))
    assert (found["logins"].wait_days, found["logins"].late_days) == (3, 2)
    assert (found["seats"].state, found["seats"].wait_days) == ("fresh", 15)
    assert (found["beta"].state, found["beta"].rows, found["beta"].rows_7d) == ("ended", 9, 0)
    assert (found["tickets"].state, found["tickets"].rows_7d) == ("fresh", 1)
    assert found["contracts"].state == "none"
    assert [wait_of(days) for days in (0, 1, 13, 90)] == [180, 180, 14, 2]


def test_history_is_not_written_by_looking(past: Past) -> None:
    with tenant_context(past.world.tenant.pk):
        before = (ScoreHistory.objects.count(), HealthDay.objects.count())
    client = client_of(past, Role.LEADER)
    for page in ("portfolio", "movements", "accounts", "gaps", "sources"):
        client.get(f"/trend/{page}/")
    with tenant_context(past.world.tenant.pk):
        assert (ScoreHistory.objects.count(), HealthDay.objects.count()) == before


@pytest.mark.parametrize("page", ["portfolio/", "movements/", "accounts/", "gaps/", "sources/"])
def test_a_support_agent_is_told_who_may_see_trends(past: Past, page: str) -> None:
    assert client_of(past, Role.SUPPORT_AGENT).get(f"/trend/{page}").status_code == 403
