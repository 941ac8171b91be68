"""Scores: the list now or as of a day, one account's history, and why a score is what it is."""

from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.choices import Segment
from accounts.models import Account
from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.errors import invalid
from core.api.jobs import JobShape, accepted
from core.api.pages import cut, page_of, read_cursor
from core.permissions import Permission
from health.actions.publishing import start_recompute
from health.choices import Band
from health.models import ScoreFacts
from health.queries.explanation import explain
from health.queries.exports import as_document
from health.queries.listing import history_of, scores_now, scores_on
from health.queries.live import model_of
from health.queries.overrides import in_force

FIRST_DAY: Final = date(1990, 1, 1)
LAST_DAY: Final = date(2200, 1, 1)


class DayField(serializers.DateField):
    """A day that scores can be of."""

    def to_internal_value(self, value: Any) -> date:
        day: date = super().to_internal_value(value)
        if not FIRST_DAY <= day < LAST_DAY:
            raise serializers.ValidationError(f"Choose a day from {FIRST_DAY} on, before {LAST_DAY}.")
        return day


class OverrideShape(serializers.Serializer[Any]):
    """A person's judgement beside the computed score."""

    score = serializers.FloatField()
    band = serializers.ChoiceField(choices=Band.choices)
    reason = serializers.CharField()
    set_by = serializers.CharField()
    until = serializers.DateField(source="until_day", help_text="The first day on which it no longer counts.")


class ScoreShape(serializers.Serializer[Any]):
    account_id = serializers.IntegerField()
    account = serializers.CharField(source="account.name")
    external_id = serializers.CharField(source="account.external_id", allow_blank=True)
    score = serializers.FloatField(allow_null=True, help_text="0 to 100; null below the model's minimum coverage.")
    band = serializers.ChoiceField(choices=Band.choices)
    coverage = serializers.FloatField(help_text="Share of weight with fresh data, 0 to 1.")
    as_of = serializers.DateField(help_text="The day that the score looks back from.")
    computed_at = serializers.DateTimeField()
    model = serializers.CharField(source="model_version.key")
    version = serializers.IntegerField(source="model_version.number")
    imported = serializers.SerializerMethodField()
    override = serializers.SerializerMethodField()

    def get_imported(self, row: ScoreFacts) -> bool:
        """Whether it was brought in from outside."""
        return bool(getattr(row, "imported", False))

    @extend_schema_field(OverrideShape(allow_null=True))
    def get_override(self, row: Any) -> Any:
        """The override that is, or was, in force on the day asked about."""
        call: Call = self.context["call"]
        return _override_on(row, call.query.get("on") or call.query.get("known") or call.today, call)


def _override_on(row: Any, day: date, call: Call) -> Any:
    model = model_of(row.model_version)
    found = in_force(row.overrides, day, known=_known_before(call), edges=(model.yellow, model.green))
    return OverrideShape(found).data if found else None


def _known_before(call: Call) -> datetime | None:
    """The end of the day `known` in the workspace's time."""
    day: date | None = call.query.get("known")
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=call.tenant.zone) if day else None


def _known_field() -> DayField:
    return DayField(
        required=False,
        help_text="Only what was known by the end of that day: rows computed later and imported history are left out.",
    )


class ScoreQuery(serializers.Serializer[Any]):
    on = DayField(
        required=False,
        help_text="What is stored about that day, also where it was brought in or computed later. Left out: now.",
    )
    known = _known_field()
    band = serializers.ChoiceField(choices=Band.choices, required=False, help_text="Of the current scores only.")
    model = serializers.CharField(required=False, max_length=80, help_text="Key. Of the current scores only.")
    segment = serializers.ChoiceField(choices=Segment.choices, required=False, allow_blank=True)
    owner = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1, help_text="Id of the owner.")


class ScoreList(ApiView):
    @endpoint(Permission.VIEW_HEALTH, ScoreShape, summary="Scores, now or as of a day", query=ScoreQuery, pages=True,
              tag="scores")  # fmt: skip
    def get(self, call: Call) -> Answer:
        asked = call.query
        segment, owner = asked.get("segment"), asked.get("owner")
        on = asked.get("on") or asked.get("known")
        if on is None:
            found = scores_now(band=asked.get("band"), segment=segment, owner_id=owner, model=asked.get("model"))
            return Answer(page_of(found, asked, by="account_id", within=call.within))
        if "band" in asked or "model" in asked:
            raise invalid("band and model choose among current scores. Leave them out, or leave on and known out.")
        after = read_cursor(asked["cursor"], call.within) if asked.get("cursor") else 0
        found_on = scores_on(on, after=after, segment=segment, owner_id=owner, known=_known_before(call))
        rows = list(found_on[: asked["limit"] + 1])
        return Answer(cut(rows, asked["limit"], lambda row: row.account_id, call.within))


class HistoryQuery(serializers.Serializer[Any]):
    since = DayField(required=False, help_text="Rows about this day and later.")
    until = DayField(required=False, help_text="Rows about this day and earlier.")
    known = _known_field()


class HistoryShape(ScoreShape):
    @extend_schema_field(OverrideShape(allow_null=True))
    def get_override(self, row: Any) -> Any:
        """The override that was in force on the day of the row."""
        return _override_on(row, row.as_of, self.context["call"])


class ScoreHistoryList(ApiView):
    @endpoint(Permission.VIEW_HEALTH, HistoryShape, summary="Everything stored of one account's score, latest first",
              query=HistoryQuery, pages=True, tag="scores")  # fmt: skip
    def get(self, call: Call, account_id: int) -> Answer:
        account = get_object_or_404(Account.objects.all(), pk=account_id)
        since, until = call.query.get("since"), call.query.get("until")
        rows = history_of(account.pk, since=since, until=until, known=_known_before(call))
        return Answer(page_of(rows, call.query, by="-computed_at", within=call.within))


class ExplanationQuery(serializers.Serializer[Any]):
    on = DayField(required=False, help_text="The score that was stored on that day. Left out: the current one.")
    since = DayField(required=False, help_text="Compare with what was stored on that day.")
    known = _known_field()


class ModelNameShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    version = serializers.IntegerField()


class InputShape(serializers.Serializer[Any]):
    """One input: `points` = `effective_weight` × `sub_score`; null where it is left out."""

    key = serializers.CharField()
    name = serializers.CharField()
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]  # -- a name of the contract
    reads = serializers.CharField()
    value = serializers.JSONField(allow_null=True, help_text="A number, or the word of a category.")
    value_then = serializers.FloatField(allow_null=True)
    is_hidden = serializers.BooleanField(help_text="Values that are money, for roles that see none.")
    sub_score = serializers.FloatField(allow_null=True)
    sub_score_then = serializers.FloatField(allow_null=True)
    weight = serializers.FloatField()
    weight_then = serializers.FloatField(allow_null=True)
    effective_weight = serializers.FloatField()
    points = serializers.FloatField(allow_null=True)
    change = serializers.FloatField(allow_null=True, help_text="Its part of the change since.")
    age_days = serializers.IntegerField(allow_null=True)
    age_limit_days = serializers.IntegerField()
    if_missing = serializers.CharField()


class PartsShape(serializers.Serializer[Any]):
    """They add up to the change."""

    values = serializers.FloatField()
    coverage = serializers.FloatField()
    configuration = serializers.FloatField()
    tenure = serializers.FloatField()
    override = serializers.FloatField()


class SetOverrideShape(serializers.Serializer[Any]):
    score = serializers.FloatField()
    band = serializers.ChoiceField(choices=Band.choices)
    reason = serializers.CharField()
    until = serializers.DateField()
    set_by = serializers.CharField()
    set_at = serializers.DateTimeField()


class SinceShape(serializers.Serializer[Any]):
    day = serializers.DateField()
    stored_on = serializers.DateField()
    imported = serializers.BooleanField()
    score = serializers.FloatField(allow_null=True)
    band = serializers.ChoiceField(choices=Band.choices)
    version = serializers.IntegerField()
    override = SetOverrideShape(allow_null=True)
    change = serializers.FloatField(allow_null=True)
    parts = PartsShape(allow_null=True)


class ExplanationShape(serializers.Serializer[Any]):
    """The points of the inputs and `limit_points` add up to the score."""

    account_id = serializers.IntegerField()
    account = serializers.CharField()
    as_of = serializers.DateField()
    computed_at = serializers.DateTimeField()
    imported = serializers.BooleanField()
    model = ModelNameShape()
    score = serializers.FloatField(allow_null=True)
    band = serializers.ChoiceField(choices=Band.choices)
    coverage = serializers.FloatField()
    min_coverage = serializers.FloatField()
    override = SetOverrideShape(allow_null=True)
    inputs = InputShape(many=True)
    limit_points = serializers.FloatField(help_text="What caps and floors added or took.")
    since = SinceShape(allow_null=True)


class ExplanationDetail(ApiView):
    @endpoint(Permission.VIEW_HEALTH, ExplanationShape, summary="Why this score, and what changed since a day",
              query=ExplanationQuery, tag="scores")  # fmt: skip
    def get(self, call: Call, account_id: int) -> Answer:
        account = get_object_or_404(Account.objects.all(), pk=account_id)
        asked, known = call.query, _known_before(call)
        on = asked.get("on") or asked.get("known")
        found = explain(account.pk, on=on, since=asked.get("since"), today=call.today, known=known)
        if found is None:
            raise Http404
        document = as_document(found, account=account.name, with_money=call.may(Permission.VIEW_MONEY))
        inputs = sum(one.points for one in found.inputs if one.sub_score is not None)
        limits = found.score - inputs if found.score is not None else 0.0
        return Answer({**document, "limit_points": limits if abs(limits) > 1e-9 else 0.0})


class Recompute(ApiView):
    @endpoint(Permission.RECOMPUTE_HEALTH, JobShape, summary="Start scoring every account", status=202, tag="scores")
    def post(self, call: Call) -> Answer:
        return accepted(start_recompute(actor=call.actor, now=call.now))
