"""Every address, walked: as nobody, as a member of another workspace, as each role, and with absurd input."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from core.choices import Role
from core.permissions import may
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db

MISSING = 10**15
# Addresses of sign-in (allauth): public by nature, they check for themselves.
THIRD_PARTY = ("account_",)
TEXT_VALUES = {
    "metric": "grr_cohort",
    "key": "grr_cohort",
    "name": "grr_cohort",
    "slug": "grr_cohort",
    "kind": "accounts",
    "rest": "nowhere",
    "token": "1",
}


def patterns() -> list[tuple[str, Any, dict[str, type]]]:
    """(name, view, converters) of every named address of the product."""

    def walk(resolver: URLResolver, space: str) -> Iterator[tuple[str, Any, dict[str, type]]]:
        for entry in resolver.url_patterns:
            if isinstance(entry, URLResolver):
                yield from walk(entry, f"{entry.namespace}:" if entry.namespace else space)
            elif isinstance(entry, URLPattern):
                converters = {key: type(value) for key, value in entry.pattern.converters.items()}
                yield f"{space}{entry.name}", entry.callback, converters

    return [found for found in walk(get_resolver(), "") if not found[0].startswith(THIRD_PARTY) and is_page(found[1])]


def is_page(view: Any) -> bool:
    """The endpoints of the API are classes; test_api.py walks them."""
    return not hasattr(view, "cls")


WITH_IDS = [(name, view, kinds) for name, view, kinds in patterns() if any(key.endswith("_id") for key in kinds)]


def address(name: str, kinds: dict[str, type], ids: dict[str, int]) -> str:
    return reverse(name, kwargs={key: ids[key] if key.endswith("_id") else TEXT_VALUES[key] for key in kinds})


def signed_in(world: World, role: str) -> Client:
    client = Client()
    client.force_login(world.members[role].user)
    return client


@pytest.fixture
def ours(db: None) -> World:
    return make_world("kestrel", canary="KESTRELCANARY")


@pytest.fixture
def theirs(db: None) -> World:
    return make_world("heron", canary="HERONCANARY")


def both_methods(client: Client, url: str) -> list[HttpResponse]:
    return [client.get(url), client.post(url)]


def test_every_address_wears_a_permission_or_says_why_it_is_public() -> None:
    bare = [
        name
        for name, view, _ in patterns()
        if not hasattr(view, "required_permission") and not hasattr(view, "public_because")
    ]
    assert bare == [], "Decorate the view with core.permissions.requires, or with public(reason)."


def test_every_address_has_a_name() -> None:
    assert [name for name, _, _ in patterns() if name.endswith("None")] == []


def test_nobody_comes_in_without_signing_in(ours: World) -> None:
    astray = {}
    for name, view, kinds in patterns():
        if hasattr(view, "required_permission"):
            response = Client().get(address(name, kinds, ours.ids))
            if (response.status_code, response.headers.get("Location", "")[:9]) != (302, "/sign-in/"):
                astray[name] = response.status_code
    assert astray == {}


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_row_of_another_workspace_looks_exactly_like_a_missing_one(ours: World, theirs: World, method: str) -> None:
    client = signed_in(ours, Role.REVOPS_ADMIN)
    missing_ids = dict.fromkeys(ours.ids, MISSING)
    different = []
    for name, _, kinds in WITH_IDS:
        foreign = getattr(client, method)(address(name, kinds, theirs.ids))
        missing = getattr(client, method)(address(name, kinds, missing_ids))
        same = (foreign.status_code, foreign.content) == (missing.status_code, missing.content)
        if not same or foreign.status_code not in {404, 405}:
            different.append((name, foreign.status_code, missing.status_code))
    assert different == []


def test_no_page_shows_a_byte_of_another_workspace(ours: World, theirs: World) -> None:
    leaks = []
    for role in Role:
        client = signed_in(ours, role)
        for name, _, kinds in patterns():
            response = client.get(address(name, kinds, ours.ids))
            if b"HERONCANARY" in response.getvalue():
                leaks.append((role, name))
    assert leaks == []


@pytest.mark.parametrize("role", list(Role))
def test_each_role_reaches_what_it_may_and_nothing_else(ours: World, role: str) -> None:
    client = signed_in(ours, role)
    wrong = []
    for name, view, kinds in patterns():
        permission = getattr(view, "required_permission", None)
        if permission is None:
            continue
        status = client.get(address(name, kinds, ours.ids)).status_code
        allowed = {200, 302, 404, 405} if may(role, permission) else {403}
        if status not in allowed:
            wrong.append((name, status))
    assert wrong == []


ABSURD = [
    "q=%00",
    "page=999999999999999999999",
    "after=%F0%9F%92%A9",
    "sort=nonsense",
    "after=1e400",
    "q=" + "x" * 5000,
    "owner=99999999999999999999",
    "since=0000-00-00",
    "from=9999-12-31&to=0001-01-01",
    "band=%27%20or%201=1",
]


@pytest.mark.parametrize("query", ABSURD)
def test_absurd_input_is_never_a_fault(ours: World, query: str) -> None:
    client = signed_in(ours, Role.REVOPS_ADMIN)
    faults = []
    for name, _, kinds in patterns():
        status = client.get(f"{address(name, kinds, ours.ids)}?{query}").status_code
        if status >= 500 and name != "core:readyz":
            faults.append((name, status))
    assert faults == []


def test_an_absurd_form_is_never_a_fault(ours: World) -> None:
    client = signed_in(ours, Role.REVOPS_ADMIN)
    client.raise_request_exception = False
    fields = ("title", "due_on", "subject", "kind", "reason", "amount", "until", "file", "field", "word", "meaning")
    junk = dict.fromkeys(fields, "\x00\ud7ff1e400")
    faults = []
    for name, _, kinds in patterns():
        status = client.post(address(name, kinds, ours.ids), junk).status_code
        if status >= 500:
            faults.append((name, status))
    assert faults == []


def test_an_unsafe_request_without_a_token_is_refused(ours: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(ours.members[Role.REVOPS_ADMIN].user)
    accepted = []
    for name, view, kinds in patterns():
        if hasattr(view, "required_permission"):
            status = client.post(address(name, kinds, ours.ids)).status_code
            if status != 403:
                accepted.append((name, status))
    assert accepted == []
