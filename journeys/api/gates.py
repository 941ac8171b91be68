"""Moves through gates, evidence and waivers: the same refusals as on the page, with what is missing in `fields`."""

from typing import Any, Final

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Account
from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.errors import Refused
from core.api.jobs import JobShape, accepted
from core.api.pages import page_of
from core.models import Membership
from core.permissions import Permission
from journeys.actions import rights
from journeys.actions.bulk_moves import MOST, start_moves
from journeys.actions.evidence import EvidenceRefused, give_evidence, take_back_evidence
from journeys.actions.moves import move_opportunity
from journeys.actions.moving import ASKED, EditionMoved, GateShut, ReasonNeeded, StageElsewhere
from journeys.actions.stages import move_account_stage
from journeys.actions.waivers import WaiverRefused, approve_waiver, ask_waiver, refuse_waiver, revoke_waiver
from journeys.models import Evidence, LifecycleStage, Opportunity, PipelineStage, StageVisit, Waiver
from journeys.queries.gates import account_gate, opportunity_gate
from journeys.queries.stages import STANDARD
from journeys.queries.waivers import STATES, LedgerFilters, ledger, state_of

CONFLICT: Final = 409
ID_MAX: Final = 2**63 - 1


class LineShape(serializers.Serializer[Any]):
    """One criterion at a gate."""

    key = serializers.CharField()
    name = serializers.CharField()
    met = serializers.BooleanField()
    waived = serializers.BooleanField()
    detail = serializers.CharField()
    fix = serializers.CharField(help_text="How to meet it: answer:…, evidence:…, field:…, contact:… or empty.")
    met_on = serializers.DateField(allow_null=True)
    met_by = serializers.CharField()


class StageGateShape(serializers.Serializer[Any]):
    """The gate into a stage, from where the deal or the account is."""

    stage = serializers.CharField(source="stage_key")
    name = serializers.CharField(source="stage_name")
    is_open = serializers.BooleanField()
    needs_reason = serializers.BooleanField()
    needs_close_reason = serializers.BooleanField()
    lines = LineShape(many=True)


class StageQuery(serializers.Serializer[Any]):
    stage = serializers.CharField(max_length=80, help_text="Key of the stage.")


class GateQuery(serializers.Serializer[Any]):
    stage = serializers.CharField(required=False, max_length=80, default="",
                                  help_text="Key of the stage; the next one when left out.")  # fmt: skip


class Moving(StageQuery):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=1000, default="",
                                   help_text="Needed for a step back.")  # fmt: skip


class Closing(Moving):
    close_reason = serializers.CharField(required=False, allow_blank=True, max_length=200, default="",
                                         help_text="Needed for a lost deal.")  # fmt: skip


class Losing(Closing):
    leave = serializers.BooleanField(
        required=False, default=False,
        help_text="Into a lost stage: prospects whose last open deal of new business it was leave the journey.",
    )  # fmt: skip


class DealMoving(Losing):
    edition = serializers.IntegerField(
        required=False, min_value=1, help_text="As last read: refused when it has risen."
    )


class ManyMoving(Losing):
    pipeline = serializers.CharField(max_length=80)
    opportunities = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=ID_MAX),
                                          min_length=1, max_length=MOST)  # fmt: skip


class PlaceShape(serializers.Serializer[Any]):
    """Where it is now."""

    id = serializers.IntegerField()
    stage = serializers.CharField(allow_null=True, help_text="Null: it has left the journey.")
    edition = serializers.IntegerField(allow_null=True)


class Giving(serializers.Serializer[Any]):
    criterion = serializers.CharField(max_length=80)
    text = serializers.CharField(max_length=2000, help_text="What shows it.")


class EvidenceShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    criterion = serializers.CharField(source="criterion_key")
    stage = serializers.CharField(source="stage_key")
    text = serializers.CharField()
    given_on = serializers.DateField()
    given_by = serializers.CharField()


class WaiverShape(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    state = serializers.SerializerMethodField()
    opportunity_id = serializers.IntegerField(allow_null=True)
    account_id = serializers.IntegerField(allow_null=True)
    stage = serializers.CharField(source="stage_key")
    process = serializers.CharField(source="version.key")
    criteria = serializers.ListField(child=serializers.DictField(), help_text="What was missing when it was asked for.")
    reason = serializers.CharField()
    asked_at = serializers.DateTimeField()
    asked_by = serializers.CharField()
    answered_at = serializers.DateTimeField(allow_null=True)
    answered_by = serializers.CharField()
    answer = serializers.CharField()
    expires_on = serializers.DateField()
    used_at = serializers.DateTimeField(allow_null=True)

    @extend_schema_field(serializers.ChoiceField(choices=STATES))
    def get_state(self, waiver: Waiver) -> str:
        return state_of(waiver, self.context["call"].today)


class WaiverQuery(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=STATES, required=False)
    gate = serializers.CharField(required=False, max_length=200, help_text="Such as pipeline:sales:proposal.")
    opportunity = serializers.IntegerField(required=False, min_value=1, max_value=ID_MAX)
    account = serializers.IntegerField(required=False, min_value=1, max_value=ID_MAX)


class Asking(StageQuery):
    opportunity = serializers.IntegerField(required=False, min_value=1, max_value=ID_MAX)
    account = serializers.IntegerField(required=False, min_value=1, max_value=ID_MAX)
    reason = serializers.CharField(max_length=2000)
    expires_on = serializers.DateField(help_text="The first day on which it no longer opens the gate.")


class Answering(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(choices=[(one, one) for one in ("approve", "refuse", "revoke")])
    answer = serializers.CharField(required=False, allow_blank=True, max_length=2000, default="")


class DealGate(ApiView):
    @endpoint(Permission.VIEW_OPPORTUNITIES, StageGateShape, summary="What stands between a deal and a stage",
              query=GateQuery, tag="gates")  # fmt: skip
    def get(self, call: Call, opportunity_id: int) -> Answer:
        deal, stage = _deal(opportunity_id, call.query["stage"])
        sees_money = call.may(Permission.VIEW_MONEY)
        return Answer(opportunity_gate(opportunity=deal, to_stage=stage, today=call.today, sees_money=sees_money))


class DealMove(ApiView):
    @endpoint(rights.MOVE_DEAL, PlaceShape, summary="Move a deal through its gate", body=DealMoving,
              tag="gates")  # fmt: skip
    def post(self, call: Call, opportunity_id: int) -> Answer:
        deal, stage = _deal(opportunity_id, call.body["stage"])
        try:
            moved = move_opportunity(
                opportunity_id=deal.pk, stage_id=stage.pk, actor=call.actor, today=call.today, now=call.now,
                reason=call.body["reason"], close_reason=call.body["close_reason"],
                seen_edition=call.body.get("edition"), leave=call.body["leave"],
            )  # fmt: skip
        except (GateShut, ReasonNeeded, EditionMoved, StageElsewhere) as error:
            raise refusal(error) from error
        return Answer({"id": moved.pk, "stage": stage.key, "edition": moved.edition})


class DealMoves(ApiView):
    @endpoint(rights.MOVE_DEAL, JobShape, summary="Move many deals as a job", body=ManyMoving, status=202,
              tag="gates")  # fmt: skip
    def post(self, call: Call) -> Answer:
        stage = get_object_or_404(
            PipelineStage.objects.all(), pipeline__key=call.body["pipeline"], key=call.body["stage"]
        )
        return accepted(
            start_moves(
                opportunity_ids=call.body["opportunities"], stage_id=stage.pk, actor=call.actor, today=call.today,
                now=call.now, reason=call.body["reason"], close_reason=call.body["close_reason"],
                leave=call.body["leave"],
            )
        )  # fmt: skip


class DealEvidence(ApiView):
    @endpoint(rights.GIVE_EVIDENCE, EvidenceShape, summary="Give evidence for a criterion of a deal",
              body=Giving, status=201, tag="gates")  # fmt: skip
    def post(self, call: Call, opportunity_id: int) -> Answer:
        get_object_or_404(Opportunity.objects.all(), pk=opportunity_id)
        return _evidence(call, opportunity_id=opportunity_id)


class EvidenceBack(ApiView):
    @endpoint(rights.GIVE_EVIDENCE, EvidenceShape, summary="Take evidence back; the row stays", tag="gates")
    def post(self, call: Call, evidence_id: int) -> Answer:
        get_object_or_404(Evidence.objects.all(), pk=evidence_id)
        return Answer(take_back_evidence(evidence_id=evidence_id, actor=call.actor, now=call.now))


class AccountGate(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, StageGateShape, summary="What stands between an account and a stage",
              query=GateQuery, tag="gates")  # fmt: skip
    def get(self, call: Call, account_id: int) -> Answer:
        stage = _stage(account_id, call.query["stage"])
        sees_money = call.may(Permission.VIEW_MONEY)
        found = account_gate(account_id=account_id, to_stage=stage.key, today=call.today, sees_money=sees_money)
        return Answer(found)


class AccountMove(ApiView):
    @endpoint(rights.MOVE_ACCOUNT, PlaceShape, summary="Move an account through its gate", body=Moving,
              tag="gates")  # fmt: skip
    def post(self, call: Call, account_id: int) -> Answer:
        stage = _stage(account_id, call.body["stage"])
        try:
            move_account_stage(
                account_id=account_id, stage_key=stage.key, actor=call.actor, today=call.today, now=call.now,
                reason=call.body["reason"],
            )  # fmt: skip
        except (GateShut, ReasonNeeded) as error:
            raise refusal(error) from error
        return Answer({"id": account_id, "stage": stage.key, "edition": None})


class AccountEvidence(ApiView):
    @endpoint(rights.GIVE_EVIDENCE, EvidenceShape, summary="Give evidence for a criterion of an account",
              body=Giving, status=201, tag="gates")  # fmt: skip
    def post(self, call: Call, account_id: int) -> Answer:
        get_object_or_404(Account.objects.all(), pk=account_id)
        return _evidence(call, account_id=account_id)


class WaiverList(ApiView):
    @endpoint(Permission.VIEW_OPPORTUNITIES, WaiverShape, summary="The ledger of waivers, the latest first",
              query=WaiverQuery, pages=True, tag="gates")  # fmt: skip
    def get(self, call: Call) -> Answer:
        asked = call.query
        filters = LedgerFilters(
            asked.get("state", ""), asked.get("gate", ""), asked.get("opportunity"), asked.get("account")
        )
        return Answer(page_of(ledger(filters, call.today), asked, by="-id", within=call.within))

    @endpoint(rights.ASK_WAIVER, WaiverShape, summary="Ask for a waiver", body=Asking, status=201,
              tag="gates")  # fmt: skip
    def post(self, call: Call) -> Answer:
        body = call.body
        if ("opportunity" in body) == ("account" in body):
            raise Refused("invalid", "Name an opportunity or an account, one of the two.", status_code=400)
        if "opportunity" in body:
            _deal(body["opportunity"], body["stage"])
        else:
            _stage(body["account"], body["stage"])
        try:
            made = ask_waiver(
                to_stage=body["stage"], reason=body["reason"], expires_on=body["expires_on"], asker=_person(call),
                tenant=call.tenant, today=call.today, now=call.now, opportunity_id=body.get("opportunity"),
                account_id=body.get("account"),
            )  # fmt: skip
        except WaiverRefused as error:
            raise Refused("refused", str(error), status_code=CONFLICT) from error
        return Answer(_waiver(made.pk), status=201)


class WaiverAnswer(ApiView):
    @endpoint(rights.ANSWER_WAIVER, WaiverShape, summary="Approve, refuse or revoke a waiver", body=Answering,
              tag="gates")  # fmt: skip
    def post(self, call: Call, waiver_id: int) -> Answer:
        _waiver(waiver_id)
        person, verdict, words = _person(call), call.body["verdict"], call.body["answer"]
        if verdict != "revoke" and not call.may(rights.WAIVE):
            raise Refused("forbidden", "Your role does not approve waivers.", status_code=403)
        try:
            if verdict == "approve":
                approve_waiver(waiver_id=waiver_id, approver=person, answer=words, today=call.today, now=call.now)
            elif verdict == "refuse":
                refuse_waiver(waiver_id=waiver_id, approver=person, answer=words, now=call.now)
            else:
                revoke_waiver(waiver_id=waiver_id, by=person, answer=words, now=call.now)
        except WaiverRefused as error:
            raise Refused("refused", str(error), status_code=CONFLICT) from error
        return Answer(_waiver(waiver_id))


def refusal(error: ValueError) -> Refused:
    """A refused move in the words of the API: the code, the message, and what is missing."""
    if isinstance(error, GateShut):
        return Refused("gate", str(error), status_code=CONFLICT, fields={"missing": list(error.missing)})
    if isinstance(error, ReasonNeeded):
        return Refused(error.field, str(error), status_code=CONFLICT, fields={"missing": [ASKED[error.field]]})
    code = "edition" if isinstance(error, EditionMoved) else "pipeline"
    return Refused(code, str(error), status_code=CONFLICT)


def _person(call: Call) -> Membership:
    if call.membership is None:
        raise Refused("person_needed", "A waiver is asked and answered by a person. Sign in.", status_code=403)
    return call.membership


def _deal(opportunity_id: int, stage_key: str) -> tuple[Opportunity, PipelineStage]:
    deal = get_object_or_404(Opportunity.objects.select_related("stage"), pk=opportunity_id)
    stages = PipelineStage.objects.select_related("pipeline").filter(pipeline_id=deal.pipeline_id)
    if stage_key:
        return deal, get_object_or_404(stages, key=stage_key)
    later = stages.filter(position__gt=deal.stage.position).order_by("position")
    return deal, later.first() or stages.get(pk=deal.stage_id)


def _stage(account_id: int, key: str) -> LifecycleStage:
    if not Account.objects.filter(pk=account_id).exists():
        raise Http404
    stages = LifecycleStage.objects.filter(journey=STANDARD).order_by("position")
    if key:
        return get_object_or_404(stages, key=key)
    here = StageVisit.objects.filter(account_id=account_id, left_on=None).values_list("stage__position", flat=True)
    stage = stages.filter(position__gt=here.first() or 0).first() or stages.last()
    if stage is None:
        raise Http404
    return stage


def _waiver(waiver_id: int) -> Waiver:
    return get_object_or_404(Waiver.objects.select_related("version"), pk=waiver_id)


def _evidence(call: Call, *, opportunity_id: int | None = None, account_id: int | None = None) -> Answer:
    try:
        made = give_evidence(
            criterion_key=call.body["criterion"], text=call.body["text"], actor=call.actor, today=call.today,
            now=call.now, opportunity_id=opportunity_id, account_id=account_id,
        )  # fmt: skip
    except EvidenceRefused as error:
        raise Refused("refused", str(error), status_code=CONFLICT) from error
    return Answer(made, status=201)
