"""Overrides, doubts, trials and the way back by API."""

from datetime import timedelta

import pytest

from accounts.models import Account
from core import clock
from core.actions import create_tenant
from core.actors import Actor
from core.choices import Role
from core.jobs import run_job
from core.models import Job, Tenant
from core.tenancy import tenant_context
from health import tasks  # noqa: F401 -- registers the job handlers, as in a worker
from health.actions import recompute
from health.models import Override, ShadowScore
from tests.factories.api import Program, make_key
from tests.factories.health import one_input, publish_model, signals

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace(db: None) -> Tenant:
    return create_tenant(
        slug="kestrel", name="Kestrel Cloud", currency="EUR", timezone="UTC", actor=Actor.system("test"),
        now=clock.now(),
    )  # fmt: skip


@pytest.fixture
def program(workspace: Tenant) -> Program:
    return make_key(workspace)[1]


@pytest.fixture
def scored(workspace: Tenant) -> int:
    with tenant_context(workspace.pk):
        publish_model(workspace, one_input("usage"), now=clock.now())
        account = Account.objects.create(name="Brightwater", name_key="brightwater", status="customer")
        today = clock.now().date()
        signals(account, "usage", [80], until=today)
        recompute(actor=Actor.system("test"), now=clock.now(), as_of=today)
        return account.pk


def draft_of_live(program: Program) -> str:
    live = program.get("/api/v1/score-models/?state=published&key=standard").json()["results"]
    found = live or program.get("/api/v1/score-models/?state=published").json()["results"]
    document = program.get(f"/api/v1/score-models/{found[0]['id']}/").json()["definition"]
    document["bands"] = {"red": 0, "yellow": 85, "green": 90}
    made = program.send("post", "/api/v1/score-models/", {"definition": document}).json()
    return f"/api/v1/score-models/{made['id']}/"


def test_an_override_is_set_shown_and_cleared(workspace: Tenant, program: Program, scored: int) -> None:
    until = clock.now().date() + timedelta(days=30)
    url = f"/api/v1/accounts/{scored}/override/"
    made = program.send("post", url, {"score": 20, "reason": "The sponsor told us.", "until": str(until)})
    assert (made.status_code, made.json()["score"], made.json()["until"]) == (201, 20.0, str(until))
    shown = program.get("/api/v1/scores/").json()["results"][0]
    assert (shown["score"], shown["override"]["score"]) == (80.0, 20.0)
    cleared = program.send("post", f"{url}clear/")
    assert (cleared.status_code, cleared.json()["cleared_at"] is None) == (200, False)
    again = program.send("post", f"{url}clear/")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "no_override")


def test_an_override_that_stands_too_long_is_refused_with_the_remedy(
    workspace: Tenant, program: Program, scored: int
) -> None:
    until = str(clock.now().date() + timedelta(days=365))
    refused = program.send("post", f"/api/v1/accounts/{scored}/override/", {"score": 20, "reason": "x", "until": until})
    assert (refused.status_code, "at most 90 days" in refused.json()["error"]["message"]) == (422, True)
    with tenant_context(workspace.pk):
        assert Override.objects.count() == 0
    _, leader = make_key(workspace, Role.LEADER)
    assert leader.send("post", f"/api/v1/accounts/{scored}/override/", {}).status_code == 403


def test_a_doubt_is_kept_with_the_score_it_is_about(program: Program, scored: int) -> None:
    url = f"/api/v1/accounts/{scored}/doubts/"
    made = program.send("post", url, {"note": "They log in from two tools.", "input": "usage"})
    assert (made.status_code, made.json()["score"], made.json()["input"]) == (201, 80.0, "usage")
    assert program.send("post", url, {"note": "x", "input": "nonsense"}).json()["error"]["code"] == "bad_doubt"
    assert program.send("post", "/api/v1/accounts/987654/doubts/", {"note": "x"}).status_code == 404


def test_why_a_rule_did_not_fire(program: Program, scored: int) -> None:
    found = program.get(f"/api/v1/alerts/why/?account={scored}&rule=turned_red&on={clock.now().date()}").json()
    assert (found["fired"], found["met"], found["alert_id"]) == (False, False, None)
    assert [one["fact"] for one in found["conditions"]] == ["health.band", "health.band_30d_ago"]
    assert found["lines"]
    unknown = program.get(f"/api/v1/alerts/why/?account={scored}&rule=no_such_rule&on={clock.now().date()}")
    assert unknown.status_code == 404


def test_a_draft_is_tried_without_a_trace_runs_in_shadow_and_a_published_one_is_rolled_back(
    workspace: Tenant, program: Program, scored: int
) -> None:
    draft = draft_of_live(program)
    started = program.send("post", f"{draft}impact/")
    assert started.status_code == 202
    run_job(tenant_id=workspace.pk, job_id=started.json()["id"])
    with tenant_context(workspace.pk):
        assert Job.objects.get(pk=started.json()["id"]).state == "done"
    assert program.send("post", f"{draft}replay/").status_code == 202
    shadow = program.send("post", f"{draft}shadow/", {"days": 7})
    assert (shadow.status_code, shadow.json()["from_day"]) == (201, str(clock.now().date()))
    with tenant_context(workspace.pk):
        assert not ShadowScore.objects.exists()  # nobody waits for the first judgement of everybody
        judging = Job.objects.get(kind="health.shadow").pk
    assert run_job(tenant_id=workspace.pk, job_id=judging) == "done"
    with tenant_context(workspace.pk):
        assert ShadowScore.objects.count() == 1
    assert program.send("post", f"{draft}shadow/stop/").status_code == 200
    assert (
        program.send("post", f"{draft}publish/", {"reason": "Sharper", "waiver": "No outcomes yet"}).status_code == 200
    )
    refused = program.send("post", f"{draft}shadow/", {})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_a_draft")
    back = program.send("post", f"{draft}roll-back/", {"reason": "Too sharp"})
    assert (back.status_code, back.json()["state"]) == (200, "published")
    again = program.send("post", f"{draft}roll-back/", {"reason": "Too sharp"})
    assert (again.status_code, again.json()["error"]["code"]) == (409, "not_live")
    assert back.json()["definition"].get("bands") != {"red": 0, "yellow": 85, "green": 90}
