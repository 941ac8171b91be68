"""A draft in review, at every editor and every other way to change a process: seen, and never doubled in silence."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from core import clock, process_files, reviews, versioning
from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.models import Membership, ProcessVersion
from core.queries import published_version
from core.tenancy import tenant_context
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Editor:
    """The page of a kind, where its changes are sent, and one change."""

    kind: str
    key: str
    page: str
    save: str
    change: dict[str, str]


EDITORS = [
    Editor("pipeline", "sales", "/stages/pipelines/sales/", "save/", {"act": "keep", "stages.demo.probability": "35"}),
    Editor("journey", "standard", "/stages/journeys/standard/", "save/", {"act": "keep", "name": "Our customers"}),
    Editor("playbook", "grr_cohort", "/playbooks/grr_cohort/", "edit/", {"name": "Shorter"}),
    Editor("score_model", "standard", "/health/models/standard/", "edit/", {"edge:green": "75"}),
]


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


@pytest.fixture
def admin(world: World) -> Client:
    client = Client()
    client.force_login(world.members[Role.REVOPS_ADMIN].user)
    return client


def asked(world: World, kind: str, key: str) -> ProcessVersion:
    """A draft of Ada, who has asked for its review."""
    member = add_member(
        tenant=world.tenant, email="ada@kestrel.example", name="Ada", role=Role.REVOPS_ADMIN, password=None,
        actor=Actor.system("test"), now=clock.now(),
    )  # fmt: skip
    actor = Actor.person(Membership.objects.select_related("user").get(pk=member.pk))
    with tenant_context(world.tenant.pk):
        live = published_version(kind, key)
        assert live is not None
        version = versioning.draft(
            kind=kind, key=key, name=live.name, definition=live.definition, actor=actor, now=clock.now()
        )
        return reviews.ask_for_review(version=version, actor=actor, now=clock.now(), reason="Fewer words")


def versions(world: World, kind: str, key: str) -> list[tuple[int, str]]:
    with tenant_context(world.tenant.pk):
        found = ProcessVersion.objects.filter(kind=kind, key=key).order_by("number")
        return list(found.values_list("number", "state"))


@pytest.mark.parametrize("editor", EDITORS, ids=lambda one: one.kind)
def test_every_editor_says_that_its_draft_is_in_review_and_changes_it_only_once_it_is_taken_back(
    world: World, admin: Client, editor: Editor
) -> None:
    asked(world, editor.kind, editor.key)
    review = f"/processes/{editor.kind}/{editor.key}/"
    page = admin.get(editor.page).content.decode()
    for words in ("v2 is in review", "Ada asked", "Fewer words", f'href="{review}"', "Take back and change"):
        assert words in page
    refused = admin.post(f"{editor.page}{editor.save}", editor.change)
    assert refused.status_code == 409
    assert "is in review, as Ada asked. Take it back first, so that its reviewers know." in refused.content.decode()
    assert versions(world, editor.kind, editor.key) == [(1, "published"), (2, "in_review")]
    back = admin.post(f"{review}review/", {"act": "take_back", "number": "2", "to_editor": "yes"})
    assert (back.status_code, back["Location"]) == (302, editor.page)
    assert admin.post(f"{editor.page}{editor.save}", editor.change).status_code == 302
    assert versions(world, editor.kind, editor.key) == [(1, "published"), (2, "draft")]
    page = admin.get(editor.page).content.decode()
    assert ("is in review" in page, "Draft v2" in page) == (False, True)


@pytest.mark.parametrize("editor", EDITORS, ids=lambda one: one.kind)
def test_who_may_not_change_processes_reads_that_it_is_in_review(world: World, editor: Editor) -> None:
    asked(world, editor.kind, editor.key)
    client = Client()
    client.force_login(world.members[Role.CSM].user)
    page = client.get(editor.page).content.decode()
    assert ("v2 is in review" in page, "Take back and change" in page) == (True, False)


def test_the_list_of_stages_names_what_is_in_review(world: World, admin: Client) -> None:
    asked(world, "pipeline", "sales")
    assert "In review v2" in admin.get("/stages/").content.decode()


def test_an_approved_draft_goes_live_from_the_editor_and_is_not_changed_there(world: World, admin: Client) -> None:
    version = asked(world, "pipeline", "sales")
    with tenant_context(world.tenant.pk):
        boss = Actor.person(world.members[Role.REVOPS_ADMIN])
        reviews.approve(version=version, actor=boss, now=clock.now(), seen_hash=version.content_hash)
    page = admin.get("/stages/pipelines/sales/").content.decode()
    assert ("approved by revops_admin KESTREL" in page, "Taken back, it needs a new approval." in page) == (True, True)
    assert admin.post("/stages/pipelines/sales/save/", EDITORS[0].change).status_code == 409
    live = admin.post("/stages/pipelines/sales/publish/", {"seen": version.content_hash, "reason": "Approved."})
    assert live.status_code == 302
    assert versions(world, "pipeline", "sales") == [(1, "retired"), (2, "published")]


def test_a_second_draft_that_a_calibration_brought_does_not_hide_the_one_in_review(world: World, admin: Client) -> None:
    version = asked(world, "pipeline", "sales")
    with tenant_context(world.tenant.pk):
        versioning.draft(
            kind="pipeline", key="sales", name="Sales", definition=version.definition, actor=Actor.system("job"),
            now=clock.now(),
        )  # fmt: skip
    page = admin.get("/stages/pipelines/sales/").content.decode()
    assert ("v2 is in review" in page, "v3 below is another draft." in page) == (True, True)
    assert "Take back and change" not in page


def as_file(world: World, kind: str, key: str, folder: Path) -> Path:
    with tenant_context(world.tenant.pk):
        process_files.export(folder, drafts=False)
    return folder / kind / f"{key}.yaml"


def changed(path: Path, **fields: Any) -> list[process_files.Document]:
    for old, new in fields.values():
        path.write_text(path.read_text().replace(old, new))
    return process_files.read_path(path)


def test_a_file_lays_no_second_draft_over_somebody_elses_review(world: World, admin: Client, tmp_path: Path) -> None:
    version = asked(world, "renewal_timeline", "standard")
    path = as_file(world, "renewal_timeline", "standard", tmp_path)
    documents = changed(path, days=("offset_days: 60", "offset_days: 45"))
    actor = Actor.person(world.members[Role.REVOPS_ADMIN])
    with tenant_context(world.tenant.pk):
        with pytest.raises(process_files.BadFiles, match=r"in review, as Ada asked\. Take it back first"):
            process_files.apply(documents, publish=False, reason="", actor=actor, now=clock.now())
        uploaded = admin.post("/processes/upload/", {"text": path.read_text(), "act": "save"})
        assert uploaded.status_code == 422
        assert "Take it back first, so that its reviewers know." in uploaded.content.decode()
        assert versions(world, "renewal_timeline", "standard") == [(1, "published"), (2, "in_review")]
        reviews.take_back(version=version, actor=actor, now=clock.now())
        process_files.apply(documents, publish=False, reason="", actor=actor, now=clock.now())
    assert versions(world, "renewal_timeline", "standard") == [(1, "published"), (2, "draft"), (3, "draft")]
