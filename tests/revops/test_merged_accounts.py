"""An account that went into another one takes no writes, whichever verb asks: the refusal names the one that lives."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.actions.accounts import assign_owner
from accounts.actions.activities import log_activity
from accounts.actions.contacts import add_contact
from accounts.actions.goals import record_goal
from accounts.actions.merging import merge_accounts
from accounts.choices import ActivityKind, ContactRole
from accounts.models import Account, Activity, Contact, Goal, Person
from accounts.queries.living import AccountMerged, living_account
from core import clock
from core.actors import Actor
from core.choices import Role
from core.tenancy import tenant_context
from health.actions.doubts import report_doubt
from health.actions.overrides import clear_override, set_override, undo_override
from health.models import Override
from journeys.actions.evidence import give_evidence
from journeys.actions.expectations import record_expectation
from journeys.actions.handoffs import open_handoff
from journeys.actions.opportunities import create_opportunity, update_opportunity
from journeys.actions.stages import move_account_stage, move_accounts
from journeys.actions.task_verbs import create_task
from journeys.actions.waivers import ask_waiver
from journeys.models import Evidence, Expectation, Handoff, Opportunity, Pipeline, StageVisit, Task, Waiver
from qbr.actions.reviews import prepare_qbr
from qbr.models import QBR
from tests.factories.api import make_key
from tests.factories.world import NOW, World, make_world

TODAY = NOW.date()
ACTOR = Actor.system("test")
BY: dict[str, Any] = {"actor": ACTOR, "now": NOW}
DAY: dict[str, Any] = {**BY, "today": TODAY}
WRITTEN = (
    Activity,
    Contact,
    Goal,
    Override,
    Evidence,
    Expectation,
    Handoff,
    Opportunity,
    StageVisit,
    Task,
    Waiver,
    QBR,
)
pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    """With `gone_id`, an account that went into `account_id`."""
    made = make_world("osprey", canary="OSPREY")
    with tenant_context(made.tenant.pk):
        gone = Account.objects.create(name="Old Brightwater", name_key="old brightwater")
        merge_accounts(
            kept_id=made.ids["account_id"], gone_id=gone.pk, choices={}, reason="Same", **DAY
        )  # fmt: skip
        made.ids["gone_id"] = gone.pk
    return made


VERBS: dict[str, Callable[[World, int], object]] = {
    "goal": lambda _, pk: record_goal(account_id=pk, metric="Time", unit="min", target=3.0, **BY),
    "override": lambda _, pk: set_override(
        account_id=pk, score=40.0, reason="They told me so", until=TODAY + timedelta(days=7), **DAY
    ),
    "clear override": lambda _, pk: clear_override(account_id=pk, **DAY),
    "undo override": lambda _, pk: undo_override(account_id=pk, **DAY),
    "doubt": lambda _, pk: report_doubt(account_id=pk, input_key="", note="Odd", **BY),
    "expectation": lambda _, pk: record_expectation(account_id=pk, text="Faster", for_expansion=False, **BY),
    "stage": lambda _, pk: move_account_stage(account_id=pk, stage_key="adoption", **DAY),
    "activity": lambda world, pk: log_activity(
        tenant=world.tenant, account=Account.objects.get(pk=pk), kind=ActivityKind.CALL, subject="Call", body="",
        occurred_at=NOW, person=None, **BY,
    ),
    "contact": lambda _, pk: add_contact(
        account=Account.objects.get(pk=pk), name="Ada", email="a@b.example", title="", role=ContactRole.USER, **BY
    ),
    "task": lambda _, pk: create_task(title="Call them", due_on=TODAY, account_id=pk, **BY),
    "new deal": lambda _, pk: create_opportunity(
        values={"name": "More", "account_id": pk}, pipeline_id=_pipeline(), currency="EUR", **DAY
    ),
    "deal": lambda world, pk: update_opportunity(
        opportunity_id=Opportunity.objects.order_by("pk")[0].pk, values={"account_id": pk}, **DAY
    ),
    "evidence": lambda _, pk: give_evidence(criterion_key="any", text="A letter", account_id=pk, **DAY),
    "waiver": lambda world, pk: ask_waiver(
        to_stage="adoption", reason="They are ready", expires_on=TODAY + timedelta(days=7), account_id=pk,
        asker=world.members[Role.CS_MANAGER], tenant=world.tenant, today=TODAY, now=NOW,
    ),
    "hand-off": lambda _, pk: open_handoff(
        account_id=pk, key="sales_to_cs", from_person_id=None, to_person_id=None, **DAY
    ),
    "review": lambda world, pk: prepare_qbr(tenant=world.tenant, account_id=pk, **DAY),
}  # fmt: skip


def _pipeline() -> int:
    return int(Pipeline.objects.order_by("pk")[0].pk)


def _rows() -> list[int]:
    return [model._default_manager.count() for model in WRITTEN]


@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_writes_to_an_account_that_has_gone(world: World, verb: str) -> None:
    with tenant_context(world.tenant.pk):
        kept, before = Account.objects.get(pk=world.ids["account_id"]), _rows()
        with pytest.raises(AccountMerged, match=f"was merged into {kept.name}") as refusal:
            VERBS[verb](world, world.ids["gone_id"])
        assert refusal.value.kept_id == kept.pk
        assert _rows() == before


def test_what_is_done_to_many_passes_it_over(world: World) -> None:
    with tenant_context(world.tenant.pk):
        gone = world.ids["gone_id"]
        assert move_accounts(account_ids=[gone], stage_key="adoption", **DAY).moved == ()
        owner = Person.objects.create(name="New", name_key="new")
        assert assign_owner(accounts=Account.objects.filter(pk=gone), owner=owner, **BY) == 0


def test_a_living_account_is_given_and_an_unknown_one_is_not(world: World) -> None:
    with tenant_context(world.tenant.pk):
        assert living_account(world.ids["account_id"]).pk == living_account(world.ids["account_id"], lock=False).pk
        with pytest.raises(Account.DoesNotExist):
            living_account(10**15)


def test_programs_are_answered_409_with_the_name_of_the_kept_account(world: World) -> None:
    _, program = make_key(world.tenant)
    gone, kept = world.ids["gone_id"], world.ids["account_id"]
    day = str(clock.now().date() + timedelta(days=7))
    asked: list[tuple[str, dict[str, Any]]] = [
        ("goals/", {"metric": "Time", "unit": "min", "target": 3}),
        ("expectations/", {"text": "Faster"}),
        ("override/", {"score": 40, "reason": "They told me so", "until": day}),
        ("stage/", {"stage": "adoption"}),
        ("evidence/", {"criterion": "any", "text": "A letter"}),
    ]
    answers = [program.send("post", f"/api/v1/accounts/{gone}/{path}", body) for path, body in asked]
    answers.append(program.send("post", "/api/v1/opportunities/", {"name": "More", "account": gone}))
    errors = [one.json()["error"] for one in answers]
    assert [(one.status_code, error["code"]) for one, error in zip(answers, errors, strict=True)] == [
        (409, "account_merged")
    ] * len(answers), errors
    assert all(f"(account {kept})" in error["message"] for error in errors)


def test_pages_say_which_account_it_is_now(world: World) -> None:
    client = Client()
    client.force_login(world.members[Role.CS_MANAGER].user)
    url = f"/accounts/{world.ids['gone_id']}/goals/"
    body = {"metric": "Time", "unit": "min", "target": "3", "baseline": "", "target_on": "", "source": ""}
    page = client.post(url, body)
    assert page.status_code == 409
    assert "Nothing was written: do it there." in page.content.decode()
    part = client.post(url, body, headers={"HX-Request": "true"})
    assert (part.status_code, "merged%20into" in part["X-Message"]) == (409, True)
    with tenant_context(world.tenant.pk):
        assert not Goal.objects.filter(account_id=world.ids["gone_id"]).exists()
