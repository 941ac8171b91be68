"""Leads: points of fit and engagement, the grade that they make, the list, the matrix, the file and the API."""

import csv
import io
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Account, Activity, Contact, Person
from core.choices import Role
from core.models import AuditEntry, ProcessVersion, Tenant
from core.process_files.documents import from_bytes
from core.tenancy import tenant_context
from core.versioning import PublishRefused, draft, publish
from journeys.models import LifecycleStage, StageVisit
from journeys.queries.lead_grades import Grading, every_rule, graded, live_grading, matrix, prospects
from journeys.queries.lead_list import GRADES, read_after
from journeys.queries.lead_words import describe, document, effects, parse_checked
from journeys.rules.lead_grading import (
    DEFAULT_GRADING,
    FIGURES,
    LETTERS,
    check_reachable,
    grade,
    mark,
    parse_lead_grading,
)
from tests.factories import gates
from tests.factories.api import make_key
from tests.factories.gates import ACTOR, NOW, TODAY
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db
SEGMENT = {"fact": "accounts.segment", "op": "eq", "value": "enterprise"}


@pytest.fixture
def clocked() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def world(clocked: None, db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


@pytest.fixture
def tenant(clocked: None, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    """The workspace of the world where a test has one, else a new one with the defaults of every app."""
    has_world = "world" in request.fixturenames
    made = request.getfixturevalue("world").tenant if has_world else gates.workspace()
    with tenant_context(made.pk):
        yield made


def live() -> Grading:
    found = live_grading()
    assert found is not None
    return found


def lead(name: str, *, talks: tuple[int, ...] = (), stage: str = "", people: int = 0, **fields: Any) -> Account:
    """A prospect that was called so many days ago, each time."""
    account = Account.objects.create(name=name, name_key=name.lower(), status="prospect", **fields)
    for days in talks:
        Activity.objects.create(account=account, kind="call", subject="Call", occurred_at=NOW - timedelta(days=days))
    for n in range(people):
        Contact.objects.create(account=account, name=f"P{n}", email_key=f"p{n}@{name.lower()}.example")
    if stage:
        StageVisit.objects.create(
            account=account, stage=LifecycleStage.objects.get(journey="standard", key=stage), entered_on=TODAY
        )
    return account


def grades() -> dict[str, tuple[str, int, int]]:
    """By name: grade, points of fit, points of engagement."""
    names = dict(Account.objects.values_list("pk", "name"))
    return {names[one.account_id]: (one.grade, one.fit, one.engagement)
            for one in graded(prospects(), live().spec, TODAY)}  # fmt: skip


def changed(**parts: Any) -> dict[str, Any]:
    return {**deepcopy(dict(DEFAULT_GRADING)), **parts}


def in_browser(world: World, role: str = Role.REVOPS_ADMIN) -> Client:
    client = Client()
    client.force_login(world.members[role].user)
    return client


@pytest.mark.capability("T1")
def test_points_of_fit_and_engagement_add_up_to_the_grade(tenant: Tenant) -> None:
    lead("Alder", segment="enterprise", employees=900, industry="Retail", country="Spain", talks=(2, 40),
         stage="decision", people=2)  # fmt: skip
    lead("Birch", segment="mid_market", industry="Retail", country="Spain", talks=(200,))
    Account.objects.filter(name="Birch").update(last_contact_on=TODAY - timedelta(days=200))
    lead("Cedar", talks=(1,))
    assert grades() == {
        "Alder": ("A2", 50 + 25 + 10, 30 + 10 + 20), "Birch": ("B4", 35 + 10, -20), "Cedar": ("D3", 0, 30),
    }  # fmt: skip


def test_only_prospects_are_graded(tenant: Tenant) -> None:
    for status in ("customer", "churned", "merged"):
        Account.objects.create(name=status, name_key=status, status=status, segment="enterprise")
    lead("Alder")
    assert list(grades()) == ["Alder"]


@given(
    points=st.lists(st.integers(-100, 100).filter(bool), min_size=1, max_size=12),
    held=st.lists(st.booleans(), min_size=12, max_size=12),
    starts=st.lists(st.integers(-200, 200), min_size=3, max_size=3, unique=True).map(lambda one: sorted(one)[::-1]),
)
def test_a_mark_is_the_first_whose_points_are_reached_and_more_points_never_make_it_worse(
    points: list[int], held: list[bool], starts: list[int]
) -> None:
    total = sum(one for one, holds in zip(points, held, strict=False) if holds)
    got = mark(total, starts, LETTERS)
    reached = [letter for letter, start in zip(LETTERS, starts, strict=False) if total >= start]
    assert got == (reached[0] if reached else "D")
    assert LETTERS.index(mark(total + 1, starts, LETTERS)) <= LETTERS.index(got)


def test_the_statement_and_the_rules_agree_on_every_edge(tenant: Tenant) -> None:
    """Points at, above and below each threshold, as the database and as the rules mark them."""
    sizes = [10, 24, 25, 26, 44, 45, 74, 75, 76]
    rules = [{"key": f"from_{size}", "name": str(size), "points": size - before,
              "rule": {"fact": "accounts.employees", "op": "gte", "value": size}}
             for before, size in zip([0, *sizes], sizes, strict=False)]  # fmt: skip
    spec = parse_lead_grading(changed(fit=rules))
    for size in [0, *sizes]:
        lead(f"L{size}", employees=size)
    found = graded(prospects(), spec, TODAY)
    assert {one.fit for one in found} == {0, *sizes}
    assert all(one.grade == grade(one.fit, one.engagement, spec) for one in found)
    assert {one.fit: one.grade[0] for one in found} == {
        0: "D", 10: "D", 24: "D", 25: "C", 26: "C", 44: "C", 45: "B", 74: "B", 75: "A", 76: "A"
    }  # fmt: skip


def test_a_window_counts_from_its_first_day_to_today_in_the_zone_of_the_workspace(world: World, tenant: Tenant) -> None:
    def talked(name: str, at: Any) -> None:
        Activity.objects.create(account=lead(name), kind="email", subject="x", occurred_at=at)

    begin = NOW.replace(hour=0, minute=0) - timedelta(days=29, hours=1)  # midnight in Berlin
    talked("in", begin)
    talked("before", begin - timedelta(seconds=1))
    talked("tomorrow", NOW.replace(hour=23, minute=30))
    assert {name: points for name, (_, _, points) in grades().items()} == {"in": 30, "before": 0, "tomorrow": 0}


def test_notes_are_no_talks_and_what_is_unknown_gives_no_points(tenant: Tenant) -> None:
    Activity.objects.create(account=lead("Alder"), kind="note", subject="x", occurred_at=NOW)
    assert grades() == {"Alder": ("D4", 0, 0)}


def test_the_matrix_adds_up_to_the_list_and_each_cell_is_its_list(tenant: Tenant) -> None:
    for n in range(40):
        lead(f"L{n}", segment=("enterprise", "mid_market", "small", "")[n % 4], talks=(1,) * (n % 6),
             stage=("", "awareness", "decision")[n % 3], people=n % 3, employees=n * 20)  # fmt: skip
    spec = live().spec
    counted = matrix(prospects(), spec, TODAY)
    everybody = graded(prospects(), spec, TODAY)
    assert counted.total == len(everybody) == 40
    cells = {cell.grade: cell.count for _, many, row in counted.rows for cell in (*many, row)}
    cells |= {cell.grade: cell.count for cell in counted.columns}
    assert cells == {one: len(graded(prospects(), spec, TODAY, grade=one)) for one in GRADES}
    assert sum(cells[one] for one in FIGURES) == sum(cells[one] for one in LETTERS) == 40
    assert len([one for one in cells if cells[one]]) > 8


def test_pages_of_the_list_hold_everybody_once_in_the_order_of_points(tenant: Tenant) -> None:
    for n in range(23):
        lead(f"L{n}", segment=("enterprise", "small", "")[n % 3])
    spec, after, seen = live().spec, None, []
    while page := graded(prospects(), spec, TODAY, after=after, most=5):
        seen += page
        after = (page[-1].points, page[-1].account_id)
    assert [one.account_id for one in seen] == [one.account_id for one in graded(prospects(), spec, TODAY)]
    assert len(seen) == 23
    assert [one.points for one in seen] == sorted((one.points for one in seen), reverse=True)


def test_grades_are_one_statement_however_many_leads(tenant: Tenant) -> None:
    spec = live().spec
    for size in (1, 30):
        for n in range(size):
            lead(f"S{size}-{n}", talks=(1, 2))
        with CaptureQueriesContext(connection) as asked:
            graded(prospects(), spec, TODAY)
        assert len(asked) == 1


def test_the_page_asks_as_often_with_many_leads_as_with_few(world: World, tenant: Tenant) -> None:
    mine = Person.objects.get(membership=world.members[Role.CSM])
    client, counts = in_browser(world), []
    for size in (3, 60):
        for n in range(size):
            lead(f"Q{size}-{n}", segment="small", talks=(1, 9), stage="decision", owner=mine)
        client.get("/leads/")
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/leads/").status_code == 200
        counts.append(len(asked))
    assert (counts[0] == counts[1], counts[1] <= 20) == (True, True), counts


@pytest.mark.parametrize("text", ["", "x", "5", "5_", "_5", "--5_1", "5_-1", "9999999_1", "5_" + "9" * 19, "²_1"])
def test_a_place_that_cannot_be_is_the_beginning(text: str) -> None:
    assert read_after(text) is None


def test_places_are_read_back() -> None:
    assert (read_after("55_7"), read_after("-20_123")) == ((55, 7), (-20, 123))


def test_every_rule_says_what_it_saw(world: World, tenant: Tenant) -> None:
    account = lead("Alder", segment="enterprise", talks=(2,))
    page = in_browser(world).get(f"/leads/{account.pk}/").content.decode()
    for words in ("Why Alder is B3", "Segment is enterprise", "Calls, meetings or e-mails in 30 days: 1<",
                  "Employees is not known; needs to be at least 200", "Meetings in 60 days: 0; needs 1",
                  "Lead grading v1", "0 of +25"):  # fmt: skip
        assert words in page, words
    dialog = in_browser(world).get(f"/leads/{account.pk}/", headers={"HX-Request": "true"}).content.decode()
    assert ("Why Alder is B3" in dialog, "dialog-head" in dialog, "<html" in dialog) == (True, True, False)


def test_amounts_are_hidden_from_roles_that_see_no_money(world: World, tenant: Tenant) -> None:
    rich = {"key": "rich", "name": "Pays", "points": 80, "rule": {"fact": "accounts.arr", "op": "gte", "value": 5}}
    _publish(changed(fit=[rich]))
    account = lead("Alder", arr_minor=123_456_00)
    url = f"/leads/{account.pk}/"
    assert "€123,456" in in_browser(world).get(url).content.decode()
    support = in_browser(world, Role.SUPPORT_AGENT).get(url).content.decode()
    assert ("123,456" in support, "ARR is hidden" in support) == (False, True)


def _publish(definition: dict[str, Any]) -> ProcessVersion:
    version = draft(kind="lead_grading", key="standard", name="Lead grading", definition=definition, actor=ACTOR,
                    now=NOW)  # fmt: skip
    return publish(version=version, actor=ACTOR, now=NOW, reason="Tried on last year")


@pytest.mark.capability("T1")
def test_the_page_shows_matrix_list_filters_and_version(world: World, tenant: Tenant) -> None:
    mine = Person.objects.get(membership=world.members[Role.CSM])
    lead("Alder", segment="enterprise", owner=mine, talks=(1,), stage="decision")
    lead("Birch", segment="small")
    client = in_browser(world, Role.CSM)
    page = client.get("/leads/").content.decode()
    for words in (
        "Alder",
        "Birch",
        "2 prospects",
        "Lead grading v1, as of",
        "B2: 1 prospect",
        "Enterprise",
        "Decision",
    ):
        assert words in page, words
    assert "Brightwater" not in page
    for query, there, away in (
        ("grade=B2", "Alder", "Birch"), ("grade=D", "Birch", "Alder"), ("grade=4", "Birch", "Alder"),
        ("owner=me", "Alder", "Birch"), (f"owner={mine.pk}", "Alder", "Birch"),
    ):  # fmt: skip
        found = client.get(f"/leads/?{query}").content.decode()
        assert (there in found, away in found) == (True, False), query
    assert "No lead is here" in client.get("/leads/?grade=A1").content.decode()


def test_a_filter_that_cannot_be_is_left_out(world: World, tenant: Tenant) -> None:
    lead("Alder")
    for query in (
        "grade=Z9",
        "owner=x",
        "owner=²",
        "after=x_y",
        "owner=9999999999999999999",
        "owner=99999999999999999999999",
    ):
        assert "Alder" in in_browser(world).get(f"/leads/?{query}").content.decode(), query


def test_without_prospects_and_without_a_grading_the_page_says_so(world: World, tenant: Tenant) -> None:
    assert "No prospects" in in_browser(world).get("/leads/").content.decode()
    ProcessVersion.objects.filter(kind="lead_grading").update(state="retired")
    assert "Leads are not graded" in in_browser(world).get("/leads/").content.decode()
    assert in_browser(world).get("/leads/file/").status_code == 404


def test_the_file_holds_the_list_as_it_is_filtered_and_leaves_a_line(world: World, tenant: Tenant) -> None:
    lead("=Alder", segment="enterprise", external_id="E1")
    lead("Birch")
    answer = in_browser(world).get("/leads/file/?grade=B")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [(row["account"], row["grade"], row["fit_points"], row["why"], row["version"]) for row in rows] == [
        ("'=Alder", "B4", "50", "Enterprise (+50)", "1")
    ]
    assert AuditEntry.objects.filter(verb="exported").latest("pk").after == {"rows": 1, "cut": False}


def test_the_account_page_shows_the_grade_of_a_prospect_and_none_of_a_customer(world: World, tenant: Tenant) -> None:
    account = lead("Alder", segment="enterprise")
    client = in_browser(world)
    assert "Lead grade" in client.get(f"/accounts/{account.pk}/").content.decode()
    assert "Lead grade" not in client.get(f"/accounts/{world.ids['account_id']}/").content.decode()
    assert client.get(f"/leads/{world.ids['account_id']}/").status_code == 404


def test_leads_of_another_workspace_are_on_no_page_in_no_file_and_no_answer(world: World) -> None:
    other = make_world("heron", canary="HERONCANARY")
    with tenant_context(other.tenant.pk):
        foreign = lead("HERONCANARY Co", segment="enterprise", talks=(1,))
    with tenant_context(world.tenant.pk):
        lead("Alder")
    client, program = in_browser(world), make_key(world.tenant)[1]
    for found in (client.get("/leads/"), client.get("/leads/file/"), program.get("/api/v1/leads/")):
        assert (found.status_code, b"HERONCANARY" in found.content) == (200, False)
    assert client.get(f"/leads/{foreign.pk}/").content == client.get("/leads/1000000000/").content
    assert b"HERONCANARY" in in_browser(other).get("/leads/").content


def test_programs_read_leads_page_by_page_with_their_rules(world: World, tenant: Tenant) -> None:
    best = lead("Alder", segment="enterprise", external_id="E1", talks=(3,))
    for n in range(3):
        lead(f"L{n}")
    program = make_key(world.tenant, Role.LEADER)[1]
    first = program.get("/api/v1/leads/?limit=3").json()
    row = first["results"][0]
    assert {key: row[key] for key in ("account_id", "external_id", "grade", "fit_points", "engagement_points",
                                      "version")} == {
        "account_id": best.pk, "external_id": "E1", "grade": "B3", "fit_points": 50, "engagement_points": 30,
        "version": 1,
    }  # fmt: skip
    assert sum(rule["points"] for rule in row["rules"] if rule["holds"]) == 80
    rest = program.get(f"/api/v1/leads/?limit=3&cursor={first['next']}").json()
    assert (len(first["results"]), len(rest["results"]), rest["next"]) == (3, 1, None)
    assert [one["name"] for one in program.get("/api/v1/leads/?grade=B").json()["results"]] == ["Alder"]
    wrong = program.get("/api/v1/leads/?grade=E9")
    assert (wrong.status_code, "grade" in wrong.json()["error"]["fields"]) == (400, True)


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"fit": []}, "fit: give a list of 1 to 30 rules"),
        ({"engagemnt": []}, "engagemnt: this field is unknown. Did you mean engagement?"),
        ({"fit": [{"key": "a", "name": "A", "rule": SEGMENT, "points": 0}]}, "fit[0].points: a whole number"),
        ({"fit": [{"key": "a", "name": "A", "points": 5}]}, "fit[0].rule: say when it holds, by a rule over facts"),
        ({"fit": [{"key": "a", "name": "A", "count": {"of": ["call"], "days": 3}, "points": 5}]},
         "fit[0].count: fit is who they are. Move the count to engagement"),
        ({"fit": [{"key": "A b", "name": "A", "rule": SEGMENT, "points": 5}]}, "fit[0].key: small letters"),
        ({"fit": [{"key": "a", "name": "A", "rule": SEGMENT, "points": 5}] * 2}, "fit[1].key: 'a' stands twice"),
        ({"fit": [{"key": "a", "name": "A", "rule": {"fact": "accounts.size", "op": "gt", "value": 3}, "points": 5}]},
         "fit[0].rule: Unknown fact 'accounts.size'. Known: "),
        ({"engagement": [{"key": "x", "name": "X", "count": {"of": ["fax"], "days": 3}, "points": 5}]},
         "engagement[0].count.of: a list of call, meeting, email, note"),
        ({"engagement": [{"key": "x", "name": "X", "count": {"of": ["call"], "days": 0}, "points": 5}]},
         "engagement[0].count.days: a whole number from 1 to 730"),
        ({"engagement": [{"key": "x", "name": "X", "rule": SEGMENT, "count": {"of": ["call"], "days": 3},
                          "points": 5}]}, "engagement[0].rule: say when it holds, by either"),
        ({"grades": {"fit": {"A": 70, "B": 70, "C": 10}, "engagement": {"1": 3, "2": 2, "3": 1}}},
         "grades.fit.B: 70 is not below the 70 of A. Lower it."),
        ({"grades": {"fit": {"A": 70, "B": 50}, "engagement": {"1": 3, "2": 2, "3": 1}}},
         "grades.fit.C: give a whole number, the points from which it begins; not None."),
        ({"grades": {"fit": {"A": 70, "B": 50, "C": 3, "D": 0}, "engagement": {"1": 3, "2": 2, "3": 1}}},
         "grades.fit.D: this field is unknown."),
        ({"grades": []}, "grades: give a block"),
    ],
)  # fmt: skip
def test_a_document_that_cannot_be_is_refused_with_field_and_remedy(parts: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=r"^[a-z]") as refused:
        parse_checked(changed(**parts))
    assert str(refused.value).startswith(words)


def test_a_best_grade_that_nobody_can_reach_is_not_published(tenant: Tenant) -> None:
    grades_of = {"fit": {"A": 900, "B": 50, "C": 3}, "engagement": {"1": 3, "2": 2, "3": 1}}
    with pytest.raises(PublishRefused, match=r"grades\.fit\.A: nobody can reach 900 points, the rules give 145"):
        _publish(changed(grades=grades_of))


def test_publishing_another_grading_says_whom_it_moves_and_moves_them(tenant: Tenant) -> None:
    lead("Alder", segment="enterprise")
    lead("Birch")
    easy = changed(grades={"fit": {"A": 50, "B": 20, "C": 5}, "engagement": {"1": 70, "2": 45, "3": 20}})
    assert effects("standard", easy, TODAY) == ["1 of 2 prospects would change their grade; 0 would be A1, 0 are."]
    assert _publish(easy).number == 2
    assert (grades()["Alder"][0], grades()["Birch"][0], live().number) == ("A4", "D4", 2)


def test_the_document_of_the_guide_is_one_that_is_taken() -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs/leads.md").read_text()
    sample = guide.partition("```yaml\n")[2].partition("```")[0]
    made = from_bytes(sample.encode(), "leads.yaml")
    assert (made.kind, made.key, len(made.definition["fit"])) == ("lead_grading", "standard", 2)
    check_reachable(parse_checked(made.definition))


def test_the_grading_is_told_in_words(tenant: Tenant) -> None:
    told = {line.path: line.value for line in describe(dict(DEFAULT_GRADING))}
    assert told["fit.enterprise.rule"] == "Segment is enterprise"
    assert told["engagement.often.rule"] == "4 or more calls, meetings or e-mails in 90 days"
    assert (told["engagement.silent.points"], told["grades.fit.A"]) == ("−20 for engagement", "75 points")
    assert [block.kind for block in document(dict(DEFAULT_GRADING))].count("table") == 2
    assert len(every_rule(live().spec)) == 12
