"""Hand-offs come about once, on every path, and are answered with what was asked for."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import TypedDict

import pytest

from accounts.models import Account, Person
from core.actors import Actor
from core.choices import Role
from core.models import AuditEntry, Tenant
from journeys.actions.evidence import give_evidence
from journeys.actions.expectations import ExpectationRefused, meet_expectation, record_expectation, tag_expectation
from journeys.actions.handoffs import (
    HandoffRefused,
    NotTheirs,
    accept,
    cancel,
    give_to,
    hand_over_again,
    open_for_won,
    open_handoff,
    send_back,
    sweep_handoffs,
    tick_item,
)
from journeys.actions.journeys import ensure_default_journey
from journeys.actions.pipelines import ensure_default_pipeline
from journeys.actions.stages import move_account_stage
from journeys.models import (
    Handoff,
    LifecycleStage,
    Opportunity,
    OpportunityStageVisit,
    PipelineStage,
    StageVisit,
    Task,
)
from journeys.rules.handoffs import open_items

TODAY = date(2026, 3, 2)


class Who(TypedDict):
    role: str
    person_id: int | None


CSM: Who = {"role": Role.CSM, "person_id": None}


@pytest.fixture
def seller(in_kestrel: Tenant, actor: Actor, now: datetime) -> Person:
    ensure_default_pipeline(actor=actor, now=now)
    ensure_default_journey(actor=actor, now=now)
    return Person.objects.create(name="Sam Reed", name_key="sam reed")


@pytest.fixture
def taker(seller: Person) -> Person:
    return Person.objects.create(name="Maya Lind", name_key="maya lind")


@pytest.fixture
def account(seller: Person, taker: Person, actor: Actor, now: datetime) -> Account:
    account = Account.objects.create(name="Corvid Robotics", name_key="corvid robotics", owner=taker, status="prospect")
    move_account_stage(account_id=account.pk, stage_key="decision", today=TODAY, now=now, actor=actor)
    return account


def won_deal(account: Account | None, seller: Person, *, on: date = TODAY, kind: str = "new") -> Opportunity:
    stage = PipelineStage.objects.get(kind="won")
    deal = Opportunity.objects.create(
        account=account, pipeline=stage.pipeline, stage=stage, owner=seller, name="120 seats", kind=kind,
        currency="EUR", amount_minor=12_000_00, closed_on=on,
    )  # fmt: skip
    OpportunityStageVisit.objects.create(opportunity=deal, stage=stage, entered_on=on)
    return deal


@pytest.fixture
def handoff(account: Account, seller: Person, actor: Actor, now: datetime) -> Handoff:
    deal = won_deal(account, seller)
    assert open_for_won(opportunity_ids=[deal.pk], actor=actor, today=TODAY, now=now) == 1
    return Handoff.objects.get()


def tick_all(handoff: Handoff, actor: Actor, now: datetime) -> None:
    for item in handoff.checklist:
        tick_item(handoff_id=handoff.pk, key=item["key"], done=True, actor=actor, **CSM, now=now)


def expect(account: Account, actor: Actor, now: datetime, text: str = "Invoices by May") -> None:
    record_expectation(account_id=account.pk, text=text, for_expansion=False, actor=actor, now=now)


def ready(handoff: Handoff, actor: Actor, now: datetime) -> None:
    tick_all(handoff, actor, now)
    expect(handoff.account, actor, now)


@pytest.mark.capability("J2")
def test_a_won_deal_gives_the_next_team_a_checklist_a_clock_and_a_task(
    handoff: Handoff, account: Account, seller: Person, taker: Person, now: datetime
) -> None:
    assert (handoff.account_id, handoff.key, handoff.attempt, handoff.state) == (
        account.pk, "sales_to_cs", 1, "waiting",
    )  # fmt: skip
    assert (handoff.from_person_id, handoff.to_person_id) == (seller.pk, taker.pk)
    assert handoff.due_at - now == timedelta(hours=48)
    assert [item["done_at"] for item in handoff.checklist] == [None] * 4
    task = Task.objects.get()
    assert (task.kind, task.assignee_id, task.subject_kind, task.subject_id, task.due_on) == (
        "handoff", taker.pk, "handoff", handoff.pk, TODAY + timedelta(days=2),
    )  # fmt: skip


def test_opened_twice_by_whatever_path_it_is_one_handoff(handoff: Handoff, actor: Actor, now: datetime) -> None:
    again = open_for_won(opportunity_ids=[handoff.opportunity_id or 0], actor=actor, today=TODAY, now=now)
    swept = sweep_handoffs(actor=actor, today=TODAY, now=now)
    assert (again, swept, Handoff.objects.count(), Task.objects.count()) == (0, 0, 1, 1)


def test_a_deal_of_the_accounts_own_seller_goes_to_the_teams_queue(
    account: Account, taker: Person, actor: Actor, now: datetime
) -> None:
    deal = won_deal(account, taker)
    open_for_won(opportunity_ids=[deal.pk], actor=actor, today=TODAY, now=now)
    assert Handoff.objects.get().to_person_id is None
    assert Task.objects.get().assignee_id is None


def test_renewals_open_deals_and_deals_without_an_account_change_no_hands(
    account: Account, seller: Person, actor: Actor, now: datetime
) -> None:
    deals = [won_deal(account, seller, kind="renewal"), won_deal(None, seller)]
    open_stage = PipelineStage.objects.filter(kind="open").first()
    assert open_stage is not None
    deals.append(
        Opportunity.objects.create(
            account=account, pipeline=open_stage.pipeline, stage=open_stage, name="Later", currency="EUR"
        )
    )
    assert open_for_won(opportunity_ids=[deal.pk for deal in deals], actor=actor, today=TODAY, now=now) == 0


@pytest.mark.capability("J2")
def test_the_sweep_finds_deals_won_on_any_path_and_leaves_history_alone(
    account: Account, seller: Person, actor: Actor, now: datetime
) -> None:
    won_deal(account, seller, on=TODAY - timedelta(days=40))
    assert sweep_handoffs(actor=actor, today=TODAY, now=now) == 0
    won_deal(account, seller)
    assert sweep_handoffs(actor=actor, today=TODAY, now=now) == 1
    assert sweep_handoffs(actor=actor, today=TODAY, now=now) == 0


def test_a_move_from_one_teams_stage_to_anothers_opens_the_handoff_between_them(
    seller: Person, actor: Actor, now: datetime
) -> None:
    account = Account.objects.create(name="Dunmore", name_key="dunmore", status="prospect")
    move_account_stage(account_id=account.pk, stage_key="awareness", today=TODAY, now=now, actor=actor)
    give_evidence(criterion_key="problem", text="Their mail", account_id=account.pk, today=TODAY, now=now, actor=actor)
    move_account_stage(account_id=account.pk, stage_key="consideration", today=TODAY, now=now, actor=actor)
    assert Handoff.objects.count() == 1
    assert sweep_handoffs(actor=actor, today=TODAY, now=now) == 0
    assert Handoff.objects.get().key == "marketing_to_sales"


@pytest.mark.capability("N19")
def test_it_cannot_be_accepted_without_an_expectation_or_with_open_items(
    handoff: Handoff, taker: Person, actor: Actor, now: datetime
) -> None:
    with pytest.raises(HandoffRefused) as refusal:
        accept(handoff_id=handoff.pk, actor=actor, role=Role.CSM, person_id=taker.pk, today=TODAY, now=now)
    assert refusal.value.missing == (
        "At least one expectation of the customer",
        "What was sold, and what was not",
        "Sponsor, decision maker and daily contact named",
        "Promises and dates that we made",
        "Kick-off agreed with the customer",
    )
    tick_all(handoff, actor, now)
    with pytest.raises(HandoffRefused) as refusal:
        accept(handoff_id=handoff.pk, actor=actor, role=Role.CSM, person_id=taker.pk, today=TODAY, now=now)
    assert refusal.value.missing == ("At least one expectation of the customer",)
    expect(handoff.account, actor, now)
    assert (
        accept(handoff_id=handoff.pk, actor=actor, role=Role.CSM, person_id=taker.pk, today=TODAY, now=now).state
        == "accepted"
    )


def test_an_expectation_met_before_the_deal_says_nothing_of_what_they_expect_now(
    account: Account, seller: Person, actor: Actor, now: datetime
) -> None:
    long_ago = now - timedelta(days=400)
    old = record_expectation(account_id=account.pk, text="Go live", for_expansion=False, actor=actor, now=long_ago)
    meet_expectation(expectation_id=old.pk, met_on=long_ago.date(), actor=actor, now=now)
    open_for_won(opportunity_ids=[won_deal(account, seller).pk], actor=actor, today=TODAY, now=now)
    handoff = Handoff.objects.get()
    tick_all(handoff, actor, now)
    with pytest.raises(HandoffRefused, match="expectation"):
        accept(handoff_id=handoff.pk, actor=actor, role=Role.CSM, person_id=None, today=TODAY, now=now)


@pytest.mark.capability("J2")
def test_accepting_moves_the_account_gives_it_its_owner_and_closes_the_task(
    handoff: Handoff, taker: Person, actor: Actor, now: datetime
) -> None:
    other = Person.objects.create(name="Noor Haddad", name_key="noor haddad")
    ready(handoff, actor, now)
    accept(
        handoff_id=handoff.pk, actor=actor, role=Role.CSM, person_id=taker.pk, owner_id=other.pk, today=TODAY, now=now
    )
    visit = StageVisit.objects.select_related("stage").get(account_id=handoff.account_id, left_on=None)
    assert (visit.stage.key, visit.reason) == ("onboarding", "Hand-off accepted: Sales to CS")
    assert Account.objects.get(pk=handoff.account_id).owner_id == other.pk
    assert Task.objects.get().state == "done"
    # The move that the acceptance made opens no hand-off of its own.
    assert sweep_handoffs(actor=actor, today=TODAY, now=now) == 0


def test_a_customer_who_buys_more_does_not_go_back_to_onboarding(
    account: Account, handoff: Handoff, actor: Actor, now: datetime
) -> None:
    StageVisit.objects.filter(account_id=account.pk).update(stage=LifecycleStage.objects.get(key="adoption"))
    ready(handoff, actor, now)
    accept(handoff_id=handoff.pk, actor=actor, role=Role.CSM, person_id=None, today=TODAY, now=now)
    assert StageVisit.objects.get(account_id=account.pk, left_on=None).stage.key == "adoption"


@pytest.mark.capability("J2")
def test_sent_back_it_returns_with_its_reason_as_a_task_of_the_giver(
    handoff: Handoff, seller: Person, taker: Person, actor: Actor, now: datetime
) -> None:
    with pytest.raises(HandoffRefused, match="Say what is missing"):
        send_back(handoff_id=handoff.pk, reason=" ", actor=actor, **CSM, now=now, today=TODAY)
    send_back(handoff_id=handoff.pk, reason="No sponsor named", actor=actor, **CSM, now=now, today=TODAY)
    task = Task.objects.get(state="open")
    assert (task.assignee_id, task.detail, task.due_on) == (seller.pk, "No sponsor named", TODAY)
    later = now + timedelta(hours=5)
    again = hand_over_again(handoff_id=handoff.pk, actor=actor, **CSM, now=later, today=TODAY)
    assert hand_over_again(handoff_id=handoff.pk, actor=actor, **CSM, now=later, today=TODAY).pk == again.pk
    assert (again.attempt, again.state, again.due_at - later, again.to_person_id) == (
        2, "waiting", timedelta(hours=48), taker.pk,
    )  # fmt: skip
    assert [(one.assignee_id, one.subject_id) for one in Task.objects.filter(state="open")] == [(taker.pk, again.pk)]


def test_the_clock_stands_still_on_weekends_and_holidays_of_the_workspace(
    in_kestrel: Tenant, account: Account, seller: Person, actor: Actor
) -> None:
    in_kestrel.holidays = ["2026-03-09"]
    in_kestrel.save(update_fields=["holidays"])
    friday = datetime(2026, 3, 6, 14, 0, tzinfo=UTC)
    deal = won_deal(account, seller)
    open_for_won(opportunity_ids=[deal.pk], actor=actor, today=friday.date(), now=friday)
    handoff = Handoff.objects.get()
    assert (handoff.due_at, Task.objects.get().due_on) == (datetime(2026, 3, 11, 14, 0, tzinfo=UTC), date(2026, 3, 11))
    send_back(handoff_id=handoff.pk, reason="No sponsor named", actor=actor, **CSM, now=friday, today=friday.date())
    again = hand_over_again(
        handoff_id=handoff.pk, actor=actor, **CSM, now=friday + timedelta(hours=1), today=friday.date()
    )
    assert again.due_at == handoff.due_at + timedelta(hours=1)


def test_ticks_stay_over_a_return(handoff: Handoff, actor: Actor, now: datetime) -> None:
    tick_item(handoff_id=handoff.pk, key="scope", done=True, actor=actor, **CSM, now=now)
    send_back(handoff_id=handoff.pk, reason="No sponsor named", actor=actor, **CSM, now=now, today=TODAY)
    again = hand_over_again(handoff_id=handoff.pk, actor=actor, **CSM, now=now, today=TODAY)
    assert [item["key"] for item in again.checklist if item["done_at"]] == ["scope"]


def test_an_answered_handoff_is_answered_once(handoff: Handoff, actor: Actor, now: datetime) -> None:
    cancel(handoff_id=handoff.pk, reason="Duplicate deal", actor=actor, **CSM, now=now)
    assert Task.objects.get().state == "obsolete"
    for act in (
        lambda: accept(handoff_id=handoff.pk, actor=actor, role=Role.CSM, person_id=None, today=TODAY, now=now),
        lambda: send_back(handoff_id=handoff.pk, reason="x", actor=actor, **CSM, now=now, today=TODAY),
        lambda: tick_item(handoff_id=handoff.pk, key="scope", done=True, actor=actor, **CSM, now=now),
    ):
        with pytest.raises(HandoffRefused, match="called off"):
            act()


def test_one_that_was_sent_back_can_be_called_off_and_its_task_closes(
    handoff: Handoff, actor: Actor, now: datetime
) -> None:
    send_back(handoff_id=handoff.pk, reason="No sponsor named", actor=actor, **CSM, now=now, today=TODAY)
    cancel(handoff_id=handoff.pk, reason="The deal fell through", actor=actor, **CSM, now=now)
    handoff.refresh_from_db()
    assert (handoff.state, handoff.return_reason) == ("cancelled", "The deal fell through")
    assert not Task.objects.filter(state="open").exists()
    with pytest.raises(HandoffRefused, match="Only a hand-off that was sent back"):
        hand_over_again(handoff_id=handoff.pk, actor=actor, **CSM, now=now, today=TODAY)


def test_an_attempt_that_was_handed_over_again_is_not_called_off(handoff: Handoff, actor: Actor, now: datetime) -> None:
    send_back(handoff_id=handoff.pk, reason="No sponsor named", actor=actor, **CSM, now=now, today=TODAY)
    hand_over_again(handoff_id=handoff.pk, actor=actor, **CSM, now=now, today=TODAY)
    with pytest.raises(HandoffRefused, match="handed over again already"):
        cancel(handoff_id=handoff.pk, reason="x", actor=actor, **CSM, now=now)


@pytest.mark.parametrize(("deal_owner_left", "gets"), [(False, "Sam Reed"), (True, "Maya Lind")])
def test_sent_back_without_a_giver_it_goes_to_the_owner_of_the_deal_or_of_the_account(
    handoff: Handoff, seller: Person, actor: Actor, now: datetime, *, deal_owner_left: bool, gets: str
) -> None:
    Handoff.objects.update(from_person=None)
    Person.objects.filter(pk=seller.pk).update(is_active=not deal_owner_left)
    send_back(handoff_id=handoff.pk, reason="No sponsor named", actor=actor, **CSM, now=now, today=TODAY)
    task = Task.objects.get(state="open")
    assert task.assignee is not None
    assert task.assignee.name == gets


def test_given_away_it_is_covered_for_nobody(handoff: Handoff, seller: Person, actor: Actor, now: datetime) -> None:
    Task.objects.update(covered_for=handoff.to_person)
    give_to(handoff_id=handoff.pk, to_person_id=seller.pk, actor=actor, **CSM, now=now)
    assert list(Task.objects.values_list("assignee", "covered_for")) == [(seller.pk, None)]


def test_given_to_somebody_else_the_task_goes_along(
    handoff: Handoff, seller: Person, actor: Actor, now: datetime
) -> None:
    give_to(handoff_id=handoff.pk, to_person_id=seller.pk, actor=actor, **CSM, now=now)
    assert Task.objects.get().assignee_id == seller.pk


def test_one_opened_by_hand_waits_once(account: Account, actor: Actor, now: datetime) -> None:
    first, second = (
        open_handoff(
            account_id=account.pk, key="onboarding_to_csm", actor=actor, from_person_id=None, to_person_id=None,
            today=TODAY, now=now,
        )
        for _ in range(2)
    )  # fmt: skip
    assert (first.pk, first.to_person_id) == (second.pk, account.owner_id)


def test_an_expectation_is_kept_in_words_tagged_and_met(account: Account, actor: Actor, now: datetime) -> None:
    with pytest.raises(ExpectationRefused):
        record_expectation(account_id=account.pk, text="  ", for_expansion=False, actor=actor, now=now)
    kept = record_expectation(account_id=account.pk, text="A second site", for_expansion=False, actor=actor, now=now)
    tag_expectation(expectation_id=kept.pk, for_expansion=True, actor=actor, now=now)
    met = meet_expectation(expectation_id=kept.pk, met_on=TODAY, actor=actor, now=now)
    assert (met.for_expansion, met.met_on) == (True, TODAY)
    assert list(
        AuditEntry.objects.filter(subject_type="journeys.expectation").order_by("pk").values_list("verb", flat=True)
    ) == ["recorded expectation", "tagged expectation", "met expectation"]


@pytest.mark.capability("J5")
def test_accepting_stands_before_the_gate_of_the_stage_like_every_move(
    seller: Person, actor: Actor, now: datetime
) -> None:
    unsigned = Account.objects.create(name="No contract", name_key="no contract", status="prospect")
    move_account_stage(account_id=unsigned.pk, stage_key="decision", today=TODAY, now=now, actor=actor)
    handoff = open_handoff(
        account_id=unsigned.pk, key="sales_to_cs", actor=actor, from_person_id=seller.pk, to_person_id=None,
        today=TODAY, now=now,
    )  # fmt: skip
    ready(handoff, actor, now)
    with pytest.raises(HandoffRefused) as refusal:
        accept(handoff_id=handoff.pk, actor=actor, role=Role.CSM, person_id=None, today=TODAY, now=now)
    assert "Contract signed" in refusal.value.missing
    assert Handoff.objects.get().state == "waiting"


@pytest.mark.capability("N19")
def test_only_the_addressee_the_team_and_who_may_edit_accounts_accept_it(
    handoff: Handoff, seller: Person, taker: Person, actor: Actor, now: datetime
) -> None:
    other = Person.objects.create(name="Noor Haddad", name_key="noor haddad")
    ready(handoff, actor, now)

    def taken(role: Role, person: Person, owner: Person | None = None) -> None:
        accept(
            handoff_id=handoff.pk, actor=actor, role=role, person_id=person.pk, today=TODAY, now=now,
            owner_id=owner.pk if owner else None,
        )  # fmt: skip

    for role in (Role.SUPPORT_AGENT, Role.SALES_REP, Role.EXECUTIVE_SPONSOR):
        with pytest.raises(NotTheirs, match="somebody else"):
            taken(role, seller)
    give_to(handoff_id=handoff.pk, to_person_id=seller.pk, actor=actor, **CSM, now=now)
    with pytest.raises(NotTheirs, match="give accounts to owners"):
        taken(Role.SALES_REP, seller, owner=other)
    assert Account.objects.get(pk=handoff.account_id).owner_id == taker.pk
    taken(Role.SALES_REP, seller)
    assert Handoff.objects.get().state == "accepted"


def test_a_gate_that_shuts_while_it_is_accepted_refuses_all_of_it_with_what_is_missing(
    seller: Person, actor: Actor, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsigned = Account.objects.create(name="No contract", name_key="no contract", status="prospect")
    move_account_stage(account_id=unsigned.pk, stage_key="decision", today=TODAY, now=now, actor=actor)
    handoff = open_handoff(
        account_id=unsigned.pk, key="sales_to_cs", actor=actor, from_person_id=seller.pk, to_person_id=None,
        today=TODAY, now=now,
    )  # fmt: skip
    ready(handoff, actor, now)
    monkeypatch.setattr("journeys.actions.handoffs.answers.missing_to_accept", lambda *_: ())
    with pytest.raises(HandoffRefused) as refusal:
        accept(handoff_id=handoff.pk, actor=actor, role=Role.CSM, person_id=None, today=TODAY, now=now)
    assert "Contract signed" in refusal.value.missing
    assert Handoff.objects.get().state == "waiting"


def test_only_their_teams_tick_it_and_only_who_takes_it_sends_it_back_or_gives_it(
    handoff: Handoff, seller: Person, taker: Person, actor: Actor, now: datetime
) -> None:
    support: Who = {"role": Role.SUPPORT_AGENT, "person_id": None}
    sales: Who = {"role": Role.SALES_REP, "person_id": seller.pk}
    other_seller: Who = {"role": Role.SALES_REP, "person_id": None}
    ours = {"handoff_id": handoff.pk, "actor": actor, "now": now}
    refused: list[tuple[str, Callable[[], object]]] = [
        ("They tick", lambda: tick_item(**ours, key="scope", done=True, **support)),
        ("They send it back", lambda: send_back(**ours, reason="x", today=TODAY, **support)),
        ("They send it back", lambda: send_back(**ours, reason="x", today=TODAY, **sales)),
        ("They say who answers", lambda: give_to(**ours, to_person_id=None, **support)),
        ("They say who answers", lambda: give_to(**ours, to_person_id=seller.pk, **sales)),
        ("calls it off", lambda: cancel(**ours, reason="x", **support)),
        ("calls it off", lambda: cancel(**ours, reason="x", **other_seller)),
    ]
    for words, act in refused:
        with pytest.raises(NotTheirs, match=words):
            act()
    unchanged = Handoff.objects.get()
    assert (unchanged.state, unchanged.to_person_id, open_items(unchanged.checklist)) == (
        "waiting", taker.pk, open_items(handoff.checklist),
    )  # fmt: skip
    tick_item(**ours, key="scope", done=True, **other_seller)
    send_back(**ours, reason="No sponsor named", today=TODAY, **CSM)
    with pytest.raises(NotTheirs, match="hand it over again"):
        hand_over_again(**ours, today=TODAY, **support)
    assert hand_over_again(**ours, today=TODAY, **sales).attempt == 2
    cancel(handoff_id=Handoff.objects.get(attempt=2).pk, actor=actor, now=now, reason="Fell through", **sales)
    assert Handoff.objects.get(attempt=2).state == "cancelled"


def test_nobody_who_has_left_is_given_a_handoff_or_becomes_owner_by_one(
    handoff: Handoff, seller: Person, taker: Person, actor: Actor, now: datetime
) -> None:
    gone = Person.objects.create(name="Noor Haddad", name_key="noor haddad", is_active=False)
    with pytest.raises(HandoffRefused, match="Noor Haddad has left"):
        give_to(handoff_id=handoff.pk, to_person_id=gone.pk, actor=actor, **CSM, now=now)
    ready(handoff, actor, now)
    with pytest.raises(HandoffRefused, match="Noor Haddad has left"):
        accept(handoff_id=handoff.pk, actor=actor, **CSM, today=TODAY, now=now, owner_id=gone.pk)
    assert Handoff.objects.get().to_person_id == taker.pk
    send_back(handoff_id=handoff.pk, reason="No sponsor", actor=actor, **CSM, now=now, today=TODAY)
    Person.objects.filter(pk=taker.pk).update(is_active=False)
    again = hand_over_again(handoff_id=handoff.pk, actor=actor, **CSM, now=now, today=TODAY)
    assert (again.to_person_id, Task.objects.get(state="open").assignee_id) == (None, None)
