"""Merging two accounts by the API."""

from typing import Any

from rest_framework import serializers

from accounts.actions.merging import MergeRefused, merge_accounts
from accounts.rules.merging import CHOICES, GONE, KEPT
from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.errors import Refused
from core.permissions import Permission


class MergeShape(serializers.Serializer[Any]):
    """A merge that was done."""

    id = serializers.IntegerField()
    kept = serializers.IntegerField(source="kept_id", help_text="Id of the account that has everything now.")
    gone = serializers.IntegerField(source="gone_id", help_text="Id of the account that leads there.")
    merged_at = serializers.DateTimeField()
    merged_by = serializers.CharField()
    reason = serializers.CharField()
    moved = serializers.DictField(child=serializers.IntegerField(), help_text="Rows that went over, by kind.")


class MergeBody(serializers.Serializer[Any]):
    """Which account goes into the one of the address. It cannot be undone."""

    gone = serializers.IntegerField(min_value=1, max_value=2**63 - 1, help_text="Id of the account that goes.")
    reason = serializers.CharField(max_length=2000)
    take = serializers.DictField(
        child=serializers.ChoiceField(choices=[KEPT, GONE]),
        required=False,
        help_text=f"By field, whose value is taken: {', '.join(CHOICES)}. Left out: the kept one's where it has one.",
    )


class Merge(ApiView):
    @endpoint(Permission.MANAGE_BOOKS, MergeShape, summary="Put another account into this one, for good",
              body=MergeBody, status=201, refuses=(422,), tag="accounts")  # fmt: skip
    def post(self, call: Call, account_id: int) -> Answer:
        take = call.body.get("take", {})
        unknown = sorted(set(take) - set(CHOICES))
        if unknown:
            raise Refused("invalid", f"take: '{unknown[0]}' is no field that can be chosen: {', '.join(CHOICES)}.")
        try:
            done = merge_accounts(
                kept_id=account_id,
                gone_id=call.body["gone"],
                choices=take,
                reason=call.body["reason"],
                actor=call.actor,
                today=call.today,
                now=call.now,
            )
        except MergeRefused as refusal:
            raise Refused("merge_refused", str(refusal)) from refusal
        return Answer(done, status=201)
