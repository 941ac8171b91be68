"""The board, the table, the forecast and the page of a deal."""

import csv
import io
import re
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Contact, Person
from core import clock
from core.actors import Actor
from core.choices import Role
from core.models import ProcessVersion
from core.tenancy import tenant_context
from core.versioning import draft, publish
from journeys.actions.opportunities import OpportunityRefused, ValuesMoved, create_opportunity, update_opportunity
from journeys.models import Answer, Opportunity, OpportunityStageVisit, Pipeline, PipelineStage
from journeys.queries.board import FIRST, MOST, Filters, board, more_cards
from journeys.queries.deal_table import PAGE, deal_table
from journeys.queries.forecast import forecast
from journeys.rules.periods import closing_window, month_of, quarter_of
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


@pytest.fixture
def client(world: World) -> Client:
    signed_in = Client()
    signed_in.force_login(world.members[Role.REVOPS_ADMIN].user)
    return signed_in


def today_of(world: World) -> date:
    return world.tenant.today(clock.now())


def fill(world: World, deals: int, *, stage_key: str = "proposal", **more: object) -> PipelineStage:
    today = today_of(world)
    with tenant_context(world.tenant.pk):
        stage = PipelineStage.objects.get(key=stage_key)
        made = Opportunity.objects.bulk_create(
            Opportunity(
                tenant=world.tenant, pipeline_id=stage.pipeline_id, stage=stage, name=f"{stage_key} {n}",
                currency="EUR", amount_minor=n * 100, opened_on=today, close_on=today + timedelta(days=n), **more,
            )
            for n in range(1, deals + 1)
        )  # fmt: skip
        OpportunityStageVisit.objects.bulk_create(
            OpportunityStageVisit(tenant=world.tenant, opportunity=deal, stage=stage, entered_on=today) for deal in made
        )
    return stage


def with_gates(world: World) -> None:
    """The default pipeline asks for a pain before Demo is left, and for a named buyer to enter Proposal."""
    with tenant_context(world.tenant.pk):
        live = ProcessVersion.objects.get(kind="pipeline", key="sales", state="published")
        stages = [dict(stage) for stage in live.definition["stages"]]
        stages[0]["exit"] = [{"key": "pain", "name": "Pain named", "answer": "meddic.pain"}]
        stages[1]["entry"] = [{"key": "buyer", "name": "Economic buyer", "answer": "meddic.economic_buyer"}]
        stages[1]["exit"] = [{"key": "shown", "name": "Demo held", "evidence": True}]
        actor, now = Actor.system("test"), clock.now()
        definition = {"frameworks": ["meddic"], "stages": stages}
        version = draft(kind="pipeline", key="sales", name="Sales", definition=definition, actor=actor, now=now)
        publish(version=version, actor=actor, now=now, reason="Gates.")


@pytest.mark.capability("C2")
def test_a_fresh_workspace_has_exactly_the_five_stages_with_closed_won_and_lost(world: World) -> None:
    with tenant_context(world.tenant.pk):
        [pipeline] = Pipeline.objects.all()
        stages = pipeline.stages.order_by("position").values_list("name", "kind", "probability", "forecast")
        assert list(stages) == [
            ("Discovery", "open", 10, "not_yet"), ("Demo", "open", 25, "not_yet"),
            ("Proposal", "open", 50, "best_case"), ("Negotiation", "open", 75, "commit"),
            ("Closed won", "won", 100, "won"), ("Closed lost", "lost", 0, "lost"),
        ]  # fmt: skip


def test_a_column_has_its_sums_its_first_cards_and_the_rest_on_request(world: World) -> None:
    stage = fill(world, MOST + 7)
    today = today_of(world)
    with tenant_context(world.tenant.pk):
        filters = Filters(Pipeline.objects.get())
        columns = {column.key: column for column in board(filters, today).columns}
        column = columns["proposal"]
        assert [one.name for one in columns.values()][:4] == ["Discovery", "Demo", "Proposal", "Negotiation"]
        assert (column.count, column.amount_minor) == (MOST + 7, sum(range(1, MOST + 8)) * 100)
        assert [card.deal.name for card in column.cards] == [f"proposal {n}" for n in range(1, FIRST + 1)]
        assert column.more == MOST - FIRST
        cards, _ = more_cards(filters, stage, column.after, today)
        assert [card.deal.name for card in cards] == [f"proposal {n}" for n in range(FIRST + 1, MOST + 1)]


def test_closed_deals_stand_together_for_the_quarter(world: World) -> None:
    today = today_of(world)
    fill(world, 2, stage_key="closed_won", closed_on=today)
    fill(world, 1, stage_key="closed_lost", closed_on=today)
    fill(world, 3, stage_key="closed_won", closed_on=today - timedelta(days=120))
    with tenant_context(world.tenant.pk):
        closed = board(Filters(Pipeline.objects.get()), today).columns[-1]
    assert (closed.name, closed.count, closed.won, closed.lost) == (f"Closed, {quarter_of(today).short}", 3, 2, 1)
    assert closed.amount_minor == 3_00


def test_a_deal_that_stands_longer_than_nine_of_ten_won_ones_says_so(world: World, client: Client) -> None:
    today = today_of(world)
    stage = fill(world, 1)
    fill(world, 20, stage_key="closed_won", closed_on=today)
    with tenant_context(world.tenant.pk):
        OpportunityStageVisit.objects.bulk_create(
            OpportunityStageVisit(tenant=world.tenant, opportunity=deal, stage=stage,
                                  entered_on=today - timedelta(days=30), left_on=today - timedelta(days=20))
            for deal in Opportunity.objects.filter(stage__kind="won")
        )  # fmt: skip
        OpportunityStageVisit.objects.filter(stage=stage, left_on=None).update(entered_on=today - timedelta(days=11))
    page = client.get("/opportunities/").content.decode()
    assert "Longer than 90 % of won deals: 11 d, usually up to 10 d" in page


def test_filters_narrow_by_owner_and_by_the_quarter_of_closing(world: World, client: Client) -> None:
    fill(world, 3)
    with tenant_context(world.tenant.pk):
        person = Person.objects.get(membership=world.members[Role.CSM])
        Opportunity.objects.filter(name="proposal 2").update(owner=person, close_on=date(2020, 1, 1))
    page = client.get(f"/opportunities/?who={person.pk}").content.decode()
    assert page.count("data-card ") == 1
    assert client.get("/opportunities/?closes=late&who=all").content.decode().count("data-card ") == 1
    seller = Client()
    seller.force_login(world.members[Role.CSM].user)
    assert seller.get("/opportunities/?who=me").content.decode().count("data-card ") == 1


def test_pages_of_the_table_show_every_deal_once_in_each_order(world: World) -> None:
    fill(world, 2 * PAGE + 3)
    today = today_of(world)
    with tenant_context(world.tenant.pk):
        filters = Filters(Pipeline.objects.get())
        for sort in ("closes", "amount", "name", "opened"):
            seen: list[int] = []
            after = ""
            while True:
                page = deal_table(filters, today, sort=sort, after=after)
                seen += [card.deal.pk for card in page.cards]
                after = page.after
                if not after:
                    break
            assert len(seen) == len(set(seen)) == 2 * PAGE + 4


def test_the_forecast_adds_up_by_category_month_and_owner(world: World) -> None:
    today = today_of(world)
    fill(world, 40)
    fill(world, 5, stage_key="negotiation")
    with tenant_context(world.tenant.pk):
        Opportunity.objects.filter(name="proposal 3").update(close_on=None)
        found = forecast(Filters(Pipeline.objects.get()), today)
    assert found.total.total.count == 46
    assert found.total.total.amount_minor == (sum(range(1, 41)) + sum(range(1, 6)) + 1) * 100
    assert sum(cell.amount_minor for cell in found.total.cells) == found.total.total.amount_minor
    assert sum(row.total.weighted for row in found.rows) == found.total.total.weighted
    assert sum(row.total.amount_minor for row in found.owners) == found.total.total.amount_minor
    assert found.total.cells[-1].count == 2


def test_the_forecast_is_the_boards_to_the_cent_keeps_its_window_and_namesakes_apart(world: World) -> None:
    today = today_of(world)
    stages = [fill(world, 1, stage_key=key) for key in ("discovery", "demo", "negotiation")]
    with tenant_context(world.tenant.pk):
        PipelineStage.objects.filter(pk__in=[stage.pk for stage in stages]).update(probability=33)
        twins = [
            Person.objects.create(name="Ana Lind", name_key="ana lind", email_key=mail)
            for mail in ("a@kestrel.example", "b@kestrel.example")
        ]
        for stage, owner in zip(stages, twins, strict=False):
            Opportunity.objects.filter(stage=stage).update(owner=owner, amount_minor=101)
        filters = Filters(Pipeline.objects.get())
        found = forecast(filters, today)
        assert found.total.total.weighted_minor == board(filters, today).weighted_minor
        assert [row.name for row in found.owners].count("Ana Lind") == 2
        Opportunity.objects.filter(stage=stages[0]).update(close_on=date(2020, 1, 1))
        late = Filters(Pipeline.objects.get(), closes="late")
        assert forecast(late, today).total.total.count == board(late, today).open_count == 2


def test_the_file_is_the_table(world: World, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    today = today_of(world)
    fill(world, 2)
    fill(world, 2, stage_key="closed_won", closed_on=today)
    with tenant_context(world.tenant.pk):
        Opportunity.objects.filter(name="closed_won 1").update(closed_on=quarter_of(today, 2).start)

    def names(query: str) -> tuple[list[str], list[str]]:
        file = client.get(f"/opportunities/file/?who=all{query}")
        table = client.get(f"/opportunities/?view=table&who=all{query}").context["page"].cards
        rows = [row["name"] for row in csv.DictReader(io.StringIO(file.content.decode()))]
        return sorted(rows), sorted(card.deal.name for card in table)

    for query, many in (("", 3), ("&state=all", 5), ("&state=won", 2), ("&state=won&closes=quarter", 1)):
        rows, table = names(query)
        assert rows == table
        assert len(rows) == many
    assert "-first-" not in client.get("/opportunities/file/?who=all")["Content-Disposition"]
    monkeypatch.setattr("journeys.queries.deal_files.MOST_ROWS", 1)
    assert '-first-1.csv"' in client.get("/opportunities/file/?who=all")["Content-Disposition"]


def test_the_file_holds_the_table_and_no_formula(world: World, client: Client) -> None:
    fill(world, 2)
    with tenant_context(world.tenant.pk):
        Opportunity.objects.filter(name="proposal 1").update(name="=cmd()")
    rows = list(csv.DictReader(io.StringIO(client.get("/opportunities/file/?who=all").content.decode())))
    assert [row["name"] for row in rows][:2] == ["'=cmd()", "proposal 2"]
    assert rows[1]["amount"] == "2.00"


@pytest.mark.capability("C3")
def test_a_blocked_move_answers_with_what_is_missing_and_the_button_that_mends_it(world: World, client: Client) -> None:
    with_gates(world)
    deal_id = world.ids["opportunity_id"]
    with tenant_context(world.tenant.pk):
        stages = dict(PipelineStage.objects.values_list("key", "pk"))
        contact = Contact.objects.get()
    move = reverse("journeys:opportunity_move", args=[deal_id])
    sent = {"stage": stages["demo"], "seen": stages["discovery"]}
    refused = client.post(move, sent, headers=HTMX)
    assert refused.status_code == 422
    text = refused.content.decode()
    assert "cannot move to Demo yet" in text
    assert "0 of 2 criteria of gate v2 are met" in text
    assert f"of=meddic.pain&amp;stage={stages['demo']}" in text
    answer = reverse("journeys:opportunity_answer", args=[deal_id]) + f"?stage={stages['demo']}&of=meddic."
    still = client.post(f"{answer}pain", {"value": "We lose a day a week"}, headers=HTMX).content.decode()
    assert "1 of 2 criteria of gate v2 are met" in still
    ready = client.post(f"{answer}economic_buyer", {"contact": contact.pk}, headers=HTMX).content.decode()
    assert "can move to Demo" in ready
    moved = client.post(move, sent, headers=HTMX)
    assert moved.status_code == 200
    assert f'data-stage="{stages["demo"]}"' in moved.content.decode()
    assert "MEDDIC 2/6" in moved.content.decode()
    with tenant_context(world.tenant.pk):
        visit = OpportunityStageVisit.objects.get(opportunity_id=deal_id, left_on=None)
        assert (visit.stage.key, visit.version.number if visit.version else 0) == ("demo", 2)
        assert visit.moved_by != ""


def test_lost_asks_for_a_reason_and_keeps_it(world: World, client: Client) -> None:
    deal_id = world.ids["opportunity_id"]
    with tenant_context(world.tenant.pk):
        lost = PipelineStage.objects.get(key="closed_lost").pk
    move = reverse("journeys:opportunity_move", args=[deal_id])
    asked = client.post(move, {"stage": lost}, headers=HTMX)
    assert asked.status_code == 422
    assert 'name="close_reason"' in asked.content.decode()
    assert client.post(move, {"stage": lost, "close_reason": "No budget"}, headers=HTMX).status_code == 200
    with tenant_context(world.tenant.pk):
        assert Opportunity.objects.get(pk=deal_id).close_reason == "No budget"


def test_a_card_that_somebody_else_moved_shows_both_stages(world: World, client: Client) -> None:
    deal_id = world.ids["opportunity_id"]
    with tenant_context(world.tenant.pk):
        stages = dict(PipelineStage.objects.values_list("key", "pk"))
    move = reverse("journeys:opportunity_move", args=[deal_id])
    client.post(move, {"stage": stages["demo"]}, headers=HTMX)
    late = client.post(move, {"stage": stages["proposal"], "seen": stages["discovery"]}, headers=HTMX)
    assert late.status_code == 409
    assert "Keep mine: Proposal" in late.content.decode()


def test_a_value_that_somebody_else_changed_shows_both(world: World, client: Client) -> None:
    deal_id = world.ids["opportunity_id"]
    field = reverse("journeys:opportunity_field", args=[deal_id]) + "?of=amount"
    assert client.post(field, {"amount": "500", "seen": "1.00"}, headers=HTMX).status_code == 204
    clash = client.post(field, {"amount": "700", "seen": "1.00"}, headers=HTMX)
    assert clash.status_code == 409
    assert "€500.00" in clash.content.decode()
    assert "€700.00" in clash.content.decode()
    assert client.post(field, {"amount": "700"}, headers=HTMX).status_code == 204
    with tenant_context(world.tenant.pk):
        assert Opportunity.objects.get(pk=deal_id).amount_minor == 700_00


def hidden(page: str) -> dict[str, str]:
    """The values that a form says its editor saw."""
    return dict(re.findall(r'<input type="hidden" name="(seen-[a-z_]+)" value="([^"]*)">', page))


def test_the_full_form_overwrites_nothing_that_somebody_else_changed(world: World, client: Client) -> None:
    deal_id = world.ids["opportunity_id"]
    address = reverse("journeys:opportunity_edit", args=[deal_id])
    opened = client.get(address)
    seen, initial = hidden(opened.content.decode()), opened.context["form"].initial
    typed = {name: "" if value is None else str(value) for name, value in initial.items()}
    with tenant_context(world.tenant.pk):
        Opportunity.objects.filter(pk=deal_id).update(amount_minor=500_00, about="Theirs")
    clash = client.post(address, typed | seen | {"amount": "700", "name": "Mine"})
    text = clash.content.decode()
    assert clash.status_code == 409
    assert "€500.00" in text
    assert "€700.00" in text
    with tenant_context(world.tenant.pk):
        assert Opportunity.objects.get(pk=deal_id).name != "Mine"
    kept = client.post(address, typed | hidden(text) | {"amount": "700", "name": "Mine", "about": "Theirs"})
    assert kept.status_code == 302
    with tenant_context(world.tenant.pk):
        deal = Opportunity.objects.get(pk=deal_id)
    assert (deal.name, deal.amount_minor, deal.about) == ("Mine", 700_00, "Theirs")


def test_what_the_full_form_left_as_it_was_stays_as_somebody_else_made_it(world: World, client: Client) -> None:
    deal_id = world.ids["opportunity_id"]
    address = reverse("journeys:opportunity_edit", args=[deal_id])
    opened = client.get(address)
    seen, initial = hidden(opened.content.decode()), opened.context["form"].initial
    typed = {name: "" if value is None else str(value) for name, value in initial.items()}
    with tenant_context(world.tenant.pk):
        Opportunity.objects.filter(pk=deal_id).update(about="Theirs")
    assert client.post(address, typed | seen | {"name": "Mine"}).status_code == 302
    with tenant_context(world.tenant.pk):
        deal = Opportunity.objects.get(pk=deal_id)
    assert (deal.name, deal.about) == ("Mine", "Theirs")


def test_a_value_that_was_empty_when_it_was_opened_is_compared_too(world: World, client: Client) -> None:
    deal_id = world.ids["opportunity_id"]
    with tenant_context(world.tenant.pk):
        Opportunity.objects.filter(pk=deal_id).update(amount_minor=None)
    field = reverse("journeys:opportunity_field", args=[deal_id]) + "?of=amount"
    assert 'name="seen" value=""' in client.get(field, headers=HTMX).content.decode()
    with tenant_context(world.tenant.pk):
        Opportunity.objects.filter(pk=deal_id).update(amount_minor=500_00)
    assert client.post(field, {"amount": "700", "seen": ""}, headers=HTMX).status_code == 409


def test_a_new_deal_begins_in_the_first_stage_with_its_history(world: World, client: Client) -> None:
    with tenant_context(world.tenant.pk):
        pipeline = Pipeline.objects.get().pk
    sent = {"name": "Store operations", "account": "brightwater kestrel", "kind": "expansion", "amount": "1250.50",
            "pipeline": pipeline, "close_on": "2026-12-22"}  # fmt: skip
    response = client.post("/opportunities/new/", sent)
    assert response.status_code == 302
    with tenant_context(world.tenant.pk):
        deal = Opportunity.objects.get(name="Store operations")
        assert (deal.amount_minor, deal.account_id, deal.stage.key) == (1250_50, world.ids["account_id"], "discovery")
        assert deal.visits.get().left_on is None
    assert client.post("/opportunities/new/", {**sent, "account": "Nobody"}).status_code == 422
    names = client.get("/opportunities/accounts/?account=bright").content.decode()
    assert "Brightwater KESTREL" in names


def test_an_action_refuses_what_cannot_be(world: World, actor: Actor) -> None:
    by = {"actor": actor, "today": today_of(world), "now": clock.now()}
    with tenant_context(world.tenant.pk):
        deal = Opportunity.objects.get()
        with pytest.raises(OpportunityRefused, match="owner"):
            update_opportunity(opportunity_id=deal.pk, values={"owner_id": 10**9}, **by)
        with pytest.raises(OpportunityRefused, match="stage_id"):
            update_opportunity(opportunity_id=deal.pk, values={"stage_id": 1}, **by)
        with pytest.raises(ValuesMoved):
            update_opportunity(opportunity_id=deal.pk, values={"about": "mine"}, seen={"about": "older"}, **by)
        with pytest.raises(OpportunityRefused, match="pipeline"):
            create_opportunity(values={"name": "x"}, pipeline_id=10**9, currency="EUR", **by)


def test_the_page_of_a_deal_shows_path_gate_questions_and_history(world: World, client: Client) -> None:
    with_gates(world)
    page = client.get(reverse("journeys:opportunity", args=[world.ids["opportunity_id"]])).content.decode()
    for words in ("2 missing for Demo", "0 of 6 answered", "Pain named", "Give evidence", "Elena KESTREL"):
        assert (words in page) == (words != "Give evidence"), words
    with tenant_context(world.tenant.pk):
        assert Answer.objects.count() == 0


@pytest.mark.parametrize("role", [Role.CSM, Role.REVOPS_ADMIN])
@pytest.mark.capability("N43")
def test_the_board_asks_as_often_with_500_cards_as_with_5(world: World, role: Role) -> None:
    with_gates(world)
    client = Client()
    client.force_login(world.members[role].user)
    counts = []
    for deals in (1, 125):
        for key in ("discovery", "demo", "proposal", "negotiation"):
            fill(world, deals, stage_key=key)
        client.get("/opportunities/?who=all")
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/opportunities/?who=all").status_code == 200
        counts.append(sum(not one["sql"].startswith(("SAVEPOINT", "RELEASE")) for one in asked.captured_queries))
    assert counts[0] == counts[1] <= 20


def test_periods_are_half_open_and_follow_each_other() -> None:
    assert (quarter_of(date(2026, 12, 31)).name, quarter_of(date(2026, 12, 31)).end) == ("Q4 2026", date(2027, 1, 1))
    assert quarter_of(date(2026, 12, 31), 1).start == date(2027, 1, 1)
    assert month_of(date(2026, 12, 5), 1).start == date(2027, 1, 1)
    both = closing_window("both", date(2026, 11, 23))
    assert both is not None
    assert (both.start, both.end) == (date(2026, 10, 1), date(2027, 4, 1))
    assert closing_window("never", date(2026, 11, 23)) is None
