"""The pages of alerts: the list, one alert with its verdict, the rules, and why one did or did not fire."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from core.choices import Role
from core.jobs import run_job
from core.models import Job
from core.tenancy import tenant_context
from health import tasks  # noqa: F401 -- registers the job handlers, as in a worker
from health.models import Alert
from tests.factories.world import NOW, World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return make_world("kestrel", canary="CANARY")


def as_role(world: World, role: str) -> Client:
    client = Client()
    client.force_login(world.members[role].user)
    return client


def text(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_csm_sees_their_own_alerts_first_and_others_on_asking(world: World) -> None:
    with tenant_context(world.tenant.pk):
        Alert.objects.update(person=None)
    client = as_role(world, Role.CSM)
    assert "None of your accounts has one" in text(client, "/alerts/")
    assert "Brightwater CANARY" in text(client, "/alerts/?who=all")
    assert "No alert of this rule" in text(client, "/alerts/?who=all&rule=silence")
    assert "Brightwater CANARY" in text(client, "/alerts/?who=all&rule=score_drop&state=nonsense")


def test_what_is_held_back_stands_on_its_own_list(world: World) -> None:
    with tenant_context(world.tenant.pk):
        Alert.objects.update(is_held_back=True, told_at=None)
    client = as_role(world, Role.CSM)
    assert "None of your accounts has one" in text(client, "/alerts/")
    page = text(client, "/alerts/?state=held")
    assert "Brightwater CANARY" in page
    assert "the next day with room tells them" in page


def test_a_verdict_is_kept_shown_counted_and_taken_back(world: World) -> None:
    client = as_role(world, Role.CSM)
    page = reverse("health:alert", args=[world.ids["alert_id"]])
    verdict = reverse("health:alert_verdict", args=[world.ids["alert_id"]])
    assert client.post(verdict, {"verdict": "useful", "note": "Saved them"}).status_code == 302
    assert "Saved them" in text(client, page)
    with tenant_context(world.tenant.pk):
        assert Alert.objects.values_list("verdict", "verdict_by").get() == ("useful", "csm CANARY")
    client.post(verdict, {"verdict": ""})
    assert "Saved them" not in text(client, page)
    client.post(verdict, {"verdict": "splendid"})
    with tenant_context(world.tenant.pk):
        assert Alert.objects.values_list("verdict", flat=True).get() == ""


def test_amounts_in_conditions_are_hidden_from_roles_without_money(world: World) -> None:
    page = reverse("health:alert", args=[world.ids["alert_id"]])
    assert "41,200,000" in text(as_role(world, Role.CSM), page)
    support = as_role(world, Role.SUPPORT_AGENT)
    for url in (page, "/alerts/?who=all"):
        assert "412" not in text(support, url).replace(",", "")


def test_a_leader_reads_and_does_not_judge(world: World) -> None:
    client = as_role(world, Role.LEADER)
    page = reverse("health:alert", args=[world.ids["alert_id"]])
    assert "Not useful" not in text(client, page)
    assert client.post(reverse("health:alert_verdict", args=[world.ids["alert_id"]])).status_code == 403


def test_the_trace_asks_for_the_account_by_name_and_answers_with_every_condition(world: World) -> None:
    client = as_role(world, Role.CSM)
    day = NOW.date().isoformat()
    page = text(client, f"/alerts/why/?account=brightwater&rule=score_drop&day={day}")
    assert "Change of the score in 30 days" in page
    assert "An alert opened on 2\N{NO-BREAK SPACE}Mar\N{NO-BREAK SPACE}2026" in page
    assert "No account has this name" in text(client, f"/alerts/why/?account=nobody&rule=score_drop&day={day}")
    assert "Show every condition" in text(client, "/alerts/why/?account=x&rule=none&day=never")


def test_the_rules_page_shows_each_rule_and_the_past_year_once_it_was_tried(world: World) -> None:
    admin = as_role(world, Role.REVOPS_ADMIN)
    page = text(admin, reverse("health:alert_rules"))
    assert "Not tried yet" in page
    assert page.count("Cool-down") == 8
    assert admin.post(reverse("health:alert_rules_try")).status_code == 302
    with tenant_context(world.tenant.pk):
        job = Job.objects.get(kind="health.alert_trial")
        Job.objects.filter(pk=job.pk).update(payload={
            "from": (NOW.date() - timedelta(days=28)).isoformat(), "until": NOW.date().isoformat(),
        })  # fmt: skip
    assert run_job(tenant_id=world.tenant.pk, job_id=job.pk) == "done"
    assert "Of 0 lost accounts" in text(admin, reverse("health:alert_rules"))


def test_an_open_alert_stands_on_the_page_of_its_account(world: World) -> None:
    client = as_role(world, Role.CSM)
    page = text(client, reverse("dashboards:account", args=[world.ids["account_id"]]))
    assert reverse("health:alert", args=[world.ids["alert_id"]]) in page
