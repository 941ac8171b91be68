"""Every door for programs, walked: signed out, by every role, from another workspace, with absurd input."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from core import clock
from core.api.endpoints import ApiView
from core.api_keys import revoke_key
from core.choices import Role
from core.permissions import Permission, may
from core.tenancy import tenant_context
from revops.local.home import CHECKOUT
from tests.factories.api import Program, make_key
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db

MISSING = 10**15
METHODS = ("get", "post", "put")


def doors() -> list[tuple[str, type[ApiView], list[str]]]:
    """(name, view, names in the address) of every endpoint."""

    def walk(resolver: URLResolver, space: str) -> Iterator[tuple[str, type[ApiView], list[str]]]:
        for entry in resolver.url_patterns:
            if isinstance(entry, URLResolver):
                yield from walk(entry, f"{entry.namespace}:" if entry.namespace else space)
            elif isinstance(entry, URLPattern) and hasattr(entry.callback, "cls"):
                yield f"{space}{entry.name}", entry.callback.cls, list(entry.pattern.converters)

    return list(walk(get_resolver(), ""))


def calls() -> list[tuple[str, str, Permission, list[str]]]:
    """(name, method, permission, names in the address) of everything that can be called."""
    return [
        (name, method, getattr(view, method).permission, parts)
        for name, view, parts in doors()
        for method in METHODS
        if hasattr(view, method)
    ]


def address(name: str, parts: list[str], ids: dict[str, Any]) -> str:
    return reverse(name, kwargs={part: ids.get(part, "standard") for part in parts})


@pytest.fixture
def ours(db: None) -> World:
    return make_world("kestrel", canary="KESTRELCANARY")


@pytest.fixture
def theirs(db: None) -> World:
    return make_world("heron", canary="HERONCANARY")


@pytest.fixture(autouse=True)
def _nobody_is_held_up(settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 10**9


@pytest.fixture
def admin(ours: World) -> Program:
    return make_key(ours.tenant)[1]


def foreign_ids(world: World, canary: str) -> dict[str, Any]:
    return {**world.ids, "external_id": f"A-{canary}"}


def test_every_door_is_made_by_endpoint() -> None:
    bare = [
        f"{name} {method}"
        for name, view, _ in doors()
        for method in ("get", "post", "put", "patch", "delete")
        if hasattr(view, method) and not isinstance(getattr(getattr(view, method), "permission", None), Permission)
    ]
    assert bare == [], "Decorate the method with core.api.endpoints.endpoint."
    assert [name for name, view, _ in doors() if not issubclass(view, ApiView)] == []
    assert len(calls()) > 10


def test_nobody_comes_in_without_signing_in(ours: World) -> None:
    astray = {}
    for name, method, _, parts in calls():
        response = getattr(Client(), method)(address(name, parts, foreign_ids(ours, "KESTRELCANARY")))
        if (response.status_code, response.json()["error"]["code"]) != (401, "signed_out"):
            astray[f"{name} {method}"] = response.status_code
    assert astray == {}


@pytest.mark.parametrize("kind", ["unknown", "revoked", "expired"])
def test_a_key_that_opens_nothing_is_refused_everywhere(ours: World, kind: str) -> None:
    expires = clock.now() - timedelta(seconds=1) if kind == "expired" else None
    key, program = make_key(ours.tenant, expires_at=expires)
    if kind == "revoked":
        with tenant_context(ours.tenant.pk):
            revoke_key(key=key, actor=ours_actor(), now=clock.now())
    if kind == "unknown":
        program = Program(program.token[:-1] + ("0" if program.token[-1] != "0" else "1"))
    program.force_login(ours.members[Role.REVOPS_ADMIN].user)  # a session does not help a bad key
    astray = {}
    for name, method, _, parts in calls():
        response = program.send(method, address(name, parts, ours.ids))
        if (response.status_code, response.json()["error"]["code"]) != (401, "bad_key"):
            astray[f"{name} {method}"] = response.status_code
    assert astray == {}


def ours_actor() -> Any:
    from core.actors import Actor

    return Actor.system("test")


def test_a_row_of_another_workspace_looks_exactly_like_a_missing_one(
    ours: World, theirs: World, admin: Program
) -> None:
    missing_ids = {**dict.fromkeys(ours.ids, MISSING), "external_id": "A-NOBODY"}
    different = []
    for name, method, _, parts in calls():
        if not any(part.endswith("_id") for part in parts) or (method == "put" and parts == ["external_id"]):
            continue
        foreign = admin.send(method, address(name, parts, foreign_ids(theirs, "HERONCANARY")), {})
        missing = admin.send(method, address(name, parts, missing_ids), {})
        if (foreign.status_code, foreign.content) != (missing.status_code, missing.content):
            different.append((name, method, foreign.status_code, missing.status_code))
        if method == "get" and foreign.status_code != 404:
            different.append((name, method, foreign.status_code, 404))
    assert different == []


def test_no_answer_shows_a_byte_of_another_workspace(ours: World, theirs: World) -> None:
    leaks = []
    for role in Role:
        program = make_key(ours.tenant, role)[1]
        for name, method, _, parts in calls():
            if method == "get":
                found = program.get(address(name, parts, foreign_ids(ours, "KESTRELCANARY"))).content
                if b"HERONCANARY" in found:
                    leaks.append((role, name))
    assert leaks == []


@pytest.mark.parametrize("role", list(Role))
def test_each_role_reaches_what_it_may_and_nothing_else(ours: World, role: str) -> None:
    program = make_key(ours.tenant, role)[1]
    member = Client()
    member.force_login(ours.members[role].user)
    wrong = []
    for name, method, permission, parts in calls():
        url = address(name, parts, foreign_ids(ours, "KESTRELCANARY"))
        response = program.send(method, url, {} if method != "get" else None)
        by_session = member.generic(method.upper(), url, "{}", content_type="application/json")
        refused = response.status_code == 403 and "These roles have:" in response.json()["error"]["message"]
        if refused == may(role, permission) or (by_session.status_code == 403) != refused:
            wrong.append((name, method, response.status_code, by_session.status_code))
    assert wrong == []


ABSURD = [
    "q=%00",
    "cursor=999999999999999999999",
    "cursor=%F0%9F%92%A9",
    "cursor=" + "x" * 5000,
    "cursor=eyJhIjoxfQ",
    "limit=0",
    "limit=99999999999999999999",
    "limit=1e400",
    "owner=99999999999999999999",
    "since=0000-00-00",
    "on=9999-12-31",
    "on=0001-01-01",
    "since=0001-01-01&on=9999-12-31",
    "lead_days=-1",
    "band=%27%20or%201=1",
    "external_id=" + "x" * 500,
    "format=api",
]


def test_an_absurd_address_is_never_a_fault(ours: World, admin: Program) -> None:
    admin.raise_request_exception = False
    faults = []
    for query in ABSURD:
        for name, method, _, parts in calls():
            if method == "get":
                for ids in (foreign_ids(ours, "KESTRELCANARY"), dict.fromkeys(ours.ids, 2**70)):
                    response = admin.get(f"{address(name, parts, ids)}?{query}")
                    if response.status_code >= 500 or response.headers["Content-Type"] != "application/json":
                        faults.append((name, query, response.status_code))
    assert faults == []


BODIES: list[Any] = [
    b"",
    b"nonsense",
    b"[]",
    b"null",
    b'"text"',
    b"{" * 100_000,
    b'{"rows":' + b"[" * 100_000,
    b'{"rows": ' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"}",
    b"\xff\xfe\x00",
    b'{"rows": [{"account": "a\\u0000b", "date": "2026-01-01"}]}',
    b'{"rows": [{"account": "\\ud800", "date": "2026-01-01"}]}',
    b'{"rows": [{"account": 1e400, "date": "2026-01-01"}]}',
    b'{"rows": [{"account": NaN}]}',
    b'{"rows": [{"account": ' + b"9" * 5000 + b"}]}",
    b'{"rows": []}',
    b'{"rows": [null]}',
    b'{"rows": [{}]}',
    b'{"rows": [{"account": {"a": 1}}]}',
    b'{"rows": [{"account": "A", "date": "yesterday", "opened_at": [], "name": 3}]}',
    b'{"rows": [{"account": "A", "date": "2026-13-45", "m\\u0301\\n;,\\"": 1}]}',
    b'{"definition": {"inputs": "x"}, "name": null, "reason": 7, "lead_days": "x", "verdict": "\\u202e"}',
    b'{"definition": [], "key": "../..", "name": "n"}',
    b'{"a": 1, "a": 2}',
]


def test_an_absurd_body_is_never_a_fault(ours: World, admin: Program) -> None:
    admin.raise_request_exception = False
    faults = []
    for place, body in enumerate(BODIES):
        for name, method, _, parts in calls():
            if method == "get":
                continue
            url = address(name, parts, foreign_ids(ours, "KESTRELCANARY"))
            response = admin.generic(method.upper(), url, body, content_type="application/json")
            if response.status_code >= 500 or response.headers["Content-Type"] != "application/json":
                faults.append((name, method, place, response.status_code, response.content[:200]))
    assert faults == []


def test_every_error_has_the_one_body(ours: World, admin: Program) -> None:
    for response in (
        admin.get("/api/v1/nothing/"),
        admin.get("/api/v1/accounts/999/"),
        admin.get("/api/v1/accounts/?limit=0"),
        admin.get("/api/v1/accounts/?segmnt=small"),
        admin.delete("/api/v1/accounts/"),
        admin.post("/api/v1/signals/", "a=b", content_type="text/plain"),
        Client().get("/api/v1/accounts/"),
        make_key(ours.tenant, Role.LEADER)[1].send("post", "/api/v1/signals/", {}),
    ):
        assert list(response.json()) == ["error"]
        body = response.json()["error"]
        assert set(body) == {"code", "message", "fields"}, response.content
        assert re.fullmatch(r"[a-z_]+", body["code"])
        assert len(body["message"]) > 15


def test_an_unsafe_request_of_a_session_needs_the_token(ours: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ours.members[Role.REVOPS_ADMIN].user)
    accepted = []
    for name, method, _, parts in calls():
        if method != "get":
            url = address(name, parts, foreign_ids(ours, "KESTRELCANARY"))
            status = client.generic(method.upper(), url, "{}", content_type="application/json").status_code
            if status != 403:
                accepted.append((name, method, status))
    assert accepted == []


def test_a_key_needs_no_token_and_no_header_names_the_workspace(ours: World, theirs: World) -> None:
    program = make_key(ours.tenant)[1]
    program.handler.enforce_csrf_checks = True
    other = {"X-Workspace": "heron", "X-Tenant": str(theirs.tenant.pk)}
    response = program.get("/api/v1/me/", headers=other)
    assert (response.status_code, response.json()["workspace"]) == (200, "kestrel")
    program.force_login(theirs.members[Role.REVOPS_ADMIN].user)
    assert program.get("/api/v1/me/").json()["workspace"] == "kestrel"


def test_the_workspace_of_a_request_ends_with_it(ours: World, admin: Program) -> None:
    admin.get("/api/v1/accounts/")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.tenant_id', true)")
        assert cursor.fetchone()[0] in {"", None}


def addresses() -> list[str]:
    """Every address under /api/v1/ as the documentation writes it: `accounts/<id>/goals/`."""

    def walk(resolver: URLResolver, before: str) -> Iterator[str]:
        for entry in resolver.url_patterns:
            path = before + str(entry.pattern)
            if isinstance(entry, URLResolver):
                yield from walk(entry, path)
            elif isinstance(entry, URLPattern) and hasattr(entry.callback, "cls") and path.startswith("api/v1/"):
                short = re.sub(r"<int:\w+>", "<id>", path.removeprefix("api/v1/"))
                yield re.sub(r"<str:(\w+)>", lambda found: f"<{found[1].replace('_', ' ')}>", short)

    return sorted(set(walk(get_resolver(), "")))


def test_every_address_stands_in_the_documentation() -> None:
    table = (CHECKOUT / "docs" / "api.md").read_text().partition("## What there is")[2].partition("\n## ")[0]
    missing = [one for one in addresses() if f"`{one}`" not in table]
    assert missing == [], "Give each a row in docs/api.md, under “What there is”."
    assert len(addresses()) > 50
