"""Health by API: from rows to a proven, published model, and the answers about scores."""

import math
from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Account
from core import clock
from core.actions import create_tenant
from core.actors import Actor
from core.choices import Role
from core.jobs import run_job
from core.models import Change, Job, ProcessVersion, Tenant
from core.tenancy import tenant_context
from health import tasks  # noqa: F401 -- registers the job handlers, as in a worker
from health.models import Score, ScoreHistory
from tests.factories.api import Program, make_key
from tests.factories.health import one_input, publish_model, signals

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace(db: None) -> Tenant:
    return create_tenant(
        slug="kestrel",
        name="Kestrel Cloud",
        currency="EUR",
        timezone="UTC",
        actor=Actor.system("test"),
        now=clock.now(),
    )


@pytest.fixture
def program(workspace: Tenant) -> Program:
    return make_key(workspace)[1]


def today() -> date:
    return clock.now().date()


MODEL = {
    "kind": "score_model",
    "key": "own",
    "name": "Own model",
    "inputs": [
        {
            "key": name,
            "measure": name,
            "window_days": 60,
            "aggregate": "last",
            "mapping": {"linear": {"worst": 0, "best": 100}},
            "weight": weight,
            "missing": "exclude",
        }
        for name, weight in (("usage_rate", 50), ("csat", 30), ("noise", 20))
    ],
}


def run_all(tenant: Tenant) -> None:
    with tenant_context(tenant.pk):
        waiting = list(Job.objects.filter(state="queued").order_by("pk").values_list("pk", flat=True))
    for job_id in waiting:
        run_job(tenant_id=tenant.pk, job_id=job_id)


def job_of(program: Program, tenant: Tenant, response: Any) -> dict[str, Any]:
    assert response.status_code == 202, response.content
    run_all(tenant)
    done: dict[str, Any] = program.get(response.headers["Location"]).json()
    assert (done["state"], done["error"]) == ("done", "")
    return done


@pytest.mark.django_db(transaction=True)
def test_from_nothing_to_a_proven_and_published_model_without_a_browser() -> None:
    tenant = create_tenant(
        slug="kestrel", name="K", currency="EUR", timezone="UTC", actor=Actor.system("test"), now=clock.now()
    )
    program = make_key(tenant)[1]
    start = today() - timedelta(days=700)
    observed, outcomes = [], []
    for n in range(240):
        lost = n % 3 == 0
        ends = start + timedelta(days=120 + n * 2)
        level = (44 if lost else 60) + 24 * math.sin(n * 12.9898)
        for back in (100, 130):
            row = {"account": f"C{n}", "date": str(ends - timedelta(days=back)), "usage_rate": round(level, 1)}
            observed.append(row | {"csat": round(50 + level / 4, 1), "noise": round(50 + 40 * math.sin(n * 78.233), 1)})
        outcomes.append({"account": f"C{n}", "date": str(ends), "outcome": "churned" if lost else "renewed"})
    taken = program.send("post", "/api/v1/signals/", {"rows": observed, "create_accounts": True})
    assert (taken.status_code, taken.json()["created"], taken.json()["rejected"]) == (200, 480, 0)
    assert program.send("post", "/api/v1/outcomes/", {"rows": outcomes}).json()["created"] == 240

    draft = program.send("post", "/api/v1/score-models/", {"definition": MODEL})
    assert (draft.status_code, draft.json()["state"]) == (201, "draft")
    proposed = job_of(program, tenant, program.send("post", f"{draft.headers['Location']}calibrate/", {}))
    assert proposed["result"]
    calibration = program.get("/api/v1/calibrations/?model=own").json()["results"][0]
    figures = program.get(f"/api/v1/calibrations/{calibration['id']}/").json()["figures"]
    assert figures["weights"], figures
    assert (calibration["verdict"], max(figures["weights"], key=figures["weights"].get)) == ("predictive", "usage_rate")

    proposal = f"/api/v1/score-models/{calibration['draft_id']}/"
    shut = program.send("post", f"{draft.headers['Location']}publish/", {"reason": "as it is"})
    assert (shut.status_code, shut.json()["error"]["code"]) == (409, "gate_shut")
    job_of(program, tenant, program.send("post", f"{proposal}validate/"))
    report = program.get(f"/api/v1/validation-reports/?model_id={calibration['draft_id']}&lead_days=90").json()[
        "results"
    ][0]
    assert (report["verdict"], report["auc_low"] > 0.5, report["n"] > 0) == ("predictive", True, True)
    gate = program.get(proposal).json()["gate"]
    body = {"reason": "Proven"} | ({} if gate["passed"] else {"waiver": "Short test window"})
    live = program.send("post", f"{proposal}publish/", body)
    assert (live.status_code, live.json()["state"]) == (200, "published")
    assert program.get("/api/v1/score-models/?state=published&key=own").json()["results"][0]["id"] == live.json()["id"]


# Scores


@pytest.fixture
def scored(workspace: Tenant) -> int:
    """An account whose usage fell from 80 to 30 in forty days, scored then and now."""
    from health.actions import recompute

    with tenant_context(workspace.pk):
        publish_model(workspace, one_input("usage", weight=3), one_input("csat", weight=1), now=clock.now())
        account = Account.objects.create(
            name="Brightwater", name_key="brightwater", external_id="B1", status="customer"
        )
        then = today() - timedelta(days=40)
        signals(account, "usage", [80], until=then)
        signals(account, "csat", [60], until=then)
        now = clock.now()
        recompute(actor=Actor.system("test"), now=now - timedelta(days=40), as_of=then)
        signals(account, "usage", [30], until=today())
        signals(account, "csat", [60], until=today())
        recompute(actor=Actor.system("test"), now=now, as_of=today())
        return account.pk


def test_scores_now_as_of_a_day_and_the_history_of_one(program: Program, scored: int) -> None:
    now = program.get("/api/v1/scores/").json()["results"]
    assert [(row["account_id"], row["score"], row["band"]) for row in now] == [(scored, 37.5, "red")]
    day = str(today() - timedelta(days=10))
    then = program.get(f"/api/v1/scores/?on={day}").json()["results"]
    assert [(row["external_id"], row["score"]) for row in then] == [("B1", 75.0)]
    assert program.get("/api/v1/scores/?on=2001-01-01").json() == {"results": [], "next": None}
    history = program.get(f"/api/v1/accounts/{scored}/scores/?limit=1").json()
    assert [row["score"] for row in history["results"]] == [37.5]
    older = program.get(f"/api/v1/accounts/{scored}/scores/?limit=1&cursor={history['next']}").json()
    assert ([row["score"] for row in older["results"]], older["next"]) == ([75.0], None)
    account = program.get(f"/api/v1/accounts/{scored}/").json()
    assert (account["score"], account["band"]) == (37.5, "red")
    assert program.get("/api/v1/accounts/?band=green").json()["results"] == []


def test_what_was_brought_in_later_was_not_known_on_the_day(workspace: Tenant, program: Program, scored: int) -> None:
    day = today() - timedelta(days=20)
    with tenant_context(workspace.pk):
        last = ScoreHistory.objects.order_by("computed_at").values().first()
        assert last is not None
        changed = {"as_of": day, "computed_at": clock.now() - timedelta(days=1), "imported": True}
        ScoreHistory.objects.create(**last | changed | {"score": 12.0, "band": "red"})
    asked = {"stored": f"?on={day}", "known": f"?known={day}", "known now": f"?on={day}&known={today()}"}
    scores = {
        name: program.get(f"/api/v1/scores/{query}").json()["results"][0]["score"] for name, query in asked.items()
    }
    assert scores == {"stored": 12.0, "known": 75.0, "known now": 75.0}
    history = {
        query: [row["score"] for row in program.get(f"/api/v1/accounts/{scored}/scores/{query}").json()["results"]]
        for query in ("", f"?known={today()}", f"?known={day}")
    }
    assert [sorted(found) for found in history.values()] == [[12.0, 37.5, 75.0], [37.5, 75.0], [75.0]]
    found = program.get(f"/api/v1/accounts/{scored}/explanation/?known={day}").json()
    assert (found["score"], found["as_of"]) == (75.0, str(today() - timedelta(days=40)))


def test_an_explanation_adds_up_to_the_score_and_its_parts_to_the_change(program: Program, scored: int) -> None:
    since = today() - timedelta(days=20)
    found = program.get(f"/api/v1/accounts/{scored}/explanation/?since={since}").json()
    points = sum(one["points"] for one in found["inputs"]) + found["limit_points"]
    assert math.isclose(points, found["score"], abs_tol=0.01)
    assert math.isclose(sum(found["since"]["parts"].values()), found["since"]["change"], abs_tol=0.01)
    assert math.isclose(found["since"]["change"], 37.5 - 75.0, abs_tol=0.01)
    assert program.get(f"/api/v1/accounts/{scored}/explanation/?on=2001-01-01").status_code == 404


def test_facts_by_api_mark_their_accounts_for_scoring(workspace: Tenant, program: Program, scored: int) -> None:
    with tenant_context(workspace.pk):
        Change.objects.all().delete()
    row = {"account": "B1", "date": str(today()), "csat": 90}
    assert program.send("post", "/api/v1/signals/", {"rows": [row]}).json()["updated"] == 1
    with tenant_context(workspace.pk):
        assert Change.objects.filter(consumer="health", account_id=scored).exists()


def test_a_recompute_that_runs_already_is_not_started_twice(workspace: Tenant, program: Program) -> None:
    with tenant_context(workspace.pk):
        Job.objects.all().delete()
    first = program.send("post", "/api/v1/scores/recompute/")
    again = program.send("post", "/api/v1/scores/recompute/")
    assert (first.status_code, first.json()["id"]) == (202, again.json()["id"])


# Models


def test_a_draft_is_changed_by_whoever_has_seen_it(program: Program) -> None:
    draft = program.send("post", "/api/v1/score-models/", {"definition": MODEL}).json()
    url = f"/api/v1/score-models/{draft['id']}/"
    changed = {**MODEL, "inputs": MODEL["inputs"][:2]}
    body = {"definition": changed, "seen_hash": draft["content_hash"]}
    assert len(program.send("put", url, body).json()["definition"]["inputs"]) == 2
    moved = program.send("put", url, body | {"definition": MODEL})
    assert (moved.status_code, moved.json()["error"]["code"]) == (409, "draft_moved")
    assert program.send("post", f"{url}discard/").json()["state"] == "retired"
    assert program.send("put", url, {"definition": MODEL}).status_code == 409


def test_a_draft_in_review_is_changed_by_program_only_once_it_is_taken_back(
    workspace: Tenant, program: Program
) -> None:
    draft = program.send("post", "/api/v1/score-models/", {"definition": MODEL}).json()
    looked_at = {"state": "in_review", "review_asked_by": "Ada", "approved_by": "Ben"}
    with tenant_context(workspace.pk):
        ProcessVersion.objects.filter(pk=draft["id"]).update(**looked_at)
    url, changed = f"/api/v1/score-models/{draft['id']}/", {**MODEL, "inputs": MODEL["inputs"][:2]}
    refused = program.send("put", url, {"definition": changed})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "in_review")
    assert refused.json()["error"]["message"].endswith("Take it back first, so that its reviewers know.")
    second = program.send("post", "/api/v1/score-models/", {"definition": changed})
    assert (second.status_code, second.json()["error"]["code"]) == (422, "bad_model")
    assert "is in review, as Ada asked." in second.json()["error"]["message"]
    assert program.get(url).json()["state"] == "in_review"
    back = program.send("put", url, {"definition": changed, "take_back": True}).json()
    assert (back["id"], back["state"], len(back["definition"]["inputs"])) == (draft["id"], "draft", 2)


def test_a_draft_keeps_its_key_and_the_name_is_the_same_inside_and_out(program: Program) -> None:
    draft = program.send("post", "/api/v1/score-models/", {"definition": MODEL}).json()
    url = f"/api/v1/score-models/{draft['id']}/"
    for wrong in ({"key": "another"}, {"kind": "alert_rule"}):
        refused = program.send("put", url, {"definition": {**MODEL, **wrong}})
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "bad_model")
    assert program.get(url).json()["content_hash"] == draft["content_hash"]
    renamed = program.send("put", url, {"definition": MODEL, "name": "Renamed"}).json()
    assert (renamed["name"], renamed["definition"]["name"], renamed["key"]) == ("Renamed", "Renamed", draft["key"])


def test_only_the_content_that_was_read_is_published(program: Program) -> None:
    draft = program.send("post", "/api/v1/score-models/", {"definition": MODEL}).json()
    url = f"/api/v1/score-models/{draft['id']}/"
    program.send("put", url, {"definition": {**MODEL, "inputs": MODEL["inputs"][:2]}})
    body = {"reason": "Read and agreed", "waiver": "Read and agreed", "seen_hash": draft["content_hash"]}
    moved = program.send("post", f"{url}publish/", body)
    assert (moved.status_code, moved.json()["error"]["code"]) == (409, "draft_moved")
    assert program.get(url).json()["state"] == "draft"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"inputs": []}, "inputs"),
        ({"inputs": [{**MODEL["inputs"][0], "weight": -1}]}, "weight"),
        ({"nonsense": 1}, "nonsense"),
        ({"kind": "renewal_timeline"}, "score_model"),
        ({"key": "../up"}, "key"),
    ],
)
def test_a_model_that_makes_no_sense_is_refused_with_its_field(
    workspace: Tenant, program: Program, wrong: dict[str, Any], words: str
) -> None:
    with tenant_context(workspace.pk):
        before = ProcessVersion.objects.count()
    refused = program.send("post", "/api/v1/score-models/", {"definition": {**MODEL, **wrong}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "bad_model")
    assert words in refused.json()["error"]["message"]
    with tenant_context(workspace.pk):
        assert ProcessVersion.objects.count() == before


def test_a_model_as_yaml_is_refused_with_its_line_and_comes_back_as_it_went_in(program: Program) -> None:
    refused = program.send(
        "post", "/api/v1/score-models/", {"yaml": "kind: score_model\nkey: own\nname: Own\nkey: x\n"}
    )
    assert (refused.status_code, "yaml:4" in refused.json()["error"]["message"]) == (422, True)
    made = program.send("post", "/api/v1/score-models/", {"definition": MODEL}).json()
    again = program.send("post", "/api/v1/score-models/", {"yaml": made["yaml"]})
    assert (again.status_code, again.json()["id"]) == (201, made["id"])


# What roles see


def test_amounts_are_hidden_from_a_role_without_money(workspace: Tenant, scored: int) -> None:
    with tenant_context(workspace.pk):
        Account.objects.update(arr_minor=5_000_000)
    leader, agent = make_key(workspace, Role.LEADER)[1], make_key(workspace, Role.SUPPORT_AGENT)[1]
    assert leader.get(f"/api/v1/accounts/{scored}/").json()["arr_minor"] == 5_000_000
    assert agent.get(f"/api/v1/accounts/{scored}/").json()["arr_minor"] is None


def test_reading_writes_nothing(workspace: Tenant, program: Program, scored: int) -> None:
    with tenant_context(workspace.pk):
        before = (Score.objects.count(), ScoreHistory.objects.count(), Change.objects.count(), Job.objects.count())
    for url in ("scores/", "scores/?on=2026-01-01", f"accounts/{scored}/explanation/", "score-models/", "alerts/"):
        assert program.get(f"/api/v1/{url}").status_code == 200
    with tenant_context(workspace.pk):
        after = (Score.objects.count(), ScoreHistory.objects.count(), Change.objects.count(), Job.objects.count())
    assert after == before
