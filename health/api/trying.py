"""Trying a draft: its impact, the alerts it would have raised, a run in shadow; and the way back."""

from typing import Any

from django.http import Http404
from rest_framework import serializers

from core import versioning
from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.errors import Refused
from core.api.jobs import JobShape, accepted
from core.choices import VersionState
from core.models import ProcessVersion
from core.permissions import Permission
from health.actions.shadow import start_shadow, stop_shadow
from health.actions.trying import start_impact, start_replay
from health.api.models import VersionDetailShape
from health.queries.impact import day_of
from health.queries.live import KIND

CONFLICT = 409


class ShadowShape(serializers.Serializer[Any]):
    """A draft that judges beside the live model."""

    from_day = serializers.DateField()
    until_day = serializers.DateField()
    started_at = serializers.DateTimeField()
    started_by = serializers.CharField()


class ShadowAsking(serializers.Serializer[Any]):
    days = serializers.IntegerField(required=False, min_value=1, max_value=90, default=14)


class ModelImpact(ApiView):
    @endpoint(Permission.CONFIGURE_PROCESSES, JobShape, summary="Start working out what a draft would change today; "
              "nothing is written", status=202, tag="score models")  # fmt: skip
    def post(self, call: Call, model_id: int) -> Answer:
        as_of = day_of(call.tenant, call.today)
        return accepted(start_impact(version=_tried(model_id), as_of=as_of, actor=call.actor, now=call.now))


class ModelReplay(ApiView):
    @endpoint(Permission.CONFIGURE_PROCESSES, JobShape, summary="Start replaying the alert rules of half a year with a "
              "draft; nothing is written", status=202, tag="score models")  # fmt: skip
    def post(self, call: Call, model_id: int) -> Answer:
        as_of = day_of(call.tenant, call.today)
        return accepted(start_replay(version=_tried(model_id), as_of=as_of, actor=call.actor, now=call.now))


class ModelShadow(ApiView):
    @endpoint(Permission.CONFIGURE_PROCESSES, ShadowShape, summary="Let a draft judge beside the live version",
              body=ShadowAsking, status=201, tag="score models")  # fmt: skip
    def post(self, call: Call, model_id: int) -> Answer:
        run = start_shadow(
            version=_draft(model_id), actor=call.actor, now=call.now, today=call.today,
            as_of=day_of(call.tenant, call.today), days=call.body["days"],
        )  # fmt: skip
        return Answer(run, status=201)


class ModelShadowStop(ApiView):
    @endpoint(Permission.CONFIGURE_PROCESSES, VersionDetailShape, summary="End a run in shadow; what it wrote stays",
              tag="score models")  # fmt: skip
    def post(self, call: Call, model_id: int) -> Answer:
        version = _draft(model_id)
        stop_shadow(version=version, actor=call.actor, now=call.now)
        return Answer(version)


class RollingBack(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=1000)


class ModelRollback(ApiView):
    @endpoint(Permission.CONFIGURE_PROCESSES, VersionDetailShape, summary="Bring back what was live before this "
              "live version, under a new number", body=RollingBack, tag="score models")  # fmt: skip
    def post(self, call: Call, model_id: int) -> Answer:
        version = _version(model_id)
        try:
            back = versioning.rollback(
                kind=KIND, key=version.key, actor=call.actor, now=call.now, reason=call.body["reason"],
                seen=version.number,
            )  # fmt: skip
        except versioning.LiveMoved as moved:
            raise Refused("not_live", f"v{version.number} is not live. {moved}", status_code=CONFLICT) from moved
        except versioning.NothingBefore as refusal:
            raise Refused("nothing_before", str(refusal), status_code=CONFLICT) from refusal
        except versioning.PublishRefused as shut:
            raise Refused("bad_model", str(shut), status_code=CONFLICT, fields={"gate": shut.lines}) from shut
        return Answer(back)


def _version(model_id: int) -> ProcessVersion:
    version = ProcessVersion.objects.filter(pk=model_id, kind=KIND).first()
    if version is None:
        raise Http404
    return version


def _tried(model_id: int) -> ProcessVersion:
    version = _version(model_id)
    if version.state == VersionState.RETIRED:
        raise Refused("retired", "This version is retired. Try a draft, or the live version.", status_code=CONFLICT)
    return version


def _draft(model_id: int) -> ProcessVersion:
    version = _version(model_id)
    if version.state not in {VersionState.DRAFT, VersionState.IN_REVIEW}:
        raise Refused("not_a_draft", "Only a draft runs in shadow. Make a draft first.", status_code=CONFLICT)
    return version
