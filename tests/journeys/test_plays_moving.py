"""A new version and the plays that run: what it would do, three ways to move, and nothing that is done is lost."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Account
from core.drafts import begin
from core.jobs import JobRefused
from core.models import AuditEntry, Job, ProcessVersion, Tenant
from core.versioning import draft, save_draft
from journeys.actions.play_drafts import publish_draft
from journeys.actions.plays import PlayRefused, finish_step, move_many_plays, move_plays
from journeys.actions.plays.bulk import KeyTaken, ask_start_plays, start_plays
from journeys.models import PlaybookRun, Task
from journeys.queries.play_editor import draft_of
from journeys.queries.plays import move_preview
from journeys.queries.plays.language import effects
from tests.factories.plays import (
    ACTOR,
    NOW,
    TODAY,
    account,
    at,
    document,
    dues,
    person,
    play,
    publish_playbook,
    states,
    step,
    steps_of,
)

pytestmark = pytest.mark.usefixtures("in_kestrel")

FIRST = [step("plan", 2), step("call", 7, "step:plan"), step("quote", 14, "step:call"), step("thanks", 30)]
# Plan stays, the quote comes earlier, thanks is gone, a visit is new.
SECOND = [FIRST[0], FIRST[1], step("quote", 7, "step:call", title="Send the quote"), step("visit", 20)]


def done(run: PlaybookRun, key: str, day: date = TODAY) -> None:
    finish_step(
        step_id=steps_of(run)[key].pk, actor=ACTOR, person_id=None, today=day, now=at(day), note=f"{key} was good"
    )


@pytest.fixture
def running() -> dict[str, PlaybookRun]:
    """Three plays of version 1: nothing done, plan done, the call done."""
    publish_playbook(steps=FIRST)
    owner = person()
    runs = {name: play(account(name, owner=owner, arr_minor=100_000_000)) for name in ("none", "plan", "call")}
    done(runs["plan"], "plan")
    done(runs["call"], "plan")
    done(runs["call"], "call", date(2026, 3, 3))
    return runs


def test_publishing_leaves_running_plays_as_they_are(running: dict[str, PlaybookRun]) -> None:
    publish_playbook(steps=SECOND)
    assert {run.version_id for run in PlaybookRun.objects.all()} == {running["none"].version_id}
    assert states(running["none"]) == {"plan": "open", "call": "ahead", "quote": "ahead", "thanks": "open"}
    assert play(account("New")).version.number == 2


@pytest.mark.capability("R2")
def test_the_effects_of_a_draft_say_how_many_plays_how_much_money_and_what_would_be_late(
    running: dict[str, PlaybookRun],
) -> None:
    day = date(2026, 3, 13)
    assert effects("low_usage", document(steps=SECOND), day) == [
        "affects 3 running plays (€3.00M), 2 have not reached step 3, 1 would be late at once"
    ]
    assert effects("low_usage", document(steps=FIRST), TODAY) == [
        "affects 3 running plays (€3.00M), none would be late at once"
    ]
    assert effects("other", document(), TODAY) == ["No play of it is running."]


def test_a_preview_says_for_every_play_what_comes_goes_and_moves(running: dict[str, PlaybookRun]) -> None:
    content = document(steps=SECOND)
    version = draft(kind="playbook", key="low_usage", name="Low usage", definition=content, actor=ACTOR, now=NOW)
    found = {one.run_id: one for one in move_preview(version, date(2026, 3, 13)).plans}
    one = found[running["call"].pk]
    assert (one.reached, one.added, one.dropped, one.late) == (3, ("Visit",), ("Thanks",), ("Send the quote",))
    assert one.moved_days == (("Send the quote", date(2026, 3, 17), date(2026, 3, 10)),)
    preview = move_preview(version, TODAY)
    assert preview.changed_from == 3
    assert preview.before_step(3) == (running["none"].pk, running["plan"].pk)
    assert preview.before_step(2) == (running["none"].pk,)


@pytest.mark.capability("R3")
def test_moved_plays_keep_what_is_done_and_take_new_steps_texts_and_days(running: dict[str, PlaybookRun]) -> None:
    version = publish_playbook(steps=SECOND)
    run = running["call"]
    moved = move_plays(
        version=version, run_ids=[run.pk, running["plan"].pk], actor=ACTOR, today=TODAY, now=NOW, reason="Faster"
    )
    assert (moved.moved, moved.left) == (2, 0)
    assert {one.pk: one.version_id == version.pk for one in PlaybookRun.objects.all()} == {
        running["none"].pk: False, running["plan"].pk: True, run.pk: True,
    }  # fmt: skip
    steps = steps_of(run)
    assert states(run) == {"plan": "done", "call": "done", "quote": "open", "visit": "open", "thanks": "left_out"}
    assert (steps["plan"].note, steps["call"].done_on) == ("plan was good", date(2026, 3, 3))
    assert (dues(run)["quote"], dues(run)["visit"]) == (date(2026, 3, 10), date(2026, 3, 23))
    quote, thanks = steps["quote"].task, steps["thanks"].task
    assert quote is not None
    assert thanks is not None
    assert (quote.title, quote.due_on, quote.process_version_id) == ("Send the quote", date(2026, 3, 10), version.pk)
    assert thanks.state == "obsolete"
    again = move_plays(version=version, run_ids=[run.pk], actor=ACTOR, today=TODAY, now=NOW)
    assert (again.moved, again.left) == (0, 1)
    assert AuditEntry.objects.filter(verb="moved plays", reason="Faster").count() == 1
    for key in ("quote", "visit"):
        done(run, key)
    run.refresh_from_db()
    assert run.state == "finished"


def test_moving_back_opens_the_old_steps_again_with_their_tasks(running: dict[str, PlaybookRun]) -> None:
    first = running["none"].version
    version = publish_playbook(steps=SECOND)
    run = running["none"]
    move_plays(version=version, run_ids=[run.pk], actor=ACTOR, today=TODAY, now=NOW)
    move_plays(version=first, run_ids=[run.pk], actor=ACTOR, today=TODAY, now=NOW)
    assert states(run) == {"plan": "open", "call": "ahead", "quote": "ahead", "thanks": "open", "visit": "left_out"}
    assert Task.objects.filter(subject_id=run.pk, state="open").count() == 2


def test_a_draft_is_no_version_to_move_to(running: dict[str, PlaybookRun]) -> None:
    content = document(steps=SECOND)
    version = draft(kind="playbook", key="low_usage", name="Low usage", definition=content, actor=ACTOR, now=NOW)
    with pytest.raises(PlayRefused, match="was never live"):
        move_plays(version=version, run_ids=[running["none"].pk], actor=ACTOR, today=TODAY, now=NOW)


class FakeJob:
    """A job as a handler sees it; dies when told to, after a number of chunks."""

    def __init__(self, job: Any, dies_after: int | None = None) -> None:
        self.id, self.tenant_id, self.payload, self.attempt = job.pk, job.tenant_id, job.payload, 1
        self.left = dies_after
        self.seen: list[int] = []

    def progress(self, done: int, total: int, step: str = "") -> None:
        self.seen.append(done)
        if self.left is not None:
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1

    def transaction(self) -> Any:
        from django.db import transaction

        return transaction.atomic()


def test_1200_plays_start_as_a_job_that_may_die_half_way_and_run_twice(kestrel: Tenant) -> None:
    publish_playbook(steps=FIRST, requires={"fact": "accounts.arr", "op": "gte", "value": 10})
    accounts = Account.objects.bulk_create(
        [Account(tenant=kestrel, name=f"A{n}", name_key=f"a{n}", segment="small", arr_minor=n) for n in range(1200)]
    )
    play(accounts[700])
    job = ask_start_plays(
        playbook="low_usage", account_ids=[one.pk for one in accounts], key="k", actor=ACTOR, today=TODAY, now=NOW
    )
    same = [one.pk for one in reversed(accounts)]
    tomorrow = TODAY + timedelta(days=1)
    assert ask_start_plays(
        playbook="low_usage", account_ids=same, key="k", actor=ACTOR, today=tomorrow, now=NOW
    ).pk == job.pk  # fmt: skip
    with pytest.raises(KeyTaken):
        ask_start_plays(playbook="low_usage", account_ids=[1], key="k", actor=ACTOR, today=TODAY, now=NOW)
    dying = FakeJob(job, dies_after=1)
    with pytest.raises(KeyboardInterrupt):
        start_plays(dying, now=NOW)  # type: ignore[arg-type]  # -- what a handler uses of a job
    assert PlaybookRun.objects.count() == 1 + 490
    for _ in range(2):
        result = start_plays(FakeJob(job), now=NOW + timedelta(minutes=1))  # type: ignore[arg-type]  # -- the same
        assert (result["asked"], result["started"]) == (1200, 1189)
        assert sorted(one["accounts"] for one in result["refused"]) == [1, 10]
    assert PlaybookRun.objects.count() == 1190
    assert Task.objects.filter(subject_kind="play", state="open").count() == 2 * 1190


def test_starting_many_takes_the_same_number_of_statements_for_ten_and_for_two_hundred(
    kestrel: Tenant,
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from journeys.actions.plays import Request, begin

    version: ProcessVersion = publish_playbook(steps=FIRST)
    counts = []
    for size in (10, 200):
        accounts = Account.objects.bulk_create(
            [Account(tenant=kestrel, name=f"{size} {n}", name_key=f"{size} {n}", segment="small") for n in range(size)]
        )
        with CaptureQueriesContext(connection) as seen:
            begin(Request(version, ACTOR, TODAY, NOW), [one.pk for one in accounts])
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 20


def test_many_running_plays_go_over_by_a_job_that_may_die_half_way(
    kestrel: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("journeys.actions.plays.moving_many.AT_ONCE", 5)
    monkeypatch.setattr("journeys.actions.play_drafts.AT_ONCE", 5)
    publish_playbook(steps=[step("call", 2), step("quote", 3, "step:call"), step("report", 4, "step:quote")])
    runs = [play(account(f"A{n}")) for n in range(14)]
    for key in ("call", "quote"):  # it has reached the step that differs
        finish_step(step_id=steps_of(runs[0])[key].pk, actor=ACTOR, person_id=None, today=TODAY, now=NOW)
    begin(kind="playbook", key="low_usage", actor=ACTOR, now=NOW)
    made = draft_of("low_usage")
    assert made is not None
    made.definition["steps"][2]["title"] = "Send the report"
    save_draft(version=made, definition=made.definition, name=made.name, actor=ACTOR, now=NOW)
    published = publish_draft(
        key="low_usage", reason="Clearer", seen_hash="", running="move", run_ids=[], actor=ACTOR, today=TODAY, now=NOW
    )
    assert (published.moved, published.later) == (0, 14)
    on_it = PlaybookRun.objects.filter(version=published.version)
    assert on_it.count() == 0
    job = Job.objects.get(kind="journeys.move_plays")
    assert job.payload["changed_from"] == 3
    with pytest.raises(KeyboardInterrupt):
        move_many_plays(FakeJob(job, dies_after=1), now=NOW)  # type: ignore[arg-type]  # -- what a handler uses
    assert on_it.count() == 4
    move_many_plays(FakeJob(job), now=NOW)  # type: ignore[arg-type]  # -- the same
    assert move_many_plays(FakeJob(job), now=NOW) == {"looked_at": 1, "moved": 0}  # type: ignore[arg-type]  # -- the same
    assert set(PlaybookRun.objects.exclude(version=published.version)) == {runs[0]}
    moved = [pk for one in AuditEntry.objects.filter(verb="moved plays") for pk in one.after["runs"]]
    assert sorted(moved) == [run.pk for run in runs[1:]]
    publish_playbook(steps=FIRST)
    with pytest.raises(JobRefused):
        move_many_plays(FakeJob(job), now=NOW)  # type: ignore[arg-type]  # -- the same
