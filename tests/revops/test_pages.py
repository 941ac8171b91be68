"""The four pages that cross the apps, as a person uses them."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.actions.accounts import assign_owner
from accounts.models import Account, ContractLine, Outcome, Person, RevenueMovement
from core.actors import Actor
from core.choices import Role
from core.models import AuditEntry, Change, Tenant
from core.tenancy import tenant_context
from health.models import Score
from journeys.models import Task
from revops.dashboards.queries.book import book
from revops.dashboards.queries.portfolio import Filter, matching
from revops.dashboards.queries.portfolio_rows import BadCursor, page_of, read_cursor
from revops.dashboards.queries.queue import Owners, queue
from revops.dashboards.queries.timeline import timeline
from tests.factories.book import make_book
from tests.factories.world import World, make_world

NOW = datetime.now(tz=UTC)
HTMX = {"HTTP_HX_REQUEST": "true"}
pytestmark = pytest.mark.django_db


def client_of(world: World, role: Role) -> Client:
    client = Client()
    client.force_login(world.members[role].user)
    return client


@pytest.fixture
def empty(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


@pytest.fixture
def world(empty: World) -> World:
    with tenant_context(empty.tenant.pk):
        Task.objects.update(state="done")
        owner = Person.objects.get(membership=empty.members[Role.CSM])
        make_book(empty.tenant, owner=owner, size=120, now=NOW)
    return empty


def today(world: World) -> Filter:
    return Filter(view="all", today=world.tenant.today(NOW))


@pytest.mark.parametrize(
    "sort", ["health", "-health", "name", "-name", "arr", "-arr", "renewal", "contact", "-contact"]
)
def test_pages_walked_forward_and_back_show_every_account_once_in_order(world: World, sort: str) -> None:
    wanted = Filter(view="all", today=world.tenant.today(NOW), sort=sort.lstrip("-"), descending=sort.startswith("-"))
    with tenant_context(world.tenant.pk):
        forward, page = [], page_of(wanted)
        places = [page]
        while page.next:
            forward += [row.id for row in page.rows]
            page = page_of(wanted, after=page.next)
            places.append(page)
        forward += [row.id for row in page.rows]
        assert len(forward) == len(set(forward)) == matching(wanted).count() == 120
        back = page_of(wanted, before=page.previous)
        assert [row.id for row in back.rows] == [row.id for row in places[-2].rows]
        assert (places[0].previous, places[-1].next) == ("", "")


def test_the_worst_scores_stand_first_and_accounts_without_a_score_last(world: World) -> None:
    with tenant_context(world.tenant.pk):
        rows = page_of(today(world)).rows + page_of(today(world), after=page_of(today(world)).next).rows
        scores = [row.score for row in rows if row.score is not None]
    assert scores == sorted(scores)
    assert rows[0].band == "red"


@pytest.mark.parametrize("cursor", ["x", "💩", "W10", "WzAsbnVsbCwxXQ", "WzksMSwxXQ", "A" * 5000, "WzAsMWU0MDAsMV0"])
def test_a_place_that_the_list_has_not_written_is_refused_and_the_page_shows_the_first(
    world: World, cursor: str
) -> None:
    with tenant_context(world.tenant.pk), pytest.raises(BadCursor):
        read_cursor(cursor, today(world))
    response = client_of(world, Role.CSM).get("/accounts/", {"after": cursor})
    assert response.status_code == 200
    assert b"That page of the list does not exist" in response.content


def test_the_totals_row_equals_the_sum_of_the_accounts(world: World) -> None:
    with tenant_context(world.tenant.pk):
        customers = matching(today(world))
        expected = sum(customers.values_list("arr_minor", flat=True))
    text = client_of(world, Role.CSM).get("/accounts/?view=all").content.decode()
    assert "120 accounts" in text
    assert f"€{expected // 100:,}" in text


def test_a_text_finds_names_that_begin_with_it_and_says_which_filter_is_too_narrow(world: World) -> None:
    client = client_of(world, Role.CSM)
    found = re.findall(r">(Account \d+)</a>", client.get("/accounts/?view=all&q=account 0000").content.decode())
    assert found == [f"Account {n:05}" for n in range(10)]
    totals = client.get("/accounts/totals/?view=all&q=account 0000&segment=nowhere&band=red&empty=1", **HTMX)
    assert totals.status_code == 200
    narrow = client.get("/accounts/totals/?view=all&q=zzz&band=red&empty=1", **HTMX).content.decode()
    assert "Without “Name begins with” there would be 30." in narrow


def test_the_same_address_answers_htmx_with_the_rows_alone(world: World) -> None:
    response = client_of(world, Role.CSM).get("/accounts/", HTTP_HX_TARGET="rows", **HTMX)
    assert b"<html" not in response.content
    assert response.content.count(b"<tr data-row>") == 50


def test_nobody_without_the_right_sees_an_amount(world: World) -> None:
    client = client_of(world, Role.SUPPORT_AGENT)
    with tenant_context(world.tenant.pk):
        account = Account.objects.get(external_id="B7")
    for url in ("/", "/accounts/?view=all", f"/accounts/{account.pk}/", "/accounts/totals/?view=silent"):
        assert "€" not in client.get(url).content.decode(), url


def test_an_export_holds_the_filtered_accounts_and_no_cell_is_a_formula(world: World) -> None:
    with tenant_context(world.tenant.pk):
        Account.objects.filter(external_id="B0").update(name="=HYPERLINK(1)", name_key="=hyperlink(1)")
    response = client_of(world, Role.CSM).post("/accounts/export/?view=all&band=red", {"all": "1"})
    rows = list(csv.reader(io.StringIO(response.content.decode())))
    assert len(rows) == 1 + 30
    names = {row[1] for row in rows[1:]}
    assert "'=HYPERLINK(1)" in names
    assert not any(cell[:1] in "=+@" for row in rows[1:] for cell in row if cell)


def test_accounts_are_given_to_somebody_in_one_act_that_is_on_record(world: World) -> None:
    with tenant_context(world.tenant.pk):
        other = Person.objects.create(name="Noor Haddad", name_key="noor haddad")
    client = client_of(world, Role.CSM)
    found = client.get("/people/?for=assign&person=noo", headers={"HX-Request": "true"}).content.decode()
    assert "Noor Haddad" in found
    response = client.post(
        "/accounts/assign/", {"owner": other.pk, "all": "1"},
        HTTP_HX_CURRENT_URL="http://testserver/accounts/?view=all&segment=small", **HTMX,
    )  # fmt: skip
    assert response.status_code == 204
    with tenant_context(world.tenant.pk):
        assert Account.objects.filter(owner=other).count() == 40
        assert set(Account.objects.filter(owner=other).values_list("segment", flat=True)) == {"small"}
        assert Change.objects.filter(consumer="health").values("account_id").distinct().count() == 40
        entry = AuditEntry.objects.get(verb="assigned owner")
        assert (entry.after["owner"], entry.after["accounts"]) == ("Noor Haddad", 40)
        again = assign_owner(
            accounts=Account.objects.filter(owner=other), owner=other, actor=Actor.system("test"), now=NOW
        )
    assert again == 0


def test_a_task_is_done_taken_back_and_put_off_from_its_row(world: World) -> None:
    client = client_of(world, Role.CSM)
    with tenant_context(world.tenant.pk):
        task = Task.objects.filter(state="open").order_by("due_on", "pk")[0]
    done = client.post(f"/day/tasks/{task.pk}/done/", **HTMX).content.decode()
    assert f'id="row-task-{task.pk}"' in done
    assert f"/day/tasks/{task.pk}/undo/" in done
    with tenant_context(world.tenant.pk):
        assert Task.objects.get(pk=task.pk).state == "done"
    back = client.post(f"/day/tasks/{task.pk}/undo/", **HTMX).content.decode()
    assert task.title in back
    assert "data-row" in back
    refused = client.post(f"/day/tasks/{task.pk}/snooze/", {"until": "2020-01-01"}, **HTMX)
    assert refused.status_code == 422
    assert b"Choose a day after today." in refused.content
    until = world.tenant.today(NOW) + timedelta(days=2)
    put_off = client.post(f"/day/tasks/{task.pk}/snooze/", {"until": until}, **HTMX)
    assert put_off["HX-Retarget"] == f"#row-task-{task.pk}"
    with tenant_context(world.tenant.pk):
        assert Task.objects.get(pk=task.pk).snoozed_until == until


def test_a_new_task_belongs_to_who_made_it_and_to_the_account_that_was_named(world: World) -> None:
    client = client_of(world, Role.CSM)
    data = {"title": "Ask for the roadmap", "account": "account 00003", "due_on": world.tenant.today(NOW)}
    assert client.post("/day/tasks/new/", data, **HTMX).status_code == 204
    unknown = client.post("/day/tasks/new/", data | {"account": "nobody at all"}, **HTMX)
    assert unknown.status_code == 422
    assert b"No account of this name." in unknown.content
    with tenant_context(world.tenant.pk):
        made = Task.objects.get(title="Ask for the roadmap")
        assert (made.account.external_id, made.assignee.membership_id) == ("B3", world.members[Role.CSM].pk)


def test_the_queue_takes_the_first_of_every_kind_and_the_shown_points_add_up(world: World) -> None:
    with tenant_context(world.tenant.pk):
        owner = Person.objects.get(membership=world.members[Role.CSM])
        rows = queue(
            owners=Owners((owner.pk,)),
            role=Role.CSM,
            tab="all",
            now=NOW,
            today=world.tenant.today(NOW),
            average_arr_minor=book(owner.pk).average_arr_minor,
        )
    assert {row.kind for row in rows} == {"todo", "renewal", "alert"}
    assert all(row.rank.score == sum(part.points for part in row.rank.parts) for row in rows)
    order = [("now", "today", "week").index(row.group) for row in rows]
    assert order == sorted(order)
    page = client_of(world, Role.CSM).get(f"/day/tasks/{rows[0].id}/?first=1").content.decode()
    assert "Why this is first" in page
    shown = [int(points) for points in re.findall(r'class="number">\+(\d+)<', page)]
    assert sum(shown) == rows[0].rank.score


def test_a_timeline_shows_every_event_once_thirty_at_a_time(world: World) -> None:
    with tenant_context(world.tenant.pk):
        account = Account.objects.get(external_id="B1")
        Outcome.objects.create(account=account, day=world.tenant.today(NOW), kind="renewed")
        seen, before = [], ""
        while True:
            page = timeline(account_id=account.pk, kind="all", zone="Europe/Berlin", now=NOW, before=before)
            seen += [(event.kind, event.key) for event in page.events]
            assert len(page.events) <= 30
            if not page.next:
                break
            before = page.next
    assert len(seen) == len(set(seen))
    kinds = [kind for kind, _ in seen]
    assert (kinds.count("activity"), kinds.count("ticket"), kinds.count("outcome")) == (40, 1, 1)


def test_the_points_on_the_account_page_add_up_to_its_score(world: World) -> None:
    with tenant_context(world.tenant.pk):
        account = Account.objects.get(external_id="B4")
        score = Score.objects.get(account=account).score
    text = client_of(world, Role.CSM).get(f"/accounts/{account.pk}/").content.decode()
    parts = text[text.index('<table class="parts">') :]
    points = [float(one) for one in re.findall(r'<td class="number"><b>([\d.]+)</b></td>', parts)]
    assert round(sum(points), 1) == round(score, 1)


def test_a_new_workspace_is_told_what_to_do_first(db: None) -> None:
    world = make_world("lonely", canary="LONELY")
    with tenant_context(world.tenant.pk):
        Account.objects.update(status="prospect")
        Task.objects.update(state="done")
    client = client_of(world, Role.REVOPS_ADMIN)
    for url in ("/", "/accounts/", "/trend/"):
        text = client.get(url).content.decode()
        assert "Import a file" in text, url
    assert "No accounts are assigned to you" in client_of(world, Role.CSM).get("/").content.decode()


def test_customers_are_listed_before_anybody_has_a_score(empty: World) -> None:
    text = client_of(empty, Role.CSM).get("/accounts/").content.decode()
    assert "Brightwater KESTREL" in text
    assert "No score" in text


def test_the_movement_on_the_trend_leads_from_start_to_now_to_the_cent(world: World) -> None:
    with tenant_context(world.tenant.pk):
        line = ContractLine.objects.get(contract_id=world.ids["contract_id"])
        for day, kind, sign in ((line.starts_on, "new", 1), (line.ends_on, "churn", -1)):
            RevenueMovement.objects.create(
                account_id=line.account_id, effective_on=day, kind=kind, amount_minor=sign * line.arr_minor,
                currency="EUR", recorded_at=NOW,
            )  # fmt: skip
    text = client_of(world, Role.LEADER).get("/trend/").content.decode()
    assert "sums to the cent" in text
    assert "does not add up" not in text


def test_the_rows_behind_a_metric_add_up_to_it(world: World) -> None:
    tenant: Tenant = world.tenant
    day = tenant.today(NOW)
    start = day - timedelta(days=200)
    text = client_of(world, Role.LEADER).get(f"/metrics/?metric=arr_end&start={start}&end={day}").content.decode()
    foot = text[text.index("<tfoot>") :]
    with tenant_context(tenant.pk):
        expected = sum(
            Account.objects.filter(status="customer", external_id__startswith="B").values_list("arr_minor", flat=True)
        )
    assert f"€{expected // 100:,}" in foot[:400]


def test_links_of_the_list_keep_the_filters_of_the_address(world: World) -> None:
    text = client_of(world, Role.CSM).get("/accounts/?view=all&band=red&segment=small").content.decode()
    target = re.search(r'<a class="sort" href="([^"]+)">ARR', text)
    assert target is not None
    kept = parse_qs(urlsplit(target[1].replace("&amp;", "&")).query)
    assert (kept["view"], kept["band"], kept["segment"], kept["sort"]) == (["all"], ["red"], ["small"], ["-arr"])
