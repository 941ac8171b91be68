"""The machinery of the API: pages, kept answers, limits, keys, faults, and a schema that keeps its word."""

import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import jsonschema
import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path
from drf_spectacular.validation import validate_schema

from accounts.models import Account
from core import clock
from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.schema import openapi
from core.api_keys import create_key, key_of
from core.idempotency import forget_old
from core.models import ApiKey, AuditEntry, IdempotentRequest, Tenant
from core.permissions import Permission
from core.tenancy import tenant_context
from revops.urls import handler500
from revops.urls import urlpatterns as product
from tests.factories.api import Program, make_key
from tests.factories.world import World, make_world
from tests.guards.test_api import address, calls, foreign_ids

pytestmark = pytest.mark.django_db


class Faulty(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, None, summary="Writes, then fails")
    def post(self, call: Call) -> Answer:
        Account.objects.create(name="Half done", name_key="half done")
        raise RuntimeError("fault")


class Slow(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, None, summary="Writes, then waits too long")
    def post(self, call: Call) -> Answer:
        Account.objects.create(name="Half done", name_key="half done")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)")
        return Answer(None)


urlpatterns = [path("api/v1/faulty/", Faulty.as_view()), path("api/v1/slow/", Slow.as_view()), *product]
_ = handler500


@pytest.fixture(autouse=True)
def _no_limit_is_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caches["default"], "key_prefix", uuid4().hex)


@pytest.fixture
def program(kestrel: Tenant) -> Program:
    return make_key(kestrel)[1]


def accounts(tenant: Tenant, count: int) -> None:
    with tenant_context(tenant.pk):
        Account.objects.bulk_create(
            Account(tenant=tenant, name=f"Account {n}", name_key=f"account {n}", external_id=f"E{n}")
            for n in range(count)
        )


# Pages


def test_pages_give_every_row_once_in_order(kestrel: Tenant, program: Program) -> None:
    accounts(kestrel, 25)
    seen, cursor = [], ""
    while True:
        page = program.get("/api/v1/accounts/", {"limit": 10, **({"cursor": cursor} if cursor else {})}).json()
        seen.append([row["external_id"] for row in page["results"]])
        if page["next"] is None:
            break
        cursor = page["next"]
    assert [len(rows) for rows in seen] == [10, 10, 5]
    assert [one for rows in seen for one in rows] == [f"E{n}" for n in range(25)]


def test_a_cursor_serves_only_its_own_list_filters_and_workspace(
    kestrel: Tenant, heron: Tenant, program: Program
) -> None:
    accounts(kestrel, 3)
    cursor = program.get("/api/v1/accounts/?limit=1").json()["next"]
    for client, url in (
        (program, f"/api/v1/accounts/?cursor={cursor}&segment=small"),
        (program, f"/api/v1/jobs/?cursor={cursor}"),
        (program, f"/api/v1/accounts/?cursor={cursor[:-2]}AA"),
        (make_key(heron)[1], f"/api/v1/accounts/?cursor={cursor}"),
    ):
        response = client.get(url)
        assert (response.status_code, list(response.json()["error"]["fields"])) == (400, ["cursor"])


LISTS = [
    "/api/v1/accounts/",
    "/api/v1/accounts/?band=green",
    "/api/v1/scores/",
    "/api/v1/scores/?on=2026-03-02",
    "/api/v1/score-models/",
    "/api/v1/alerts/",
    "/api/v1/jobs/",
    "/api/v1/validation-reports/",
]


def test_a_list_costs_the_same_number_of_queries_at_any_size() -> None:
    from accounts.models import Person
    from core.choices import Role
    from tests.factories.book import make_book

    def counts(slug: str, size: int) -> dict[str, int]:
        world = make_world(slug, canary=slug)
        caller = make_key(world.tenant)[1]
        with tenant_context(world.tenant.pk):
            owner = Person.objects.get(membership=world.members[Role.CSM])
            make_book(world.tenant, owner=owner, size=size, now=clock.now())
        found = {}
        for url in LISTS:
            assert caller.get(url).status_code == 200
            with CaptureQueriesContext(connection) as asked:
                caller.get(url)
            frame = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
            found[url] = sum(not query["sql"].startswith(frame) for query in asked.captured_queries)
        return found

    few, many = counts("few", 60), counts("many", 180)
    assert many == few
    assert {url: count for url, count in few.items() if count > 7} == {}


# Answers kept


def test_a_request_sent_again_has_one_effect_and_one_answer(kestrel: Tenant, program: Program) -> None:
    rows = {"rows": [{"external_id": "E1", "name": "Brightwater"}]}
    first = program.send("post", "/api/v1/accounts/", rows, Idempotency_Key="night-1")
    again = program.send("post", "/api/v1/accounts/", rows, Idempotency_Key="night-1")
    assert (first.status_code, first.json()["created"]) == (200, 1)
    assert (again.status_code, again.json()) == (200, first.json())
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    other = program.send("post", "/api/v1/accounts/", {"rows": [{"name": "Other"}]}, Idempotency_Key="night-1")
    assert (other.status_code, other.json()["error"]["code"]) == (422, "idempotency_key_reused")
    fresh = program.send("post", "/api/v1/accounts/", rows, Idempotency_Key="night-2")
    assert (fresh.json()["created"], fresh.json()["unchanged"]) == (0, 1)
    elsewhere = make_key(kestrel)[1].send("post", "/api/v1/accounts/", rows, Idempotency_Key="night-1")
    assert elsewhere.json()["unchanged"] == 1  # another caller's key is another key


def test_a_refused_request_may_come_again_repaired(kestrel: Tenant, program: Program) -> None:
    refused = program.send("post", "/api/v1/accounts/", {"rows": []}, Idempotency_Key="k")
    repaired = program.send("post", "/api/v1/accounts/", {"rows": [{"name": "A"}]}, Idempotency_Key="k")
    assert (refused.status_code, repaired.status_code) == (400, 200)


def test_kept_answers_go_after_a_week(kestrel: Tenant, program: Program) -> None:
    program.send("post", "/api/v1/accounts/", {"rows": [{"name": "A"}]}, Idempotency_Key="k")
    now = clock.now()
    with tenant_context(kestrel.pk):
        assert forget_old(now=now + timedelta(days=6)) == 0
        assert forget_old(now=now + timedelta(days=8)) == 1
        assert IdempotentRequest.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_the_same_request_twice_at_once_has_one_effect() -> None:
    tenant = Tenant.objects.create(slug="kestrel", name="Kestrel Cloud", currency="EUR", timezone="Europe/Berlin")
    token = make_key(tenant)[1].token
    answers: list[Any] = []
    start = threading.Barrier(4)

    def send() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET ROLE rv_app")
            start.wait()
            body = {"rows": [{"external_id": "E1", "name": "Brightwater"}]}
            answers.append(Program(token).send("post", "/api/v1/accounts/", body, Idempotency_Key="once"))
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.json()["created"] for one in answers] == [1, 1, 1, 1]
    assert sum("Idempotent-Replayed" in one.headers for one in answers) == 3
    with tenant_context(tenant.pk):
        assert Account.objects.count() == 1
        assert AuditEntry.objects.filter(verb="imported").count() == 1


# Faults


@pytest.mark.urls("tests.core.test_api")
@pytest.mark.parametrize(("url", "status", "code"), [("faulty", 500, "fault"), ("slow", 503, "too_slow")])
def test_a_fault_keeps_nothing_and_answers_in_json(
    kestrel: Tenant, program: Program, url: str, status: int, code: str
) -> None:
    program.raise_request_exception = False
    response = program.send("post", f"/api/v1/{url}/", {}, Idempotency_Key="k")
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    with tenant_context(kestrel.pk):
        assert (Account.objects.count(), IdempotentRequest.objects.count()) == (0, 0)


def test_a_body_beyond_the_limit_is_refused(kestrel: Tenant, program: Program) -> None:
    response = program.generic(
        "POST", "/api/v1/signals/", b" " * (5 * 1024 * 1024 + 1), content_type="application/json"
    )
    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")


# Limits and keys


def test_too_many_requests_of_one_key_are_told_when_to_come_again(
    kestrel: Tenant, program: Program, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    at = clock.now().replace(second=40)
    monkeypatch.setattr(clock, "now", lambda: at)
    statuses = [program.get("/api/v1/me/").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    refused = program.get("/api/v1/me/")
    assert (refused.headers["Retry-After"], refused.json()["error"]["code"]) == ("20", "too_many_requests")
    assert make_key(kestrel)[1].get("/api/v1/me/").status_code == 200


def test_only_a_digest_of_a_key_is_kept_and_its_use_is_noted_once_a_minute(kestrel: Tenant) -> None:
    key, program = make_key(kestrel)
    kept = ApiKey.objects.get(pk=key.pk)
    assert program.token.startswith(f"{kept.prefix}_")
    assert program.token not in str(kept.__dict__)
    assert program.token.rsplit("_", 1)[1] not in str(kept.__dict__)
    program.get("/api/v1/me/")
    first = ApiKey.objects.get(pk=key.pk).last_used_at
    program.get("/api/v1/me/")
    assert first is not None
    assert ApiKey.objects.get(pk=key.pk).last_used_at == first


@pytest.mark.parametrize("token", ["", "rvk_", "rvk_00000000_" + "0" * 64, "x" * 10_000, "rvk_é" + "0" * 72])
def test_a_token_that_is_none_finds_no_key(kestrel: Tenant, token: str) -> None:
    assert key_of(token, now=clock.now()) is None


def test_a_key_works_until_its_last_moment(kestrel: Tenant, actor: Any) -> None:
    now = clock.now()
    with tenant_context(kestrel.pk):
        _, token = create_key(
            tenant=kestrel, name="n", role="leader", expires_at=now + timedelta(hours=1), actor=actor, now=now
        )
    assert key_of(token, now=now + timedelta(minutes=59)) is not None
    assert key_of(token, now=now + timedelta(hours=1)) is None


def test_what_a_key_does_stands_in_the_audit_trail_under_its_name(kestrel: Tenant, program: Program) -> None:
    program.send("post", "/api/v1/accounts/", {"rows": [{"name": "A"}]})
    with tenant_context(kestrel.pk):
        assert AuditEntry.objects.get(verb="imported").actor_label == "API key Program of revops_admin"


# The schema


def test_the_schema_is_valid_and_public() -> None:
    response = Client().get("/api/schema/")
    assert response.status_code == 200
    validate_schema(response.json())
    assert response.json()["openapi"].startswith("3.")
    assert all(url.startswith("/api/v1/") for url in response.json()["paths"])


def test_every_operation_has_a_summary_an_answer_and_the_one_error() -> None:
    lacking = []
    for url, operations in openapi()["paths"].items():
        for method, said in operations.items():
            answers = said["responses"]
            good = [code for code in answers if code < "300"]
            bad = {answers[code]["content"]["application/json"]["schema"]["$ref"] for code in answers if code >= "400"}
            if not said.get("summary") or len(good) != 1 or bad != {"#/components/schemas/Error"}:
                lacking.append((url, method))
    assert lacking == []


def resolved(status: int, url: str, method: str) -> dict[str, Any] | None:
    """The schema of an answer, with all parts beside it."""
    document = openapi()
    # As in the addresses themselves, a word goes before an id: /handoffs/figures/ is no hand-off.
    for pattern, operations in sorted(document["paths"].items(), key=lambda path: path[0].replace("{", "~")):
        names = [part for part in pattern.split("/") if part]
        given = [part for part in url.split("?")[0].split("/") if part]
        fits = len(names) == len(given) and all(a == b or a.startswith("{") for a, b in zip(names, given, strict=True))
        if fits and method in operations:
            said = operations[method]["responses"].get(str(status))
            return said and {**said["content"]["application/json"]["schema"], "components": document["components"]}
    return None


# What needs a body, or a row in a state of its own: refused here as the schema says a refusal looks. That they answer
# as they should is tested beside each of them.
REFUSED_HERE = {
    "accounts:api_goals post", "accounts:api_merge post",
    "health:api_score_models post", "health:api_score_model put", "health:api_discard post",
    "health:api_roll_back post",
    "health:api_shadow post", "health:api_shadow_stop post", "health:api_alert_why get",
    "health:api_doubt post", "health:api_override post", "health:api_override_clear post",
    "journeys:api_account_evidence post", "journeys:api_account_leave post", "journeys:api_account_moves post",
    "journeys:api_account_stage post", "journeys:api_accounts_leave post",
    "journeys:api_deal_evidence post", "journeys:api_deal_move post", "journeys:api_deal_moves post",
    "journeys:api_expectations post", "journeys:api_handoff_accept post", "journeys:api_handoff_again post",
    "journeys:api_handoff_return post", "journeys:api_handoff_tick post",
    "journeys:api_opportunities post", "journeys:api_opportunity_answers post", "journeys:api_pipeline_analysis get",
    "journeys:api_play_start post", "journeys:api_play_start_many post", "journeys:api_play_stop post",
    "journeys:api_play_why get", "journeys:api_step_skip post",
    "journeys:api_waivers post", "journeys:api_waiver_answer post",
}  # fmt: skip


def test_every_endpoint_answers_as_its_schema_says() -> None:
    world: World = make_world("kestrel", canary="KESTREL")
    from health.actions import recompute

    with tenant_context(world.tenant.pk):
        now = clock.now()
        recompute(actor=_test_actor(), now=now, as_of=world.tenant.today(now))
    program = make_key(world.tenant)[1]
    ids = foreign_ids(world, "KESTREL")
    sent = {
        "api_accounts": {"rows": [{"external_id": "N1", "name": "New"}, {"name": ""}]},
        "api_account_by_id": {"name": "Changed"},
        "api_signals": {"rows": [{"account": "A-KESTREL", "date": "2026-03-01", "csat": 4}]},
        "api_usage": {"rows": [{"account": "A-KESTREL", "date": "2026-03-01", "active_users": 4}]},
        "api_tickets": {"rows": [{"account": "A-KESTREL", "opened_at": "2026-03-01T08:00:00Z"}]},
        "api_activities": {"rows": [{"account": "nobody", "occurred_at": "2026-03-01T08:00:00Z"}]},
        "api_outcomes": {"rows": [{"account": "A-KESTREL", "date": "2026-03-01", "outcome": "churned"}]},
        "api_alert_verdict": {"verdict": "useful"},
        "api_publish": {"reason": "why"},
        "api_calibrate": {},
    }
    wrong, statuses = [], {}
    for name, method, _, parts in calls():
        url = address(name, parts, ids)
        body = sent.get(name.split(":")[1]) if method != "get" else None
        response = program.send(method, url, body)
        shape = resolved(response.status_code, url, method)
        statuses[f"{name} {method}"] = response.status_code
        if shape is None:
            wrong.append((name, method, response.status_code, "not in the schema", response.content[:300]))
            continue
        checker = jsonschema.Draft202012Validator(_as_json_schema(shape))
        wrong += [(name, method, str(fault.message)[:200]) for fault in checker.iter_errors(response.json())]
    assert wrong == []
    assert {name for name, status in statuses.items() if status >= 400} == REFUSED_HERE


def _test_actor() -> Any:
    from core.actors import Actor

    return Actor.system("test")


def _as_json_schema(node: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema has a type more."""
    if isinstance(node, list):
        return [_as_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    made = {key: _as_json_schema(value) for key, value in node.items() if key != "nullable"}
    if node.get("type") == "object" and "properties" in node and "additionalProperties" not in node:
        made["additionalProperties"] = False
    return {"anyOf": [made, {"type": "null"}]} if node.get("nullable") is True else made
