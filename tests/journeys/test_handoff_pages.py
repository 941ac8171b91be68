"""Hand-offs and expectations as pages and endpoints, and how hand-offs go."""

from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Account, Person
from core import clock
from core.choices import Role
from core.models import Tenant
from core.tenancy import tenant_context
from journeys.actions.waivers import approve_waiver, ask_waiver
from journeys.models import Evidence, Expectation, Handoff, LifecycleStage, StageVisit
from journeys.queries.handoffs import handoff_counts, handoff_figures, handoffs, page_after
from tests.factories.api import make_key
from tests.factories.world import World, make_world

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


@pytest.fixture
def client(world: World) -> Client:
    signed_in = Client()
    signed_in.force_login(world.members[Role.CSM].user)
    return signed_in


def address(world: World, name: str = "handoff") -> str:
    return reverse(f"journeys:{name}", args=[world.ids["handoff_id"]])


def test_the_queue_shows_what_waits_on_the_reader_with_its_clock(client: Client) -> None:
    page = client.get(reverse("journeys:handoffs")).content.decode()
    assert "Brightwater KESTREL" in page
    assert 'Waiting on me <span class="count">1</span>' in page
    assert "over" in page


def test_the_queue_costs_the_same_with_many_handoffs(world: World, client: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert client.get(reverse("journeys:handoffs"), {"view": "all"}).status_code == 200
        return len(caught)

    queries()
    few = queries()
    with tenant_context(world.tenant.pk):
        account = Account.objects.get(pk=world.ids["account_id"])
        many(world.tenant, account, 120)
    assert queries() == few


def before_the_gate(world: World) -> None:
    """The account stands in Consideration, and what its gate asks for is not there."""
    with tenant_context(world.tenant.pk):
        Expectation.objects.all().delete()
        StageVisit.objects.filter(account_id=world.ids["account_id"]).delete()
        stage = LifecycleStage.objects.get(journey="standard", key="consideration")
        StageVisit.objects.create(account_id=world.ids["account_id"], stage=stage, entered_on=NOW.date())


def open_gate(world: World) -> None:
    """A second person lets it pass."""
    today = world.tenant.today(clock.now())
    with tenant_context(world.tenant.pk):
        waiver = ask_waiver(
            to_stage="onboarding", reason="Test", expires_on=today + timedelta(days=3), tenant=world.tenant,
            asker=world.members[Role.CSM], today=today, now=clock.now(), account_id=world.ids["account_id"],
        )  # fmt: skip
        approve_waiver(
            waiver_id=waiver.pk, approver=world.members[Role.CS_MANAGER], answer="", today=today, now=clock.now()
        )


def many(tenant: Tenant, account: Account, count: int) -> None:
    Handoff.objects.bulk_create(
        Handoff(
            tenant=tenant, account=account, key="sales_to_cs", name="Sales to CS", origin_key=f"many:{n}",
            created_at=NOW, due_at=NOW + timedelta(hours=n // 2),
        )
        for n in range(count)
    )  # fmt: skip


def test_pages_of_the_queue_show_each_handoff_once(world: World) -> None:
    with tenant_context(world.tenant.pk):
        many(world.tenant, Account.objects.get(pk=world.ids["account_id"]), 25)
        for state in ("open", "returned"):
            if state == "returned":
                Handoff.objects.update(state="returned")
            seen: list[int] = []
            after: int | None = None
            while page := list(page_after(handoffs(state=state), after)[:10]):
                seen += [one.pk for one in page]
                after = page[-1].pk
            assert sorted(seen) == sorted(Handoff.objects.values_list("pk", flat=True))


@pytest.mark.capability("N19")
def test_on_the_page_accepting_is_refused_with_everything_that_is_missing(world: World, client: Client) -> None:
    before_the_gate(world)
    closed = client.post(address(world, "handoff_accept"))
    assert (closed.status_code, "Contract signed" in closed.content.decode()) == (409, True)
    open_gate(world)
    page = client.get(address(world)).content.decode()
    assert "2 points missing" in page
    refused = client.post(address(world, "handoff_accept"))
    assert refused.status_code == 409
    assert "At least one expectation of the customer, Scope KESTREL" in refused.content.decode()
    # The card looks again at the hand-off's own address, not at the one that the refusal came from.
    assert f'hx-get="{address(world)}" hx-trigger="handoff-changed from:body"' in refused.content.decode()
    client.post(
        reverse("journeys:expectation_new", args=[world.ids["account_id"]]),
        {"text": "Live by May", "for_expansion": "on"},
    )
    client.post(address(world, "handoff_tick"), {"key": "scope", "done": "1"})
    assert client.post(address(world, "handoff_accept")).status_code == 302
    with tenant_context(world.tenant.pk):
        assert Handoff.objects.get(pk=world.ids["handoff_id"]).state == "accepted"
        assert StageVisit.objects.get(account_id=world.ids["account_id"], left_on=None).stage.key == "onboarding"
        assert Expectation.objects.get().for_expansion


@pytest.mark.capability("N19")
def test_what_the_gate_asks_a_person_to_show_is_shown_on_the_page_of_the_handoff(world: World, client: Client) -> None:
    before_the_gate(world)
    needs = "Needs and who decides are known"
    page = client.get(address(world)).content.decode()
    assert ("4 points missing" in page, "Give evidence" in page, f"What shows it: {needs}" in page) == (True,) * 3
    part = {"HX-Request": "true", "HX-Target": "answer"}
    said = {"of": "needs", "text": "Minutes of the call"}
    shown = client.post(address(world, "handoff_evidence"), said, headers=part)
    assert (shown.status_code, "handoff-changed" in shown["HX-Trigger"]) == (200, True)
    assert ("3 points missing" in shown.content.decode(), needs in shown.content.decode()) == (True, False)
    with tenant_context(world.tenant.pk):
        given = Evidence.objects.get(account_id=world.ids["account_id"], criterion_key="needs")
        assert (given.text, given.stage_key, given.taken_back_at) == ("Minutes of the call", "consideration", None)
    # By looking again the page asks for nothing more: else it would look for ever.
    assert "HX-Trigger" not in client.get(address(world), headers=part)


def test_evidence_without_words_or_for_nothing_that_is_asked_is_refused_in_the_card(
    world: World, client: Client
) -> None:
    before_the_gate(world)
    part = {"HX-Request": "true", "HX-Target": "answer"}
    for said, words in (
        ({"of": "needs", "text": " "}, "Say what shows that it is met"),
        ({"of": "scope", "text": "Mail"}, "asks for no such evidence"),
    ):
        refused = client.post(address(world, "handoff_evidence"), said, headers=part)
        assert (refused.status_code, words in refused.content.decode()) == (422, True)
        assert words in unquote(refused["X-Message"])
        assert "HX-Trigger" not in refused  # looking again would wipe the words away
    client.post(address(world, "handoff_cancel"), {"reason": "Twice the same deal"})
    late = client.post(address(world, "handoff_evidence"), {"of": "needs", "text": "Mail"}, headers=part)
    assert (late.status_code, "called off this hand-off already" in late.content.decode()) == (409, True)
    with tenant_context(world.tenant.pk):
        assert not Evidence.objects.filter(account_id=world.ids["account_id"], criterion_key="needs").exists()


def test_whoever_gives_no_evidence_is_offered_none(world: World) -> None:
    before_the_gate(world)
    support = Client()
    support.force_login(world.members[Role.SUPPORT_AGENT].user)
    assert "Give evidence" not in support.get(address(world)).content.decode()
    refused = support.post(address(world, "handoff_evidence"), {"of": "needs", "text": "Mail"})
    assert refused.status_code == 403


def test_sent_back_and_handed_over_again_in_the_browser(world: World, client: Client) -> None:
    empty = client.post(address(world, "handoff_return"), {"reason": " "})
    assert (empty.status_code, "Say what is missing" in empty.content.decode()) == (409, True)
    client.post(address(world, "handoff_return"), {"reason": "No sponsor named"})
    assert "No sponsor named" in client.get(address(world)).content.decode()
    again = client.post(address(world, "handoff_again"))
    assert "Attempt 2" in client.get(again["Location"]).content.decode()


def test_a_tick_answers_with_the_checklist_and_makes_the_answer_look_again(world: World, client: Client) -> None:
    part = client.post(
        address(world, "handoff_tick"),
        {"key": "scope", "done": "1"},
        headers={"HX-Request": "true", "HX-Target": "checklist"},
    )
    assert part.content.decode().strip().startswith('<section class="card" id="checklist"')
    assert "handoff-changed" in part["HX-Trigger"]


def test_given_to_nobody_it_lies_with_the_team_and_called_off_it_is_over(world: World, client: Client) -> None:
    client.post(address(world, "handoff_give"), {"person": ""})
    assert 'Waiting on me <span class="count">0</span>' in client.get(reverse("journeys:handoffs")).content.decode()
    assert "Brightwater KESTREL" in client.get(reverse("journeys:handoffs"), {"view": "team"}).content.decode()
    client.post(address(world, "handoff_cancel"), {"reason": "Twice the same deal"})
    assert "Called off" in client.get(address(world)).content.decode()


def test_sent_back_the_page_offers_to_call_it_off(world: World, client: Client) -> None:
    client.post(address(world, "handoff_return"), {"reason": "No sponsor named"})
    assert "Not needed any more" in client.get(address(world)).content.decode()
    client.post(address(world, "handoff_cancel"), {"reason": "The deal fell through"})
    page = client.get(address(world)).content.decode()
    assert "Called off" in page
    assert "Hand over again" not in page


def test_the_account_page_shows_open_handoffs_and_expectations(world: World, client: Client) -> None:
    page = client.get(reverse("dashboards:account", args=[world.ids["account_id"]])).content.decode()
    assert address(world) in page
    assert "“Live by May KESTREL”" in page


def test_an_expectation_is_tagged_and_met_from_its_card(world: World, client: Client) -> None:
    pk = world.ids["expectation_id"]
    for name in ("expectation_tag", "expectation_met"):
        client.post(reverse(f"journeys:{name}", args=[pk]), {"on": "1"})
    with tenant_context(world.tenant.pk):
        one = Expectation.objects.get()
        assert (one.for_expansion, one.met_on is not None) == (True, True)
    empty = client.post(reverse("journeys:expectation_new", args=[world.ids["account_id"]]), {"text": " "})
    assert empty.status_code == 422


@pytest.mark.capability("J2")
def test_figures_tell_answers_waiting_time_to_accept_and_reasons(world: World) -> None:
    def row(origin: str, state: str, **values: object) -> Handoff:
        filled = {"attempt": 1, "created_at": NOW - timedelta(days=3), "due_at": NOW - timedelta(days=1), **values}
        return Handoff(
            tenant=world.tenant, account_id=world.ids["account_id"], key="sales_to_cs", name="Sales to CS",
            origin_key=origin, state=state, **filled,
        )  # fmt: skip

    start = NOW - timedelta(days=3)
    with tenant_context(world.tenant.pk):
        Handoff.objects.all().delete()
        Handoff.objects.bulk_create(
            [
                row("a", "accepted", answered_at=start + timedelta(hours=10)),
                row("b", "returned", answered_at=start + timedelta(hours=2), return_reason="No sponsor named"),
                # The second attempt is accepted two hours after it began, thirty after the first one did.
                row("b", "accepted", attempt=2, created_at=start + timedelta(hours=28),
                    answered_at=start + timedelta(hours=30)),
                row("c", "returned", answered_at=start + timedelta(hours=1), return_reason="no sponsor named "),
                row("d", "waiting"),
                row("e", "waiting", due_at=NOW + timedelta(hours=1)),
                row("f", "accepted", created_at=NOW - timedelta(days=200), answered_at=NOW - timedelta(days=190)),
            ]
        )  # fmt: skip
        found = {one.key: one for one in handoff_figures(NOW - timedelta(days=90), NOW)}
        counts = handoff_counts(person_id=None, team=["sales_to_cs"], now=NOW)
    one = found["sales_to_cs"]
    assert (one.accepted, one.returned, one.waiting, one.overdue) == (2, 2, 2, 1)
    assert one.median_seconds == 20 * 3600
    assert one.median_late_seconds == -28 * 3600
    assert one.goal_hours == 48
    assert one.reasons == (("No sponsor named", 2),) or one.reasons == (("no sponsor named", 2),)
    assert [found[key].waiting for key in ("marketing_to_sales", "onboarding_to_csm")] == [0, 0]
    # What came back and was not handed over again is open, too.
    assert (counts.mine, counts.team, counts.all, counts.overdue) == (0, 3, 3, 1)


@pytest.mark.capability("N19")
def test_the_api_refuses_with_the_list_of_what_is_missing(world: World) -> None:
    before_the_gate(world)
    open_gate(world)
    _, program = make_key(world.tenant, Role.CSM)
    accept = reverse("journeys:api_handoff_accept", args=[world.ids["handoff_id"]])
    refused = program.send("post", accept, {})
    assert (refused.status_code, refused.json()["error"]["fields"]["missing"]) == (
        409, ["At least one expectation of the customer", "Scope KESTREL"],
    )  # fmt: skip
    expectations = reverse("journeys:api_expectations", args=[world.ids["account_id"]])
    assert program.send("post", expectations, {"text": "Live by May"}).status_code == 201
    assert [one["text"] for one in program.get(expectations).json()["results"]] == ["Live by May"]
    tick = reverse("journeys:api_handoff_tick", args=[world.ids["handoff_id"]])
    assert program.send("post", tick, {"key": "scope"}).status_code == 200
    assert program.send("post", accept, {"owner_id": world.ids["person_id"]}).json()["state"] == "accepted"


def test_the_api_lists_sends_back_and_tells_how_they_go(world: World) -> None:
    _, program = make_key(world.tenant, Role.CSM)
    assert [one["id"] for one in program.get(reverse("journeys:api_handoffs")).json()["results"]] == [
        world.ids["handoff_id"]
    ]
    send_back = reverse("journeys:api_handoff_return", args=[world.ids["handoff_id"]])
    assert program.send("post", send_back, {"reason": "No sponsor"}).json()["state"] == "returned"
    again = program.send("post", reverse("journeys:api_handoff_again", args=[world.ids["handoff_id"]]), None).json()
    assert (again["attempt"], again["state"]) == (2, "waiting")
    figures = program.get(reverse("journeys:api_handoff_figures")).json()
    assert figures["days"] == 90
    assert {one["key"]: one["waiting"] for one in figures["handoffs"]}["sales_to_cs"] == 1


def test_whom_it_does_not_wait_on_accepts_it_at_no_door(world: World) -> None:
    before_the_gate(world)
    open_gate(world)
    support = Client()
    support.force_login(world.members[Role.SUPPORT_AGENT].user)
    assert "Customer success accepts it" in support.get(address(world)).content.decode()
    page = support.post(address(world, "handoff_accept"), {"owner": world.ids["person_id"]})
    _, program = make_key(world.tenant, Role.SUPPORT_AGENT)
    accept = reverse("journeys:api_handoff_accept", args=[world.ids["handoff_id"]])
    sent = program.send("post", accept, {"owner_id": world.ids["person_id"]})
    assert (page.status_code, sent.status_code, sent.json()["error"]["code"]) == (409, 409, "not_yours")


def test_whose_it_is_not_sees_no_acts_and_does_none_at_page_or_api(world: World) -> None:
    support = Client()
    support.force_login(world.members[Role.SUPPORT_AGENT].user)
    page = support.get(address(world)).content.decode()
    acts = ["handoff_tick", "handoff_return", "handoff_cancel", "handoff_give", "handoff_accept"]
    assert [one for one in acts if address(world, one) in page] == []
    sent = {"key": "scope", "done": "1", "reason": "x", "person": ""}
    assert [support.post(address(world, one), sent).status_code for one in acts] == [409] * 5
    _, program = make_key(world.tenant, Role.SUPPORT_AGENT)
    for door, body in (("tick", {"key": "scope"}), ("return", {"reason": "x"}), ("again", None)):
        refused = program.send("post", address(world, f"api_handoff_{door}"), body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_yours")


def test_accepted_by_the_api_it_is_the_members_own(world: World, client: Client) -> None:
    before_the_gate(world)
    open_gate(world)
    with tenant_context(world.tenant.pk):
        handoff = Handoff.objects.get(pk=world.ids["handoff_id"])
        handoff.checklist = []
        handoff.to_person = None
        handoff.save()
        mine = Person.objects.get(membership=world.members[Role.CSM])
    client.post(reverse("journeys:expectation_new", args=[world.ids["account_id"]]), {"text": "Live by May"})
    accept = reverse("journeys:api_handoff_accept", args=[world.ids["handoff_id"]])
    made = client.post(accept, "{}", content_type="application/json")
    assert (made.status_code, made.json()["to_person_id"]) == (200, mine.pk)
