"""Opportunities for programs: to read, to make and change, to qualify. Moves stand in `gates`."""

from typing import Any, Final

from django.shortcuts import get_object_or_404
from rest_framework import serializers

from accounts.models import Account, Person, Product
from core.api.endpoints import ID_MAX, Answer, ApiView, Call, endpoint
from core.api.errors import Refused, invalid
from core.api.pages import page_of
from core.permissions import Permission
from journeys.actions import rights
from journeys.actions.answers import answer_question
from journeys.actions.moves import EditionMoved, GateShut, ReasonNeeded
from journeys.actions.opportunities import OpportunityRefused, create_opportunity, update_opportunity
from journeys.api.gates import refusal
from journeys.choices import OpportunityKind, StageKind
from journeys.models import Answer as GivenAnswer
from journeys.models import Opportunity, Pipeline, PipelineStage
from journeys.queries.opportunity_page import opportunities_for_programs
from journeys.rules.qualification import BadAnswer

LARGEST_ID: Final = ID_MAX - 1


class NamedShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class StageShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    key = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=StageKind.choices)
    probability = serializers.IntegerField()
    forecast = serializers.CharField()


class OpportunityShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    external_id = serializers.CharField(allow_blank=True)
    name = serializers.CharField()
    about = serializers.CharField(allow_blank=True)
    kind = serializers.ChoiceField(choices=OpportunityKind.choices)
    account = NamedShape(allow_null=True)
    pipeline = serializers.CharField(source="pipeline.key")
    stage = StageShape()
    owner = NamedShape(allow_null=True)
    product = NamedShape(allow_null=True)
    amount_minor = serializers.SerializerMethodField()
    currency = serializers.CharField()
    opened_on = serializers.DateField(allow_null=True)
    close_on = serializers.DateField(allow_null=True)
    closed_on = serializers.DateField(allow_null=True)
    close_reason = serializers.CharField(allow_blank=True)
    edition = serializers.IntegerField(help_text="Rises with every change; send it back with a change or a move.")

    def get_amount_minor(self, deal: Opportunity) -> int | None:
        """In minor units; null where unknown, and for roles that see no money."""
        call: Call = self.context["call"]
        return deal.amount_minor if call.may(Permission.VIEW_MONEY) else None


class AnswerShape(serializers.Serializer[Any]):
    framework = serializers.CharField()
    question = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    contact = serializers.IntegerField(source="contact_id", allow_null=True)
    is_complete = serializers.BooleanField()
    answered_on = serializers.DateField()
    answered_by = serializers.CharField()


class OpportunityQuery(serializers.Serializer[Any]):
    pipeline = serializers.CharField(required=False, max_length=80)
    stage = serializers.CharField(required=False, max_length=80, help_text="Key of the stage.")
    state = serializers.ChoiceField(choices=StageKind.choices, required=False)
    account = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    owner = serializers.IntegerField(required=False, min_value=1, max_value=LARGEST_ID)
    external_id = serializers.CharField(required=False, max_length=120)


class OpportunityFields(serializers.Serializer[Any]):
    """What a deal can be given. What is left out keeps its value."""

    name = serializers.CharField(required=False, max_length=200)
    about = serializers.CharField(required=False, allow_blank=True, max_length=200)
    kind = serializers.ChoiceField(choices=OpportunityKind.choices, required=False)
    account = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=LARGEST_ID)
    owner = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=LARGEST_ID)
    product = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=LARGEST_ID)
    amount_minor = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=10**15 - 1)
    close_on = serializers.DateField(required=False, allow_null=True)


class ChangedOpportunity(OpportunityFields):
    """With `edition`, nothing is changed where somebody else was faster: 409, `changed_meanwhile`."""

    edition = serializers.IntegerField(
        required=False, min_value=1, max_value=LARGEST_ID, help_text="As last read: refused when it has risen."
    )


class NewOpportunity(OpportunityFields):
    """`pipeline` left out is the default one, `stage` its first: a later stage asks for what its gates ask."""

    name = serializers.CharField(max_length=200)
    external_id = serializers.CharField(required=False, max_length=120)
    pipeline = serializers.CharField(required=False, max_length=80)
    stage = serializers.CharField(required=False, max_length=80)


class GivenShape(serializers.Serializer[Any]):
    framework = serializers.CharField(max_length=80)
    question = serializers.CharField(max_length=80)
    value = serializers.JSONField(required=False, allow_null=True, help_text="In the type of the question.")
    contact = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=LARGEST_ID)


class OpportunityList(ApiView):
    @endpoint(Permission.VIEW_OPPORTUNITIES, OpportunityShape, summary="Opportunities", query=OpportunityQuery,
              pages=True, tag="opportunities")  # fmt: skip
    def get(self, call: Call) -> Answer:
        names = ("pipeline", "stage", "state", "account", "owner", "external_id")
        asked = {name: call.query.get(name) for name in names}
        return Answer(page_of(opportunities_for_programs(**asked), call.query, by="id", within=call.within))

    @endpoint(Permission.WORK_OPPORTUNITIES, OpportunityShape, summary="Make an opportunity", body=NewOpportunity,
              status=201, refuses=(409, 422), tag="opportunities")  # fmt: skip
    def post(self, call: Call) -> Answer:
        pipeline, stage = _placed(call.body)
        try:
            deal = create_opportunity(
                values=_values(call.body),
                pipeline_id=pipeline.pk,
                stage_id=stage.pk if stage else None,
                external_id=call.body.get("external_id", ""),
                currency=call.tenant.currency,
                actor=call.actor,
                today=call.today,
                now=call.now,
            )
        except OpportunityRefused as refused:
            raise Refused("refused", str(refused)) from refused
        except (GateShut, ReasonNeeded) as shut:
            raise refusal(shut) from shut
        return Answer(_one(deal.pk), status=201, location=f"/api/v1/opportunities/{deal.pk}/")


class OpportunityDetail(ApiView):
    @endpoint(Permission.VIEW_OPPORTUNITIES, OpportunityShape, summary="One opportunity", tag="opportunities")
    def get(self, call: Call, opportunity_id: int) -> Answer:
        return Answer(_one(opportunity_id))

    @endpoint(Permission.WORK_OPPORTUNITIES, OpportunityShape, summary="Change an opportunity",
              body=ChangedOpportunity, refuses=(409, 422), tag="opportunities")  # fmt: skip
    def put(self, call: Call, opportunity_id: int) -> Answer:
        _one(opportunity_id)
        try:
            update_opportunity(
                opportunity_id=opportunity_id, values=_values(call.body), actor=call.actor, today=call.today,
                now=call.now, seen_edition=call.body.get("edition"),
            )  # fmt: skip
        except EditionMoved as moved:
            raise Refused("changed_meanwhile", str(moved), status_code=409) from moved
        except OpportunityRefused as refused:
            raise Refused("refused", str(refused)) from refused
        return Answer(_one(opportunity_id))


class OpportunityAnswers(ApiView):
    @endpoint(Permission.VIEW_OPPORTUNITIES, AnswerShape, summary="Answers of an opportunity", pages=True,
              tag="opportunities")  # fmt: skip
    def get(self, call: Call, opportunity_id: int) -> Answer:
        deal = _one(opportunity_id)
        return Answer(page_of(GivenAnswer.objects.filter(opportunity=deal), call.query, by="id", within=call.within))

    @endpoint(rights.ANSWER_QUESTION, AnswerShape, summary="Answer a question of a framework",
              body=GivenShape, refuses=(422,), tag="opportunities")  # fmt: skip
    def post(self, call: Call, opportunity_id: int) -> Answer:
        deal, asked = _one(opportunity_id), call.body
        try:
            given = answer_question(
                opportunity_id=deal.pk,
                framework=asked["framework"],
                question=asked["question"],
                value=asked.get("value"),
                contact_id=asked.get("contact"),
                actor=call.actor,
                today=call.today,
                now=call.now,
            )
        except BadAnswer as bad:
            raise Refused("bad_answer", str(bad), fields={"value": [str(bad)]}) from bad
        gone = {"framework": asked["framework"], "question": asked["question"], "value": None, "contact_id": None,
                "is_complete": False, "answered_on": call.today, "answered_by": call.actor.label}  # fmt: skip
        return Answer(given if given is not None else gone)


def _one(opportunity_id: int) -> Opportunity:
    found: Opportunity = get_object_or_404(opportunities_for_programs(), pk=opportunity_id)
    return found


def _values(body: dict[str, Any]) -> dict[str, Any]:
    """The fields by the names of the row. Ids are looked up here, so that a wrong one names its field."""
    values: dict[str, Any] = {
        name: body[name] for name in ("name", "about", "kind", "amount_minor", "close_on") if name in body
    }
    for name, model in (("account", Account), ("owner", Person), ("product", Product)):
        if name in body:
            key = body[name]
            if key is not None and not model._default_manager.filter(pk=key).exists():
                words = f"There is no {name} with the id {key}."
                raise invalid(f"{name}: {words}", **{name: [words]})
            values[f"{name}_id"] = key
    return values


def _placed(body: dict[str, Any]) -> tuple[Pipeline, PipelineStage | None]:
    key, stage_key = body.get("pipeline"), body.get("stage")
    pipelines = Pipeline.objects.filter(key=key) if key else Pipeline.objects.order_by("-is_default", "pk")
    pipeline = pipelines.first()
    if pipeline is None:
        words = f"There is no pipeline '{key or ''}'."
        raise Refused("unknown_pipeline", words, fields={"pipeline": [words]})
    stage = pipeline.stages.filter(key=stage_key).first() if stage_key else None
    if stage_key and stage is None:
        words = f"'{stage_key}' is no stage of {pipeline.name}."
        raise Refused("unknown_stage", words, fields={"stage": [words]})
    return pipeline, stage
