"""Score models: versions and their documents, drafts, publishing, and the jobs that prove them."""

from typing import Any, Final

from django.shortcuts import get_object_or_404
from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core import drafts, versioning
from core.api.endpoints import Answer, ApiView, Call, endpoint
from core.api.errors import Refused
from core.api.jobs import JobShape, accepted
from core.api.pages import page_of
from core.choices import VersionState
from core.models import ProcessVersion
from core.permissions import Permission
from core.process_files import BadFiles, Document, apply, from_bytes, text_of, to_text
from health.actions.calibration import start_calibration
from health.actions.validation import start_validation
from health.queries.live import KIND
from health.queries.validation import MAIN_LEAD, gate

YAML_MAX: Final = 200_000
CONFLICT: Final = 409


class VersionShape(serializers.Serializer[Any]):
    """One version of a score model."""

    id = serializers.IntegerField()
    key = serializers.CharField()
    version = serializers.IntegerField(source="number")
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=VersionState.choices)
    content_hash = serializers.CharField(help_text="Send it back as `seen_hash`, and nobody's change is overwritten.")
    based_on = serializers.IntegerField(allow_null=True)
    reason = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    created_by = serializers.CharField()
    published_at = serializers.DateTimeField(allow_null=True)
    published_by = serializers.CharField(allow_blank=True)
    waived_by = serializers.CharField(allow_blank=True)
    waiver_reason = serializers.CharField(allow_blank=True)


class GateLineShape(serializers.Serializer[Any]):
    text = serializers.CharField()
    value = serializers.CharField()
    ok = serializers.BooleanField()


class GateShape(serializers.Serializer[Any]):
    """What publishing needs. A shut gate is passed with a waiver that says why."""

    passed = serializers.BooleanField()
    lines = GateLineShape(many=True)
    report_id = serializers.IntegerField(allow_null=True)


class VersionDetailShape(VersionShape):
    definition = serializers.DictField(help_text="The document: docs/health-models.md.")
    yaml = serializers.SerializerMethodField()
    gate = serializers.SerializerMethodField()

    def get_yaml(self, version: ProcessVersion) -> str:
        """The same document as the file that `process apply` reads."""
        return text_of(version)

    @extend_schema_field(GateShape)
    def get_gate(self, version: ProcessVersion) -> Any:
        """Whether it has proven itself on this workspace's own outcomes."""
        return GateShape(gate(version)).data


class VersionQuery(serializers.Serializer[Any]):
    key = serializers.CharField(required=False, max_length=80)
    state = serializers.ChoiceField(choices=VersionState.choices, required=False)


class NewDraft(serializers.Serializer[Any]):
    """One of the two: the document as JSON, with kind, key and name in it, or as the text of a YAML file."""

    definition = serializers.DictField(required=False)
    yaml = serializers.CharField(required=False, max_length=YAML_MAX)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Send either definition or yaml.")
        return attrs


class ChangedDraft(serializers.Serializer[Any]):
    definition = serializers.DictField()
    name = serializers.CharField(required=False, max_length=120)
    seen_hash = serializers.CharField(required=False, max_length=64, help_text="The content_hash that you changed.")
    take_back = serializers.BooleanField(
        required=False, default=False, help_text="Takes a draft in review back first; else it is refused."
    )


class Publishing(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2000, help_text="Why; kept with the version.")
    waiver = serializers.CharField(
        required=False, max_length=2000, help_text="Needed where the gate is shut: why it goes live all the same."
    )
    seen_hash = serializers.CharField(
        required=False, max_length=64, help_text="The content_hash that you read: another content is not published."
    )


class Calibrating(serializers.Serializer[Any]):
    lead_days = serializers.IntegerField(required=False, min_value=0, max_value=730, default=MAIN_LEAD)
    train_until = serializers.DateField(
        required=False, help_text="Outcomes before this day teach, the others test. Left out: chosen from the outcomes."
    )


def _version(model_id: int) -> ProcessVersion:
    return get_object_or_404(ProcessVersion.objects.filter(kind=KIND), pk=model_id)


def _document(body: dict[str, Any]) -> Document:
    """The document that was sent. What is wrong with a file is told with its line, with JSON by field."""
    try:
        if "yaml" in body:
            document = from_bytes(body["yaml"].encode(), "yaml")
        else:
            sent = body["definition"]
            kind, key, name = (str(sent.get(part, "")) for part in ("kind", "key", "name"))
            if kind != KIND:
                raise Refused("bad_model", f"kind: write {KIND}.")
            document = from_bytes(to_text(kind, key, name, sent).encode(), "definition")
    except BadFiles as bad:
        raise Refused("bad_model", _words(bad, "yaml" in body)) from bad
    if document.kind != KIND:
        raise Refused("bad_model", f"This is a {document.kind}. Send a document of the kind {KIND}.")
    return document


def _words(bad: BadFiles, is_file: bool) -> str:  # noqa: FBT001 -- private, two callers
    return "\n".join(str(one) if is_file else one.message for one in bad.problems)


class ModelList(ApiView):
    @endpoint(Permission.VIEW_HEALTH, VersionShape, summary="Versions of score models, the latest first",
              query=VersionQuery, pages=True, tag="score models")  # fmt: skip
    def get(self, call: Call) -> Answer:
        wanted = {name: call.query[name] for name in ("key", "state") if name in call.query}
        found = ProcessVersion.objects.filter(kind=KIND, **wanted)
        return Answer(page_of(found, call.query, by="-id", within=call.within))

    @endpoint(Permission.CONFIGURE_PROCESSES, VersionDetailShape, summary="Draft a score model: a new one, or the "
              "caller's own draft under its key changed", body=NewDraft, status=201, tag="score models")  # fmt: skip
    def post(self, call: Call) -> Answer:
        document = _document(call.body)
        try:
            made = apply([document], publish=False, reason="", actor=call.actor, now=call.now)[0]
        except BadFiles as bad:
            raise Refused("bad_model", _words(bad, "yaml" in call.body)) from bad
        version = ProcessVersion.objects.get(kind=KIND, key=made.key, number=made.number)
        return Answer(version, status=201, location=reverse("health:api_score_model", args=[version.pk]))


class ModelDetail(ApiView):
    @endpoint(Permission.VIEW_HEALTH, VersionDetailShape, summary="One version: document, gate", tag="score models")
    def get(self, call: Call, model_id: int) -> Answer:
        return Answer(_version(model_id))

    @endpoint(Permission.CONFIGURE_PROCESSES, VersionDetailShape, summary="Change a draft", body=ChangedDraft,
              tag="score models")  # fmt: skip
    def put(self, call: Call, model_id: int) -> Answer:
        version = _version(model_id)
        body = call.body["definition"]
        head = {"kind": version.kind, "key": version.key, "name": call.body.get("name", body.get("name", version.name))}
        document = _document({"definition": {**head, **body, "name": head["name"]}})
        try:
            saved = drafts.rewrite(
                version=version,
                definition=document.definition,
                name=document.name,
                seen_hash=call.body.get("seen_hash", ""),
                take_back=call.body["take_back"],
                actor=call.actor,
                now=call.now,
            )
        except versioning.InReview as looked_at:
            raise Refused("in_review", str(looked_at), status_code=CONFLICT) from looked_at
        except (versioning.NotADraft, versioning.DraftMoved) as moved:
            raise Refused("draft_moved", str(moved), status_code=CONFLICT) from moved
        except ValueError as bad:
            raise Refused("bad_model", str(bad)) from bad
        return Answer(saved)


class ModelPublish(ApiView):
    @endpoint(Permission.CONFIGURE_PROCESSES, VersionDetailShape, summary="Make a draft the live version; everybody "
              "is scored by it", body=Publishing, tag="score models")  # fmt: skip
    def post(self, call: Call, model_id: int) -> Answer:
        try:
            version = versioning.publish(
                version=_version(model_id),
                actor=call.actor,
                now=call.now,
                reason=call.body["reason"],
                waiver=call.body.get("waiver", ""),
                seen_hash=call.body.get("seen_hash", ""),
            )
        except versioning.NotADraft as moved:
            raise Refused("not_a_draft", str(moved), status_code=CONFLICT) from moved
        except versioning.DraftMoved as moved:
            raise Refused("draft_moved", str(moved), status_code=CONFLICT) from moved
        except versioning.PublishRefused as shut:
            code = "gate_shut" if shut.waivable else "bad_model"
            raise Refused(code, str(shut), status_code=CONFLICT, fields={"gate": shut.lines}) from shut
        return Answer(version)


class ModelDiscard(ApiView):
    @endpoint(Permission.CONFIGURE_PROCESSES, VersionShape, summary="Put a draft away", tag="score models")
    def post(self, call: Call, model_id: int) -> Answer:
        try:
            return Answer(versioning.discard(version=_version(model_id), actor=call.actor, now=call.now))
        except versioning.NotADraft as moved:
            raise Refused("not_a_draft", str(moved), status_code=CONFLICT) from moved


class ModelValidate(ApiView):
    @endpoint(Permission.CONFIGURE_PROCESSES, JobShape, summary="Start testing a version on the workspace's outcomes",
              status=202, tag="score models")  # fmt: skip
    def post(self, call: Call, model_id: int) -> Answer:
        version = _version(model_id)
        return accepted(start_validation(version=version, actor=call.actor, now=call.now, today=call.today))


class ModelCalibrate(ApiView):
    @endpoint(Permission.CONFIGURE_PROCESSES, JobShape, summary="Start learning weights from outcomes into a draft",
              body=Calibrating, status=202, tag="score models")  # fmt: skip
    def post(self, call: Call, model_id: int) -> Answer:
        job = start_calibration(
            version=_version(model_id),
            actor=call.actor,
            now=call.now,
            today=call.today,
            lead_days=call.body["lead_days"],
            train_until=call.body.get("train_until"),
        )
        return accepted(job)
