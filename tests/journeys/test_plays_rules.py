"""Start rules stay the same ones, wherever they stand: publishing starts nothing that was begun already."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Account
from core.models import ProcessVersion, Tenant
from journeys.actions.plays import stop_play, sweep_plays
from journeys.models import LifecycleStage, PlaybookRun, StageVisit
from journeys.queries.plays import why_started
from journeys.queries.plays.language import effects
from journeys.rules.playbooks import parse_playbook
from tests.factories.plays import ACTOR, NOW, TODAY, account, at, document, publish_playbook, step

pytestmark = pytest.mark.usefixtures("in_kestrel")

DAY = timedelta(days=1)
DATE: dict[str, Any] = {"on": "date", "days": {"before": 90, "of": "close"}, "cool_down_days": 0}
STAGE: dict[str, Any] = {"on": "stage", "stage": "onboarding", "cool_down_days": 0}
SIGNAL: dict[str, Any] = {
    "on": "signal",
    "rule": {"fact": "accounts.days_since_contact", "op": "gte", "value": 30},
    "cool_down_days": 0,
}
RULES = {"date": DATE, "stage": STAGE, "signal": SIGNAL}


def publish(*starts: dict[str, Any]) -> ProcessVersion:
    return publish_playbook(starts=list(starts), steps=[step("call", 2)])


def sweep(tenant: Tenant, day: date) -> int:
    return sweep_plays(tenant=tenant, today=day, now=at(day)).started


def begun(tenant: Tenant) -> Account:
    """An account for which each of the rules fires; what the live one starts is over."""
    stage = LifecycleStage.objects.create(key="onboarding", name="Onboarding", position=1)
    one = account(customer_since=TODAY + 60 * DAY, last_contact_on=TODAY - 40 * DAY)
    StageVisit.objects.create(account=one, stage=stage, entered_on=TODAY)
    assert sweep(tenant, TODAY) == 1
    stop_play(run_id=PlaybookRun.objects.get().pk, reason="done", actor=ACTOR, today=TODAY, now=NOW)
    return one


@pytest.mark.parametrize("on", RULES)
@pytest.mark.parametrize("numbered", [False, True])
def test_a_rule_that_moves_in_the_document_starts_nothing_again(kestrel: Tenant, on: str, *, numbered: bool) -> None:
    publish(RULES[on])
    one = begun(kestrel)
    if numbered:  # as plays were keyed before: by the place of their rule
        run = PlaybookRun.objects.get()
        key, rest = run.origin_key.split(":", 2)[:2], run.origin_key.split(":", 3)[3]
        PlaybookRun.objects.update(origin_key=":".join([*key, "0", rest]))
        assert sweep(kestrel, TODAY + DAY) == 0
    other = {**SIGNAL, "rule": {"fact": "accounts.arr", "op": "lt", "value": 0}}
    moved = [{"on": "manual"}, other, {**RULES[on], "cool_down_days": 1}]
    assert effects("low_usage", document(starts=moved, steps=[step("call", 2)]), TODAY) == ["No play of it is running."]
    publish(*moved)
    assert sweep(kestrel, TODAY + DAY) == 0
    trace = why_started("low_usage", one.pk, TODAY + 2 * DAY)
    assert trace is not None
    assert [part.met for part in trace.parts if part.name in {"Started already", "Episode"} and part.rule == 3] == [
        False
    ]


@pytest.mark.parametrize("on", RULES)
def test_what_another_rule_would_start_stands_in_the_plan(kestrel: Tenant, on: str) -> None:
    publish(RULES[on])
    begun(kestrel)
    sooner = {"date": {**DATE, "days": {"before": 70, "of": "close"}}, "signal": {**SIGNAL, "rule": {
        "fact": "accounts.days_since_contact", "op": "gte", "value": 20}}}  # fmt: skip
    if on not in sooner:
        assert (
            parse_playbook(document(starts=[STAGE])).starts[0].same_as
            == parse_playbook(document(starts=[{**STAGE, "rule": SIGNAL["rule"]}])).starts[0].same_as
        )
        return
    told = effects("low_usage", document(starts=[sooner[on]], steps=[step("call", 2)]), TODAY)
    assert told == ["No play of it is running.", "the next sweep would start 1 play by its rules"]
    publish(sooner[on])
    assert sweep(kestrel, TODAY) == 1
