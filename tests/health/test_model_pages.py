"""The page of a score model: its draft, its impact, publishing and going back."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from core import clock, versioning
from core.actions import add_member, create_tenant
from core.actors import Actor
from core.choices import Role, VersionState
from core.jobs import run_job
from core.models import AuditEntry, Job, ProcessVersion, Tenant
from core.tenancy import tenant_context
from health import tasks  # noqa: F401 -- registers the job handlers, as in a worker
from health.actions import recompute
from health.models import ShadowRun, ShadowScore
from health.queries.editor import draft_of
from health.queries.impact import impact
from health.rules import parse_model
from health.rules.presets import COMMERCE
from tests.factories.health import ACTOR, account, measure, one_input, publish_model, signals

pytestmark = pytest.mark.django_db
URL = "/health/models/standard/"


@pytest.fixture
def workspace() -> Tenant:
    return create_tenant(
        slug="kestrel", name="Kestrel", currency="EUR", timezone="Europe/Berlin", actor=ACTOR, now=timezone.now()
    )


def member(workspace: Tenant, role: Role) -> Client:
    client = Client()
    client.force_login(
        add_member(
            tenant=workspace,
            email=f"{role}@kestrel.example",
            name=str(role.label),
            role=role,
            password=None,
            actor=Actor.system("test"),
            now=clock.now(),
        ).user
    )
    return client


@pytest.fixture
def admin(workspace: Tenant) -> Client:
    return member(workspace, Role.REVOPS_ADMIN)


def book(workspace: Tenant, size: int = 6) -> list[Account]:
    """Accounts with usage from 0 to 100 and answers the other way round, scored by a model of the two."""
    today = workspace.today(timezone.now())
    with tenant_context(workspace.pk):
        measure("usage")
        measure("nps")
        publish_model(
            workspace,
            one_input("usage", name="Product usage", weight=80),
            one_input("nps", name="Sentiment", weight=20),
        )
        found = [account(f"Account {at}", arr_minor=(at + 1) * 100_000) for at in range(size)]
        for at, one in enumerate(found):
            signals(one, "usage", [100.0 * at / (size - 1)], until=today)
            signals(one, "nps", [100 - 100.0 * at / (size - 1)], until=today)
        recompute(actor=ACTOR, now=timezone.now(), as_of=today)
    return found


def begun(admin: Client, workspace: Tenant) -> ProcessVersion:
    admin.post(f"{URL}draft/")
    with tenant_context(workspace.pk):
        return ProcessVersion.objects.get(kind="score_model", key="standard", state=VersionState.DRAFT)


def fresh(draft: ProcessVersion) -> None:
    with tenant_context(draft.tenant_id):
        draft.refresh_from_db()


def edit(client: Client, draft: ProcessVersion, *, htmx: bool = True, **fields: str) -> Any:
    fresh(draft)
    names = {name.replace("__", ":"): value for name, value in fields.items()}
    headers = {"HX-Request": "true"} if htmx else {}
    return client.post(f"{URL}edit/", {"seen": draft.content_hash, **names}, headers=headers)


def state_of_everything() -> dict[str, tuple[int, str]]:
    """Row count and the newest write of every table."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'")
        for (table,) in cursor.fetchall():
            cursor.execute(
                "SELECT count(*), COALESCE(md5(string_agg(xmin::text || ctid::text, ',' ORDER BY ctid)), '') "
                f'FROM "{table}"'
            )
            found[table] = cursor.fetchone()
    return found


def test_everybody_may_read_a_model_and_only_configurers_may_change_it(workspace: Tenant) -> None:
    book(workspace)
    reader = member(workspace, Role.CSM)
    page = reader.get(URL)
    assert page.status_code == 200
    assert "Product usage" in page.content.decode()
    assert b'name="weight:usage"' not in page.content
    assert reader.post(f"{URL}draft/").status_code == 403
    assert reader.post(f"{URL}edit/", {"weight:usage": "1"}).status_code == 403
    assert reader.get(f"{URL}publish/").status_code == 403


def test_an_edit_saves_the_draft_and_leaves_the_live_version_alone(admin: Client, workspace: Tenant) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    response = edit(admin, draft, weight__usage="30", weight__nps="70")
    assert response.status_code == 200
    assert response["HX-Trigger"] == "draft-saved"
    assert b"edit/?view" not in response.content, "What is opened next comes from the page, not from the form."
    fresh(draft)
    assert [one["weight"] for one in draft.definition["inputs"]] == [30, 70]
    with tenant_context(workspace.pk):
        live = ProcessVersion.objects.get(kind="score_model", key="standard", state=VersionState.PUBLISHED)
    assert [one["weight"] for one in live.definition["inputs"]] == [80, 20]


def test_a_plain_form_works_without_a_script(admin: Client, workspace: Tenant) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    response = edit(admin, draft, htmx=False, weight__usage="55", act="save")
    assert (response.status_code, response["Location"]) == (302, URL)
    fresh(draft)
    assert draft.definition["inputs"][0]["weight"] == 55


@pytest.mark.parametrize(
    ("field", "typed", "remedy"),
    [
        ("weight:usage", "lots", "is not a number"),
        ("weight:usage", "-5", "Write a number from 0"),
        ("edge:green", "40", "Edges must rise"),
        ("coverage", "140", "from 0 to 100"),
        ("best:usage:0", "0", "Worst and best must differ"),
        ("window:usage:0", "0", "from 1 to 1100 days"),
    ],
)
def test_bad_input_is_shown_at_its_field_and_the_draft_stays(
    admin: Client, workspace: Tenant, field: str, typed: str, remedy: str
) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    before = draft.definition
    response = admin.post(
        f"{URL}edit/?open=usage", {"seen": draft.content_hash, field: typed}, headers={"HX-Request": "true"}
    )
    assert response.status_code == 422
    text = response.content.decode()
    place = text.index(f'name="{field}"')
    assert remedy in text[place : place + 900]
    assert f'value="{typed}"' in text[place : place + 200]
    fresh(draft)
    assert draft.definition == before


def test_two_people_do_not_overwrite_each_other(admin: Client, workspace: Tenant) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    seen = draft.content_hash
    edit(admin, draft, weight__usage="30")
    late = admin.post(f"{URL}edit/", {"seen": seen, "weight:usage": "99"}, headers={"HX-Request": "true"})
    assert late.status_code == 409
    fresh(draft)
    assert draft.definition["inputs"][0]["weight"] == 30


def test_weights_are_normalised_to_a_hundred_and_publishing_waits_for_it(admin: Client, workspace: Tenant) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    edit(admin, draft, weight__usage="50", weight__nps="45")
    page = admin.get(URL)
    assert "Sum is 95" in page.content.decode()
    refused = admin.post(f"{URL}publish/", {"reason": "Because", "waiver": "w", "signed": "s"})
    assert refused.status_code == 422
    edit(admin, draft, act="normalise")
    fresh(draft)
    assert sum(one["weight"] for one in draft.definition["inputs"]) == 100
    assert [one["weight"] for one in draft.definition["inputs"]] == [53, 47]


@pytest.mark.capability("C6")
def test_the_impact_adds_up_and_names_who_flips_and_why(admin: Client, workspace: Tenant) -> None:
    accounts = book(workspace)
    draft = begun(admin, workspace)
    edit(admin, draft, weight__usage="20", weight__nps="80")
    fresh(draft)
    today = workspace.today(timezone.now())
    with tenant_context(workspace.pk):
        found = impact(draft, today=today, shown=50)
    assert found.total.accounts == len(accounts)
    assert found.total.arr_minor == sum(one.arr_minor for one in accounts)
    assert sum(cell.accounts for row in found.rows for cell in row.cells) == found.total.accounts
    assert [sum(row.cells[at].accounts for row in found.rows) for at in range(4)] == [
        cell.accounts for cell in found.totals
    ]
    assert found.changed == len(found.flips) == found.worse.accounts + found.better.accounts
    assert found.changed > 0
    assert [one.arr_minor for one in found.flips] == sorted((one.arr_minor for one in found.flips), reverse=True)
    for one in found.flips:
        assert one.old_score is not None
        assert one.new_score is not None
        assert sum(why.points for why in one.why) == pytest.approx(one.new_score - one.old_score, abs=0.1)
        assert one.why[0].what == "weight"
    page = admin.get(f"{URL}changes/")
    assert found.flips[0].name in page.content.decode()
    lines = admin.get(f"{URL}changes.csv").content.decode().splitlines()
    assert len(lines) == found.changed + 1
    with tenant_context(workspace.pk):
        taken = AuditEntry.objects.get(verb="exported")
        assert (taken.subject_type, taken.after) == ("accounts.account", {"rows": found.changed, "cut": False})


@pytest.mark.capability("C6")
def test_trying_a_draft_writes_nothing(admin: Client, workspace: Tenant) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    edit(admin, draft, weight__usage="20", weight__nps="80")
    admin.get(URL)
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    before = state_of_everything()
    for part in (
        "impact/",
        "changes/",
        "alerts/",
        "bands/?input=usage",
        "publish/?reason=x",
        "?view=compare",
        "?open=usage",
        "measures/?q=u",
    ):
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE rv_app")
        assert admin.get(f"{URL}{part}").status_code == 200, part
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
    assert state_of_everything() == before


def test_the_list_of_changes_is_paged_by_key_without_gap_or_repeat(admin: Client, workspace: Tenant) -> None:
    from health.queries import impact as impacts

    book(workspace, size=9)
    draft = begun(admin, workspace)
    edit(admin, draft, weight__usage="20", weight__nps="80")
    fresh(draft)
    today = workspace.today(timezone.now())
    with tenant_context(workspace.pk):
        everything, _ = impacts.flips(draft, today=today, limit=100)
        walked, after = [], ""
        while True:
            page, after = impacts.flips(draft, today=today, after=after, limit=2)
            walked += page
            if not after:
                break
    assert [one.account_id for one in walked] == [one.account_id for one in everything]


def test_publishing_with_a_shut_gate_needs_a_signed_waiver(admin: Client, workspace: Tenant) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    edit(admin, draft, weight__usage="60", weight__nps="40")
    bare = admin.post(f"{URL}publish/", {"reason": ""})
    assert bare.status_code == 422
    assert "Say why it is published" in bare.content.decode()
    done = admin.post(f"{URL}publish/", {"reason": "More sentiment", "waiver": "Pilot month", "signed": "Priya"})
    assert done.status_code == 302
    fresh(draft)
    assert (draft.state, draft.reason) == (VersionState.PUBLISHED, "More sentiment")
    with tenant_context(workspace.pk):
        assert Job.objects.filter(kind="health.recompute", key=f"published standard v{draft.number}").exists()


def test_one_click_goes_back(admin: Client, workspace: Tenant) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    edit(admin, draft, weight__usage="60", weight__nps="40")
    admin.post(f"{URL}publish/", {"reason": "More sentiment", "waiver": "Pilot month", "signed": "Priya"})
    assert f'name="seen" value="{draft.number}"' in admin.get(f"{URL}rollback/").content.decode()
    for sent in ({"reason": "Worse"}, {"seen": draft.number}, *[{"seen": draft.number, "reason": "Worse"}] * 2):
        admin.post(f"{URL}rollback/", sent)  # only the first that says what it saw, and why, does anything
    with tenant_context(workspace.pk):
        live = ProcessVersion.objects.get(kind="score_model", key="standard", state=VersionState.PUBLISHED)
    assert [one["weight"] for one in live.definition["inputs"]] == [80, 20]
    assert live.number == draft.number + 1


def test_a_shadow_run_writes_shadow_scores_only_where_they_change(admin: Client, workspace: Tenant) -> None:
    from health.actions.shadow import score_shadows
    from health.queries.shadow import shadow_of

    accounts = book(workspace)
    draft = begun(admin, workspace)
    edit(admin, draft, weight__usage="20", weight__nps="80")
    fresh(draft)
    admin.post(f"{URL}shadow/run/")
    today = workspace.today(timezone.now())
    now = timezone.now()
    with tenant_context(workspace.pk):
        judging = Job.objects.get(kind="health.shadow").pk
    assert run_job(tenant_id=workspace.pk, job_id=judging) == "done"
    with tenant_context(workspace.pk):
        assert ShadowScore.objects.count() == len(accounts)
        assert score_shadows(now=now, today=today, as_of=today) == 0
        signals(accounts[0], "usage", [77.0], until=today + timedelta(days=1))
        assert score_shadows(now=now, today=today, as_of=today + timedelta(days=1)) == 1
        seen = shadow_of(draft, as_of=today)
        assert seen is not None
        assert seen.differed == impact(draft, today=today).changed
        assert score_shadows(now=now, today=today + timedelta(days=14), as_of=today) == 0
        assert ShadowRun.objects.get().stopped_at == now
    assert "judgements" in admin.get(f"{URL}shadow/").content.decode()


def test_inputs_come_and_go_by_a_search_over_measures(admin: Client, workspace: Tenant) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    found = admin.get(f"{URL}measures/?q=ticket").content.decode()
    assert "Tickets opened" in found
    admin.post(f"{URL}add/", {"measure": "tickets.opened", "seen": draft.content_hash})
    fresh(draft)
    assert [one["key"] for one in draft.definition["inputs"]] == ["usage", "nps", "tickets_opened"]
    edit(admin, draft, act="remove:tickets_opened")
    fresh(draft)
    assert [one["key"] for one in draft.definition["inputs"]] == ["usage", "nps"]
    refused = admin.post(f"{URL}add/", {"measure": "nobody.knows", "seen": draft.content_hash})
    assert refused.status_code == 302


def test_bands_stay_without_overlap_or_gap_whatever_is_pressed(admin: Client, workspace: Tenant) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    for act in ("bands:usage:0", "add-band:usage:0", "drop-band:usage:0:1", "add-table:usage"):
        assert edit(admin, draft, act=act).status_code == 200, act
    fresh(draft)
    mapping = draft.definition["inputs"][0]["mapping"]["bands"]
    edges = [edge for edge, _ in mapping[:-1]]
    assert edges == sorted(set(edges))
    assert mapping[-1][0] is None
    crossed = admin.post(
        f"{URL}edit/?open=usage",
        {"seen": draft.content_hash, "upto:usage:0:1": str(edges[0] - 1)},
        headers={"HX-Request": "true"},
    )
    assert crossed.status_code == 422
    assert "Must lie above the edge before" in crossed.content.decode()


@pytest.mark.capability("N7")
def test_the_commerce_preset_scores_complaints_returns_refunds_and_chargebacks(
    admin: Client, workspace: Tenant
) -> None:
    today = workspace.today(timezone.now())
    response = admin.post(
        "/health/models/new/", {"name": "Shop", "key": "shop", "segment": "small", "preset": "commerce"}
    )
    assert response["Location"] == "/health/models/shop/"
    with tenant_context(workspace.pk):
        draft = ProcessVersion.objects.get(kind="score_model", key="shop")
        calm, angry = account("Calm Shop", segment="small"), account("Angry Shop", segment="small")
        for one in (calm, angry):
            signals(one, "orders", [10.0] * 40, until=today, step=5)
        for measure, times in (("complaints", 3), ("returns", 4), ("refunds", 2), ("chargebacks", 1)):
            signals(angry, measure, [1.0] * times, until=today, step=7)
        judged = impact(draft, today=today, shown=10)
        scores = {one.name: (one.new_band, one.new_score) for one in judged.flips}
    assert judged.total.accounts == 2
    assert scores["Calm Shop"][0] == "green"
    assert scores["Angry Shop"][1] is not None
    assert scores["Angry Shop"][1] < scores["Calm Shop"][1]  # type: ignore[operator]  # -- both have a score
    assert {one.key for one in parse_model(COMMERCE).inputs} >= {"complaints", "returns", "refunds", "chargebacks"}


def test_the_page_asks_as_often_with_many_accounts_as_with_few(admin: Client, workspace: Tenant) -> None:
    def counted(url: str) -> int:
        admin.get(url)
        with CaptureQueriesContext(connection) as asked:
            assert admin.get(url).status_code == 200
        return len(asked.captured_queries)

    book(workspace, size=4)
    draft = begun(admin, workspace)
    edit(admin, draft, weight__usage="20", weight__nps="80")
    urls = [URL, f"{URL}?view=compare", f"{URL}impact/", f"{URL}changes/", f"{URL}bands/?input=usage"]
    few = [counted(url) for url in urls]
    today = workspace.today(timezone.now())
    with tenant_context(workspace.pk):
        for at in range(40):
            one = account(f"More {at}", arr_minor=at)
            signals(one, "usage", [float(at)], until=today)
            signals(one, "nps", [100.0 - at], until=today)
        recompute(actor=ACTOR, now=timezone.now(), as_of=today)
    assert [counted(url) for url in urls] == few
    assert max(few) <= 30


def test_a_draft_that_the_live_version_came_from_is_done_with(admin: Client, workspace: Tenant) -> None:
    book(workspace)
    first = begun(admin, workspace)
    with tenant_context(workspace.pk):
        proposal = versioning.draft(
            kind="score_model", key="standard", name="Standard", definition=first.definition, actor=ACTOR,
            now=timezone.now(), based_on=first.number,
        )  # fmt: skip
        assert draft_of("standard") == proposal
    admin.post(f"{URL}publish/", {"reason": "Proposed", "waiver": "Pilot month", "signed": "Priya"})
    with tenant_context(workspace.pk):
        assert draft_of("standard") is None
    page = admin.get(URL)
    assert page.context["page"].view == "live"
    assert page.context["page"].live == proposal


@pytest.mark.parametrize(
    "junk",
    [
        {"weight:usage": "1e400", "seen": "x"},
        {"act": "drop-band:usage:0:99"},
        {"act": "add-band:nobody:7"},
        {"act": "normalise:1:2:3"},
        {"act": "line"},
        {"upto:usage:0:0": "5", "points:usage:9:9": "3", "tenure_from:usage:0": "2"},
        {"missing:usage": "sometimes"},
        {"aggregate:usage:0": "median"},
        {"name:usage": "\x00\x07"},
        {"worst:usage": "1", "best": "2", "": "3"},
    ],
)
def test_absurd_fields_are_refused_and_never_a_fault(admin: Client, workspace: Tenant, junk: dict[str, str]) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    before = draft.definition
    for headers in ({}, {"HX-Request": "true"}):
        status = admin.post(f"{URL}edit/?open=usage", {"seen": draft.content_hash, **junk}, headers=headers).status_code
        assert status in {200, 302, 409, 422}
        if status == 422:
            fresh(draft)
            assert draft.definition == before
    for part in ("?open=%00", "?view=nothing", "changes/?after=9.x", "changes/?after=1e9.2", "measures/?q=%00"):
        assert admin.get(f"{URL}{part}").status_code < 500
    assert admin.get(f"{URL}bands/?input=usage&table=99").status_code == 404
    assert admin.get(f"{URL}bands/?input=&table=x").status_code == 404
