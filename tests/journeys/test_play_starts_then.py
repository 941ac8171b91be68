"""What publishing a draft would start: plan, panel and sweep count the same, and counting writes nothing."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock, versioning
from core.choices import Role
from core.models import AuditEntry, ProcessVersion, Tenant
from core.tenancy import tenant_context
from journeys.actions.journeys import ensure_default_journey
from journeys.actions.plays import sweep_plays
from journeys.models import LifecycleStage, PlaybookRun, StageVisit
from journeys.queries.plays.firing import WouldStart, would_start
from journeys.queries.plays.language import effects
from journeys.queries.plays.reading import playbook_of
from tests.factories.playbook_editing import URL, client_of
from tests.factories.plays import ACTOR, NOW, TODAY, account, document, play, publish_playbook, step

DAY = timedelta(days=1)
DATE: dict[str, Any] = {"on": "date", "days": {"before": 90, "of": "close"}}
STAGE: dict[str, Any] = {"on": "stage", "stage": "onboarding"}
SIGNAL: dict[str, Any] = {"on": "signal", "rule": {"fact": "accounts.days_since_contact", "op": "gte", "value": 30}}
RICH: dict[str, Any] = {"fact": "accounts.arr", "op": "gte", "value": 1_000_000}


def accounts() -> None:
    """Two that only the signal concerns, two that all rules do, one in the stage alone, and a former one."""
    ensure_default_journey(actor=ACTOR, now=NOW)
    stage = LifecycleStage.objects.get(journey="standard", key="onboarding")
    quiet = {"last_contact_on": TODAY - 40 * DAY}
    account("Alder", **quiet)
    account("Birch", arr_minor=10, **quiet)
    both = [account(name, customer_since=TODAY + 60 * DAY, **quiet) for name in ("Cedar", "Elm")]
    new = account("Fir")
    account("Gone", status="churned", **quiet)
    for one in (*both, new):
        StageVisit.objects.create(account=one, stage=stage, entered_on=TODAY)


def quietly(start: dict[str, Any]) -> dict[str, Any]:
    return {**start, "cool_down_days": 0}


RULES = {
    "signal": ({"starts": [SIGNAL]}, WouldStart(4, 0, ((0, 4),))),
    "after one by hand": ({"starts": [{"on": "manual"}, SIGNAL]}, WouldStart(4, 0, ((1, 4),))),
    "an earlier rule cools a later one down": (
        {"starts": [DATE, STAGE, SIGNAL]}, WouldStart(5, 0, ((0, 2), (1, 1), (2, 2))),
    ),
    "one at a time": (
        {"starts": [quietly(DATE), quietly(STAGE), quietly(SIGNAL)]}, WouldStart(5, 0, ((0, 2), (1, 1), (2, 2))),
    ),
    "several at a time": (
        {"starts": [quietly(DATE), quietly(STAGE), quietly(SIGNAL)], "one_at_a_time": False},
        WouldStart(9, 0, ((0, 2), (1, 3), (2, 4))),
    ),
    "something is required": ({"starts": [STAGE, SIGNAL], "requires": RICH}, WouldStart(4, 1, ((0, 3), (1, 1)))),
    "an audience": ({"starts": [SIGNAL], "audience": RICH}, WouldStart(3, 0, ((0, 3),))),
    "by hand alone": ({"starts": [{"on": "manual"}]}, WouldStart()),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_the_plan_says_what_the_sweep_then_starts(in_kestrel: Tenant, rule: str) -> None:
    accounts()
    said, expected = RULES[rule]
    content = document(**said, steps=[step("call", 2)])
    draft = versioning.draft(
        kind="playbook", key="low_usage", name="Low usage", definition=content, actor=ACTOR, now=NOW
    )
    before = (PlaybookRun.objects.count(), AuditEntry.objects.count())
    assert would_start("low_usage", playbook_of(draft), in_kestrel, TODAY) == expected
    lines = effects("low_usage", content, TODAY)
    assert any(f"would start {expected.plays} play" in line for line in lines) == bool(expected.plays)
    assert any("what must hold before a start does not" in line for line in lines) == bool(expected.held)
    assert (PlaybookRun.objects.count(), AuditEntry.objects.count()) == before
    versioning.publish(version=draft, actor=ACTOR, now=NOW, reason="test")
    assert sweep_plays(tenant=in_kestrel, today=TODAY, now=NOW).started == expected.plays


def test_counting_asks_as_often_for_many_accounts_as_for_few(in_kestrel: Tenant) -> None:
    content = document(starts=[DATE, STAGE, SIGNAL], requires=RICH, steps=[step("call", 2)])
    draft = versioning.draft(
        kind="playbook", key="low_usage", name="Low usage", definition=content, actor=ACTOR, now=NOW
    )
    asked = []
    accounts()
    for more in (0, 30):
        for number in range(more):
            account(f"Quiet {number}", last_contact_on=TODAY - 40 * DAY)
        with CaptureQueriesContext(connection) as caught:
            would_start("low_usage", playbook_of(draft), in_kestrel, TODAY)
        asked.append(len(caught))
    assert asked[0] == asked[1] <= 8


@pytest.fixture
def draft(kestrel: Tenant) -> ProcessVersion:
    """The live version starts by hand; the draft by a signal, too, with another second step."""
    with tenant_context(kestrel.pk):
        publish_playbook(steps=[step("plan", 2), step("call", 7, "step:plan")])
        play(account("Running"))
        day = clock.now().date()
        for name in ("Quiet", "Silent"):
            account(name, last_contact_on=day - 40 * DAY)
        steps = [step("plan", 2), step("call", 3, "step:plan")]
        content = document(starts=[{"on": "manual"}, SIGNAL], steps=steps)
        return versioning.draft(
            kind="playbook", key="low_usage", name="Low usage", definition=content, actor=ACTOR, now=clock.now()
        )


def test_the_panel_says_what_would_start_whom_it_meets_and_as_of_when(kestrel: Tenant, draft: ProcessVersion) -> None:
    admin = client_of(kestrel, Role.REVOPS_ADMIN)
    # In the dialog of a form everything goes to the dialog, unless it says otherwise.
    asks = f'hx-get="{URL}starts/" hx-target="this"'
    assert asks in admin.get(f"{URL}publish/").content.decode()
    assert "How many plays would v2 start?" in admin.get(URL).content.decode()
    for headers in ({"HX-Request": "true"}, {}):
        text = " ".join(admin.get(f"{URL}starts/", headers=headers).content.decode().split())
        assert '<b class="medium">The next sweep would start 2 plays</b>: 2 by “a signal”.' in text
        assert "It meets 1 running play: 1 of 1 has not reached step 2." in text
        assert "As of " in text
        assert "asked as the hourly sweep asks. Nothing starts before v2 is live" in text
        assert ("<html" in text) == (not headers)
    with tenant_context(kestrel.pk):
        assert PlaybookRun.objects.count() == 1
    assert client_of(kestrel, Role.CSM).get(f"{URL}starts/").status_code == 200


def test_without_a_draft_there_is_nothing_to_count(kestrel: Tenant) -> None:
    admin: Client = client_of(kestrel, Role.REVOPS_ADMIN)
    with tenant_context(kestrel.pk):
        publish_playbook()
    assert admin.get(f"{URL}starts/").status_code == 404
    assert admin.get("/playbooks/none/starts/").status_code == 404
    assert "How many plays would" not in admin.get(URL).content.decode()
