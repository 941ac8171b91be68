"""Alerts that start a play: once per alert, when it is told; a playbook that is not live is refused at publishing."""

import pytest
from django.test import Client

from accounts.models import Person
from core.choices import Role
from core.models import Tenant
from core.versioning import PublishRefused
from health.models import Alert
from health.rules.alerts import BadAlertRule, parse_alert_rule
from journeys.models import PlaybookRun, Task
from tests.factories.health import NOW, TODAY
from tests.factories.plays import member, publish_playbook
from tests.health.test_alerts import customer, publish_rule, rule_document, scored, sweep

pytestmark = pytest.mark.usefixtures("in_kestrel")


@pytest.fixture
def maya(kestrel: Tenant) -> Person:
    return member(kestrel, Role.CSM, "Maya Lindqvist")


@pytest.mark.capability("W3")
def test_a_told_alert_starts_its_play_once(kestrel: Tenant, maya: Person) -> None:
    version = publish_playbook(now=NOW)
    publish_rule(playbook="low_usage")
    of = customer(owner=maya)
    scored(of, TODAY, 40)
    for _ in range(2):
        sweep(kestrel)
    alert = Alert.objects.get()
    run = PlaybookRun.objects.get()
    assert (run.trigger, run.origin_key, run.version_id) == ("alert", f"alert:{alert.pk}", version.pk)
    assert run.trace["conditions"][0]["saw"] == 40
    assert Task.objects.filter(kind="play", assignee=maya, state="open").exists()
    client = Client()
    assert maya.membership is not None
    client.force_login(maya.membership.user)
    assert f"/plays/{run.pk}/" in client.get(f"/alerts/{alert.pk}/").content.decode()
    assert "Health score is under 50" in client.get(f"/plays/{run.pk}/").content.decode()


def test_an_alert_that_is_held_back_starts_nothing_until_it_is_told(kestrel: Tenant, maya: Person) -> None:
    publish_playbook(now=NOW)
    publish_rule(playbook="low_usage", budget=1)
    for name in ("Alder", "Birch"):
        scored(customer(name, owner=maya), TODAY, 40)
    sweep(kestrel)
    assert (Alert.objects.count(), PlaybookRun.objects.count()) == (2, 1)


def test_an_account_for_which_it_runs_keeps_the_one_play(kestrel: Tenant, maya: Person) -> None:
    publish_playbook(now=NOW)
    publish_rule(playbook="low_usage")
    publish_rule(
        playbook="low_usage", key="lower", name="Lower", when={"fact": "health.score", "op": "lt", "value": 45}
    )
    scored(customer(owner=maya), TODAY, 40)
    sweep(kestrel)
    assert (Alert.objects.count(), PlaybookRun.objects.count()) == (2, 1)
    other = Alert.objects.exclude(pk=int(PlaybookRun.objects.get().origin_key.removeprefix("alert:"))).get()
    client = Client()
    assert maya.membership is not None
    client.force_login(maya.membership.user)
    assert "The playbook did not start" in client.get(f"/alerts/{other.pk}/").content.decode()


def test_a_playbook_that_is_not_live_is_refused_at_publishing() -> None:
    with pytest.raises(PublishRefused, match="playbook: there is no playbook 'nobody'"):
        publish_rule(playbook="nobody")
    with pytest.raises(BadAlertRule, match="`playbook` is the key of a playbook"):
        parse_alert_rule(rule_document(playbook=7))
