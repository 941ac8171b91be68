"""What people say beside a score: overrides and doubts; and why a rule did or did not fire."""

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import serializers

from accounts.models import Account
from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.errors import Refused
from core.permissions import Permission
from health.actions.doubts import DoubtRefused, report_doubt
from health.actions.overrides import OverrideRefused, clear_override, set_override
from health.api.alerts import ConditionShape
from health.api.scores import DayField
from health.models import Override
from health.queries.alert_trace import trace
from health.queries.alerts import money_facts

CONFLICT = 409


class StandingOverrideShape(serializers.Serializer[Any]):
    """An override as it was set."""

    account_id = serializers.IntegerField()
    score = serializers.FloatField()
    reason = serializers.CharField()
    from_day = serializers.DateField()
    until = serializers.DateField(source="until_day", help_text="The first day on which it no longer counts.")
    set_by = serializers.CharField()
    set_at = serializers.DateTimeField()
    cleared_at = serializers.DateTimeField(allow_null=True)


class Overriding(serializers.Serializer[Any]):
    score = serializers.FloatField(min_value=0, max_value=100)
    reason = serializers.CharField(max_length=1000)
    until = DayField(help_text="The first day on which it no longer counts, at most 90 days from today.")


class OverridePost(ApiView):
    @endpoint(Permission.OVERRIDE_HEALTH, StandingOverrideShape, summary="Set a judgement beside the computed score",
              body=Overriding, status=201, tag="scores")  # fmt: skip
    def post(self, call: Call, account_id: int) -> Answer:
        try:
            one = set_override(
                account_id=_account(account_id).pk, actor=call.actor, now=call.now, today=call.today, **call.body
            )
        except OverrideRefused as refusal:
            raise Refused("bad_override", str(refusal)) from refusal
        return Answer(one, status=201)


class OverrideClear(ApiView):
    @endpoint(Permission.OVERRIDE_HEALTH, StandingOverrideShape, summary="Let the computed score count alone again",
              tag="scores")  # fmt: skip
    def post(self, call: Call, account_id: int) -> Answer:
        try:
            one: Override = clear_override(
                account_id=_account(account_id).pk, actor=call.actor, now=call.now, today=call.today
            )
        except OverrideRefused as refusal:
            raise Refused("no_override", str(refusal), status_code=CONFLICT) from refusal
        return Answer(one)


class DoubtShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    account_id = serializers.IntegerField()
    input = serializers.CharField(source="input_key", allow_blank=True)
    note = serializers.CharField()
    score = serializers.FloatField(allow_null=True)
    said_at = serializers.DateTimeField()
    said_by = serializers.CharField()


class Doubting(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=2000, help_text="What looks wrong.")
    input = serializers.CharField(required=False, allow_blank=True, max_length=80, default="", help_text="Its key.")


class DoubtPost(ApiView):
    @endpoint(Permission.VIEW_HEALTH, DoubtShape, summary="Say that a score looks wrong", body=Doubting, status=201,
              tag="scores")  # fmt: skip
    def post(self, call: Call, account_id: int) -> Answer:
        try:
            doubt = report_doubt(
                account_id=_account(account_id).pk, input_key=call.body["input"], note=call.body["note"],
                actor=call.actor, now=call.now,
            )  # fmt: skip
        except DoubtRefused as refusal:
            raise Refused("bad_doubt", str(refusal)) from refusal
        return Answer(doubt, status=201)


class WhyQuery(serializers.Serializer[Any]):
    account = serializers.IntegerField(min_value=1, max_value=2**63 - 1, help_text="Id.")
    rule = serializers.CharField(max_length=80, help_text="Key of the alert rule.")
    on = DayField(help_text="The day asked about.")


class WhyShape(serializers.Serializer[Any]):
    """Whether a rule opened an alert for an account on a day, and every condition with its value then."""

    finding = serializers.CharField()
    fired = serializers.BooleanField()
    met = serializers.BooleanField(help_text="Whether the condition held on the day.")
    lines = serializers.ListField(child=serializers.CharField(), help_text="Why, in the order in which it is decided.")
    rule = serializers.CharField(source="version.key")
    version = serializers.IntegerField(source="version.number")
    was_live = serializers.BooleanField(help_text="Whether this version was live on the day.")
    conditions = ConditionShape(many=True)
    over_conditions = ConditionShape(many=True)
    alert_id = serializers.IntegerField(source="alert.pk", allow_null=True, default=None)


class AlertWhy(ApiView):
    @endpoint(Permission.VIEW_HEALTH, WhyShape, summary="Why a rule did or did not fire for an account on a day",
              query=WhyQuery, tag="alerts")  # fmt: skip
    def get(self, call: Call) -> Answer:
        hidden = frozenset() if call.may(Permission.VIEW_MONEY) else money_facts()
        found = trace(
            account=_account(call.query["account"]), rule_key=call.query["rule"], day=call.query["on"],
            tenant=call.tenant, hidden=hidden,
        )  # fmt: skip
        if found is None:
            raise Http404
        return Answer(found)


def _account(account_id: int) -> Account:
    return get_object_or_404(Account.objects.all(), pk=account_id)
