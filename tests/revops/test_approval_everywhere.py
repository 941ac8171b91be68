"""Where a workspace asks for a second person, nothing goes live without one: page, editor, API, command, files."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from core import clock, process_files, versioning
from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.management.base import CommandRefused
from core.models import Membership, ProcessVersion
from core.tenancy import tenant_context
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db
WORDS = "nobody else has approved this version"


@pytest.fixture
def world(db: None) -> World:
    """A workspace with two who could approve, and which asks for it."""
    made = make_world("kestrel", canary="KESTREL")
    add_member(
        tenant=made.tenant, email="second@kestrel.example", name="Second", role=Role.REVOPS_ADMIN, password=None,
        actor=Actor.system("test"), now=clock.now(),
    )  # fmt: skip
    call_command("tenant", "approval", "kestrel", "on", stdout=io.StringIO())
    return made


def client_of(member: Membership) -> Client:
    client = Client()
    client.force_login(member.user)
    return client


def second(world: World) -> Membership:
    return Membership.objects.select_related("user").get(tenant=world.tenant, user__email="second@kestrel.example")


def drafted(world: World, kind: str = "renewal_timeline") -> ProcessVersion:
    with tenant_context(world.tenant.pk):
        live = ProcessVersion.objects.get(kind=kind, key="standard", state="published")
        return versioning.draft(
            kind=kind, key=live.key, name=live.name, definition=live.definition, actor=Actor.system("test"),
            now=clock.now(),
        )  # fmt: skip


def live_number(world: World, kind: str = "renewal_timeline") -> int:
    with tenant_context(world.tenant.pk):
        return ProcessVersion.objects.get(kind=kind, key="standard", state="published").number


@pytest.mark.capability("P4")
def test_no_path_goes_around_the_second_person(world: World, tmp_path: Path) -> None:
    first = client_of(world.members[Role.REVOPS_ADMIN])
    before = live_number(world, "score_model")
    timeline, model = drafted(world), drafted(world, "score_model")
    sent = {"number": timeline.number, "seen": timeline.content_hash, "reason": "r", "waiver": "w"}
    page = first.post("/processes/renewal_timeline/standard/publish/", sent)
    assert (page.status_code, WORDS in page.content.decode()) == (422, True)
    by_key = first.post(
        f"/api/v1/score-models/{model.pk}/publish/", {"reason": "r", "waiver": "w"}, content_type="application/json"
    )
    assert (by_key.status_code, WORDS in by_key.content.decode()) == (409, True)
    editor = first.post(
        "/health/models/standard/publish/",
        {"reason": "r", "waiver": "w", "signed": "Me", "seen": model.content_hash},
    )
    assert WORDS in editor.content.decode()
    with tenant_context(world.tenant.pk):
        (tmp_path / "x.yaml").write_text(process_files.text_of(timeline).replace("weekend: next", "weekend: keep"))
    with pytest.raises(CommandRefused, match=f"x.yaml:1: approval: {WORDS}"):
        call_command("process", "apply", str(tmp_path), "--publish", "--reason", "r", "--tenant", "kestrel")
    assert (live_number(world), live_number(world, "score_model")) == (1, before)


def test_the_plan_says_that_somebody_must_approve(world: World, tmp_path: Path) -> None:
    with tenant_context(world.tenant.pk):
        live = ProcessVersion.objects.get(kind="renewal_timeline", state="published")
        (tmp_path / "x.yaml").write_text(process_files.text_of(live).replace("weekend: next", "weekend: keep"))
    out = io.StringIO()
    call_command("process", "plan", str(tmp_path), "--tenant", "kestrel", stdout=out)
    assert f"Refused: approval: {WORDS}" in out.getvalue()


@pytest.mark.capability("P4")
def test_two_people_bring_a_draft_live_in_the_browser(world: World) -> None:
    version = drafted(world)
    address = "/processes/renewal_timeline/standard/"
    one, other = client_of(world.members[Role.REVOPS_ADMIN]), client_of(second(world))
    step = {"number": version.number, "seen": version.content_hash}
    assert "Ask for a review" in one.get(address).content.decode()
    one.post(f"{address}review/", {**step, "act": "ask", "text": "The quote takes longer"})
    mine, theirs = one.get(address).content.decode(), other.get(address).content.decode()
    assert ("Approve v2" in mine, "Approve v2" in theirs, "The quote takes longer" in theirs) == (False, True, True)
    refused = one.post(f"{address}review/", {**step, "act": "approve"}, follow=True).content.decode()
    assert "Somebody else approves it" in refused
    other.post(f"{address}review/", {**step, "act": "approve"})
    one.post(f"{address}publish/", {**step, "reason": "agreed"})
    assert live_number(world) == 2
    assert "Approved" in one.get(address).content.decode()


def test_two_people_do_it_by_commands(world: World, tmp_path: Path) -> None:
    with tenant_context(world.tenant.pk):
        live = ProcessVersion.objects.get(kind="renewal_timeline", state="published")
        (tmp_path / "x.yaml").write_text(process_files.text_of(live).replace("weekend: next", "weekend: keep"))
        me = world.members[Role.REVOPS_ADMIN].user.email

    def run(*arguments: str) -> None:
        call_command("process", *arguments, "--tenant", "kestrel", stdout=io.StringIO(), stderr=io.StringIO())

    name = ("renewal_timeline", "standard")
    run("apply", str(tmp_path), "--by", me)
    run("ask-review", *name, "--reason", "Weekends", "--by", me)
    with pytest.raises(CommandRefused, match="Somebody else approves it"):
        run("approve", *name, "--by", me)
    for verb in ("approve", "ask-review"):
        with pytest.raises(CommandError, match="--by"):
            run(verb, *name, "--reason", "Weekends")
    run("approve", *name, "--by", "second@kestrel.example")
    run("apply", str(tmp_path), "--publish", "--reason", "agreed", "--by", me)
    assert live_number(world) == 2


def test_a_member_without_the_right_takes_no_step(world: World) -> None:
    version = drafted(world)
    csm = client_of(world.members[Role.CSM])
    for address, sent in (
        ("/processes/renewal_timeline/standard/review/", {"act": "ask", "number": version.number, "text": "x"}),
        ("/processes/renewal_timeline/standard/owner/", {"owner": world.members[Role.CSM].pk}),
        ("/settings/approval/", {"needed": "no"}),
        (f"/settings/members/{second(world).pk}/", {"act": "deactivate"}),
    ):
        assert csm.post(address, sent).status_code == 403, address


def test_the_members_page_changes_roles_and_refuses_who_is_needed(world: World) -> None:
    first = client_of(world.members[Role.REVOPS_ADMIN])
    with tenant_context(world.tenant.pk):
        csm, manager = world.members[Role.CSM], world.members[Role.CS_MANAGER]
    owner = {"owner": csm.pk, "deputy": manager.pk}
    first.post("/processes/renewal_timeline/standard/owner/", owner)
    refused = first.post(f"/settings/members/{csm.pk}/", {"act": "deactivate"}, follow=True).content.decode()
    assert "answers for “Renewal timeline”. Name others there first." in refused
    first.post(f"/settings/members/{manager.pk}/", {"act": "role", "role": "cs_director"})
    manager.refresh_from_db()
    assert manager.role == "cs_director"
    refused = first.post(
        f"/settings/members/{second(world).pk}/", {"act": "role", "role": "csm"}, follow=True
    ).content.decode()
    assert "one of two who approve processes" in refused
    refused = first.post("/settings/approval/", {"needed": "no"}, follow=True).content.decode()
    assert "say why nobody else is to look" in refused
    first.post("/settings/approval/", {"needed": "no", "reason": "We are two"})
    world.tenant.refresh_from_db()
    assert world.tenant.needs_approval is False
