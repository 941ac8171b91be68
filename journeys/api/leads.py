"""Leads: prospects with their grade and every rule that it is made of."""

from typing import Any

from rest_framework import serializers

from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.pages import Page, cut, read_cursor
from core.permissions import Permission
from journeys.queries.lead_list import GRADES, lead_reader, leads


class LeadRuleShape(serializers.Serializer[Any]):
    part = serializers.CharField(help_text="fit or engagement")
    key = serializers.CharField()
    name = serializers.CharField()
    points = serializers.IntegerField(help_text="What the rule gives where it holds.")
    holds = serializers.BooleanField()
    seen = serializers.CharField(help_text="What was seen of the account, in words.")


class LeadShape(serializers.Serializer[Any]):
    account_id = serializers.IntegerField()
    external_id = serializers.CharField(allow_blank=True)
    name = serializers.CharField()
    grade = serializers.CharField(help_text="A1 to D4: a letter for fit, a figure for engagement.")
    fit_points = serializers.IntegerField(source="fit")
    engagement_points = serializers.IntegerField(source="engagement")
    rules = LeadRuleShape(source="lines", many=True)
    stage = serializers.CharField(allow_blank=True)
    owner_id = serializers.IntegerField(allow_null=True)
    owner = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField(help_text="Number of the lead grading that was live.")


class LeadQuery(serializers.Serializer[Any]):
    grade = serializers.ChoiceField(choices=GRADES, required=False, help_text="A1 to D4, a letter or a figure.")
    owner = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1, help_text="Id of the owner.")


class LeadList(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, LeadShape, summary="Prospects with their grade, most points first",
              query=LeadQuery, pages=True, tag="leads")  # fmt: skip
    def get(self, call: Call) -> Answer:
        grading, reader = lead_reader(
            currency=call.tenant.currency, today=call.today, sees_money=call.may(Permission.VIEW_MONEY)
        )
        if grading is None:
            return Answer(Page([], None))
        asked = call.query
        points, pk = read_cursor(asked["cursor"], call.within) if asked.get("cursor") else (0, 0)
        found = leads(
            grading,
            reader,
            grade=asked.get("grade", ""),
            owner_id=asked.get("owner"),
            after=(points, pk) if asked.get("cursor") else None,
            most=asked["limit"] + 1,
        )
        return Answer(cut(found, asked["limit"], lambda one: list(one.place), call.within))
