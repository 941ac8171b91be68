"""What the frame shows: places by right, the theme by cookie, other workspaces when there are some."""

import pytest
from django.test import Client, RequestFactory

from core import clock
from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.models import Membership, Tenant
from core.tenancy import tenant_context
from revops.dashboards.context import PLACES, Shell

PASSWORD = "lantern-otter-drum"


def member(tenant: Tenant, role: Role, email: str = "maya@kestrel.example") -> Membership:
    return add_member(
        tenant=tenant,
        email=email,
        name="Maya Lindqvist",
        role=role,
        password=PASSWORD,
        actor=Actor.system("test"),
        now=clock.now(),
    )


def shell_of(membership: Membership | None, path: str = "/", **cookies: str) -> Shell:
    request = RequestFactory().get(path)
    request.COOKIES.update(cookies)
    request.membership = membership  # type: ignore[attr-defined]  # -- set by the middleware
    return Shell(request)


def labels(shell: Shell) -> set[str]:
    return {item.label for group in shell.nav for item in group.items}


def test_a_place_without_the_right_is_left_out(in_kestrel: Tenant) -> None:
    admin = labels(shell_of(member(in_kestrel, Role.REVOPS_ADMIN)))
    support = labels(shell_of(member(in_kestrel, Role.SUPPORT_AGENT, "rui@kestrel.example")))
    assert {"My day", "Accounts"} <= support
    assert {"Health trend", "Imports", "Renewals"} & support == set()
    assert support < admin


def test_the_place_one_is_in_is_marked_and_only_that_one(in_kestrel: Tenant) -> None:
    shell = shell_of(member(in_kestrel, Role.CSM), "/accounts/12/")
    assert [item.label for group in shell.nav for item in group.items if item.current] == ["Accounts"]
    assert [item.label for item in shell.phone][:2] == ["My day", "Accounts"]
    assert len(shell.phone) <= 4


@pytest.mark.parametrize(("cookie", "theme"), [("dark", "dark"), ("light", "light"), ("<script>", ""), ("", "")])
def test_only_a_known_theme_reaches_the_page(cookie: str, theme: str) -> None:
    assert shell_of(None, theme=cookie).theme == theme


def test_without_a_membership_the_frame_is_empty_and_asks_nothing() -> None:
    shell = shell_of(None)
    assert (shell.nav, shell.workspaces, shell.user_name, shell.has_more_workspaces) == ([], [], "", False)


def test_other_workspaces_are_offered_when_there_are_some(kestrel: Tenant, heron: Tenant) -> None:
    here = member(kestrel, Role.CSM)
    with tenant_context(kestrel.pk):
        assert shell_of(here).has_more_workspaces is False
    member(heron, Role.LEADER)
    with tenant_context(kestrel.pk):
        shell = shell_of(here)
        assert shell.has_more_workspaces is True
        assert [(row.name, row.current) for row in shell.workspaces] == [
            ("Heron Systems", False),
            ("Kestrel Cloud", True),
        ]


def test_every_place_has_its_own_key_and_its_own_letter() -> None:
    places = [place for _, group in PLACES for place in group]
    letters = [place.go for place in places if place.go]
    assert len({place.key for place in places}) == len(places)
    assert len(set(letters)) == len(letters)


def test_the_gallery_draws_every_part_for_a_member_and_asks_strangers_to_sign_in(kestrel: Tenant) -> None:
    member(kestrel, Role.CSM)
    client = Client()
    assert client.get("/ui/components/").status_code == 302
    client.post("/sign-in/login/", {"login": "maya@kestrel.example", "password": PASSWORD})
    page = client.get("/ui/components/")
    assert page.status_code == 200
    assert "Nothing needs you today" in page.content.decode()


@pytest.mark.parametrize("name", ["400.html", "403.html", "403_csrf.html", "404.html", "500.html"])
def test_an_error_page_needs_no_database(name: str) -> None:
    from django.template.loader import render_to_string

    assert "<h1>" in render_to_string(name)
