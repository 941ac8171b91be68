"""Checkpoints, first value, moves on the account's page and the editor of journeys."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Activity, Contract, ContractLine, Measure, Signal
from core import clock, versioning
from core.actors import Actor
from core.choices import Role
from core.models import ProcessVersion, Tenant
from core.tenancy import tenant_context
from journeys.actions.first_value import record_first_value
from journeys.actions.journeys import ensure_default_journey
from journeys.actions.lifecycle import hold_checkpoint, sweep_lifecycle
from journeys.actions.stages import move_account_stage
from journeys.models import Checkpoint, FirstValue, LifecycleStage, StageVisit
from journeys.queries.checkpoints import checkpoint_counts, checkpoint_page
from journeys.queries.first_value import value_times
from journeys.rules.default_journeys import DEFAULT_JOURNEY
from journeys.rules.first_value import Waited, by_segment, unlooked
from tests.factories.world import World, make_world

TODAY = date(2026, 3, 2)


@pytest.fixture
def journey(in_kestrel: Tenant, actor: Actor, now: datetime) -> Tenant:
    ensure_default_journey(actor=actor, now=now)
    return in_kestrel


def customer(name: str, key: str, days: int, **more: Any) -> Account:
    account = Account.objects.create(
        name=name, name_key=name.lower(), customer_since=TODAY - timedelta(days=days), **more
    )
    stage = LifecycleStage.objects.get(journey="standard", key=key)
    StageVisit.objects.create(account=account, stage=stage, entered_on=TODAY - timedelta(days=days))
    return account


def publish(change: dict[str, Any], actor: Actor, now: datetime) -> ProcessVersion:
    draft = versioning.draft(
        kind="journey",
        key="standard",
        name="Customer journey",
        definition={**DEFAULT_JOURNEY, **change},
        actor=actor,
        now=now,
    )
    return versioning.publish(version=draft, actor=actor, now=now, reason="Test")


@pytest.mark.capability("N1")
def test_a_sweep_makes_the_checkpoints_of_a_stay_once(journey: Tenant, now: datetime) -> None:
    customer("New", "onboarding", 20)
    assert sweep_lifecycle(today=TODAY, now=now).checkpoints == 2
    assert sweep_lifecycle(today=TODAY, now=now).checkpoints == 0
    points = Checkpoint.objects.order_by("due_on").values_list("key", "due_on")
    assert list(points) == [("day_14", TODAY - timedelta(days=6)), ("day_45", TODAY + timedelta(days=25))]


def test_checkpoints_of_long_ago_are_not_made_up(journey: Tenant, now: datetime) -> None:
    customer("Old", "adoption", 400)
    assert sweep_lifecycle(today=TODAY, now=now).checkpoints == 0


@pytest.mark.capability("N1")
def test_a_missing_checkpoint_is_listed_until_it_is_held_with_an_outcome(
    journey: Tenant, actor: Actor, now: datetime
) -> None:
    customer("New", "onboarding", 20)
    sweep_lifecycle(today=TODAY, now=now)
    missing = checkpoint_page(show="missing", today=TODAY).rows
    assert [(one.account.name, one.key) for one in missing] == [("New", "day_14")]
    with pytest.raises(ValueError, match="Say in a note"):
        hold_checkpoint(checkpoint_id=missing[0].pk, outcome="poor", note=" ", actor=actor, today=TODAY, now=now)
    hold_checkpoint(checkpoint_id=missing[0].pk, outcome="mixed", note="Slow", actor=actor, today=TODAY, now=now)
    assert checkpoint_page(show="missing", today=TODAY).rows == []
    counts = checkpoint_counts(TODAY)
    assert (counts.due, counts.held, counts.mixed, counts.missing) == (1, 1, 1, 0)


@pytest.mark.capability("N16")
def test_the_clock_starts_at_the_close_or_at_the_first_payment(journey: Tenant, actor: Actor, now: datetime) -> None:
    account = customer("New", "onboarding", 60)
    contract = Contract.objects.create(account=account, starts_on=TODAY - timedelta(days=50), currency="EUR")
    ContractLine.objects.create(contract=contract, account=account, starts_on=contract.starts_on, arr_minor=100)
    assert sweep_lifecycle(today=TODAY, now=now).clocks_started == 1
    running = FirstValue.objects.get()
    assert (running.started_by, running.started_on) == ("close", TODAY - timedelta(days=60))
    publish({"first_value": {**DEFAULT_JOURNEY["first_value"], "clock": "first_payment"}}, actor, now)
    sweep_lifecycle(today=TODAY, now=now)
    running.refresh_from_db()
    assert (running.started_by, running.started_on) == ("first_payment", TODAY - timedelta(days=50))
    paid = Measure.objects.create(key="payment_received", name="Payment received")
    Signal.objects.create(account=account, measure=paid, day=TODAY - timedelta(days=44), value=120)
    sweep_lifecycle(today=TODAY, now=now)
    running.refresh_from_db()
    assert running.started_on == TODAY - timedelta(days=44)


@pytest.mark.capability("C9")
def test_a_rule_stops_the_clock_of_its_segment_on_the_day_it_first_holds(
    journey: Tenant, actor: Actor, now: datetime
) -> None:
    small, large = (
        customer("S", "onboarding", 30, segment="small"),
        customer("L", "onboarding", 30, segment="enterprise"),
    )
    rule = {"fact": "accounts.arr", "op": "gte", "value": 500}
    events = [{"segments": ["enterprise"], "name": "Signed off", "evidence": True}, {"name": "Pays 5", "rule": rule}]
    publish({"first_value": {"events": events}}, actor, now)
    assert sweep_lifecycle(today=TODAY, now=now).clocks_stopped == 0
    Account.objects.update(arr_minor=500)
    assert sweep_lifecycle(today=TODAY + timedelta(days=1), now=now).clocks_stopped == 1
    reached = FirstValue.objects.get(account=small)
    assert (reached.reached_on, reached.evidence) == (TODAY + timedelta(days=1), "Pays 5")
    assert FirstValue.objects.get(account=large).reached_on is None
    small_times = next(one for name, one in value_times(TODAY).segments if one.segment == "small")
    assert (small_times.median, small_times.unknown) == (31, 0)


def test_what_happened_before_anybody_watched_tells_no_duration(journey: Tenant, actor: Actor, now: datetime) -> None:
    customer("Old", "adoption", 600, arr_minor=900)
    rule = {"fact": "accounts.arr", "op": "gte", "value": 500}
    publish({"first_value": {"events": [{"name": "Pays 5", "rule": rule}]}}, actor, now)
    sweep_lifecycle(today=TODAY, now=now)
    times = value_times(TODAY)
    assert (times.unknown, times.all.watched) == (1, 0)


ARR_500: Final = {"fact": "accounts.arr", "op": "gte", "value": 500}
USED: Final = {"fact": "accounts.days_since_contact", "op": "lte", "value": 0}


def met_on(account: Account, day: date) -> None:
    Activity.objects.create(account=account, kind="meeting", occurred_at=datetime.combine(day, time(9), UTC))
    Account.objects.filter(pk=account.pk).update(last_contact_on=day)


def swept_before_an_outage(rule: dict[str, Any], actor: Actor, now: datetime) -> Account:
    account = customer("Waits", "onboarding", 20)
    publish({"first_value": {"events": [{"name": "It works", "rule": rule}]}}, actor, now)
    assert sweep_lifecycle(today=TODAY, now=now).clocks_stopped == 0
    return account


@pytest.mark.capability("C9")
def test_after_an_outage_the_day_of_first_value_is_the_one_on_which_the_rule_first_held(
    journey: Tenant, actor: Actor, now: datetime
) -> None:
    account = swept_before_an_outage(USED, actor, now)
    met_on(account, TODAY + timedelta(days=4))
    newer = customer("Came meanwhile", "onboarding", 20)
    newer.customer_since = TODAY + timedelta(days=2)
    newer.save(update_fields=["customer_since"])
    met_on(newer, TODAY + timedelta(days=6))
    assert sweep_lifecycle(today=TODAY + timedelta(days=9), now=now).clocks_stopped == 2
    found = FirstValue.objects.order_by("account__name").values_list("account__name", "reached_on", "details__already")
    assert list(found) == [
        ("Came meanwhile", TODAY + timedelta(days=6), False),
        ("Waits", TODAY + timedelta(days=4), False),
    ]


def test_the_first_rule_that_anybody_defines_tells_no_day_for_those_who_met_it_before(
    journey: Tenant, actor: Actor, now: datetime
) -> None:
    """The default events rest on a person's word: clocks run for weeks before somebody writes a rule."""
    old = customer("Old", "adoption", 600, arr_minor=900)
    new = customer("New", "onboarding", 30)
    for day in range(7):
        sweep_lifecycle(today=TODAY + timedelta(days=day), now=now)
    publish({"first_value": {"events": [{"name": "Pays 5", "rule": ARR_500}]}}, actor, now)
    assert sweep_lifecycle(today=TODAY + timedelta(days=7), now=now).clocks_stopped == 1
    assert FirstValue.objects.get(account=old).details == {"already": True}
    Account.objects.update(arr_minor=900)
    sweep_lifecycle(today=TODAY + timedelta(days=8), now=now)
    reached = FirstValue.objects.get(account=new)
    assert (reached.reached_on, reached.details) == (TODAY + timedelta(days=8), {"already": False})


def test_another_rule_or_segment_begins_to_be_watched_anew(journey: Tenant, actor: Actor, now: datetime) -> None:
    changed, moved = customer("Rule", "onboarding", 60, arr_minor=600), customer("Segment", "onboarding", 60)
    rule = {**ARR_500, "value": 10_000}
    events = [
        {"segments": ["enterprise"], "name": "Any", "rule": {**ARR_500, "value": 0}},
        {"name": "Pays", "rule": rule},
    ]
    publish({"first_value": {"events": events}}, actor, now)
    sweep_lifecycle(today=TODAY, now=now)
    events[1] = {"name": "Pays", "rule": ARR_500}
    publish({"first_value": {"events": events}}, actor, now)
    Account.objects.filter(pk=moved.pk).update(segment="enterprise")
    assert sweep_lifecycle(today=TODAY + timedelta(days=1), now=now).clocks_stopped == 2
    assert {FirstValue.objects.get(account=one).details["already"] for one in (changed, moved)} == {True}


def test_after_an_outage_a_rule_whose_past_nobody_keeps_tells_no_day(
    journey: Tenant, actor: Actor, now: datetime
) -> None:
    account = swept_before_an_outage(ARR_500, actor, now)
    Account.objects.update(arr_minor=500)
    assert sweep_lifecycle(today=TODAY + timedelta(days=9), now=now).clocks_stopped == 1
    assert FirstValue.objects.get(account=account).details == {"already": True}
    assert value_times(TODAY + timedelta(days=9)).unknown == 1


def test_after_a_very_long_outage_what_held_on_the_first_day_asked_tells_no_day(
    journey: Tenant, actor: Actor, now: datetime
) -> None:
    account = swept_before_an_outage({**USED, "value": 60}, actor, now)
    met_on(account, TODAY + timedelta(days=4))
    sweep_lifecycle(today=TODAY + timedelta(days=50), now=now)
    reached = FirstValue.objects.get(account=account)
    assert (reached.reached_on, reached.details) == (TODAY + timedelta(days=20), {"already": True})


@pytest.mark.parametrize(("last", "first"), [(None, 0), (0, 0), (1, 0), (2, 1), (31, 30), (400, 30)])
def test_days_that_no_sweep_saw_are_asked_for(last: int | None, first: int) -> None:
    days = unlooked(None if last is None else TODAY - timedelta(days=last), TODAY)
    assert days == [TODAY - timedelta(days=back) for back in range(first, -1, -1)]


@pytest.mark.capability("C9")
def test_accounts_without_first_value_are_kept_and_lengthen_the_median() -> None:
    done = [Waited("small", days, 1, 0) for days in (10, 20, 30, 40)]
    waiting = [Waited("small", 50, 0, 4)]
    (without,), (kept,) = by_segment(done), by_segment([*done, *waiting])
    assert (without.median, kept.median) == (25, 40)
    assert (kept.watched, kept.reached, kept.open) == (8, 4, 4)


def test_evidence_of_first_value_lies_between_the_start_and_today(journey: Tenant, actor: Actor, now: datetime) -> None:
    account = customer("New", "onboarding", 20)
    with pytest.raises(ValueError, match="No clock runs"):
        record_first_value(account_id=account.pk, reached_on=TODAY, evidence="Live", actor=actor, today=TODAY, now=now)
    sweep_lifecycle(today=TODAY, now=now)
    with pytest.raises(ValueError, match="lies between"):
        record_first_value(
            account_id=account.pk, reached_on=TODAY - timedelta(days=21), evidence="Live", actor=actor, today=TODAY,
            now=now,
        )  # fmt: skip
    stopped = record_first_value(
        account_id=account.pk, reached_on=TODAY, evidence=" Live ", actor=actor, today=TODAY, now=now
    )
    assert (stopped.reached_on, stopped.evidence) == (TODAY, "Live")


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


def sign_in(world: World, role: Role) -> Client:
    client = Client()
    client.force_login(world.members[role].user)
    return client


@pytest.mark.capability("J3")
def test_a_stage_is_left_on_the_page_only_with_its_criteria_met(world: World) -> None:
    with tenant_context(world.tenant.pk):
        account = customer("Onboarded", "onboarding", 5)
        sweep_lifecycle(today=clock.now().date(), now=clock.now())
        record_first_value(
            account_id=account.pk, reached_on=TODAY, evidence="Live", actor=Actor.system("t"), today=clock.now().date(),
            now=clock.now(),
        )  # fmt: skip
    client = sign_in(world, Role.CSM)
    address = reverse("journeys:account_move", args=[account.pk])
    page = client.get(address).content.decode()
    assert "cannot go to Adoption yet" in page
    assert "Data migration signed off" in page
    assert client.post(address, {"to": "adoption"}).status_code == 422
    for key in ("data", "training"):
        answer = client.post(
            reverse("journeys:account_evidence", args=[account.pk]), {"to": "adoption", "of": key, "text": "Mail"}
        )
        assert answer.status_code == 200
    assert client.post(address, {"to": "adoption"}).status_code == 302
    back = client.post(address, {"to": "onboarding"})
    assert back.status_code == 422
    assert "Say why it goes back" in back.content.decode()
    assert client.post(address, {"to": "onboarding", "reason": "Second team starts anew"}).status_code == 302
    section = client.get(reverse("journeys:account_stage", args=[account.pk])).content.decode()
    assert "3 stays" in section
    assert "Second team starts anew" in section


def test_what_was_typed_into_the_dialog_comes_back_beside_what_is_wrong(world: World) -> None:
    with tenant_context(world.tenant.pk):
        account = customer("Onboarded", "onboarding", 5)
    client = sign_in(world, Role.CSM)
    asked = {"to": "adoption", "reason": "Their board meets in March", "expires_on": "2020-01-01"}
    refused = client.post(reverse("journeys:account_waiver", args=[account.pk]), asked)
    page = refused.content.decode()
    assert refused.status_code == 422
    assert "Their board meets in March</textarea>" in page
    assert 'value="2020-01-01"' in page
    assert page.count('aria-invalid="true"') == 1
    shown = client.post(
        reverse("journeys:account_evidence", args=[account.pk]), {"to": "adoption", "of": "data", "text": "Mail"}
    )
    assert shown["HX-Trigger"] == '{"stage-changed": {}}'
    section = client.get(reverse("journeys:account_stage", args=[account.pk])).content.decode()
    assert 'hx-trigger="stage-changed from:body"' in section


def test_a_checkpoint_is_recorded_on_the_page(world: World) -> None:
    with tenant_context(world.tenant.pk):
        customer("Fresh", "onboarding", 2)
        StageVisit.objects.update(entered_on=clock.now().date() - timedelta(days=15))
        sweep_lifecycle(today=clock.now().date(), now=clock.now())
        point = Checkpoint.objects.filter(account__name="Fresh").order_by("due_on").first()
    assert point is not None
    client = sign_in(world, Role.CSM)
    assert "Fresh" in client.get(reverse("journeys:checkpoints")).content.decode()
    address = reverse("journeys:checkpoint_hold", args=[point.pk])
    assert client.post(address, {"outcome": "poor"}, headers={"hx-request": "true"}).status_code == 422
    done = client.post(address, {"outcome": "good"}, headers={"hx-request": "true"})
    assert "held" in done.content.decode()
    assert "Fresh" not in client.get(reverse("journeys:checkpoints")).content.decode()


def test_a_journey_is_drafted_previewed_and_published_in_the_editor(world: World) -> None:
    client = sign_in(world, Role.REVOPS_ADMIN)
    page = reverse("journeys:journey_edit", args=["standard"])
    save, live = (reverse(f"journeys:journey_{act}", args=["standard"]) for act in ("save", "publish"))
    with tenant_context(world.tenant.pk):
        customer("Here", "onboarding", 5)
    assert client.post(save, {"act": "keep", "stages.onboarding.expected_days": "45"}).status_code == 302
    shown = client.get(page).content.decode()
    assert "60 days" in shown
    assert "45 days" in shown
    assert "1 account stands in it" in shown
    typed = {"act": "keep", "stages.onboarding.expected_days": "soon", "stages.onboarding.success": "We see it work."}
    bad = client.post(save, typed)
    assert bad.status_code == 422
    assert 'value="soon" inputmode="numeric" aria-invalid="true"' in bad.content.decode()
    assert 'value="We see it work."' in bad.content.decode()
    # What somebody else saved in between is shown as it is, and nothing typed lies over it.
    late = client.post(save, {**typed, "stages.onboarding.expected_days": "44", "seen": "0" * 64})
    assert (late.status_code, "We see it work." in late.content.decode()) == (409, False)
    assert client.post(live, {"reason": ""}).status_code == 422
    assert client.post(live, {"reason": "Faster since March"}).status_code == 302
    with tenant_context(world.tenant.pk):
        assert LifecycleStage.objects.get(journey="standard", key="onboarding").expected_days == 45
        assert LifecycleStage.objects.filter(journey="contacts").count() == 8
    assert sign_in(world, Role.CSM).post(save, {"act": "keep"}).status_code == 403


def test_a_stage_in_use_cannot_go_and_the_editor_says_so(world: World) -> None:
    client = sign_in(world, Role.REVOPS_ADMIN)
    with tenant_context(world.tenant.pk):
        customer("Here", "expansion", 5)
    save, live = (reverse(f"journeys:journey_{act}", args=["standard"]) for act in ("save", "publish"))
    assert client.post(save, {"act": "remove:expansion"}).status_code == 302
    shown = client.get(reverse("journeys:journey_edit", args=["standard"])).content.decode()
    assert "accounts are or were in it. Move them first, or keep the stage." in shown
    assert client.post(live, {"reason": "x"}).status_code == 422
    with tenant_context(world.tenant.pk):
        assert LifecycleStage.objects.filter(journey="standard", key="expansion").exists()


def test_moving_within_a_loop_keeps_both_passes(journey: Tenant, actor: Actor, now: datetime) -> None:
    account = customer("Loop", "renewal", 80)
    move_account_stage(account_id=account.pk, stage_key="adoption", today=TODAY, now=now, actor=actor)
    visits = StageVisit.objects.filter(account=account).order_by("pk").values_list("stage__key", "left_on")
    assert list(visits) == [("renewal", TODAY), ("adoption", None)]
