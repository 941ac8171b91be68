"""A merge carries what all apps know: what can be open once stays open once, and every invariant still holds."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.actions.merging import merge_accounts
from accounts.models import Account, Contact
from core import registry
from core.actors import Actor
from core.models import ProcessVersion
from core.tenancy import tenant_context
from escalations.models import Escalation
from health.actions.recompute import recompute_everybody, score_changes
from health.models import Alert, Override, Score, ScoreHistory
from journeys.models import (
    Checkpoint,
    Evidence,
    FirstValue,
    LifecycleStage,
    Opportunity,
    PipelineStage,
    PlaybookRun,
    RunStep,
    StageVisit,
    Task,
    Waiver,
)
from qbr.models import QBR
from qbr.queries import held_this_quarter
from renewals.models import Renewal
from tests.factories.world import NOW, World, make_world

TODAY = NOW.date()
ACTOR = Actor.system("test")
pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world("osprey", canary="OSPREY")


def version(kind: str) -> ProcessVersion:
    found = ProcessVersion.objects.filter(kind=kind, state="published").order_by("pk").first()
    assert found is not None
    return found


def give_everything(account: Account, *, day: date) -> dict[str, Any]:
    """One of everything that can be open only once."""
    stage = LifecycleStage.objects.filter(journey="standard").order_by("position").first()
    assert stage is not None
    visit = StageVisit.objects.filter(account=account, left_on=None).first()
    visit = visit or StageVisit.objects.create(account=account, stage=stage, entered_on=day)
    run = PlaybookRun.objects.create(
        account=account, playbook="save", version=version("playbook"), trigger="manual", origin_key=f"x{account.pk}",
        anchor_on=day, started_on=day, started_at=NOW, started_by="test", state="running",
    )  # fmt: skip
    step = Task.objects.create(account=account, title="Step", due_on=day, created_at=NOW, kind="play")
    RunStep.objects.create(run=run, key="call", title="Call", position=1, state="open", task=step)
    escalation = Escalation.objects.filter(account=account, over_at=None).first() or Escalation.objects.create(
        account=account, policy_version=version("escalation_policy"), policy_key="at_risk_near_renewal", opened_at=NOW
    )
    Task.objects.create(
        account=account, title="Save plan", due_on=day, created_at=NOW, kind="escalation", subject_kind="escalation",
        subject_id=escalation.pk,
    )  # fmt: skip
    alert = Alert.objects.filter(account=account, closed_at=None).first() or Alert.objects.create(
        account=account, rule=version("alert_rule"), rule_key="score_drop", opened_on=day, opened_at=NOW, why=[]
    )
    Override.objects.create(account=account, score=70, reason="Sure", from_day=day, until_day=day + timedelta(30),
                            set_at=NOW, set_by="test")  # fmt: skip
    FirstValue.objects.create(account=account, started_on=day, started_by="close")
    Checkpoint.objects.create(visit=visit, account=account, key="d30", name="Day 30", due_on=day + timedelta(30))
    Evidence.objects.create(
        account=account, stage_key=stage.key, criterion_key="goal", given_on=day, text="Said so", given_at=NOW,
        given_by="test",
    )  # fmt: skip
    qbr = QBR.objects.filter(account=account).first() or QBR.objects.create(
        account=account, cadence_version=version("qbr_cadence"), due_on=TODAY + timedelta(9), period_start=day,
        period_end=TODAY, created_at=NOW,
    )  # fmt: skip
    return {"visit": visit, "run": run, "step": step, "escalation": escalation, "alert": alert, "qbr": qbr}


def test_what_can_be_open_once_stays_open_once_and_nothing_is_broken(world: World) -> None:
    with tenant_context(world.tenant.pk):
        kept = Account.objects.get(pk=world.ids["account_id"])
        gone = Account.objects.create(name="Twin", name_key="twin", customer_since=date(2025, 1, 1))
        Contact.objects.create(account=gone, name="Elena again", email_key="elena@osprey.example")
        stage = PipelineStage.objects.filter(kind="open").order_by("pk").first()
        assert stage is not None
        deal = Opportunity.objects.create(
            account=gone, pipeline=stage.pipeline, stage=stage, name="More", currency="EUR"
        )
        mine, theirs = give_everything(kept, day=date(2026, 1, 1)), give_everything(gone, day=date(2026, 1, 2))
        recompute_everybody(actor=ACTOR, now=NOW, as_of=TODAY)
        history = ScoreHistory.objects.filter(account=gone).count()
        required = held_this_quarter(None, TODAY)
        broken = {check.key: check.count(world.tenant, NOW) for check in registry.doctor_checks()}
        merge_accounts(kept_id=kept.pk, gone_id=gone.pk, choices={}, reason="One", actor=ACTOR, today=TODAY, now=NOW)

        for made in theirs.values():
            made.refresh_from_db()
        assert (theirs["run"].state, theirs["step"].state, theirs["run"].account_id) == ("stopped", "obsolete", kept.pk)
        assert (theirs["escalation"].state, theirs["escalation"].account_id) == ("closed", kept.pk)
        assert theirs["alert"].closed_on == TODAY
        assert (theirs["visit"].left_on, theirs["visit"].account_id) == (TODAY, gone.pk)
        assert (theirs["qbr"].state, theirs["qbr"].account_id) == ("cancelled", gone.pk)
        for table, open_ones in (
            (PlaybookRun, {"state": "running", "playbook": "save"}), (Escalation, {"over_at": None}),
            (Alert, {"closed_at": None}),
            (StageVisit, {"left_on": None}), (Override, {"cleared_at": None}), (Renewal, {"state": "open"}),
        ):  # fmt: skip
            assert list(table.objects.filter(**open_ones).values_list("account_id", flat=True)) == [kept.pk], table
        assert [one.account_id for one in FirstValue.objects.all()] == [kept.pk]
        assert not Checkpoint.objects.filter(account=gone).exists()
        assert Evidence.objects.filter(account=gone).count() == 1
        deal.refresh_from_db()
        assert deal.account_id == kept.pk
        assert not Task.objects.filter(account=gone).exists()
        assert mine["run"].pk in PlaybookRun.objects.filter(state="running").values_list("pk", flat=True)
        # One customer is required one review; the twin's is required of nobody.
        after = held_this_quarter(None, TODAY)
        assert after.required == required.required - 1

        score_changes(actor=ACTOR, now=NOW + timedelta(minutes=1), today=TODAY)
        assert list(Score.objects.values_list("account_id", flat=True)) == [kept.pk]
        assert ScoreHistory.objects.filter(account=gone).count() == history + 1  # its end is written, too
        later = NOW + timedelta(minutes=2)
        worse = {
            check.key: count
            for check in registry.doctor_checks()
            if (count := check.count(world.tenant, later)) > broken[check.key]
        }
        assert worse == {}


def test_a_waiver_that_waits_for_an_answer_is_revoked_and_a_signed_one_stays_signed(world: World) -> None:
    with tenant_context(world.tenant.pk):
        kept, gone = (Account.objects.create(name=name, name_key=name.lower()) for name in ("Cedar", "Cedarwood"))
        for state in ("asked", "approved"):
            Waiver.objects.create(
                account=gone, stage_key="adoption", version=version("journey"), criteria=[], reason="May", asked_at=NOW,
                asked_by="Sam", state=state, expires_on=TODAY + timedelta(7),
            )  # fmt: skip
        merge_accounts(kept_id=kept.pk, gone_id=gone.pk, choices={}, reason="One", actor=ACTOR, today=TODAY, now=NOW)
        assert sorted(Waiver.objects.filter(reason="May").values_list("state", "answered_at")) == [
            ("approved", None),
            ("revoked", NOW),
        ]
