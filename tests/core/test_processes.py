"""The pages of processes: who reads, who changes, and that every path meets the same gate."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core import registry, versioning
from core.actors import Actor
from core.choices import Role
from core.models import ProcessVersion
from core.tenancy import tenant_context
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PAGE = "/processes/renewal_timeline/standard/"


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


@pytest.fixture
def shut(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gate before the renewal timeline."""
    kind = registry.process_kind("renewal_timeline")
    values = {name: getattr(kind, name) for name in kind.__dataclass_fields__}
    gated = registry.ProcessKind(**{**values, "gate": lambda _version: ["Nobody has tried it yet."]})
    monkeypatch.setitem(registry._registry.process_kinds, "renewal_timeline", gated)


def client_of(world: World, role: Role = Role.REVOPS_ADMIN) -> Client:
    client = Client()
    client.force_login(world.members[role].user)
    return client


def drafted(world: World, days: int = 45) -> ProcessVersion:
    with tenant_context(world.tenant.pk):
        live = ProcessVersion.objects.get(kind="renewal_timeline", state="published")
        steps = [dict(step) for step in live.definition["steps"]]
        steps[2]["offset_days"] = days
        return versioning.draft(
            kind="renewal_timeline",
            key="standard",
            name=live.name,
            definition={**live.definition, "steps": steps},
            actor=Actor.system("test"),
            now=NOW,
        )


def states(world: World) -> list[tuple[int, str]]:
    with tenant_context(world.tenant.pk):
        return list(
            ProcessVersion.objects.filter(kind="renewal_timeline").order_by("number").values_list("number", "state")
        )


def test_every_process_stands_on_the_list_with_its_live_version(world: World) -> None:
    text = client_of(world, Role.CSM).get("/processes/").content.decode()
    for words in ("Renewal timeline", "Escalation policy", "Score model", "QBR cadence", "Pipeline", "Live v1"):
        assert words in text, words
    assert "From a file" not in text


def test_the_list_costs_the_same_whatever_stands_on_it(world: World) -> None:
    client = client_of(world)
    client.get("/processes/")
    with CaptureQueriesContext(connection) as few:
        client.get("/processes/")
    for days in range(31, 50):
        drafted(world, days)
    with CaptureQueriesContext(connection) as many:
        client.get("/processes/")
    assert len(many) == len(few)


def test_a_draft_is_compared_with_what_is_live_in_words(world: World) -> None:
    drafted(world)
    text = client_of(world, Role.CSM).get(PAGE).content.decode()
    assert "step “Send the renewal quote” due <span" in text
    assert "45 days before" in text
    assert "Publish v2" not in text


def test_publishing_on_the_page_makes_it_live_with_the_reason(world: World) -> None:
    version = drafted(world)
    sent = {"number": version.number, "seen": version.content_hash, "reason": "Sooner is better"}
    refused = client_of(world).post(f"{PAGE}publish/", sent | {"reason": " "})
    assert (refused.status_code, "Say why. It is kept with the version." in refused.content.decode()) == (422, True)
    response = client_of(world).post(f"{PAGE}publish/", sent)
    assert (response.status_code, states(world)) == (302, [(1, "retired"), (2, "published")])
    with tenant_context(world.tenant.pk):
        live = ProcessVersion.objects.get(kind="renewal_timeline", state="published")
    assert (live.reason, live.published_by.startswith("revops_admin")) == ("Sooner is better", True)


def test_a_shut_gate_stands_on_the_page_and_needs_the_waiver(world: World, shut: None) -> None:
    version = drafted(world)
    client = client_of(world)
    assert "Nobody has tried it yet." in client.get(PAGE).content.decode()
    sent = {"number": version.number, "seen": version.content_hash, "reason": "Sooner"}
    refused = client.post(f"{PAGE}publish/", sent)
    assert (refused.status_code, states(world)) == (422, [(1, "published"), (2, "draft")])
    assert "A gate is shut" in refused.content.decode()
    client.post(f"{PAGE}publish/", {**sent, "waiver": "The board decided."})
    with tenant_context(world.tenant.pk):
        live = ProcessVersion.objects.get(kind="renewal_timeline", state="published")
    assert (live.number, live.waiver_reason) == (2, "The board decided.")
    assert "The board decided." in client.get(PAGE).content.decode()


def test_a_draft_that_somebody_saved_meanwhile_is_not_published(world: World) -> None:
    version = drafted(world)
    sent = {"number": version.number, "seen": "0" * 64, "reason": "Sooner"}
    text = client_of(world).post(f"{PAGE}publish/", sent, follow=True).content.decode()
    assert "saved by somebody else" in text
    assert states(world) == [(1, "published"), (2, "draft")]


def test_one_click_rolls_back_and_any_version_can_be_brought_back(world: World) -> None:
    client = client_of(world)
    for days in (45, 50):
        version = drafted(world, days)
        client.post(f"{PAGE}publish/", {"number": version.number, "reason": "r"})
    client.post(f"{PAGE}rollback/", {"seen": 3})  # nobody said why
    for _ in range(2):  # pressed twice
        text = client.post(f"{PAGE}rollback/", {"seen": 3, "reason": "Worse"}, follow=True).content.decode()
    assert "went live meanwhile" in text
    # Each version that was live has a dialog of its own that asks why; the live one has none.
    page = client.get(PAGE).content.decode()
    assert [f'id="back-{number}"' in page for number in (1, 2, 3, 4)] == [True, True, True, False]
    client.post(f"{PAGE}rollback/", {"to": 1, "seen": 4, "reason": "Worse still"})
    with tenant_context(world.tenant.pk):
        rows = ProcessVersion.objects.filter(kind="renewal_timeline").order_by("number")
        assert [(row.number, row.state, row.based_on) for row in rows][3:] == [(4, "retired", 2), (5, "published", 1)]


def test_a_discarded_draft_stays_on_the_page(world: World) -> None:
    version = drafted(world)
    client = client_of(world)
    client.post(f"{PAGE}discard/", {"number": version.number})
    assert states(world) == [(1, "published"), (2, "retired")]
    assert "Discarded" in client.get(PAGE).content.decode()


def test_a_file_is_downloaded_checked_and_saved_as_a_draft(world: World) -> None:
    client = client_of(world)
    text = client.get(f"{PAGE}file/").content.decode().replace("offset_days: 60", "offset_days: 45")
    planned = client.post("/processes/upload/", {"text": text, "act": "plan"})
    assert "60 days before → 45 days before" in planned.content.decode()
    assert states(world) == [(1, "published")]
    client.post("/processes/upload/", {"text": text, "act": "save"})
    assert states(world) == [(1, "published"), (2, "draft")]
    again = client.post("/processes/upload/", {"text": text, "act": "save"}, follow=True).content.decode()
    assert "says the same already" in again


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("offset_days: 60", "offset_days: sixty", "Line 15: steps[2].offset_days"),
        ("weekend: next", "weekend: next\nweekend: keep", "Line 5: weekend: stands twice, first on line 4"),
        ("kind: renewal_timeline", "kind: nothing", "Line 1: kind: "),
    ],
)
def test_a_wrong_file_is_refused_with_the_line_and_keeps_what_was_typed(
    world: World, old: str, new: str, words: str
) -> None:
    client = client_of(world)
    text = client.get(f"{PAGE}file/").content.decode()
    assert old in text
    response = client.post("/processes/upload/", {"text": text.replace(old, new), "act": "save"})
    shown = response.content.decode()
    assert (response.status_code, words in shown, new.split("\n")[-1] in shown) == (422, True, True), shown
    assert states(world) == [(1, "published")]


@pytest.mark.parametrize("role", [Role.CSM, Role.LEADER, Role.SUPPORT_AGENT])
def test_who_may_not_configure_reads_and_changes_nothing(world: World, role: Role) -> None:
    version = drafted(world)
    client = client_of(world, role)
    assert [client.get(url).status_code for url in ("/processes/", PAGE, f"{PAGE}file/?number=2")] == [200, 200, 200]
    sent: dict[str, Any] = {"number": version.number, "reason": "r", "text": "x"}
    urls = [f"{PAGE}publish/", f"{PAGE}rollback/", f"{PAGE}discard/", "/processes/upload/"]
    assert [client.post(url, sent).status_code for url in urls] == [403, 403, 403, 403]
    assert states(world) == [(1, "published"), (2, "draft")]


@pytest.mark.parametrize(
    "url", ["/processes/nothing/standard/", "/processes/renewal_timeline/gone/", f"{PAGE}file/?number=99"]
)
def test_what_does_not_exist_is_a_404(world: World, url: str) -> None:
    assert client_of(world).get(url).status_code == 404


@pytest.mark.parametrize("query", ["old=999999999999&new=-1", "old=²&new=٣"])
def test_absurd_numbers_compare_what_matters(world: World, query: str) -> None:
    assert client_of(world).get(f"{PAGE}?{query}").status_code == 200
    assert client_of(world).get(f"{PAGE}file/?number={query[4:6]}").status_code == 404
