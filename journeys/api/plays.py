"""Playbooks and plays: what came of each version, plays and their steps, and why one did or did not start."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Account
from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.errors import Refused
from core.api.jobs import JobShape, accepted
from core.api.pages import page_of
from core.permissions import Permission
from journeys.actions import plays as actions
from journeys.actions import rights
from journeys.models import PlaybookRun, RunStep
from journeys.queries.plays import live_playbooks, playbook_figures, why_started
from journeys.queries.plays.facts import money_facts
from journeys.queries.plays.runs import plays, steps_of

CONFLICT = 409
MOST = 10_000
_ID: dict[str, Any] = {"min_value": 1, "max_value": 2**63 - 1}


class StepShape(serializers.Serializer[Any]):
    """A step of a play. `task_id` once its day is known."""

    id = serializers.IntegerField()
    key = serializers.CharField()
    title = serializers.CharField()
    position = serializers.IntegerField()
    state = serializers.CharField(help_text="ahead, open, done, skipped or left_out")
    task_id = serializers.IntegerField(allow_null=True)
    assignee_id = serializers.IntegerField(allow_null=True)
    due_on = serializers.DateField(allow_null=True)
    done_on = serializers.DateField(allow_null=True)
    done_by = serializers.CharField(allow_blank=True)
    unaided = serializers.BooleanField(allow_null=True)
    note = serializers.CharField(allow_blank=True)


class PlayShape(serializers.Serializer[Any]):
    """A play: a playbook running for an account, pinned to its version."""

    id = serializers.IntegerField()
    playbook = serializers.CharField()
    version = serializers.IntegerField(source="version.number")
    name = serializers.CharField(source="version.name")
    variant = serializers.CharField(allow_blank=True)
    account_id = serializers.IntegerField()
    account = serializers.CharField(source="account.name")
    opportunity_id = serializers.IntegerField(allow_null=True)
    owner_id = serializers.IntegerField(allow_null=True)
    state = serializers.CharField(help_text="running, finished or stopped")
    trigger = serializers.CharField()
    origin_key = serializers.CharField()
    anchor_on = serializers.DateField()
    started_on = serializers.DateField()
    started_by = serializers.CharField()
    ended_on = serializers.DateField(allow_null=True)
    end_reason = serializers.CharField(allow_blank=True)
    outcome = serializers.CharField(
        allow_blank=True, help_text="reached, missed, already (it held when the play started), or empty while unknown"
    )
    outcome_on = serializers.DateField(allow_null=True)


class PlayDetailShape(PlayShape):
    steps = serializers.SerializerMethodField()

    @extend_schema_field(StepShape(many=True))
    def get_steps(self, run: PlaybookRun) -> Any:
        return StepShape(steps_of(run.pk), many=True).data


class ShareShape(serializers.Serializer[Any]):
    """A share: part of a whole, with its 95 % interval; fractions, null for an empty whole."""

    part = serializers.IntegerField()
    of = serializers.IntegerField()
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class VersionFiguresShape(serializers.Serializer[Any]):
    """What came of the plays of one version."""

    version = serializers.IntegerField(source="version.number")
    runs = serializers.IntegerField()
    running = serializers.IntegerField()
    finished = serializers.IntegerField()
    stopped = serializers.IntegerField()
    on_time = ShareShape(help_text="Of the finished, those without a late step.")
    reached = ShareShape(help_text="Of those whose outcome is known.")
    already = serializers.IntegerField(help_text="Plays whose outcome held when they started: outside that share.")
    median_days = serializers.FloatField(allow_null=True)
    is_weak = serializers.BooleanField(help_text="Below its floor in each of the last two quarters.")
    asks_for_review = serializers.BooleanField()


class PlaybookShape(serializers.Serializer[Any]):
    """A live playbook with the figures of each of its versions."""

    key = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    figures = VersionFiguresShape(many=True)


class PlaybooksShape(serializers.Serializer[Any]):
    playbooks = PlaybookShape(many=True)


class TraceLineShape(serializers.Serializer[Any]):
    fact = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # -- a name of the contract
    rule = serializers.CharField()
    saw = serializers.CharField()
    met = serializers.BooleanField(allow_null=True)
    now_only = serializers.BooleanField(help_text="The value is that of today: nobody keeps its past.")


class TracePartShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    met = serializers.BooleanField(allow_null=True)
    words = serializers.CharField()
    lines = TraceLineShape(many=True)


class TraceShape(serializers.Serializer[Any]):
    """Why a play started on a day, or why not."""

    account_id = serializers.IntegerField(source="account.pk")
    version = serializers.IntegerField(source="version.number")
    day = serializers.DateField()
    was_live = serializers.BooleanField()
    started_id = serializers.IntegerField(source="started.pk", default=None, allow_null=True)
    verdict = serializers.CharField()
    parts = TracePartShape(many=True)
    steps = TracePartShape(many=True, help_text="Steps with a condition, and when it is read. They start nothing.")


class PlayQuery(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=["running", "finished", "stopped"], required=False)
    playbook = serializers.CharField(required=False, max_length=80, help_text="Key.")
    account = serializers.IntegerField(required=False, help_text="Id.", **_ID)
    owner = serializers.IntegerField(required=False, help_text="Id of a person.", **_ID)


class WhyQuery(serializers.Serializer[Any]):
    playbook = serializers.CharField(max_length=80, help_text="Key.")
    account = serializers.IntegerField(help_text="Id.", **_ID)
    on = serializers.DateField(required=False, help_text="Today where left out.")


class Starting(serializers.Serializer[Any]):
    playbook = serializers.CharField(max_length=80)
    origin_key = serializers.CharField(
        required=False, max_length=100, help_text="Started once per key, however often it is asked."
    )
    opportunity_id = serializers.IntegerField(required=False, **_ID)
    anchor_on = serializers.DateField(required=False)
    waiver_reason = serializers.CharField(
        required=False,
        max_length=1000,
        help_text="Starts it in spite of what it requires. For people who approve waivers, not for programs.",
    )


class StartingMany(serializers.Serializer[Any]):
    playbook = serializers.CharField(max_length=80)
    account_ids = serializers.ListField(child=serializers.IntegerField(**_ID), min_length=1, max_length=MOST)
    key = serializers.CharField(
        max_length=100,
        help_text="The same key asked twice is one job; with other content it is refused: 409, `key_reused`.",
    )


class Finishing(serializers.Serializer[Any]):
    note = serializers.CharField(required=False, allow_blank=True, max_length=4000, help_text="What shows it.")
    unaided = serializers.BooleanField(required=False, allow_null=True)


class Reasoned(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=1000)


class PlaybookList(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, PlaybooksShape, summary="Live playbooks with what came of them", tag="plays")
    def get(self, call: Call) -> Answer:
        live = live_playbooks()
        figures = playbook_figures([one.key for one in live], call.today)
        rows = [{"key": one.key, "name": one.name, "version": one.number, "figures": figures[one.key]} for one in live]
        return Answer({"playbooks": rows})


class PlayList(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, PlayShape, summary="Plays, the latest first", query=PlayQuery, pages=True,
              tag="plays")  # fmt: skip
    def get(self, call: Call) -> Answer:
        names = {"state": "state", "playbook": "playbook", "account": "account_id", "owner": "owner_id"}
        asked = {field: call.query[name] for name, field in names.items() if name in call.query}
        return Answer(page_of(plays().filter(**asked), call.query, by="-id", within=call.within))


class PlayDetail(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, PlayDetailShape, summary="One play with its steps", tag="plays")
    def get(self, call: Call, play_id: int) -> Answer:
        return Answer(_play(play_id))


class PlayStart(ApiView):
    @endpoint(rights.START_PLAY, PlayDetailShape, summary="Start a playbook for an account", body=Starting,
              status=201, refuses=(CONFLICT,), tag="plays")  # fmt: skip
    def post(self, call: Call, account_id: int) -> Answer:
        body = call.body
        if not Account.objects.filter(pk=account_id).exists():
            raise Http404
        if body.get("waiver_reason"):
            if not call.may(rights.WAIVE):
                raise Refused("forbidden", "Your role does not approve waivers.", status_code=403)
            if call.membership is None:
                words = "A playbook is started in spite of what it requires by a person. Sign in."
                raise Refused("person_needed", words, status_code=403)
        try:
            run = actions.start_play(
                playbook=body["playbook"], account_id=account_id, actor=call.actor, today=call.today, now=call.now,
                trigger="api", origin_key=f"api:{body['origin_key']}" if "origin_key" in body else None,
                opportunity_id=body.get("opportunity_id"), anchor_on=body.get("anchor_on"),
                waiver_reason=body.get("waiver_reason", ""),
            )  # fmt: skip
        except actions.PlayRefused as refusal:
            raise _refused(refusal) from refusal
        except actions.NotOfAccount as refusal:
            raise Refused("invalid", str(refusal), fields={"opportunity_id": [str(refusal)]}) from refusal
        return Answer(_play(run.pk), status=201, location=f"/api/v1/plays/{run.pk}/")


class PlayStartMany(ApiView):
    @endpoint(rights.START_PLAY, JobShape, summary="Start a playbook for many accounts", body=StartingMany,
              status=202, refuses=(CONFLICT,), tag="plays")  # fmt: skip
    def post(self, call: Call) -> Answer:
        body = call.body
        try:
            job = actions.ask_start_plays(
                playbook=body["playbook"], account_ids=body["account_ids"], key=f"api:{body['key']}",
                actor=call.actor, today=call.today, now=call.now,
            )  # fmt: skip
        except actions.PlayRefused as refusal:
            raise _refused(refusal) from refusal
        return accepted(job)


class PlayStop(ApiView):
    @endpoint(Permission.WORK_TASKS, PlayDetailShape, summary="Stop a play, with the reason", body=Reasoned,
              tag="plays")  # fmt: skip
    def post(self, call: Call, play_id: int) -> Answer:
        _play(play_id)
        actions.stop_play(
            run_id=play_id, reason=call.body["reason"], actor=call.actor, today=call.today, now=call.now
        )  # fmt: skip
        return Answer(_play(play_id))


class StepFinish(ApiView):
    @endpoint(Permission.WORK_TASKS, StepShape, summary="Finish a step", body=Finishing, refuses=(CONFLICT,),
              tag="plays")  # fmt: skip
    def post(self, call: Call, step_id: int) -> Answer:
        _step(step_id)
        try:
            step = actions.finish_step(
                step_id=step_id, actor=call.actor, person_id=actions.person_of(call.actor), today=call.today,
                now=call.now, note=call.body.get("note", ""), unaided=call.body.get("unaided"),
            )  # fmt: skip
        except actions.StepIsOver as refusal:
            raise Refused("step_is_over", str(refusal), status_code=CONFLICT) from refusal
        return Answer(step)


class StepSkip(ApiView):
    @endpoint(Permission.WORK_TASKS, StepShape, summary="Skip a step, with the reason", body=Reasoned,
              refuses=(CONFLICT,), tag="plays")  # fmt: skip
    def post(self, call: Call, step_id: int) -> Answer:
        _step(step_id)
        try:
            step = actions.skip_step(
                step_id=step_id, reason=call.body["reason"], actor=call.actor, today=call.today, now=call.now,
                person_id=actions.person_of(call.actor),
            )  # fmt: skip
        except actions.StepIsOver as refusal:
            raise Refused("step_is_over", str(refusal), status_code=CONFLICT) from refusal
        return Answer(step)


class PlayWhy(ApiView):
    @endpoint(Permission.VIEW_ACCOUNTS, TraceShape, summary="Why a play started on a day, or why not", query=WhyQuery,
              tag="plays")  # fmt: skip
    def get(self, call: Call) -> Answer:
        hidden = frozenset() if call.may(Permission.VIEW_MONEY) else money_facts()
        found = why_started(call.query["playbook"], call.query["account"], call.query.get("on", call.today), hidden)
        if found is None:
            raise Http404
        return Answer(found)


def _play(play_id: int) -> PlaybookRun:
    run = plays().filter(pk=play_id).first()
    if run is None:
        raise Http404
    return run


def _step(step_id: int) -> None:
    if not RunStep.objects.filter(pk=step_id).exists():
        raise Http404


def _refused(refusal: actions.PlayRefused) -> Refused:
    code = "needs_waiver" if refusal.waivable else "running" if refusal.running else "refused"
    return Refused(code, str(refusal), status_code=CONFLICT)
