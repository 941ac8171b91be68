"""Alerts: the list, one with what it saw, and what people say about it."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.pages import page_of
from core.permissions import Permission
from health.actions.alerts import judge_alert
from health.choices import AlertVerdict
from health.models import Alert
from health.queries.alerts import STATES, alert_detail, alerts, money_facts
from health.rules.alert_words import reason, seen


def _hidden(call: Call) -> frozenset[str]:
    return frozenset() if call.may(Permission.VIEW_MONEY) else money_facts()


class ConditionShape(serializers.Serializer[Any]):
    """One condition with what it saw when the alert opened."""

    fact = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # -- a name of the contract
    rule = serializers.CharField()
    saw = serializers.CharField()
    met = serializers.BooleanField(allow_null=True)


class AlertShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    rule = serializers.CharField(source="rule_key")
    rule_name = serializers.CharField(source="rule.name")
    account_id = serializers.IntegerField()
    account = serializers.CharField(source="account.name")
    person_id = serializers.IntegerField(allow_null=True)
    person = serializers.SerializerMethodField()
    reason = serializers.SerializerMethodField()
    opened_on = serializers.DateField()
    opened_at = serializers.DateTimeField()
    is_held_back = serializers.BooleanField(help_text="Over the person's budget of the day: kept, not told.")
    told_at = serializers.DateTimeField(allow_null=True)
    closed_on = serializers.DateField(allow_null=True)
    verdict = serializers.ChoiceField(choices=AlertVerdict.choices, allow_blank=True)
    verdict_at = serializers.DateTimeField(allow_null=True)
    verdict_by = serializers.CharField(allow_blank=True)
    note = serializers.CharField(allow_blank=True)

    def get_person(self, alert: Alert) -> str | None:
        return alert.person.name if alert.person else None

    def get_reason(self, alert: Alert) -> str:
        """What was seen, in words."""
        return reason(alert.why, _hidden(self.context["call"]))


class AlertDetailShape(AlertShape):
    conditions = serializers.SerializerMethodField()

    @extend_schema_field(ConditionShape(many=True))
    def get_conditions(self, alert: Alert) -> Any:
        return ConditionShape(seen(alert.why, _hidden(self.context["call"])), many=True).data


class AlertQuery(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=STATES, required=False, default="open")
    rule = serializers.CharField(required=False, max_length=80, help_text="Key of the rule.")
    person = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1, help_text="Whose alerts.")
    account = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1, help_text="Id.")


class Judging(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(
        choices=AlertVerdict.choices, allow_blank=True, help_text="An empty one takes back what was said."
    )
    note = serializers.CharField(required=False, allow_blank=True, max_length=1000, default="")


class AlertList(ApiView):
    @endpoint(Permission.VIEW_HEALTH, AlertShape, summary="Alerts, the latest first", query=AlertQuery, pages=True,
              tag="alerts")  # fmt: skip
    def get(self, call: Call) -> Answer:
        asked = call.query
        found = alerts(owner_id=asked.get("person"), state=asked["state"], rule_key=asked.get("rule", ""))
        if "account" in asked:
            found = found.filter(account_id=asked["account"])
        return Answer(page_of(found, asked, by="-id", within=call.within))


class AlertDetail(ApiView):
    @endpoint(Permission.VIEW_HEALTH, AlertDetailShape, summary="One alert, with what each condition saw", tag="alerts")
    def get(self, call: Call, alert_id: int) -> Answer:
        return Answer(_alert(alert_id))


class AlertVerdictPost(ApiView):
    @endpoint(Permission.WORK_TASKS, AlertDetailShape, summary="Say what an alert was worth", body=Judging,
              tag="alerts")  # fmt: skip
    def post(self, call: Call, alert_id: int) -> Answer:
        alert = _alert(alert_id)
        judge_alert(
            alert_id=alert.pk,
            verdict=call.body["verdict"],
            note=call.body["note"],
            actor=call.actor,
            now=call.now,
        )
        return Answer(_alert(alert_id))


def _alert(alert_id: int) -> Alert:
    alert = alert_detail(alert_id)
    if alert is None:
        raise Http404
    return alert
