"""An outcome counts when it came about after the play had started, not when it held before."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Account, Contract
from core.choices import Role
from core.models import Notification, ProcessVersion, Tenant
from journeys.actions.plays import PlaySweep, move_plays, sweep_plays
from journeys.models import PlaybookRun
from journeys.queries.play_lists import records
from journeys.queries.plays import playbook_figures
from journeys.rules.play_library.keeping import RENEWAL
from renewals.actions.decisions import decide_renewal
from renewals.models import Renewal
from tests.factories.plays import ACTOR, NOW, TODAY, account, at, member, play, publish_playbook

pytestmark = [pytest.mark.usefixtures("in_kestrel"), pytest.mark.capability("P3")]

DAY = timedelta(days=1)


def outcome(days: int = 3) -> dict[str, Any]:
    rule = {"fact": "accounts.days_since_contact", "op": "lte", "value": days}
    return {"name": "Spoken to", "rule": rule, "within_days": 10}


def sweep(tenant: Tenant, day: date) -> PlaySweep:
    return sweep_plays(tenant=tenant, today=day, now=at(day))


def contacted(of: Account, day: date) -> None:
    Account.objects.filter(pk=of.pk).update(last_contact_on=day)


def what_came() -> dict[str, tuple[str, date | None]]:
    rows = PlaybookRun.objects.values_list("account__name", "outcome", "outcome_on")
    return {name: (word, day) for name, word, day in rows}


def test_what_held_at_the_start_stands_outside_the_share_and_asks_for_no_review(kestrel: Tenant) -> None:
    member(kestrel, Role.REVOPS_ADMIN, "Ruth Adler")
    publish_playbook(outcome=outcome(), review_after_runs=2)
    before, after, same_day = account("Before"), account("After"), account("Same day")
    contacted(before, TODAY - DAY)
    for one in (before, after, same_day):
        play(one)
    for one, day in ((before, TODAY + DAY), (same_day, TODAY), (after, TODAY + 2 * DAY)):
        contacted(one, day)
    swept = sweep(kestrel, TODAY + 2 * DAY)
    assert (swept.reached, swept.missed, swept.already) == (2, 0, 0)
    assert what_came() == {
        "Before": ("already", TODAY),
        "After": ("reached", TODAY + 2 * DAY),
        "Same day": ("reached", TODAY + 2 * DAY),
    }
    figures = playbook_figures(["low_usage"], TODAY + 2 * DAY)["low_usage"][0]
    assert (figures.reached.part, figures.reached.of, figures.already, figures.decided_since_review) == (2, 2, 1, 2)
    assert Notification.objects.get(kind="playbook_review").text == (
        "Low usage v1: 2 of 2 reached their outcome (1 had it when they started). Time for a review."
    )
    assert "2 of 2: spoken to, 1 had it at the start" in records(["low_usage"], TODAY)["low_usage"].words
    assert sweep(kestrel, TODAY + 3 * DAY) == PlaySweep(by_playbook={})


def test_plays_begun_before_that_was_kept_are_judged_by_the_day_before_they_started(kestrel: Tenant) -> None:
    publish_playbook(outcome=outcome())
    before, after = account("Before"), account("After")
    for one in (before, after):
        play(one)
    contacted(before, TODAY - DAY)
    PlaybookRun.objects.update(trace={})
    swept = sweep(kestrel, TODAY + DAY)
    assert (swept.already, swept.reached) == (1, 0)
    contacted(after, TODAY + 2 * DAY)
    assert sweep(kestrel, TODAY + 2 * DAY).reached == 1
    assert what_came() == {"Before": ("already", TODAY), "After": ("reached", TODAY + 2 * DAY)}


def test_a_fact_without_a_past_is_judged_at_the_start_and_for_older_plays_not_at_all(kestrel: Tenant) -> None:
    large = {"fact": "accounts.arr", "op": "gte", "value": 2_000_000}
    publish_playbook(outcome={"name": "Large", "rule": large, "within_days": 10})
    for name, minor in (("Large", 2_000_000), ("Grew", 1), ("Older", 2_000_000)):
        play(account(name, arr_minor=minor))
    Account.objects.update(arr_minor=2_000_000)
    PlaybookRun.objects.filter(account__name="Older").update(outcome="", outcome_on=None, trace={})
    sweep(kestrel, TODAY + DAY)
    assert {name: word for name, (word, _) in what_came().items()} == {
        "Large": "already", "Grew": "reached", "Older": "reached",
    }  # fmt: skip


def test_a_play_that_goes_over_to_another_outcome_is_judged_by_that_one(kestrel: Tenant) -> None:
    publish_playbook(outcome=outcome())
    one = account()
    contacted(one, TODAY - 2 * DAY)
    run = play(one)
    stricter = publish_playbook(outcome=outcome(0))
    move_plays(version=stricter, run_ids=[run.pk], actor=ACTOR, today=TODAY, now=NOW)
    run.refresh_from_db()
    assert (run.outcome, run.outcome_on) == ("", None)
    contacted(one, TODAY + DAY)
    assert sweep(kestrel, TODAY + DAY).reached == 1


def test_the_renewal_starter_is_reached_by_a_renewal_that_is_won_after_the_start(kestrel: Tenant) -> None:
    ProcessVersion.objects.filter(kind="playbook").delete()
    publish_playbook("renewal", **RENEWAL)
    one = account(status="customer")
    renewals = []
    for due in (TODAY - 162 * DAY, TODAY + 203 * DAY):
        contract = Contract.objects.create(account=one, external_id=str(due), starts_on=due - 365 * DAY, ends_on=due)
        renewals.append(
            Renewal.objects.create(
                account=one, contract=contract, due_on=due, basis="end_date", amount_minor=100, opened_at=NOW,
                seen_on=TODAY - 400 * DAY,
            )
        )  # fmt: skip
    Renewal.objects.filter(pk=renewals[0].pk).update(state="won", decided_at=at(TODAY - 170 * DAY), final_minor=100)
    run = play(one, "renewal")
    assert run.anchor_on == TODAY + 203 * DAY
    assert sweep(kestrel, TODAY + DAY).reached == 0
    day = TODAY + 190 * DAY
    decide_renewal(renewal_id=renewals[1].pk, won=True, final_minor=100, reason="", actor=ACTOR, today=day, now=at(day))
    assert sweep(kestrel, day).reached == 1
    assert what_came() == {one.name: ("reached", day)}
