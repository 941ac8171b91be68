"""After a book went over nothing open belongs to the one who left, wherever it lay."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts.models import Account, Person
from core.actors import Actor
from core.models import AuditEntry, Job, Tenant
from core.tenancy import tenant_context
from journeys.actions.absences import set_absence
from journeys.actions.book_handovers import HandoverRefused, carry_out, choose_rest, plan_handover, start_handover
from journeys.models import (
    Absence,
    BookHandover,
    Handoff,
    HandoverLine,
    Opportunity,
    Pipeline,
    PipelineStage,
    PlaybookRun,
    RunStep,
    Task,
)
from journeys.queries.absences import taker_of_rest
from tests.factories.world import make_world

TODAY = date(2026, 3, 2)


def person(name: str) -> Person:
    return Person.objects.create(name=name, name_key=name.lower())


def account(name: str, owner: Person | None, deputy: Person | None = None) -> Account:
    return Account.objects.create(name=name, name_key=name.lower(), owner=owner, deputy=deputy)


def task(title: str, assignee: Person, account: Account | None = None, **values: object) -> Task:
    return Task.objects.create(
        title=title, assignee=assignee, account=account, due_on=TODAY, created_at=datetime(2026, 3, 1, tzinfo=UTC),
        **values,
    )  # fmt: skip


@pytest.fixture
def people(in_kestrel: Tenant) -> dict[str, Person]:
    return {name: person(name) for name in ("Noor", "Ilse", "Tomas", "Vera")}


def planned(noor: Person, actor: Actor, now: datetime) -> BookHandover:
    return plan_handover(person_id=noor.pk, effective_on=TODAY, reason="", actor=actor, now=now, today=TODAY)


def open_work_of(who: Person) -> int:
    """What must be 0 for one who has left."""
    return sum((
        Task.objects.filter(state="open", assignee=who).count(),
        Task.objects.filter(state="open", covered_for=who).count(),
        Opportunity.objects.filter(stage__kind="open", owner=who).count(),
        Handoff.objects.filter(state="waiting", to_person=who).count(),
        PlaybookRun.objects.filter(state="running", owner=who).count(),
        RunStep.objects.filter(run__state="running", state__in=["ahead", "open"], assignee=who).count(),
        Absence.objects.filter(ended_at=None, person=who).count(),
        Absence.objects.filter(ended_at=None, deputy=who).count(),
    ))  # fmt: skip


def test_work_on_other_accounts_or_on_none_goes_over_too(
    people: dict[str, Person], actor: Actor, now: datetime
) -> None:
    noor, ilse, tomas, vera = people.values()
    account("Brightwater", noor, deputy=ilse)
    theirs, nobodys = account("Cobalt", tomas), account("Dune", None)
    mine = [task("On Cobalt", noor, theirs), task("On Dune", noor, nobodys), task("On none", noor),
            task("Covered", vera, theirs, covered_for=noor)]  # fmt: skip
    pipeline = Pipeline.objects.create(key="sales", name="Sales")
    stage = PipelineStage.objects.create(pipeline=pipeline, key="open", name="open", position=1, kind="open")
    deals = [
        Opportunity.objects.create(pipeline=pipeline, stage=stage, account=on, owner=noor, name="Deal", currency="EUR")
        for on in (theirs, None)
    ]
    hand = Handoff.objects.create(
        account=theirs, key="k", name="Hand-off", origin_key="o", to_person=noor, created_at=now, due_at=now
    )

    carry_out(handover_id=planned(noor, actor, now).pk, actor=actor, now=now)

    for one in (*mine, *deals, hand):
        one.refresh_from_db()
    assert [one.assignee for one in mine] == [tomas, ilse, ilse, tomas]
    assert [one.owner for one in deals] == [tomas, ilse]
    assert hand.to_person == tomas
    assert open_work_of(noor) == 0


def test_a_play_on_an_account_of_others_goes_over_with_its_steps(db: None, actor: Actor, now: datetime) -> None:
    world = make_world("kestrel", canary="KESTREL")
    with tenant_context(world.tenant.pk):
        noor, ilse = person("Noor"), person("Ilse")
        step = RunStep.objects.select_related("run").order_by("pk")[0]
        PlaybookRun.objects.filter(pk=step.run_id).update(state="running", owner=noor)
        RunStep.objects.filter(pk=step.pk).update(state="ahead", assignee=noor)
        Account.objects.filter(pk=step.run.account_id).update(owner=ilse)
        account("Brightwater", noor, deputy=person("Vera"))
        carry_out(handover_id=planned(noor, actor, now).pk, actor=actor, now=now)
        step.refresh_from_db()
        assert (step.assignee, PlaybookRun.objects.get(pk=step.run_id).owner) == (ilse, ilse)
        assert open_work_of(noor) == 0


def test_a_person_without_accounts_needs_somebody_for_the_rest(
    people: dict[str, Person], actor: Actor, now: datetime
) -> None:
    noor, ilse, *_ = people.values()
    task("On none", noor)
    plan = planned(noor, actor, now)
    with pytest.raises(HandoverRefused, match=r"1 open task\. Choose under .Everything else goes to."):
        start_handover(handover_id=plan.pk, actor=actor, now=now)
    with pytest.raises(HandoverRefused, match="active people"):
        choose_rest(handover_id=plan.pk, person_id=noor.pk, actor=actor, now=now)
    choose_rest(handover_id=plan.pk, person_id=ilse.pk, actor=actor, now=now)
    carry_out(handover_id=plan.pk, actor=actor, now=now)
    assert Task.objects.get().assignee == ilse
    assert open_work_of(noor) == 0


def test_the_one_with_the_most_accounts_gets_the_rest_unless_another_is_chosen(
    people: dict[str, Person], actor: Actor, now: datetime
) -> None:
    noor, ilse, tomas, _ = people.values()
    account("A", noor, deputy=tomas)
    account("B", noor, deputy=ilse)
    account("C", noor, deputy=ilse)
    plan = planned(noor, actor, now)
    assert taker_of_rest(plan) == ilse
    choose_rest(handover_id=plan.pk, person_id=tomas.pk, actor=actor, now=now)
    plan.refresh_from_db()
    assert taker_of_rest(plan) == tomas


def test_absences_end_and_whom_they_covered_gets_a_new_deputy(
    people: dict[str, Person], actor: Actor, now: datetime
) -> None:
    noor, ilse, tomas, vera = people.values()
    today = now.date()
    week = {"from_on": today, "until_on": today + timedelta(days=7), "actor": actor, "now": now, "today": today}
    account("Brightwater", noor, deputy=ilse)
    own, covered = task("Noor's", noor), task("Vera's", vera)
    Task.objects.update(due_on=today)
    set_absence(person_id=vera.pk, deputy_id=noor.pk, **week)
    Absence.objects.create(
        person=noor, deputy=tomas, from_on=today + timedelta(days=9), until_on=today + timedelta(days=12),
        created_at=now,
    )  # fmt: skip
    plan = planned(noor, actor, now)
    choose_rest(handover_id=plan.pk, person_id=vera.pk, actor=actor, now=now)
    with pytest.raises(HandoverRefused, match="Vera cannot stand in for Vera"):
        carry_out(handover_id=plan.pk, actor=actor, now=now)
    choose_rest(handover_id=plan.pk, person_id=ilse.pk, actor=actor, now=now)
    carry_out(handover_id=plan.pk, actor=actor, now=now)
    own.refresh_from_db()
    covered.refresh_from_db()
    assert own.assignee == ilse
    assert (covered.assignee, covered.covered_for) == (ilse, vera)
    assert list(Absence.objects.filter(ended_at=None).values_list("person", "deputy")) == [(vera.pk, ilse.pk)]
    assert open_work_of(noor) == 0


def test_a_line_of_an_account_that_went_elsewhere_falls_out_of_the_plan(
    people: dict[str, Person], actor: Actor, now: datetime
) -> None:
    noor, ilse, tomas, _ = people.values()
    gone = account("Brightwater", noor, deputy=ilse)
    account("Cobalt", noor, deputy=tomas)
    plan = planned(noor, actor, now)
    Account.objects.filter(pk=gone.pk).update(owner=tomas)
    call = task("Call", noor, gone)
    moved = carry_out(handover_id=plan.pk, actor=actor, now=now)
    call.refresh_from_db()
    assert (moved["accounts"], call.assignee) == (1, tomas)
    assert list(HandoverLine.objects.values_list("account__name", flat=True)) == ["Cobalt"]
    start_handover(handover_id=plan.pk, actor=actor, now=now)
    assert HandoverLine.objects.count() == 1


def test_the_job_knows_who_started_it(people: dict[str, Person], actor: Actor, now: datetime) -> None:
    noor, ilse, *_ = people.values()
    account("Brightwater", noor, deputy=ilse)
    start_handover(handover_id=planned(noor, actor, now).pk, actor=actor, now=now)
    assert Job.objects.get().payload["membership_id"] == actor.membership_id
    assert AuditEntry.objects.exists()
