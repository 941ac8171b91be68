"""Plays: started once, pinned to their version, worked step by step at any door."""

from datetime import UTC, date
from typing import Any

import pytest

from accounts.models import Account, Person
from core.actors import Actor
from core.choices import Role
from core.models import AuditEntry, Tenant
from journeys.actions.plays import (
    PlayRefused,
    StepIsOver,
    finish_step,
    reassign_play,
    reopen_step,
    skip_step,
    stop_play,
    switch_variant,
)
from journeys.actions.task_bulk import finish_many, undo_many
from journeys.actions.task_verbs import finish_task, reassign_task, reopen_task
from journeys.choices import TaskKind, TaskState
from journeys.models import Absence, PlaybookRun, Task, Waiver
from journeys.queries.plays import run_view, switch_offer
from journeys.queries.plays.facts import said
from journeys.queries.plays.trace import why_started
from journeys.queries.waivers import LedgerFilters, gate_names, ledger, ledger_row, report
from tests.factories.plays import (
    ACTOR,
    NOW,
    STEPS,
    TODAY,
    account,
    at,
    dues,
    member,
    person,
    play,
    publish_playbook,
    states,
    step,
    steps_of,
)

pytestmark = pytest.mark.usefixtures("in_kestrel")


@pytest.fixture
def maya() -> Person:
    return person()


@pytest.fixture
def brightwater(maya: Person) -> Account:
    return account(owner=maya)


def finish(run: PlaybookRun, key: str, today: date = TODAY, **values: object) -> None:
    values.setdefault("person_id", None)
    finish_step(step_id=steps_of(run)[key].pk, actor=ACTOR, today=today, now=at(today), **values)  # type: ignore[arg-type]  # -- the values of a test


def test_a_start_makes_steps_and_a_task_for_every_step_whose_day_is_known(brightwater: Account, maya: Person) -> None:
    version = publish_playbook()
    run = play(brightwater)
    assert (run.version_id, run.state, run.trigger, run.anchor_on, run.owner_id) == (
        version.pk, "running", "manual", TODAY, maya.pk,
    )  # fmt: skip
    assert states(run) == {"plan": "open", "call": "ahead", "report": "open"}
    assert dues(run) == {"plan": date(2026, 3, 4), "call": None, "report": date(2026, 3, 16)}
    task = steps_of(run)["plan"].task
    assert task is not None
    assert (task.kind, task.title, task.due_on, task.assignee_id, task.account_id) == (
        TaskKind.PLAY, "Plan", date(2026, 3, 4), maya.pk, brightwater.pk,
    )  # fmt: skip
    assert (task.subject_kind, task.subject_id, task.process_version_id) == ("play", run.pk, version.pk)
    assert (task.origin_key, task.detail) == (f"play:{run.pk}:plan", "Done when: plan is on record")


def test_finishing_a_step_opens_the_one_that_counts_from_it_and_the_last_one_ends_the_play(
    brightwater: Account, maya: Person
) -> None:
    publish_playbook()
    run = play(brightwater)
    finish(run, "plan", date(2026, 3, 5), note="Mail of 5 March", unaided=True, person_id=maya.pk)
    done = steps_of(run)["plan"]
    assert (done.state, done.done_on, done.done_by, done.done_by_person_id, done.unaided, done.note) == (
        "done", date(2026, 3, 5), "test", maya.pk, True, "Mail of 5 March",
    )  # fmt: skip
    assert done.task is not None
    assert done.task.state == TaskState.DONE
    assert dues(run)["call"] == date(2026, 3, 12)
    finish(run, "call")
    finish(run, "report", date(2026, 3, 20))
    run.refresh_from_db()
    assert (run.state, run.ended_on, run.ended_by) == ("finished", date(2026, 3, 20), "test")
    assert Task.objects.filter(state=TaskState.OPEN).count() == 0


@pytest.mark.parametrize("door", ["task", "bulk"])
def test_a_task_that_is_done_at_any_door_finishes_its_step_and_opens_the_next(
    brightwater: Account, kestrel: Tenant, door: str
) -> None:
    publish_playbook()
    run = play(brightwater)
    task = steps_of(run)["plan"].task
    assert task is not None
    if door == "task":
        finish_task(task_id=task.pk, actor=ACTOR, now=NOW)
    else:
        bulk = finish_many(task_ids=[task.pk], actor=ACTOR, today=TODAY, now=NOW)
    assert states(run) == {"plan": "done", "call": "open", "report": "open"}
    if door == "task":
        reopen_task(task_id=task.pk, actor=ACTOR, now=NOW)
    else:
        assert bulk.token is not None
        undo_many(token=bulk.token, actor=ACTOR, today=TODAY, now=NOW)
    assert states(run) == {"plan": "open", "call": "ahead", "report": "open"}
    assert Task.objects.filter(state=TaskState.OPEN).count() == 2


def test_a_task_given_to_somebody_takes_its_step_along(brightwater: Account) -> None:
    publish_playbook()
    run = play(brightwater)
    jonas = person("Jonas Weber")
    task = steps_of(run)["plan"].task
    assert task is not None
    reassign_task(task_id=task.pk, assignee_id=jonas.pk, actor=ACTOR, now=NOW)
    assert steps_of(run)["plan"].assignee_id == jonas.pk


def test_a_skipped_step_says_why_and_what_waited_for_it_goes_on(brightwater: Account) -> None:
    publish_playbook()
    run = play(brightwater)
    with pytest.raises(ValueError, match="Say why the step is skipped"):
        skip_step(step_id=steps_of(run)["plan"].pk, reason=" ", actor=ACTOR, today=TODAY, now=NOW)
    skip_step(step_id=steps_of(run)["plan"].pk, reason="Plan of last year holds", actor=ACTOR, today=TODAY, now=NOW)
    assert states(run) == {"plan": "skipped", "call": "open", "report": "open"}
    assert steps_of(run)["plan"].note == "Plan of last year holds"
    with pytest.raises(StepIsOver, match="skipped already"):
        finish(run, "plan")


def test_an_undo_brings_a_finished_play_back_as_it_was(brightwater: Account) -> None:
    publish_playbook(steps=[step("plan", 2), step("call", 7, "step:plan")])
    run = play(brightwater)
    finish(run, "plan")
    finish(run, "call")
    run.refresh_from_db()
    assert run.state == "finished"
    reopen_step(step_id=steps_of(run)["call"].pk, actor=ACTOR, today=TODAY, now=NOW)
    run.refresh_from_db()
    assert (run.state, run.ended_on) == ("running", None)
    assert states(run) == {"plan": "done", "call": "open"}
    reopen_step(step_id=steps_of(run)["plan"].pk, actor=ACTOR, today=TODAY, now=NOW)
    assert states(run) == {"plan": "open", "call": "ahead"}
    finish(run, "plan", date(2026, 3, 3))
    assert dues(run)["call"] == date(2026, 3, 10)
    task = steps_of(run)["call"].task
    assert task is not None
    assert (task.state, task.due_on) == (TaskState.OPEN, date(2026, 3, 10))


def test_the_same_origin_starts_once_and_a_second_play_is_refused_while_one_runs(brightwater: Account) -> None:
    publish_playbook()
    run = play(brightwater, origin_key="form:1")
    assert play(brightwater, origin_key="form:1").pk == run.pk
    with pytest.raises(PlayRefused, match="runs for Brightwater already") as refusal:
        play(brightwater)
    assert refusal.value.running == run.pk
    stop_play(run_id=run.pk, reason="Started too early", actor=ACTOR, today=TODAY, now=NOW)
    assert Task.objects.filter(state=TaskState.OPEN).count() == 0
    assert play(brightwater).pk != run.pk
    assert PlaybookRun.objects.count() == 2


def test_a_playbook_that_allows_it_runs_twice_for_one_account(brightwater: Account) -> None:
    publish_playbook(one_at_a_time=False)
    play(brightwater)
    play(brightwater)
    assert PlaybookRun.objects.filter(state="running").count() == 2


@pytest.mark.capability("N17")
def test_what_a_playbook_requires_refuses_the_start_until_it_holds_or_somebody_waives_it_with_a_reason(
    in_kestrel: Tenant, brightwater: Account
) -> None:
    publish_playbook("expansion", requires={"fact": "accounts.arr", "op": "gte", "value": 2_000_000})
    with pytest.raises(PlayRefused, match="ARR is at least 20,000: it was not") as refusal:
        play(brightwater, "expansion")
    assert refusal.value.waivable
    assert PlaybookRun.objects.count() == 0
    why: dict[str, Any] = {"waiver_reason": "Board asked for it in writing"}
    manager, csm = member(in_kestrel, Role.CS_MANAGER, "Ruth Adler"), member(in_kestrel, Role.CSM, "Nele Brandt")
    for actor in (ACTOR, Actor.person(csm.membership)):
        with pytest.raises(PlayRefused, match="Only a member who approves waivers may start it all the same"):
            play(brightwater, "expansion", actor=actor, **why)
    run = play(brightwater, "expansion", actor=Actor.person(manager.membership), **why)
    assert run.trace["waiver"]["reason"] == "Board asked for it in writing"
    assert run.trace["waiver"]["missing"] == ["ARR is at least 20,000: it was not."]
    other = account("Northwind", arr_minor=2_000_000)
    assert play(other, "expansion").trace == {}
    row = ledger_row(Waiver.objects.get(), gate_names(), TODAY)
    assert (row.state, row.gate_name, row.about) == ("used", "Playbook: Expansion", "Brightwater")
    assert (row.is_own, row.waiver.approver, row.waiver.asked_by) == (True, None, "Ruth Adler")
    assert row.waiver.answer == "Started on own authority: nobody else was asked."
    assert (row.criteria, row.waiver.reason) == (run.trace["waiver"]["missing"], "Board asked for it in writing")
    assert ledger(LedgerFilters(gate="playbook:expansion:start"), TODAY).count() == 1
    told = report(TODAY, TODAY, UTC)
    assert [(one.name, one.asked, one.approved, one.used) for one in told.gates] == [("Playbook: Expansion", 1, 0, 1)]
    assert [(one.name, one.approved) for one in told.askers] == [("Ruth Adler", 0)]
    entry = AuditEntry.objects.get(verb="started play", subject_id=run.pk)
    assert (entry.reason, entry.after["waived"]) == (row.waiver.reason, row.criteria)


@pytest.mark.parametrize(
    ("currency", "minor", "words"),
    [
        ("JPY", 2_000_000, "2,000,000"),
        ("KWD", 2_000_250, "2,000.25"),
        ("KWD", 1, "0.001"),
        ("EUR", 2_000_050, "20,000.5"),
    ],
)
def test_amounts_are_said_with_the_decimals_of_the_currency(
    in_kestrel: Tenant, brightwater: Account, currency: str, minor: int, words: str
) -> None:
    in_kestrel.currency = currency
    in_kestrel.save(update_fields=["currency"])
    Account.objects.update(arr_minor=minor - 1)
    tree = {"fact": "accounts.arr", "op": "gte", "value": minor}
    publish_playbook("expansion", requires=tree)
    with pytest.raises(PlayRefused, match=f"ARR is at least {words}: it was not"):
        play(brightwater, "expansion")
    assert said({"all": [{"not": tree}]}) == f"not (ARR is at least {words})"
    why = why_started("expansion", brightwater.pk, TODAY)
    line = next(line for part in why.parts for line in part.lines)
    assert (line.rule, line.met) == (f"is at least {words}", False)
    Account.objects.update(arr_minor=minor)
    line = next(line for part in why_started("expansion", brightwater.pk, TODAY).parts for line in part.lines)
    assert (line.saw, line.met) == (words, True)


def test_a_branch_is_decided_when_its_step_would_open_and_the_note_keeps_why(brightwater: Account) -> None:
    only_large = {"fact": "accounts.arr", "op": "gte", "value": 5_000_000}
    publish_playbook(
        steps=[
            step("plan", 2),
            step("board", 3, "step:plan", only_if=only_large),
            step("after_board", 2, "step:board"),
            step("visit", 5, only_if={"not": only_large}),
        ]
    )
    run = play(brightwater)
    assert states(run) == {"plan": "open", "board": "ahead", "after_board": "ahead", "visit": "open"}
    finish(run, "plan", date(2026, 3, 5))
    assert states(run) == {"plan": "done", "board": "left_out", "after_board": "open", "visit": "open"}
    assert steps_of(run)["board"].note == "Left out: ARR is at least 50,000: it was not."
    assert dues(run)["after_board"] == date(2026, 3, 9)  # two days on is a Saturday
    task = steps_of(run)["after_board"].task
    assert task is not None
    assert "The due day was moved from Sat 7 Mar, a weekend." in task.detail


def test_owners_are_people_and_the_deputy_does_what_falls_into_an_absence(
    brightwater: Account, maya: Person, kestrel: Tenant
) -> None:
    jonas, vera = person("Jonas Weber"), member(kestrel, Role.CS_MANAGER, "Vera Falk")
    Account.objects.filter(pk=brightwater.pk).update(deputy=jonas)
    Absence.objects.create(
        person=maya, deputy=vera, from_on=date(2026, 3, 10), until_on=date(2026, 3, 20), created_at=NOW, created_by="t"
    )
    publish_playbook(
        steps=[
            step("plan", 2), step("report", 14), step("review", 2, owner="account_deputy"),
            step("approve", 2, owner="cs_manager"), step("help", 2, owner="support"),
        ]
    )  # fmt: skip
    run = play(brightwater)
    found = {key: (one.task.assignee_id, one.task.covered_for_id) for key, one in steps_of(run).items() if one.task}
    assert found == {
        "plan": (maya.pk, None),
        "report": (vera.pk, maya.pk),
        "review": (jonas.pk, None),
        "approve": (vera.pk, None),
        "help": (maya.pk, None),  # nobody has the role: the account's owner sees to it
    }


@pytest.mark.capability("W3")
def test_a_play_that_goes_over_mid_run_loses_nothing(brightwater: Account, maya: Person) -> None:
    publish_playbook()
    run = play(brightwater)
    finish(run, "plan", note="Agreed with Elena", person_id=maya.pk)
    before = {key: (one.state, one.due_on, one.note, one.done_by_person_id) for key, one in steps_of(run).items()}
    jonas = person("Jonas Weber")
    reassign_play(run_id=run.pk, to_person_id=jonas.pk, actor=ACTOR, now=NOW, reason="Maya leaves")
    after = steps_of(run)
    assert {key: (one.state, one.due_on, one.note, one.done_by_person_id) for key, one in after.items()} == before
    assert {one.task.assignee_id for one in after.values() if one.state == "open" and one.task} == {jonas.pk}
    finish(run, "call")
    finish(run, "report")
    run.refresh_from_db()
    assert (run.state, run.owner_id) == ("finished", jonas.pk)
    assert AuditEntry.objects.filter(verb="reassigned play").count() == 1


@pytest.mark.capability("G4")
def test_an_account_that_moves_segment_keeps_its_variant_and_is_offered_the_other(brightwater: Account) -> None:
    publish_playbook(
        variants=[
            {"key": "large", "segments": ["enterprise"], "steps": [*STEPS, step("board", 30)]},
            {"key": "others", "steps": STEPS},
        ]
    )
    run = play(brightwater)
    small = play(account("Northwind", segment="small"))
    assert (run.variant, small.variant) == ("large", "others")
    assert switch_offer(run) is None
    Account.objects.filter(pk=brightwater.pk).update(segment="small")
    finish(run, "plan")
    run = PlaybookRun.objects.get(pk=run.pk)
    assert run.variant == "large"
    offer = switch_offer(run)
    assert offer is not None
    assert offer.key == "others"
    switch_variant(run_id=run.pk, variant="others", actor=ACTOR, today=TODAY, now=NOW, reason="Now small")
    assert states(run) == {"plan": "done", "call": "open", "report": "open", "board": "left_out"}
    board = steps_of(run)["board"].task
    assert board is not None
    assert board.state == TaskState.OBSOLETE
    view = run_view(run.pk, TODAY)
    assert view is not None
    assert (view.run.variant, view.offer, view.done) == ("others", None, 1)


def test_an_anchor_that_the_account_does_not_have_is_asked_for(brightwater: Account) -> None:
    publish_playbook(anchor="renewal_due", steps=[step("quote", 60, "anchor", due={"days": 60, "from": "anchor",
                     "when": "before"})])  # fmt: skip
    with pytest.raises(PlayRefused, match="Brightwater has no day for the renewal"):
        play(brightwater)
    run = play(brightwater, anchor_on=date(2026, 9, 1))
    assert dues(run) == {"quote": date(2026, 7, 3)}
    late = play(account("Northwind"), anchor_on=date(2026, 4, 1))
    assert dues(late) == {"quote": TODAY}
    task = steps_of(late)["quote"].task
    assert task is not None
    assert "31 Jan 2026, was past at the start" in task.detail


def test_nothing_live_a_merged_account_and_a_missing_variant_are_refused_in_words(brightwater: Account) -> None:
    with pytest.raises(PlayRefused, match="No playbook 'low_usage' is live"):
        play(brightwater)
    publish_playbook()
    with pytest.raises(PlayRefused, match="was merged into another account"):
        play(account("Gone", status="merged"))
