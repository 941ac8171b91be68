"""Hand-offs: the queue, one with its checklist, the answers to it; and what customers expect."""

from collections.abc import Callable
from typing import Any, Final, TypedDict

from django.http import Http404
from rest_framework import serializers

from accounts.models import Account, Person
from accounts.queries.people import person_id_of
from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.errors import Refused
from core.api.pages import page_of
from core.permissions import Permission
from journeys.actions import handoffs as actions
from journeys.actions import rights
from journeys.actions.expectations import ExpectationRefused, record_expectation
from journeys.models import Handoff
from journeys.queries.expectations import expectations_of
from journeys.queries.handoffs import PERIOD, STATES, handoff_detail, handoff_figures, handoffs

_ID: Final[dict[str, Any]] = {"min_value": 1, "max_value": 2**63 - 1}


class ItemShape(serializers.Serializer[Any]):
    """An item of the checklist."""

    key = serializers.CharField()
    name = serializers.CharField()
    done_at = serializers.DateTimeField(allow_null=True)
    done_by = serializers.CharField(allow_blank=True)


class HandoffShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    key = serializers.CharField()
    name = serializers.CharField()
    account_id = serializers.IntegerField()
    account = serializers.CharField(source="account.name")
    opportunity_id = serializers.IntegerField(allow_null=True)
    attempt = serializers.IntegerField()
    state = serializers.CharField(help_text="waiting, accepted, returned or cancelled")
    from_person_id = serializers.IntegerField(allow_null=True)
    to_person_id = serializers.IntegerField(allow_null=True, help_text="Empty: it waits on the team.")
    checklist = ItemShape(many=True)
    created_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)
    answered_by = serializers.CharField(allow_blank=True)
    return_reason = serializers.CharField(allow_blank=True)


class HandoffQuery(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=STATES, required=False, default="open")
    key = serializers.CharField(required=False, max_length=80, help_text="Which hand-off of the journey.")
    account = serializers.IntegerField(required=False, help_text="Id.", **_ID)


class Ticking(serializers.Serializer[Any]):
    key = serializers.CharField(max_length=80)
    done = serializers.BooleanField(default=True)


class Accepting(serializers.Serializer[Any]):
    owner_id = serializers.IntegerField(required=False, help_text="Who has the account from now on.", **_ID)


class Returning(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=1000, help_text="What is missing. The other team reads it.")


class FiguresShape(serializers.Serializer[Any]):
    """How one kind of hand-off has gone in 90 days."""

    key = serializers.CharField()
    name = serializers.CharField()
    accepted = serializers.IntegerField()
    returned = serializers.IntegerField()
    waiting = serializers.IntegerField()
    overdue = serializers.IntegerField()
    median_seconds = serializers.FloatField(allow_null=True, help_text="From the first attempt to the acceptance.")
    goal_hours = serializers.IntegerField(allow_null=True)


class AllFiguresShape(serializers.Serializer[Any]):
    days = serializers.IntegerField(help_text="Over so many days.")
    handoffs = FiguresShape(many=True)


class ExpectationShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    account_id = serializers.IntegerField()
    text = serializers.CharField()
    for_expansion = serializers.BooleanField()
    recorded_at = serializers.DateTimeField()
    recorded_by = serializers.CharField()
    met_on = serializers.DateField(allow_null=True)


class Expecting(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=1000, help_text="In the customer's words.")
    for_expansion = serializers.BooleanField(default=False)


class HandoffList(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, HandoffShape, summary="Hand-offs, the latest first", query=HandoffQuery,
              pages=True, tag="hand-offs")  # fmt: skip
    def get(self, call: Call) -> Answer:
        found = handoffs(state=call.query["state"], key=call.query.get("key", ""))
        if "account" in call.query:
            found = found.filter(account_id=call.query["account"])
        return Answer(page_of(found, call.query, by="-id", within=call.within))


class HandoffDetail(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, HandoffShape, summary="One hand-off with its checklist", tag="hand-offs")
    def get(self, call: Call, handoff_id: int) -> Answer:
        return Answer(_handoff(handoff_id))


class HandoffTick(ApiView):
    @endpoint(rights.ANSWER_HANDOFF, HandoffShape, summary="Tick an item of the checklist", body=Ticking,
              tag="hand-offs")  # fmt: skip
    def post(self, call: Call, handoff_id: int) -> Answer:
        return _answer(handoff_id, lambda: actions.tick_item(
            handoff_id=handoff_id, key=call.body["key"], done=call.body["done"], actor=call.actor,
            **_who(call), now=call.now))  # fmt: skip


class HandoffAccept(ApiView):
    @endpoint(rights.ANSWER_HANDOFF, HandoffShape, summary="Accept a hand-off; refused with what is missing",
              body=Accepting, tag="hand-offs")  # fmt: skip
    def post(self, call: Call, handoff_id: int) -> Answer:
        owner_id = call.body.get("owner_id")
        if owner_id is not None and not Person.objects.filter(pk=owner_id).exists():
            raise Refused("not_found", "No person of this workspace has this id.", fields={"owner_id": ["unknown"]})
        return _answer(handoff_id, lambda: actions.accept(
            handoff_id=handoff_id, actor=call.actor, **_who(call), owner_id=owner_id, today=call.today,
            now=call.now))  # fmt: skip


class HandoffReturn(ApiView):
    @endpoint(rights.ANSWER_HANDOFF, HandoffShape, summary="Send a hand-off back with the reason", body=Returning,
              tag="hand-offs")  # fmt: skip
    def post(self, call: Call, handoff_id: int) -> Answer:
        return _answer(handoff_id, lambda: actions.send_back(
            handoff_id=handoff_id, reason=call.body["reason"], actor=call.actor, **_who(call),
            now=call.now, today=call.today))  # fmt: skip


class HandoffAgain(ApiView):
    @endpoint(rights.ANSWER_HANDOFF, HandoffShape, summary="Hand over again after a return", tag="hand-offs")
    def post(self, call: Call, handoff_id: int) -> Answer:
        return _answer(handoff_id, lambda: actions.hand_over_again(
            handoff_id=handoff_id, actor=call.actor, **_who(call), now=call.now, today=call.today))  # fmt: skip


class HandoffFiguresDetail(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, AllFiguresShape, summary="How hand-offs have gone in 90 days", tag="hand-offs")
    def get(self, call: Call) -> Answer:
        return Answer({"days": PERIOD.days, "handoffs": handoff_figures(call.now - PERIOD, call.now)})


class ExpectationList(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, ExpectationShape, summary="What an account expects", pages=True,
              tag="hand-offs")  # fmt: skip
    def get(self, call: Call, account_id: int) -> Answer:
        _account(account_id)
        return Answer(page_of(expectations_of(account_id), call.query, by="-id", within=call.within))

    @endpoint(Permission.WORK_TASKS, ExpectationShape, summary="Record what a customer expects", body=Expecting,
              status=201, tag="hand-offs")  # fmt: skip
    def post(self, call: Call, account_id: int) -> Answer:
        _account(account_id)
        try:
            made = record_expectation(
                account_id=account_id, text=call.body["text"], for_expansion=call.body["for_expansion"],
                actor=call.actor, now=call.now,
            )  # fmt: skip
        except ExpectationRefused as refusal:
            raise Refused("refused", str(refusal), fields={"text": [str(refusal)]}) from refusal
        return Answer(made, status=201)


class _Who(TypedDict):
    role: str
    person_id: int | None


def _who(call: Call) -> _Who:
    """Who asks, as the rule whose a hand-off is wants to know it. A program is nobody's person."""
    return {"role": call.role, "person_id": person_id_of(call.membership) if call.membership else None}


def _account(account_id: int) -> None:
    if not Account.objects.filter(pk=account_id).exists():
        raise Http404


def _handoff(handoff_id: int) -> Handoff:
    handoff = handoff_detail(handoff_id)
    if handoff is None:
        raise Http404
    return handoff


def _answer(handoff_id: int, act: Callable[[], Handoff]) -> Answer:
    _handoff(handoff_id)
    try:
        handoff = act()
    except actions.NotTheirs as refusal:
        raise Refused("not_yours", str(refusal), status_code=409) from refusal
    except actions.HandoffRefused as refusal:
        missing = {"missing": list(refusal.missing)} if refusal.missing else {}
        raise Refused("refused", str(refusal), status_code=409, fields=missing) from refusal
    return Answer(_handoff(handoff.pk))
