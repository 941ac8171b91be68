"""The page that explains a score."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from core import clock
from core.actions import add_member, create_tenant
from core.actors import Actor
from core.choices import Role
from core.jobs import run_job
from core.models import Job, Tenant
from core.tenancy import tenant_context
from health import tasks  # noqa: F401 -- registers the job handlers, as in a worker
from health.actions import backfill_history, recompute
from health.queries.checks import CHECKS
from tests.factories.health import ACTOR, account, contact, contract, one_input, publish_model, signals, ticket

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Tenant:
    return create_tenant(
        slug="kestrel", name="Kestrel", currency="EUR", timezone="Europe/Berlin", actor=ACTOR, now=timezone.now()
    )


@pytest.fixture
def member(workspace: Tenant, client: Client) -> Client:
    client.force_login(
        add_member(
            tenant=workspace,
            email="maya@kestrel.example",
            name="Maya",
            role=Role.CSM,
            password=None,
            actor=Actor.system("test"),
            now=clock.now(),
        ).user
    )
    return client


@pytest.fixture
def scored(workspace: Tenant) -> Account:
    today = workspace.today(timezone.now())
    with tenant_context(workspace.pk):
        one = account("Brightwater Energy", arr_minor=100_000)
        signals(one, "active_users", [30.0] * 120 + [18.0] * 20, until=today)
        signals(one, "nps", [40, -20], until=today - timedelta(days=3), step=60)
        for back in (1, 4, 9, 50):
            ticket(one, today - timedelta(days=back), satisfaction=2)
        contact(one, today - timedelta(days=33))
        contract(one, 100_000, starts_on=today - timedelta(days=400))
        now = timezone.now()
        yesterday = today - timedelta(days=1)
        backfill_history(actor=ACTOR, now=now, from_day=yesterday - timedelta(days=60), to_day=yesterday)
        recompute(actor=ACTOR, now=now, as_of=today)
    return one


def test_the_page_explains_score_change_and_inputs(member: Client, scored: Account) -> None:
    response = member.get(f"/accounts/{scored.pk}/health/")
    assert response.status_code == 200
    page = response.context["page"]
    assert page.health.split is not None
    assert sum(one.shown_points or 0 for one in page.health.inputs) == round(page.health.score, 1)
    split = page.health.split
    assert split.values + split.coverage + split.configuration == pytest.approx(split.total, abs=0.01)
    text = response.content.decode()
    assert page.finding in text
    for one in page.health.inputs:
        assert one.label in text


def test_the_steps_of_the_picture_lead_from_one_score_to_the_other(member: Client, scored: Account) -> None:
    steps = member.get(f"/accounts/{scored.pk}/health/").context["page"].steps
    walked = steps[0]["value"] + sum(step["value"] for step in steps[1:-1])
    assert walked == pytest.approx(steps[-1]["value"], abs=0.11)


def test_a_past_day_is_shown_as_it_was_stored(member: Client, workspace: Tenant, scored: Account) -> None:
    day = workspace.today(timezone.now()) - timedelta(days=30)
    page = member.get(f"/accounts/{scored.pk}/health/?on={day}").context["page"]
    assert page.health.imported
    assert page.health.as_of <= day


def test_days_that_cannot_be_read_are_named_and_not_used(member: Client, scored: Account) -> None:
    for asked in ("since=31.02.2026&on=nonsense&days=-4", "on=0001-01-05", "since=0001-01-01", "on=9999-12-31"):
        response = member.get(f"/accounts/{scored.pk}/health/?{asked}")
        assert response.status_code == 200
        assert "That is not a day like 2026-11-01, so it was not used." in response.content.decode()


def test_the_card_is_a_fragment_that_adds_up(member: Client, scored: Account) -> None:
    response = member.get(f"/accounts/{scored.pk}/health/panel/")
    assert response.status_code == 200
    assert "<html" not in response.content.decode()
    assert "Explain" in response.content.decode()


def test_an_account_that_was_never_scored_says_why(member: Client, workspace: Tenant) -> None:
    with tenant_context(workspace.pk):
        new, lead = account("New"), account("Lead", status="prospect")
    assert "No score yet" in member.get(f"/accounts/{new.pk}/health/").content.decode()
    assert "Only customers have a score" in member.get(f"/accounts/{lead.pk}/health/").content.decode()


def test_an_unknown_account_is_not_found(member: Client) -> None:
    assert member.get("/accounts/999999/health/").status_code == 404


def test_the_page_costs_the_same_queries_with_a_long_history(
    member: Client, scored: Account, django_assert_max_num_queries: object
) -> None:
    with django_assert_max_num_queries(20):  # type: ignore[operator]  # -- a fixture without a type
        member.get(f"/accounts/{scored.pk}/health/")


def test_the_past_year_is_worked_out_once_by_who_may(workspace: Tenant, client: Client, scored: Account) -> None:
    roles = {
        role: add_member(
            tenant=workspace,
            email=f"{role}@kestrel.example",
            name="A",
            role=role,
            password=None,
            actor=Actor.system("test"),
            now=clock.now(),
        ).user
        for role in (Role.CSM, Role.REVOPS_ADMIN)
    }
    client.force_login(roles[Role.CSM])
    assert "Work out" not in client.get("/health/history/offer/").content.decode()
    assert client.post("/health/history/").status_code == 403
    client.force_login(roles[Role.REVOPS_ADMIN])
    assert "Work out the past year" in client.get("/health/history/offer/").content.decode()
    for _ in range(2):
        assert client.post("/health/history/").status_code == 302
    with tenant_context(workspace.pk):
        job = Job.objects.get(kind="health.history")
    assert run_job(tenant_id=workspace.pk, job_id=job.pk) == "done"
    with tenant_context(workspace.pk):
        job.refresh_from_db()
        assert (job.result["weeks"], job.done) == (52, 52)
        assert {check(workspace, timezone.now()) for _, _, check in CHECKS} == {0}


@pytest.mark.capability("H1")
def test_the_live_models_can_be_read_with_advice_and_unknown_measures(member: Client, workspace: Tenant) -> None:
    text = member.get("/health/models/").content.decode()
    assert "Product usage" in text
    assert text.count("not in this workspace") == 3
    assert "easiest to explain" not in text
    with tenant_context(workspace.pk):
        publish_model(workspace, one_input(), key="short", name="Short", applies_to="small")
    assert (
        "1 input: four to six are easiest to explain and to act on." in member.get("/health/models/").content.decode()
    )


@pytest.mark.parametrize(("role", "shown"), [(Role.CSM, True), (Role.SUPPORT_AGENT, False)])
def test_an_input_that_is_an_amount_is_hidden_from_roles_without_money(
    workspace: Tenant, client: Client, role: Role, shown: bool
) -> None:
    now = timezone.now()
    today = workspace.today(now)
    with tenant_context(workspace.pk):
        mapping = {"linear": {"worst": 0, "best": 10_000_000}}
        publish_model(workspace, one_input("arr", measure="contracts.arr", mapping=mapping), now=now)
        one = account("Alder", arr_minor=7_654_300)
        contract(one, 7_654_300, starts_on=today - timedelta(days=400))
        recompute(actor=ACTOR, now=now, as_of=today)
    member = add_member(tenant=workspace, email="m@kestrel.example", name="M", role=role, password=None,
                        actor=ACTOR, now=now)  # fmt: skip
    client.force_login(member.user)
    response = client.get(f"/accounts/{one.pk}/health/")
    value = response.context["health"].inputs[0].shown_value
    text = response.content.decode()
    assert (value != "–", value in text, "Hidden" in text) == (True, shown, not shown)
