"""The defaults of a workspace, and moves along the journey."""

from datetime import date, datetime

import pytest

from accounts.models import Account
from core.actions import create_tenant
from core.actors import Actor
from core.facts import matching
from core.models import AuditEntry, ProcessVersion, Tenant
from core.tenancy import tenant_context
from journeys.actions.evidence import give_evidence
from journeys.actions.journeys import ensure_default_journey
from journeys.actions.pipelines import ensure_default_pipeline
from journeys.actions.stages import move_account_stage, place_accounts
from journeys.models import LifecycleStage, Pipeline, PipelineStage, StageVisit
from journeys.queries.stages import with_current_stage

TODAY = date(2026, 3, 2)


@pytest.mark.capability("C2")
def test_a_new_workspace_has_the_five_sales_stages_with_closed_as_won_or_lost(
    db: None, actor: Actor, now: datetime
) -> None:
    tenant = create_tenant(slug="new", name="New", currency="EUR", timezone="UTC", actor=actor, now=now)
    with tenant_context(tenant.pk):
        rows = PipelineStage.objects.filter(pipeline__is_default=True).order_by("position")
        assert list(rows.values_list("name", "kind", "probability", "forecast")) == [
            ("Discovery", "open", 10, "not_yet"),
            ("Demo", "open", 25, "not_yet"),
            ("Proposal", "open", 50, "best_case"),
            ("Negotiation", "open", 75, "commit"),
            ("Closed won", "won", 100, "won"),
            ("Closed lost", "lost", 0, "lost"),
        ]
        assert Pipeline.objects.count() == 1


def test_a_new_workspace_has_eight_lifecycle_stages_each_with_a_team_and_success(
    in_kestrel: Tenant, actor: Actor, now: datetime
) -> None:
    ensure_default_journey(actor=actor, now=now)
    ensure_default_journey(actor=actor, now=now)
    stages = LifecycleStage.objects.filter(journey="standard").order_by("position")
    assert [stage.name for stage in stages] == [
        "Awareness", "Consideration", "Decision", "Onboarding", "Adoption", "Renewal", "Expansion", "Advocacy",
    ]  # fmt: skip
    assert all(stage.owner_team and stage.success for stage in stages)


def test_defaults_are_made_once(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    ensure_default_pipeline(actor=actor, now=now)
    ensure_default_pipeline(actor=actor, now=now)
    assert (Pipeline.objects.count(), PipelineStage.objects.count()) == (1, 6)
    assert ProcessVersion.objects.filter(kind="pipeline").count() == 1


@pytest.fixture
def account(in_kestrel: Tenant, actor: Actor, now: datetime) -> Account:
    ensure_default_journey(actor=actor, now=now)
    return Account.objects.create(name="Brightwater", name_key="brightwater", customer_since=date(2025, 1, 1))


def move(account: Account, key: str, on: date, actor: Actor, now: datetime) -> StageVisit:
    if key == "renewal":
        shown = "Active users of last week"
        give_evidence(criterion_key="in_use", text=shown, account_id=account.pk, today=on, now=now, actor=actor)
    return move_account_stage(account_id=account.pk, stage_key=key, today=on, now=now, actor=actor)


def test_an_account_can_pass_a_stage_twice_and_both_stays_are_kept(
    account: Account, actor: Actor, now: datetime
) -> None:
    for key, day in (("adoption", 1), ("renewal", 2), ("adoption", 3), ("adoption", 4)):
        move(account, key, date(2026, 3, day), actor, now)
    visits = StageVisit.objects.order_by("pk").values_list("stage__key", "entered_on", "left_on")
    assert list(visits) == [
        ("adoption", date(2026, 3, 1), date(2026, 3, 2)),
        ("renewal", date(2026, 3, 2), date(2026, 3, 3)),
        ("adoption", date(2026, 3, 3), None),
    ]
    assert AuditEntry.objects.filter(verb="moved account").count() == 3


def test_the_current_stage_stands_beside_the_account_and_in_rules(
    account: Account, actor: Actor, now: datetime
) -> None:
    move(account, "renewal", TODAY, actor, now)
    row = with_current_stage(Account.objects.all()).get()
    assert (row.stage_key, row.stage_name, row.stage_since) == ("renewal", "Renewal", TODAY)
    rule = {"fact": "journeys.stage", "op": "eq", "value": "renewal"}
    assert list(matching(Account.objects.all(), rule, TODAY)) == [account]


def test_accounts_without_a_stage_get_their_first_one_by_status_and_only_once(
    account: Account, actor: Actor, now: datetime
) -> None:
    Account.objects.create(name="P", name_key="p", status="prospect")
    Account.objects.create(name="C", name_key="c", status="churned")
    moved = Account.objects.create(name="M", name_key="m")
    move(moved, "onboarding", TODAY, actor, now)
    assert place_accounts(today=TODAY, now=now, actor=actor) == 2
    assert place_accounts(today=TODAY, now=now, actor=actor) == 0
    found = StageVisit.objects.order_by("account__name").values_list("account__name", "stage__key", "is_start_known")
    assert list(found) == [("Brightwater", "adoption", False), ("M", "onboarding", True), ("P", "consideration", False)]
