"""Running plays follow the renewal or the close that they count from, when it moves."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Account, Contract
from core.models import Tenant
from journeys.actions.plays import PlaySweep, finish_step, sweep_plays
from journeys.models import Opportunity, Pipeline, PipelineStage, PlaybookRun, Task
from journeys.queries.play_pages import play_page
from renewals.models import Renewal
from tests.factories.plays import ACTOR, NOW, TODAY, account, at, dues, play, publish_playbook, step, steps_of

pytestmark = pytest.mark.usefixtures("in_kestrel")

DAY = timedelta(days=1)
DUE = date(2026, 9, 1)
LATER = date(2027, 2, 26)


def before(days: int) -> dict[str, Any]:
    return {"days": days, "from": "anchor", "when": "before"}


STEPS = [
    step("plan", due=before(150)),
    step("quote", due=before(60)),
    step("call", 7),
    step("sign", 3, "step:plan"),
]


def sweep(tenant: Tenant, day: date = TODAY + DAY) -> PlaySweep:
    return sweep_plays(tenant=tenant, today=day, now=at(day))


def renewal(of: Account, due: date = DUE) -> Renewal:
    contract = Contract.objects.create(account=of, external_id=f"{of.pk}:{due}", starts_on=TODAY, ends_on=due)
    return Renewal.objects.create(
        account=of, contract=contract, due_on=due, basis="end_date", amount_minor=100, opened_at=NOW, seen_on=TODAY
    )


def test_open_steps_and_those_ahead_follow_a_renewal_that_moved_and_done_ones_stay(kestrel: Tenant) -> None:
    publish_playbook(anchor="renewal_due", calendar="all", steps=STEPS)
    one = account()
    mine = renewal(one)
    run = play(one)
    old = dues(run)
    assert (old["plan"], old["quote"]) == (DUE - 150 * DAY, DUE - 60 * DAY)
    finish_step(step_id=steps_of(run)["plan"].pk, actor=ACTOR, person_id=None, today=TODAY, now=NOW)
    sign = dues(run)["sign"]
    assert sweep(kestrel).moved == 0
    Renewal.objects.filter(pk=mine.pk).update(due_on=LATER)
    assert sweep(kestrel).moved == 1
    run.refresh_from_db()
    assert run.anchor_on == LATER
    assert dues(run) == {"plan": old["plan"], "quote": LATER - 60 * DAY, "call": old["call"], "sign": sign}
    task = Task.objects.get(pk=steps_of(run)["quote"].task_id)
    assert (task.due_on, task.state) == (LATER - 60 * DAY, "open")
    assert "which moved from 1\xa0Sep\xa02026 to 26\xa0Feb\xa02027" in task.detail
    page = play_page(run.pk, today=TODAY, opened="", person=None, with_money=True, currency="EUR")
    assert page is not None
    assert "moved from 1\xa0Sep\xa02026 to 26\xa0Feb\xa02027" in " ".join(page.started)
    assert sweep(kestrel) == PlaySweep(by_playbook={})


def test_a_decided_renewal_a_given_day_and_a_task_on_another_day_stay(kestrel: Tenant) -> None:
    publish_playbook(anchor="renewal_due", calendar="all", steps=STEPS)
    won, given, held = account("Won"), account("Given"), account("Held")
    renewals = {one.name: renewal(one) for one in (won, given, held)}
    runs = {one.name: play(one, **({"anchor_on": DUE} if one == given else {})) for one in (won, given, held)}
    Renewal.objects.filter(pk=renewals["Won"].pk).update(state="won", decided_at=NOW, final_minor=100)
    renewal(won, LATER)
    Renewal.objects.filter(pk__in=[renewals["Given"].pk, renewals["Held"].pk]).update(due_on=LATER)
    Task.objects.filter(pk=steps_of(runs["Held"])["quote"].task_id).update(due_on=TODAY + 5 * DAY)
    assert sweep(kestrel).moved == 1
    found = dict(PlaybookRun.objects.values_list("account__name", "anchor_on"))
    assert found == {"Won": DUE, "Given": DUE, "Held": LATER}
    assert Task.objects.get(pk=steps_of(runs["Held"])["quote"].task_id).due_on == TODAY + 5 * DAY


def test_a_play_that_its_date_started_is_not_started_again_for_the_day_that_it_moved_to(kestrel: Tenant) -> None:
    publish_playbook(
        anchor="renewal_due", calendar="all", steps=[step("quote", due=before(60))],
        starts=[{"on": "date", "days": {"before": 200, "of": "renewal_due"}, "cool_down_days": 0}],
    )  # fmt: skip
    one = account()
    mine = renewal(one)
    assert sweep(kestrel).started == 1
    Renewal.objects.filter(pk=mine.pk).update(due_on=DUE + 10 * DAY)
    assert sweep(kestrel).moved == 1
    run = PlaybookRun.objects.get()
    assert run.origin_key.endswith(f":{one.pk}:{DUE + 10 * DAY}")
    finish_step(step_id=steps_of(run)["quote"].pk, actor=ACTOR, person_id=None, today=TODAY + DAY, now=NOW)
    assert sweep(kestrel, TODAY + 30 * DAY).started == 0


def test_a_corrected_close_moves_the_play_and_the_next_deal_does_not(kestrel: Tenant) -> None:
    line = Pipeline.objects.create(key="p", name="P")
    stage = PipelineStage.objects.create(pipeline=line, key="won", name="Won", position=1, kind="won")
    publish_playbook(anchor="close", calendar="all", steps=[step("kick_off", 30, "anchor")])
    one = account()

    def deal(day: date) -> Opportunity:
        return Opportunity.objects.create(
            account=one, pipeline=line, stage=stage, name="D", currency="EUR", opened_on=TODAY, closed_on=day
        )

    first = deal(TODAY)
    run = play(one)
    Opportunity.objects.filter(pk=first.pk).update(closed_on=TODAY + 3 * DAY)
    assert sweep(kestrel).moved == 1
    assert dues(run) == {"kick_off": TODAY + 33 * DAY}
    deal(TODAY + 20 * DAY)
    assert sweep(kestrel, TODAY + 20 * DAY).moved == 0
