"""Goals of customers: what they want to reach, by which measure."""

from typing import Any

from django.http import Http404
from rest_framework import serializers

from accounts.actions.goals import GoalRefused, record_goal
from accounts.models import Account, Goal
from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.errors import Refused
from core.api.pages import page_of
from core.permissions import Permission


class GoalShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    account_id = serializers.IntegerField()
    metric = serializers.CharField(source="title")
    unit = serializers.CharField()
    baseline = serializers.FloatField(allow_null=True)
    target = serializers.FloatField()
    actual = serializers.FloatField(allow_null=True)
    actual_on = serializers.DateField(allow_null=True)
    target_on = serializers.DateField(allow_null=True)
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]  # -- a name of the contract


class NewGoal(serializers.Serializer[Any]):
    metric = serializers.CharField(max_length=200, help_text="What is measured, such as Time to dispatch.")
    unit = serializers.CharField(max_length=40, help_text="Such as minutes or %.")
    target = serializers.FloatField()
    baseline = serializers.FloatField(required=False, allow_null=True, help_text="Where they stand today.")
    target_on = serializers.DateField(required=False, allow_null=True)
    source = serializers.CharField(  # type: ignore[assignment]  # -- a name of the contract
        required=False, allow_blank=True, max_length=120, default="", help_text="Who said so, where the figure is from."
    )


class GoalList(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, GoalShape, summary="The goals of an account", pages=True, tag="accounts")
    def get(self, call: Call, account_id: int) -> Answer:
        if not Account.objects.filter(pk=account_id).exists():
            raise Http404
        return Answer(page_of(Goal.objects.filter(account_id=account_id), call.query, by="id", within=call.within))

    @endpoint(Permission.EDIT_ACCOUNTS, GoalShape, summary="Record a goal of the customer", body=NewGoal, status=201,
              tag="accounts")  # fmt: skip
    def post(self, call: Call, account_id: int) -> Answer:
        try:
            goal = record_goal(account_id=account_id, **call.body, actor=call.actor, now=call.now)
        except Account.DoesNotExist as missing:
            raise Http404 from missing
        except GoalRefused as refusal:
            raise Refused("refused", str(refusal), fields={refusal.field: [str(refusal)]}) from refusal
        return Answer(goal, status=201)
