"""The sales process in figures, read only."""

from typing import Any

from django.http import Http404
from rest_framework import serializers

from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.permissions import Permission
from journeys.choices import OpportunityKind
from journeys.queries.analysis.page import analysis, as_json
from journeys.queries.analysis.recurring import SOURCES, WAYS, recurring
from journeys.queries.analysis.scope import Scope
from journeys.queries.pipelines import find_pipeline

_ID_MAX = 2**63 - 1


class AnalysisQuery(serializers.Serializer[Any]):
    by = serializers.ChoiceField(
        choices=["created", "closed"], required=False, help_text="Which day decides the period. Created when left out."
    )
    start = serializers.DateField(required=False, help_text="First day.")
    end = serializers.DateField(required=False, help_text="First day after.")
    owner = serializers.IntegerField(required=False, min_value=0, max_value=_ID_MAX, help_text="Person; 0: nobody.")
    product = serializers.IntegerField(required=False, min_value=0, max_value=_ID_MAX, help_text="0: none.")
    segment = serializers.CharField(required=False, max_length=40)
    kind = serializers.ChoiceField(choices=OpportunityKind.choices, required=False)


class AnalysisShape(serializers.Serializer[Any]):
    """Rates are fractions, null under 5 decided deals; amounts in minor units, null for roles that see no money."""

    as_of = serializers.DateField()
    cohort = serializers.DictField(help_text="by, from, to")
    deals = serializers.DictField(help_text="Deals and amount: deals, won, lost, open.")
    stages = serializers.ListField(
        child=serializers.DictField(), help_text="Per open stage entered = advanced + lost + waiting, and conversion."
    )
    matrix = serializers.ListField(
        child=serializers.DictField(), help_text="From each stage, how many came to each later one, won last."
    )
    biggest_drop_off = serializers.CharField(allow_null=True)
    biggest_drop_off_by_amount = serializers.CharField(allow_null=True)
    win_rate = serializers.DictField()
    win_rate_by_month = serializers.ListField(child=serializers.DictField())
    cycle_days = serializers.ListField(
        child=serializers.DictField(), help_text="median, p90: open deals counted as on the way; median_of_won: not."
    )
    qualification = serializers.ListField(child=serializers.DictField())
    friction = serializers.ListField(child=serializers.DictField(), help_text="Most money lost first.")
    definitions = serializers.DictField(child=serializers.CharField())


class PipelineAnalysis(ApiView):
    @endpoint(Permission.VIEW_OPPORTUNITIES, AnalysisShape, summary="Funnel, win rate and cycle of a pipeline",
              query=AnalysisQuery, tag="opportunities")  # fmt: skip
    def get(self, call: Call, key: str) -> Answer:
        pipeline = find_pipeline(key)
        if pipeline is None:
            raise Http404
        asked = call.query
        scope = Scope(
            pipeline.pk,
            asked.get("by", "created"),
            asked.get("start"),
            asked.get("end"),
            asked.get("owner"),
            asked.get("product"),
            asked.get("segment"),
            asked.get("kind"),
        )
        found = analysis(scope, today=call.today)
        return Answer(as_json(found, with_money=call.may(Permission.VIEW_MONEY)))


class RecurringQuery(serializers.Serializer[Any]):
    by = serializers.ChoiceField(choices=list(WAYS.items()), required=False, help_text="Exact when left out.")
    source = serializers.ChoiceField(  # type: ignore[assignment]  # -- the name of the contract
        choices=list(SOURCES.items()), required=False
    )


class ProblemShape(serializers.Serializer[Any]):
    source = serializers.ChoiceField(choices=list(SOURCES.items()))  # type: ignore[assignment]  # -- as above
    title = serializers.CharField()
    reason = serializers.CharField(allow_blank=True)
    product = serializers.CharField(allow_blank=True)
    stage = serializers.CharField(allow_blank=True)
    count = serializers.IntegerField(help_text="Cases in 90 days.")
    before = serializers.IntegerField(help_text="In the 90 days before.")
    accounts = serializers.IntegerField()
    last_on = serializers.DateField()


class RecurringShape(serializers.Serializer[Any]):
    since = serializers.DateField()
    problems = ProblemShape(many=True, source="clusters")
    cases = serializers.DictField(child=serializers.IntegerField(), help_text="By source.")


class RecurringProblems(ApiView):
    @endpoint(Permission.VIEW_OPPORTUNITIES, RecurringShape, summary="Problems with three or more cases in 90 days",
              query=RecurringQuery, tag="opportunities")  # fmt: skip
    def get(self, call: Call) -> Answer:
        found = recurring(
            zone=call.tenant.timezone, today=call.today, way=call.query.get("by", "exact"),
            source=call.query.get("source", ""),
        )  # fmt: skip
        return Answer(found)
