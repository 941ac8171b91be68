"""Leaving the journey and moving along it, one account or many: the same actions and gates as on the page."""

from typing import Any, Final

from django.shortcuts import get_object_or_404
from rest_framework import serializers

from accounts.models import Account
from accounts.queries.living import living_account
from core.api.endpoints import ID_MAX, Answer, ApiView, Call, endpoint
from core.api.errors import Refused
from journeys.actions import rights
from journeys.actions.leaving import leave_journey
from journeys.actions.stages import move_accounts
from journeys.api.gates import Moving, PlaceShape
from journeys.models import LifecycleStage
from journeys.queries.stages import STANDARD

MANY: Final = 1_000


class Leaving(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2_000, help_text="Why: it is what is learnt from it.")


class ManyAccounts(serializers.Serializer[Any]):
    accounts = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=ID_MAX - 1), min_length=1,
                                     max_length=MANY, help_text=f"Ids, at most {MANY:,} at once.")  # fmt: skip


class ManyLeaving(ManyAccounts, Leaving):
    pass


class ManyMovingOn(ManyAccounts, Moving):
    pass


class RefusedShape(serializers.Serializer[Any]):
    """One that stays where it is, and what it lacks."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    code = serializers.CharField()
    missing = serializers.ListField(child=serializers.CharField())


class MovedShape(serializers.Serializer[Any]):
    moved = serializers.ListField(child=serializers.IntegerField(), help_text="Ids of those that went.")
    refused = RefusedShape(many=True)


class LeftShape(serializers.Serializer[Any]):
    left = serializers.IntegerField(help_text="How many left; those in no stage are passed over.")


class AccountLeave(ApiView):
    @endpoint(rights.MOVE_ACCOUNT, PlaceShape, summary="An account leaves the journey; asked again, nothing happens",
              body=Leaving, refuses=(409,), tag="gates")  # fmt: skip
    def post(self, call: Call, account_id: int) -> Answer:
        account = get_object_or_404(Account.objects.all(), pk=account_id)
        _leave(call, [living_account(account.pk).pk])
        return Answer({"id": account.pk, "stage": None, "edition": None})


class AccountsLeave(ApiView):
    @endpoint(rights.MOVE_ACCOUNT, LeftShape, summary="Many accounts leave the journey", body=ManyLeaving,
              tag="gates")  # fmt: skip
    def post(self, call: Call) -> Answer:
        return Answer({"left": _leave(call, call.body["accounts"])})


class AccountMoves(ApiView):
    @endpoint(rights.MOVE_ACCOUNT, MovedShape, summary="Many accounts into one stage, also back into the journey; who "
              "may not pass stays and is named", body=ManyMovingOn, tag="gates")  # fmt: skip
    def post(self, call: Call) -> Answer:
        stage = get_object_or_404(LifecycleStage.objects.filter(journey=STANDARD), key=call.body["stage"])
        result = move_accounts(
            account_ids=call.body["accounts"], stage_key=stage.key, actor=call.actor, today=call.today, now=call.now,
            reason=call.body["reason"],
        )  # fmt: skip
        return Answer({"moved": list(result.moved), "refused": result.refused})


def _leave(call: Call, account_ids: list[int]) -> int:
    try:
        return leave_journey(
            account_ids=account_ids, reason=call.body["reason"], actor=call.actor, today=call.today, now=call.now
        )
    except ValueError as error:
        raise Refused("reason", str(error), status_code=409) from error
