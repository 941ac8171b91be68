"""A CSM leaves: the whole book is planned and goes over."""

from datetime import date, datetime

import pytest

from accounts.models import Account, Person
from core import members
from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.models import AuditEntry, Tenant
from journeys.actions.book_handovers import (
    HandoverRefused,
    carry_out,
    decide_line,
    drop_handover,
    plan_handover,
    spread_undecided,
    start_due_handovers,
    start_handover,
)
from journeys.actions.task_verbs import create_task, finish_task
from journeys.models import BookHandover, HandoverLine, Opportunity, Pipeline, PipelineStage, Task
from journeys.queries.absences import book_plan, plan_lines

TODAY = date(2026, 3, 2)


def person(name: str, **fields: object) -> Person:
    return Person.objects.create(name=name, name_key=name.lower(), **fields)


def account(name: str, owner: Person, arr: int, deputy: Person | None = None) -> Account:
    return Account.objects.create(name=name, name_key=name.lower(), owner=owner, deputy=deputy, arr_minor=arr)


@pytest.fixture
def noor(in_kestrel: Tenant) -> Person:
    return person("Noor Haddad")


@pytest.fixture
def ilse(in_kestrel: Tenant) -> Person:
    return person("Ilse Maas")


@pytest.fixture
def plan(noor: Person, ilse: Person, actor: Actor, now: datetime) -> BookHandover:
    account("Brightwater", noor, 900, deputy=ilse)
    account("Moorgate", noor, 500, deputy=person("Gone Long Ago", is_active=False))
    account("Sundial", noor, 300)
    account("Penrose", noor, 200, deputy=noor)
    account("Cobalt", ilse, 100, deputy=noor)
    return plan_handover(
        person_id=noor.pk, effective_on=TODAY, reason="Noor moves on.", actor=actor, now=now, today=TODAY
    )


def test_who_has_accounts_or_open_tasks_does_not_leave(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    member = add_member(
        tenant=in_kestrel, email="noor@kestrel.example", name="Noor", role=Role.CSM, password=None, actor=actor, now=now
    )
    noor, ilse = person("Noor Haddad", membership=member), person("Ilse Maas")

    def refused() -> members.MemberRefused:
        with pytest.raises(members.MemberRefused) as found:
            members.deactivate_member(membership_id=member.pk, actor=actor, now=now)
        return found.value

    task = Task.objects.create(title="Call", due_on=TODAY, assignee=ilse, covered_for=noor, created_at=now)
    assert "Noor still has 1 open task." in str(refused())
    own = account("Brightwater", noor, 900)
    assert "Noor still has 1 account and 1 open task." in str(refused())
    assert refused().url == f"/people/{noor.pk}/book/"
    assert [duty.words for row in members.members() for duty in row.duties] == ["1 account and 1 open task"]
    Task.objects.filter(pk=task.pk).update(state="done")
    Account.objects.filter(pk=own.pk).update(owner=ilse)
    assert members.deactivate_member(membership_id=member.pk, actor=actor, now=now).is_active is False


def successors(plan: BookHandover) -> dict[str, str | None]:
    return dict(
        HandoverLine.objects.filter(handover=plan).order_by("pk").values_list("account__name", "to_person__name")
    )


def test_the_plan_starts_with_the_deputies_who_are_still_there(plan: BookHandover) -> None:
    assert successors(plan) == {"Brightwater": "Ilse Maas", "Moorgate": None, "Sundial": None, "Penrose": None}
    figures = book_plan(plan)
    assert (figures.accounts, figures.arr_minor, figures.undecided) == (4, 1900, 3)
    assert figures.by_person == (("Ilse Maas", 1, 900),)
    assert [line.account.name for line in plan_lines(plan, undecided=True)] == ["Moorgate", "Sundial", "Penrose"]


def test_what_has_no_successor_is_spread_by_turns_from_the_most_valuable_on(
    plan: BookHandover, ilse: Person, actor: Actor, now: datetime
) -> None:
    tomas = person("Tomás Ferreira")
    spread = spread_undecided(handover_id=plan.pk, person_ids=[ilse.pk, tomas.pk], actor=actor, now=now)
    assert spread == 3
    assert successors(plan) == {
        "Brightwater": "Ilse Maas", "Moorgate": "Ilse Maas", "Sundial": "Tomás Ferreira", "Penrose": "Tomás Ferreira",
    }  # fmt: skip


def test_the_book_goes_over_with_all_open_work_once(
    plan: BookHandover, noor: Person, ilse: Person, actor: Actor, now: datetime
) -> None:
    tomas = person("Tomás Ferreira")
    spread_undecided(handover_id=plan.pk, person_ids=[tomas.pk], actor=actor, now=now)
    brightwater, moorgate = Account.objects.get(name="Brightwater"), Account.objects.get(name="Moorgate")
    mine = create_task(actor=actor, now=now, title="Call", due_on=TODAY, account_id=moorgate.pk, assignee_id=noor.pk)
    done = create_task(actor=actor, now=now, title="Was", due_on=TODAY, account_id=moorgate.pk, assignee_id=noor.pk)
    finish_task(task_id=done.pk, actor=actor, now=now)
    others = create_task(actor=actor, now=now, title="Legal", due_on=TODAY, account_id=moorgate.pk, assignee_id=ilse.pk)
    pipeline = Pipeline.objects.create(key="sales", name="Sales")
    stages = [
        PipelineStage.objects.create(pipeline=pipeline, key=kind, name=kind, position=place, kind=kind)
        for place, kind in enumerate(("open", "won"), start=1)
    ]
    deals = [
        Opportunity.objects.create(
            pipeline=pipeline, stage=stage, account=brightwater, owner=noor, name=stage.key, currency="EUR"
        )
        for stage in stages
    ]

    moved = carry_out(handover_id=plan.pk, actor=actor, now=now)

    assert moved == {"tasks": 1, "opportunities": 1, "hand_offs": 0, "plays": 0, "accounts": 4}
    assert carry_out(handover_id=plan.pk, actor=actor, now=now) == moved
    assert dict(Account.objects.values_list("name", "owner__name")) == {
        "Brightwater": "Ilse Maas", "Moorgate": "Tomás Ferreira", "Sundial": "Tomás Ferreira",
        "Penrose": "Tomás Ferreira", "Cobalt": "Ilse Maas",
    }  # fmt: skip
    assert dict(Task.objects.values_list("title", "assignee_id")) == {
        "Call": tomas.pk, "Was": noor.pk, "Legal": ilse.pk,
    }  # fmt: skip
    assert [Opportunity.objects.get(pk=deal.pk).owner_id for deal in deals] == [ilse.pk, noor.pk]
    assert Account.objects.filter(deputy=noor).count() == 0
    noor.refresh_from_db()
    assert noor.is_active is False
    assert others.pk != mine.pk
    assert (
        AuditEntry.objects.filter(verb="handed over")
        .values_list("subject_type", flat=True)
        .order_by("subject_type")
        .distinct()
        .count()
        == 2
    )


def test_nothing_goes_over_while_an_account_has_no_successor(
    plan: BookHandover, noor: Person, ilse: Person, actor: Actor, now: datetime
) -> None:
    with pytest.raises(HandoverRefused, match="3 accounts have no successor"):
        start_handover(handover_id=plan.pk, actor=actor, now=now)
    spread_undecided(handover_id=plan.pk, person_ids=[ilse.pk], actor=actor, now=now)
    account("Came later", noor, 50)
    with pytest.raises(HandoverRefused, match="1 account has no successor"):
        carry_out(handover_id=plan.pk, actor=actor, now=now)
    assert Account.objects.filter(owner=noor).count() == 5
    assert start_due_handovers(today=TODAY, now=now) == 0
    spread_undecided(handover_id=plan.pk, person_ids=[ilse.pk], actor=actor, now=now)
    assert start_due_handovers(today=TODAY, now=now) == 1


def test_a_successor_is_an_active_colleague(plan: BookHandover, noor: Person, actor: Actor, now: datetime) -> None:
    line = HandoverLine.objects.filter(handover=plan).first()
    assert line is not None
    gone = person("Gone", is_active=False)
    for nobody in (noor.pk, gone.pk, 987654):
        with pytest.raises(HandoverRefused, match="active people"):
            decide_line(line_id=line.pk, to_person_id=nobody, note="", actor=actor, now=now)
    decide_line(line_id=line.pk, to_person_id=None, note="Likes short calls.", actor=actor, now=now)
    line.refresh_from_db()
    assert (line.to_person_id, line.note) == (None, "Likes short calls.")


def test_a_dropped_plan_changes_nothing_and_makes_room_for_a_new_one(
    plan: BookHandover, noor: Person, actor: Actor, now: datetime
) -> None:
    drop_handover(handover_id=plan.pk, actor=actor, now=now)
    drop_handover(handover_id=plan.pk, actor=actor, now=now)
    with pytest.raises(HandoverRefused, match="was dropped"):
        start_handover(handover_id=plan.pk, actor=actor, now=now)
    assert Account.objects.filter(owner=noor).count() == 4
    again = plan_handover(person_id=noor.pk, effective_on=TODAY, reason="", actor=actor, now=now, today=TODAY)
    assert again.pk != plan.pk
