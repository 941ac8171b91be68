"""Branches are read when their step comes near, by what holds then; until that day the step waits and says so."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Account
from core.choices import Role
from core.formatting import day as words
from core.models import Tenant
from core.tenancy import tenant_context
from journeys.actions.plays import PlaySweep, finish_step, move_plays, reopen_step, sweep_plays
from journeys.models import PlaybookRun, Task
from journeys.queries.play_pages import play_page
from journeys.queries.play_walk import walk_through
from journeys.queries.plays.trace import why_started
from renewals.models import Renewal
from tests.factories import motions
from tests.factories.plays import ACTOR, NOW, TODAY, account, at, play, publish_playbook, step, steps_of
from tests.factories.world import make_world

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
LARGE = {"fact": "accounts.arr", "op": "gte", "value": 5_000_000}
RENEWS = date(2026, 9, 1)
DUE = date(2026, 6, 3)  # 90 days before, a Wednesday
READS = DUE - 7 * DAY


def before(days: int, key: str = "board", **values: Any) -> dict[str, Any]:
    return step(key, **{"due": {"days": days, "from": "anchor", "when": "before"}, "only_if": LARGE, **values})


def sweep(tenant: Tenant, day: date) -> PlaySweep:
    return sweep_plays(tenant=tenant, today=day, now=at(day))


def renewing(*steps: dict[str, Any], arr_minor: int = 1_000_000) -> PlaybookRun:
    """A play that counts from a renewal half a year away."""
    publish_playbook(anchor="renewal_due", calendar="all", steps=list(steps))
    of = account(arr_minor=arr_minor)
    contract = motions.contract(of, ends_on=RENEWS, learnt_on=TODAY)
    Renewal.objects.create(account=of, contract=contract, due_on=RENEWS, basis="end_date", amount_minor=1,
                           opened_at=NOW, seen_on=TODAY)  # fmt: skip
    return play(of)


def grown(run: PlaybookRun, arr_minor: int = 9_000_000) -> None:
    Account.objects.filter(pk=run.account_id).update(arr_minor=arr_minor)


def state(run: PlaybookRun, key: str = "board") -> tuple[str, date | None]:
    row = steps_of(run)[key]
    return row.state, row.due_on


@pytest.mark.usefixtures("in_kestrel")
class TestReading:
    def test_what_holds_in_the_week_before_the_step_counts_and_not_what_held_at_the_start(
        self, kestrel: Tenant
    ) -> None:
        run = renewing(step("plan", 2), before(90))
        assert (state(run), Task.objects.filter(subject_kind="play").count()) == (("ahead", DUE), 1)
        grown(run)
        assert sweep(kestrel, READS - DAY).judged == 0
        assert sweep(kestrel, READS).judged == 1
        assert state(run) == ("open", DUE)
        assert Task.objects.filter(origin_key__endswith=":board").values_list("state", "due_on").get() == ("open", DUE)
        assert sweep(kestrel, READS) == PlaySweep(by_playbook={})
        grown(run, 0)
        sweep(kestrel, DUE)
        assert state(run) == ("open", DUE)

    def test_where_it_no_longer_holds_the_step_is_left_out_on_that_day_and_says_what_was_seen(
        self, kestrel: Tenant
    ) -> None:
        run = renewing(step("plan", 2), before(90), step("after", 3, "step:board"), arr_minor=9_000_000)
        grown(run, 100)
        outage = READS + 20 * DAY
        assert sweep(kestrel, outage).judged == 2  # with the one that waited for it
        board = steps_of(run)["board"]
        assert (board.state, board.done_on, board.due_on) == ("left_out", outage, None)
        assert board.note == "Left out: ARR is at least 50,000: it was not."
        assert state(run, "after") == ("open", outage + 3 * DAY)

    def test_a_play_whose_last_step_is_left_out_is_over_on_that_day(self, kestrel: Tenant) -> None:
        run = renewing(before(90))
        assert sweep(kestrel, READS).ended == 1
        run.refresh_from_db()
        assert (run.state, run.ended_on) == ("finished", READS)

    def test_a_day_that_is_near_is_read_at_once(self, kestrel: Tenant) -> None:
        publish_playbook(steps=[step("near", 5, only_if=LARGE), step("far", 30, only_if=LARGE)])
        run = play(account())
        assert (state(run, "near")[0], state(run, "far")[0]) == ("left_out", "ahead")

    def test_a_step_that_counts_from_another_waits_for_both(self, kestrel: Tenant) -> None:
        publish_playbook(calendar="all", steps=[step("plan", 2), step("board", 30, "step:plan", only_if=LARGE)])
        run = play(account())
        assert state(run) == ("ahead", None)
        finish_step(step_id=steps_of(run)["plan"].pk, person_id=None, actor=ACTOR, today=TODAY, now=NOW)
        assert state(run) == ("ahead", TODAY + 30 * DAY)
        reopen_step(step_id=steps_of(run)["plan"].pk, actor=ACTOR, today=TODAY, now=NOW)
        assert state(run) == ("ahead", None)
        finish_step(step_id=steps_of(run)["plan"].pk, person_id=None, actor=ACTOR, today=TODAY + DAY, now=NOW)
        grown(run)
        sweep(kestrel, TODAY + 24 * DAY)
        assert state(run) == ("open", TODAY + 31 * DAY)

    @pytest.mark.parametrize("moved", [-30, 60])
    def test_the_day_of_reading_follows_the_renewal(self, kestrel: Tenant, moved: int) -> None:
        run = renewing(step("plan", 2), before(90))
        Renewal.objects.update(due_on=RENEWS + moved * DAY)
        sweep(kestrel, TODAY + DAY)
        assert state(run) == ("ahead", DUE + moved * DAY)
        assert sweep(kestrel, READS + moved * DAY - DAY).judged == 0
        assert sweep(kestrel, READS + moved * DAY).judged == 1

    def test_running_plays_read_the_branch_of_their_version_until_they_are_moved(self, kestrel: Tenant) -> None:
        run = renewing(step("plan", 2), before(90))
        newer = publish_playbook(
            anchor="renewal_due", calendar="all", steps=[step("plan", 2), before(120, only_if={"not": LARGE})]
        )
        assert state(run) == ("ahead", DUE)
        move_plays(version=newer, run_ids=[run.pk], actor=ACTOR, today=TODAY, now=NOW)
        assert state(run) == ("ahead", DUE - 30 * DAY)
        sweep(kestrel, READS - 30 * DAY)
        assert state(run) == ("open", DUE - 30 * DAY)

    def test_a_step_that_waits_may_be_done_or_skipped_before(self, kestrel: Tenant) -> None:
        run = renewing(step("plan", 2), before(90))
        finish_step(
            step_id=steps_of(run)["board"].pk, person_id=None, actor=ACTOR, today=TODAY, now=NOW, note="They called us"
        )
        assert sweep(kestrel, READS).judged == 0
        assert state(run) == ("done", DUE)

    def test_many_plays_take_as_many_statements_as_few(self, kestrel: Tenant) -> None:
        publish_playbook(calendar="all", steps=[step("plan", 2), step("board", 60, only_if=LARGE)])
        took = []
        for number, count in enumerate((3, 40)):
            for one in range(count):
                play(account(f"A{number}-{one}", arr_minor=9_000_000 * (one % 2)), today=TODAY + number * DAY)
            day = TODAY + (53 + number) * DAY
            sweep(kestrel, day - DAY)
            with CaptureQueriesContext(connection) as ran:
                assert sweep(kestrel, day).judged == count
            took.append(len(ran))
        assert took[0] == took[1]

    def test_the_play_and_the_question_why_say_when_it_is_read_and_what_came_of_it(self, kestrel: Tenant) -> None:
        run = renewing(step("plan", 2), before(90))
        page = play_page(run.pk, today=TODAY, opened="", person=None, with_money=True, currency="EUR")
        assert page is not None
        assert page.lines[1].waits == f"its condition is read on {words(READS)}, a week before its day"
        told = why_started("low_usage", run.account_id, TODAY)
        assert told is not None
        assert [(part.name, part.met) for part in told.steps] == [("Step “Board”", False)]
        assert f"It is read on {words(READS)}, a week before the step is due." in told.steps[0].words
        assert told.verdict.startswith("Low usage v1 started on")
        sweep(kestrel, READS)
        told = why_started("low_usage", run.account_id, READS)
        assert told is not None
        assert f"Read on {words(READS)}. Left out: ARR is at least 50,000: it was not." in told.steps[0].words
        none = why_started("low_usage", account("Northwind").pk, TODAY)
        assert none is not None
        assert "It is read not before the week in which the step is due." in none.steps[0].words
        hidden = why_started("low_usage", run.account_id, TODAY, frozenset({"accounts.arr"}))
        assert hidden is not None
        assert [line.saw for line in hidden.steps[0].lines] == ["Hidden"]

    def test_a_walk_through_says_that_a_far_branch_is_read_again(self) -> None:
        version = publish_playbook(
            calendar="all",
            steps=[step("plan", 2), step("board", 30, only_if=LARGE), step("after", 3, "step:board")],
        )
        walk = walk_through(version, account=account(), start=TODAY, anchor=None)
        assert [(one.due_on, one.left_out, one.reads_on) for one in walk.steps] == [
            (TODAY + 2 * DAY, "", None),
            (TODAY + 30 * DAY, "ARR", TODAY + 23 * DAY),
            (TODAY + 26 * DAY, "", None),
        ]
        assert walk.last == TODAY + 26 * DAY


@pytest.mark.usefixtures("in_kestrel")
@settings(max_examples=20, deadline=None)
@given(
    days=st.integers(0, 60),
    calendar=st.sampled_from(["all", "business"]),
    acts=st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=8),
)
def test_the_branch_is_read_once_on_the_first_look_of_the_week_before(
    kestrel: Tenant, days: int, calendar: str, acts: list[tuple[int, bool]]
) -> None:
    """Whatever the account does meanwhile: what it was at that look decides, and nothing later."""
    with transaction.atomic():
        publish_playbook(calendar=calendar, steps=[step("board", days, only_if=LARGE), step("last", 400)])
        holds, day = False, TODAY
        run = play(account(arr_minor=0))
        due = walk_through(run.version, account=None, start=TODAY, anchor=None).steps[0].due_on
        assert due is not None
        expected = "left_out" if due - 7 * DAY <= TODAY else "ahead"
        for later, holds in acts:
            day += later * DAY
            grown(run, 9_000_000 if holds else 0)
            sweep(kestrel, day)
            if expected == "ahead" and day >= due - 7 * DAY:
                expected = "open" if holds else "left_out"
            assert steps_of(run)["board"].state == expected
        transaction.set_rollback(True)


def test_the_page_shows_the_steps_with_a_condition(db: None) -> None:
    world = make_world("kestrel", canary="KESTREL")
    with tenant_context(world.tenant.pk):
        publish_playbook("branched", steps=[step("plan", 2), step("board", 60, only_if=LARGE)])
        run = play(account("Northwind"), "branched")
    client = Client()
    client.force_login(world.members[Role.CS_MANAGER].user)
    asked = {"account": "Northwind", "playbook": "branched", "day": TODAY.isoformat()}
    text = client.get(reverse("journeys:play_trace"), asked).content.decode()
    assert "Steps with a condition" in text
    assert "Step “Board”" in text
    assert "its condition is read on" in client.get(reverse("journeys:play", args=[run.pk])).content.decode().lower()
