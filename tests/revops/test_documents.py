"""Documents that write themselves: of every live process, of the whole workspace, always what is in force."""

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import clock, registry, versioning
from core.actors import Actor
from core.choices import Role
from core.documents.queries import coverage
from core.management.base import CommandRefused
from core.models import Membership, ProcessVersion, Tenant
from core.permissions import Permission
from core.processes.owners import set_owner
from core.tenancy import tenant_context
from core.versioning import ensure_published
from revops.demo import actions, seed
from tests.factories.world import World, make_world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("only_real_kinds")]
TIMELINE = "/processes/renewal_timeline/standard/document/"
PORTFOLIO = (
    "renewal-playbook", "qbr-template", "segmentation", "journey-map", "stage-conversion", "health-model",
    "digital-program", "escalation-framework",
)  # fmt: skip


@pytest.fixture
def only_real_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests register kinds of their own."""
    kinds = {name: kind for name, kind in registry._registry.process_kinds.items() if not name.startswith("test.")}
    monkeypatch.setattr(registry._registry, "process_kinds", kinds)


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


def client_of(world: World, role: Role = Role.REVOPS_ADMIN) -> Client:
    client = Client()
    client.force_login(world.members[role].user)
    return client


def live(world: World) -> list[ProcessVersion]:
    with tenant_context(world.tenant.pk):
        return list(ProcessVersion.objects.filter(state="published").order_by("kind", "key"))


def sooner(world: World) -> None:
    """The quote 45 days before, live."""
    with tenant_context(world.tenant.pk):
        now, actor = clock.now(), Actor.system("test")
        first = ProcessVersion.objects.get(kind="renewal_timeline", state="published")
        steps = [dict(step) for step in first.definition["steps"]]
        steps[2]["offset_days"] = 45
        version = versioning.draft(
            kind=first.kind, key=first.key, name=first.name, definition={**first.definition, "steps": steps},
            actor=actor, now=now,
        )  # fmt: skip
        versioning.publish(version=version, actor=actor, now=now, reason="Quotes take longer")


@pytest.mark.capability("S4")
def test_a_document_is_the_same_to_the_byte_for_the_same_version_and_another_for_another(world: World) -> None:
    client = client_of(world, Role.SALES_REP)
    first, again = (client.get(f"{TIMELINE}?format=md").content for _ in range(2))
    assert first == again
    assert "60 days before the due date" in first.decode()
    sooner(world)
    after = client.get(f"{TIMELINE}?format=md").content.decode()
    assert "45 days before the due date" in after
    assert "| v2 |" in after
    assert "Quotes take longer" in after
    assert client.get(f"{TIMELINE}?format=md&number=1").content == first


@pytest.mark.capability("S4")
def test_every_live_process_is_a_page_markdown_and_a_pdf(world: World) -> None:
    client = client_of(world, Role.CSM)
    for version in live(world):
        address = f"/processes/{version.kind}/{version.key}/document/"
        page, text = client.get(address), client.get(f"{address}?format=md")
        assert (page.status_code, text.status_code) == (200, 200), address
        assert f"# {version.name}" in text.content.decode().replace("\\", "")
        assert "Change log" in page.content.decode()
    made = client.get(f"{TIMELINE}?format=pdf")
    assert (made["Content-Type"], made.content[:5]) == ("application/pdf", b"%PDF-")


@pytest.mark.capability("S4")
def test_a_new_rep_finds_stages_criteria_questions_and_playbooks_in_one_book(world: World) -> None:
    text = client_of(world, Role.SALES_REP).get("/processes/documents/handbook/?format=md").content.decode()
    with tenant_context(world.tenant.pk):
        told = ProcessVersion.objects.filter(
            kind__in=["pipeline", "qualification", "journey", "playbook"], state="published"
        )
        names = [version.name for version in told]
    assert [name for name in names if f": {name}\n" not in text.replace("\\", "")] == []
    assert "Economic buyer" in text


@pytest.mark.capability("P1")
def test_every_kind_is_documented_and_the_figure_says_so(world: World) -> None:
    assert [kind.kind for kind in registry.process_kinds() if kind.document is None] == []
    with tenant_context(world.tenant.pk):
        found = coverage()
    assert (found.documented, found.undocumented, found.share) == (found.total, 0, 1.0)
    text = client_of(world).get("/processes/documents/").content.decode()
    assert "100 %" in text.replace("\u00a0", " ")


@pytest.mark.capability("P1")
def test_a_kind_without_a_document_and_a_process_without_owner_are_counted_with_their_rows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = registry.process_kind("qbr_cadence")
    values = {name: getattr(kind, name) for name in kind.__dataclass_fields__}
    monkeypatch.setitem(
        registry._registry.process_kinds, "qbr_cadence", registry.ProcessKind(**{**values, "document": None})
    )
    owner, deputy = world.members[Role.CS_MANAGER], world.members[Role.CSM]
    with tenant_context(world.tenant.pk):
        set_owner(
            kind="qbr_cadence", key="standard", owner_id=owner.pk, deputy_id=deputy.pk, actor=Actor.system("test"),
            now=clock.now(),
        )  # fmt: skip
        undocumented, ownerless = coverage("undocumented"), coverage("ownerless")
    assert [row.version.kind for row in undocumented.rows] == ["qbr_cadence"]
    assert undocumented.documented == undocumented.total - 1
    assert ownerless.ownerless == len(ownerless.rows) == ownerless.total - 1
    page = client_of(world).get("/processes/qbr_cadence/standard/document/").content.decode()
    assert "every 3 months" in page


def test_the_coverage_costs_the_same_however_many_processes_there_are(world: World) -> None:
    client = client_of(world)
    client.get("/processes/documents/")
    with CaptureQueriesContext(connection) as few:
        client.get("/processes/documents/")
    with tenant_context(world.tenant.pk):
        for number in range(5):
            versioning.ensure_published(
                kind="qbr_cadence", key=f"c{number}", name=f"C{number}", definition={"months": {"small": 12}},
                actor=Actor.system("test"), now=clock.now(),
            )  # fmt: skip
    with CaptureQueriesContext(connection) as many:
        client.get("/processes/documents/")
    assert len(many) == len(few)


def test_what_is_not_there_is_not_found(world: World) -> None:
    client = client_of(world)
    for address in (
        "/processes/nothing/standard/document/",
        "/processes/journey/gone/document/",
        f"{TIMELINE}?number=9",
        "/processes/documents/nothing/",
    ):
        assert client.get(address).status_code == 404, address


def test_amounts_stay_away_from_those_who_may_not_see_them(world: World) -> None:
    for key in PORTFOLIO:
        text = client_of(world, Role.SUPPORT_AGENT).get(f"/processes/documents/{key}/").content.decode()
        assert "€" not in text, key
    assert "€" in client_of(world, Role.CSM).get("/processes/documents/segmentation/").content.decode()


@pytest.mark.slow
@pytest.mark.capability("O1–O8")
def test_eight_of_eight_documents_come_out_of_the_demo_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "DEMO_FILE", tmp_path / "demo.json")
    monkeypatch.setattr(seed, "VAR", tmp_path)
    silent = {"stdout": io.StringIO(), "stderr": io.StringIO()}
    call_command("seed_demo", tenant="demo", accounts=40, as_of=date(2026, 3, 2), score_days=0, **silent)
    tenant = Tenant.objects.get(slug="demo")
    client = Client()
    client.force_login(Membership.objects.filter(tenant=tenant, role="revops_admin").get().user)
    for key in PORTFOLIO:
        page = client.get(f"/processes/documents/{key}/")
        assert page.status_code == 200, key
        assert "There is nothing to tell yet." not in page.content.decode(), key
        assert client.get(f"/processes/documents/{key}/?format=pdf").content[:5] == b"%PDF-", key
    with tenant_context(tenant.pk):
        found = coverage()
    assert (found.undocumented, found.ownerless) == (0, 0)
    report, ended_well = process("lint", tenant="demo")
    assert (report, ended_well) == ({"ok": True, "findings": []}, True)


def process(*arguments: str | Path, tenant: str = "kestrel") -> tuple[dict[str, Any], bool]:
    """What the command prints, and whether it ended well."""
    out = io.StringIO()
    try:
        call_command("process", *map(str, arguments), "--json", "--tenant", tenant, stdout=out, stderr=io.StringIO())
    except CommandRefused:
        if not out.getvalue():
            raise
        return json.loads(out.getvalue()), False
    return json.loads(out.getvalue()), True


def test_documents_are_written_into_a_folder(world: World, tmp_path: Path) -> None:
    report, _ = process("documents", tmp_path / "docs")
    names = {path.name for path in (tmp_path / "docs").iterdir()}
    assert names == set(report["wrote"])
    assert {"renewal_timeline.standard.md", "handbook.md", "journey-map.md"} <= names
    assert report["documented"] == report["total"] == len(live(world))


def test_two_keys_never_give_one_file(world: World, tmp_path: Path) -> None:
    with tenant_context(world.tenant.pk):
        for key in ("a.b", "a_b", "a/b", "a-b"):
            ensure_published(
                kind="renewal_timeline", key=key, name=key, actor=Actor.system("test"), now=clock.now(),
                definition={"catch_up_title": "Catch up", "steps": [{"offset_days": 30, "title": "Sign"}]},
            )  # fmt: skip
    report, _ = process("documents", tmp_path / "docs")
    assert len(set(report["wrote"])) == len(report["wrote"]) == len(list((tmp_path / "docs").iterdir()))


def test_the_lint_ends_with_an_error_until_everybody_is_named(world: World) -> None:
    report, ended_well = process("lint")
    assert (len(report["findings"]), ended_well) == (len(live(world)), False)
    with tenant_context(world.tenant.pk):
        emails = [world.members[role].user.email for role in (Role.CS_MANAGER, Role.CSM)]
    for version in live(world):
        process("owner", version.kind, version.key, "--owner", emails[0], "--deputy", emails[1])
    assert process("lint") == ({"ok": True, "findings": []}, True)


def test_a_drift_check_names_the_live_processes_that_differ_from_files(world: World, tmp_path: Path) -> None:
    process("export", tmp_path)
    assert process("check", tmp_path)[1] is True
    sooner(world)
    report, ended_well = process("check", tmp_path)
    assert ended_well is False
    assert [(one["kind"], one["state"]) for one in report["files"] if one["state"] != "same"] == [
        ("renewal_timeline", "differs")
    ]


def test_a_document_is_read_only_by_those_who_may_see_what_it_is_about(world: World) -> None:
    support = client_of(world, Role.SUPPORT_AGENT)
    kept = {"renewal-playbook", "qbr-template", "stage-conversion", "handbook"}
    listed = support.get("/processes/documents/").content.decode()
    for key in (*PORTFOLIO, "handbook"):
        address = f"/processes/documents/{key}/"
        assert (support.get(address).status_code, address in listed) == ((403, False) if key in kept else (200, True))
        assert support.get(address, {"format": "md"}).status_code == (403 if key in kept else 200)
    assert all(one.permission in Permission for one in registry.documents())
    leader = client_of(world, Role.LEADER)
    assert {leader.get(f"/processes/documents/{key}/").status_code for key in PORTFOLIO} == {200}
