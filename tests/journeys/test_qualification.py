"""Qualification: what ships, what counts as an answer, and how far a deal is."""

from datetime import date, datetime
from typing import Any

import pytest

from accounts.models import Account, Contact
from core.actions import create_tenant
from core.actors import Actor
from core.models import AuditEntry, ProcessVersion
from core.tenancy import tenant_context
from core.versioning import draft, publish
from journeys.actions.answers import answer_question
from journeys.actions.opportunities import update_opportunity
from journeys.models import Answer, Opportunity, Pipeline
from journeys.queries.qualification import asked_of, frameworks, progress, progress_of
from journeys.rules.qualification import BadAnswer, Question, judged, parse_qualification
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 2)


@pytest.mark.capability("C3", "T1")
def test_a_new_workspace_has_bant_meddic_meddpicc_and_spiced(now: datetime, actor: Actor) -> None:
    tenant = create_tenant(slug="harbour", name="Harbour", currency="EUR", timezone="UTC", actor=actor, now=now)
    with tenant_context(tenant.pk):
        shipped = frameworks()
    assert {key: (one.name, one.spec.asked) for key, one in shipped.items()} == {
        "bant": ("BANT", 4), "meddic": ("MEDDIC", 6), "meddpicc": ("MEDDPICC", 8), "spiced": ("SPICED", 5),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "more", "value", "stored", "complete"),
    [
        ("text", {}, "  It hurts ", "It hurts", True),
        ("text", {}, "   ", "", False),
        ("number", {"least": 10}, 9, 9, False),
        ("number", {"least": 10}, 10, 10, True),
        ("money", {}, 0, 0, False),
        ("money", {}, 100_00, 100_00, True),
        ("date", {}, "2026-12-31", "2026-12-31", True),
        ("choice", {"choices": ("a", "b")}, "b", "b", True),
        ("boolean", {}, False, False, False),
        ("boolean", {}, True, True, True),
        ("steps", {"least": 2}, [{"what": "Legal", "on": "2026-04-01"}, {"what": "Sign"}],
         [{"what": "Legal", "on": "2026-04-01"}, {"what": "Sign", "on": None}], False),
        ("steps", {"least": 1}, [{"what": "Legal", "on": "2026-04-01"}],
         [{"what": "Legal", "on": "2026-04-01"}], True),
    ],
)  # fmt: skip
def test_each_type_of_question_knows_what_satisfies_it(
    kind: str, more: dict[str, Any], value: Any, stored: Any, complete: bool
) -> None:
    given = judged(Question("q", "Q", kind, **more), value)
    assert (given.value, given.is_complete) == (stored, complete)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("text", 4), ("text", "x" * 2001), ("number", "4"), ("number", True), ("number", 1e300), ("money", 1.5),
     ("money", -1), ("date", "2026-13-01"), ("date", 5), ("boolean", "yes"), ("choice", "c"), ("steps", "x"),
     ("steps", [{"on": "2026-01-01"}]), ("steps", [{"what": "x", "on": "soon"}]), ("steps", [{"what": "x", "who": 1}])],
)  # fmt: skip
def test_an_answer_of_another_type_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(BadAnswer):
        judged(Question("q", "Q", kind, choices=("a", "b")), value)


@pytest.mark.parametrize(
    ("questions", "words"),
    [
        ([], "questions: give a list"),
        ([{"key": "a", "name": "A", "type": "colour"}], "questions[0].type: 'colour' is unknown"),
        ([{"key": "a", "name": "A"}, {"key": "a", "name": "B"}], "questions[1].key: the key 'a' stands twice"),
        ([{"key": "a", "name": "A", "type": "choice"}], "questions[0].choices: give a list"),
        ([{"key": "a", "name": "A", "min": 2}], "questions[0].min: only for"),
        ([{"key": "a", "name": "A", "required": False}], "questions: no question is required"),
        ([{"key": "A b", "name": "A"}], "questions[0].key: 'A b' may hold"),
        ([{"key": "a", "name": "A", "tpye": "text"}], "questions[0].tpye: this field is unknown. Did you mean type?"),
    ],
)
def test_a_bad_framework_names_the_question_and_the_remedy(questions: list[Any], words: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        parse_qualification({"questions": questions})
    assert str(refused.value).startswith(words)


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


def with_framework(world: World, *keys: str) -> Opportunity:
    """The deal of the world, in a pipeline whose live version names the frameworks."""
    deal = Opportunity.objects.get(pk=world.ids["opportunity_id"])
    version = ProcessVersion.objects.get(kind="pipeline", key=deal.pipeline.key, state="published")
    ProcessVersion.objects.filter(pk=version.pk).update(definition={**version.definition, "frameworks": list(keys)})
    return deal


@pytest.mark.capability("C3")
def test_a_deal_shows_how_many_questions_are_answered(world: World, actor: Actor, now: datetime) -> None:
    with tenant_context(world.tenant.pk):
        deal = with_framework(world, "meddic")
        contact = Contact.objects.get()
        assert progress([deal]) == {deal.pk: (0, 6)}
        given = {"opportunity_id": deal.pk, "framework": "meddic", "actor": actor, "today": TODAY, "now": now}
        answer_question(question="pain", value="We lose a day a week", **given)
        answer_question(question="champion", value="", contact_id=contact.pk, **given)
        half = answer_question(question="decision_process", value=[{"what": "Board", "on": "2026-04-01"}], **given)
        assert half is not None
        assert half.is_complete is False
        assert progress([deal]) == {deal.pk: (2, 6)}
        [(framework, asked)] = asked_of(deal, list(frameworks(["meddic"]).values()))
        assert {one.question.key: one.state for one in asked} == {
            "metrics": "open", "economic_buyer": "open", "decision_criteria": "open", "decision_process": "begun",
            "pain": "met", "champion": "met",
        }  # fmt: skip
        [bar] = progress_of([deal], {deal.pipeline_id: [framework]})[deal.pk]
        assert bar.dots == [True, True, False, False, False, False]


def test_an_answer_is_kept_once_raises_the_edition_and_is_audited(world: World, actor: Actor, now: datetime) -> None:
    with tenant_context(world.tenant.pk):
        deal = Opportunity.objects.get()
        given = {"opportunity_id": deal.pk, "framework": "meddic", "question": "pain", "actor": actor, "today": TODAY,
                 "now": now}  # fmt: skip
        answer_question(value="Slow", **given)
        answer_question(value="Slow", **given)
        answer_question(value="Very slow", **given)
        assert answer_question(value="", **given) is None
        deal.refresh_from_db()
        assert deal.edition == 4
        verbs = list(AuditEntry.objects.filter(subject_id=deal.pk).order_by("pk").values_list("verb", flat=True))
        assert verbs == ["answered", "answered", "took back an answer"]


def test_a_contact_of_another_account_is_no_answer(world: World, actor: Actor, now: datetime) -> None:
    with tenant_context(world.tenant.pk):
        deal = Opportunity.objects.get()
        other = Account.objects.create(name="Other", name_key="other")
        stranger = Contact.objects.create(account=other, name="Stranger")
        with pytest.raises(BadAnswer, match="not one of the opportunity's account"):
            answer_question(
                opportunity_id=deal.pk, framework="meddic", question="champion", value="", contact_id=stranger.pk,
                actor=actor, today=TODAY, now=now,
            )  # fmt: skip


def test_a_contact_of_the_former_account_no_longer_answers(world: World, actor: Actor, now: datetime) -> None:
    with tenant_context(world.tenant.pk):
        deal = Opportunity.objects.get()
        given = {"opportunity_id": deal.pk, "framework": "meddic", "actor": actor, "today": TODAY, "now": now}
        answer_question(question="champion", value="", contact_id=Contact.objects.get().pk, **given)
        answer_question(question="pain", value="Slow", **given)
        other = Account.objects.create(name="Other", name_key="other")
        update_opportunity(opportunity_id=deal.pk, values={"account_id": other.pk}, actor=actor, today=TODAY, now=now)
        said = {one.question: (one.contact_id, one.is_complete) for one in Answer.objects.all()}
        assert said == {"champion": (None, False), "pain": (None, True)}
        assert AuditEntry.objects.filter(subject_id=deal.pk, verb="opened answers again").count() == 1


def test_answers_are_judged_anew_when_a_question_asks_for_more(world: World, actor: Actor, now: datetime) -> None:
    with tenant_context(world.tenant.pk):
        deal = Opportunity.objects.get()
        steps = [{"what": "Board", "on": "2026-04-01"}]

        def go_live(least: int) -> None:
            live = ProcessVersion.objects.get(kind="qualification", key="meddic", state="published")
            questions = [
                {**one, "min": least} if one["key"] == "decision_process" else one
                for one in live.definition["questions"]
            ]
            version = draft(kind="qualification", key="meddic", name=live.name, definition={"questions": questions},
                            actor=actor, now=now)  # fmt: skip
            publish(version=version, actor=actor, now=now, reason="Steps")

        go_live(1)
        answer_question(
            opportunity_id=deal.pk, framework="meddic", question="decision_process", value=steps, actor=actor,
            today=TODAY, now=now,
        )  # fmt: skip
        found = []
        for least in (3, 1):
            go_live(least)
            found.append(Answer.objects.get().is_complete)
        assert found == [False, True]
        assert AuditEntry.objects.filter(verb="judged answers anew").count() == 2


def test_progress_of_many_deals_is_a_constant_number_of_queries(world: World, django_assert_num_queries: Any) -> None:
    with tenant_context(world.tenant.pk):
        deal = with_framework(world, "bant", "spiced")
        pipeline = Pipeline.objects.get()
        Opportunity.objects.bulk_create(
            Opportunity(
                tenant=world.tenant, pipeline=pipeline, stage_id=deal.stage_id, name=f"D{n}", currency="EUR"
            )
            for n in range(40)
        )  # fmt: skip
        with django_assert_num_queries(3):
            found = progress(Opportunity.objects.all())
        assert set(found.values()) == {(0, 9)}
