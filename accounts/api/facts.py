"""Facts in: signals, usage, tickets, activities and outcomes, in batches."""

from typing import Any, Final

from rest_framework import serializers

from accounts.actions.rows import ImportRefused, take_rows
from accounts.api.rows import Names, TakenShape, row_list
from accounts.importing.fact_kinds import ACTIVITY_WORDS, OUTCOME_WORDS
from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.errors import Refused
from core.permissions import Permission

_ACCOUNT_HELP: Final = "The account's external id; its name or web domain also finds it."
_ID_HELP: Final = "Your id of the row. Sent again with it, the row is changed instead of added."


class SignalRow(serializers.Serializer[Any]):
    """One account on one day. Every further name is a measure: a number, or a word of a category."""

    account = serializers.CharField(help_text=_ACCOUNT_HELP)
    date = serializers.DateField()
    id = serializers.CharField(required=False, allow_null=True, help_text=_ID_HELP)


class UsageRow(serializers.Serializer[Any]):
    """One account on one day. Every further name is a measure with a number, such as active_users."""

    account = serializers.CharField(help_text=_ACCOUNT_HELP)
    date = serializers.DateField()
    id = serializers.CharField(required=False, allow_null=True, help_text=_ID_HELP)
    feature = serializers.CharField(required=False, allow_null=True)


class TicketRow(serializers.Serializer[Any]):
    id = serializers.CharField(required=False, allow_null=True, help_text=_ID_HELP)
    account = serializers.CharField(help_text=_ACCOUNT_HELP)
    opened_at = serializers.DateTimeField(help_text="A time without a zone is one in the workspace's.")
    closed_at = serializers.DateTimeField(required=False, allow_null=True)
    subject = serializers.CharField(required=False, allow_null=True)
    status = serializers.CharField(required=False, allow_null=True)
    priority = serializers.CharField(required=False, allow_null=True)
    first_response_minutes = serializers.FloatField(required=False, allow_null=True)
    resolution_hours = serializers.FloatField(required=False, allow_null=True)
    satisfaction = serializers.FloatField(required=False, allow_null=True)
    is_escalated = serializers.BooleanField(required=False, allow_null=True)


class ActivityRow(serializers.Serializer[Any]):
    id = serializers.CharField(required=False, allow_null=True, help_text=_ID_HELP)
    account = serializers.CharField(help_text=_ACCOUNT_HELP)
    occurred_at = serializers.DateTimeField(help_text="A time without a zone is one in the workspace's.")
    kind = serializers.CharField(
        required=False, allow_null=True, help_text=f"One of: {', '.join(sorted(set(ACTIVITY_WORDS.values())))}."
    )
    person = serializers.CharField(required=False, allow_null=True, help_text="E-mail or name of one of our people.")
    subject = serializers.CharField(required=False, allow_null=True)
    body = serializers.CharField(required=False, allow_null=True)


class OutcomeRow(serializers.Serializer[Any]):
    id = serializers.CharField(required=False, allow_null=True, help_text=_ID_HELP)
    account = serializers.CharField(help_text=_ACCOUNT_HELP)
    date = serializers.DateField()
    outcome = serializers.CharField(
        required=False,
        allow_null=True,
        help_text=f"One of: {', '.join(sorted(set(OUTCOME_WORDS.values())))}; left out: churned.",
    )
    reason = serializers.CharField(required=False, allow_null=True)
    amount_minor = serializers.IntegerField(required=False, allow_null=True)
    note = serializers.CharField(required=False, allow_null=True)


_DAY: Final = {"account": "account", "date": "day"}
SIGNALS: Final = Names("signals", {**_DAY, "id": "row_id"}, open=True)
USAGE: Final = Names("usage", {**_DAY, "id": "row_id", "feature": "feature"}, open=True)
TICKETS: Final = Names(
    "tickets",
    {"id": "external_id"} | {str(name): str(name) for name in TicketRow().fields if str(name) != "id"},
)
ACTIVITIES: Final = Names(
    "activities",
    {"id": "external_id"} | {str(name): str(name) for name in ActivityRow().fields if str(name) != "id"},
)
OUTCOMES: Final = Names(
    "outcomes",
    {"id": "external_id", "account": "account", "date": "day", "outcome": "kind", "reason": "reason",
     "amount_minor": "amount", "note": "note"},
)  # fmt: skip


class _Batch(serializers.Serializer[Any]):
    create_accounts = serializers.BooleanField(
        default=False, help_text="Make accounts that are not known yet, instead of rejecting their rows."
    )


class SignalBatch(_Batch):
    rows = row_list(SIGNALS, SignalRow)


class UsageBatch(_Batch):
    rows = row_list(USAGE, UsageRow)


class TicketBatch(_Batch):
    rows = row_list(TICKETS, TicketRow)


class ActivityBatch(_Batch):
    rows = row_list(ACTIVITIES, ActivityRow)


class OutcomeBatch(_Batch):
    rows = row_list(OUTCOMES, OutcomeRow)


def taken(call: Call, names: Names) -> Answer:
    """The rows of the body, taken by the import engine."""
    try:
        done = take_rows(
            tenant=call.tenant,
            kind=names.kind,
            rows=call.body["rows"],
            columns=names.columns,
            create_accounts=call.body.get("create_accounts", False),
            actor=call.actor,
            now=call.now,
            today=call.today,
        )
    except ImportRefused as refusal:
        raise Refused(refusal.code, refusal.message) from refusal
    return Answer(done)


class Signals(ApiView):
    @endpoint(Permission.IMPORT_DATA, TakenShape, summary="Take signals", body=SignalBatch, tag="facts")
    def post(self, call: Call) -> Answer:
        return taken(call, SIGNALS)


class Usage(ApiView):
    @endpoint(Permission.IMPORT_DATA, TakenShape, summary="Take product usage", body=UsageBatch, tag="facts")
    def post(self, call: Call) -> Answer:
        return taken(call, USAGE)


class Tickets(ApiView):
    @endpoint(Permission.IMPORT_DATA, TakenShape, summary="Take support tickets", body=TicketBatch, tag="facts")
    def post(self, call: Call) -> Answer:
        return taken(call, TICKETS)


class Activities(ApiView):
    @endpoint(Permission.IMPORT_DATA, TakenShape, summary="Take activities", body=ActivityBatch, tag="facts")
    def post(self, call: Call) -> Answer:
        return taken(call, ACTIVITIES)


class Outcomes(ApiView):
    @endpoint(Permission.IMPORT_DATA, TakenShape, summary="Take outcomes", body=OutcomeBatch, tag="facts")
    def post(self, call: Call) -> Answer:
        return taken(call, OUTCOMES)
