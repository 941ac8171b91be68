"""What the page of a score model shows: versions, inputs with their weights beside the live ones, one input opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from core.choices import JobState, VersionState
from core.models import AuditEntry, Job, ProcessVersion
from core.version_history import in_review, live_among, open_draft, versions_of
from core.versioning import diff
from health.queries.editor_inputs import Field, Form, InputRow, input_rows
from health.queries.language import advice
from health.queries.live import KIND, model_of
from health.rules import ScoreModel, unlearned
from health.rules.editing import Document, weights_sum

AGGREGATES: Final = {
    "last": "last value",
    "mean": "mean",
    "sum": "sum",
    "max": "highest",
    "count": "count",
    "distinct_days": "active days",
    "trend": "against own baseline",
    "days_since": "days since",
}
MISSING: Final = {
    "exclude": "Leave out",
    "neutral": "Neutral, 50",
    "worst": "Worst, 0",
    "carry_forward_days": "Carry forward",
}
PROOFS: Final = ("health.calibrate", "health.validate")
JOBS: Final = ("health.recompute", "health.calibrate", "health.validate", "health.impact")


@dataclass(frozen=True)
class ModelPage:
    """Everything on the page beside impact and validation, which come later as parts of their own."""

    key: str
    view: str
    shown: ProcessVersion
    live: ProcessVersion | None
    draft: ProcessVersion | None
    versions: int
    model: ScoreModel
    inputs: list[InputRow]
    weights_sum: float
    watch: Field
    healthy: Field
    coverage: Field
    groups: list[str]
    limits: list[str]
    advice: list[str]
    unlearned: list[str]
    problems: dict[str, str]
    changes: list[str] = field(default_factory=list)
    saved_at: datetime | None = None
    saved_by: str = ""
    jobs: list[Job] = field(default_factory=list)
    past: list[ProcessVersion] = field(default_factory=list)
    failure: str = ""
    review: ProcessVersion | None = None

    @property
    def in_review(self) -> bool:
        """Whether the draft shown lies before a second person: it changes only once it is taken back."""
        return self.draft is not None and self.draft.state == VersionState.IN_REVIEW

    @property
    def is_draft(self) -> bool:
        return self.shown.is_draft

    @property
    def is_outdated(self) -> bool:
        """Whether a newer version went live since the draft was begun."""
        return bool(self.draft and self.live and self.draft.based_on and self.draft.based_on < self.live.number)

    @property
    def sum_is_right(self) -> bool:
        return abs(self.weights_sum - 100) < 0.01

    @property
    def sum_says(self) -> str:
        missing = 100 - self.weights_sum
        if self.sum_is_right:
            return ""
        rest = f"{abs(missing):g} {'missing' if missing > 0 else 'too many'}"
        return f"Sum is {self.weights_sum:g}\u00a0%, {rest}"

    @property
    def slide_max(self) -> int:
        return max(60, *(int(-(-one.share // 10) * 10) for one in self.inputs))

    @property
    def before(self) -> ProcessVersion | None:
        """What one click goes back to."""
        return self.past[0] if self.past else None


def draft_of(key: str) -> ProcessVersion | None:
    """The draft of a model that people work on."""
    return open_draft(versions_of(KIND, key))


def drafts() -> list[ProcessVersion]:
    """The draft of each model that has one, the newest first."""
    found: dict[str, list[ProcessVersion]] = {}
    for version in ProcessVersion.objects.filter(kind=KIND).exclude(state=VersionState.RETIRED).order_by("-number"):
        found.setdefault(version.key, []).append(version)
    waiting = [draft for draft in map(open_draft, found.values()) if draft]
    return sorted(waiting, key=lambda one: one.created_at, reverse=True)


def model_page(
    key: str,
    *,
    view: str = "",
    opened: str = "",
    typed: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
) -> ModelPage | None:
    """The page of a model, or None when there is no such model. `view`: draft, live or compare; else what there is."""
    versions = versions_of(KIND, key)
    live, draft = live_among(versions), open_draft(versions)
    shown = live if view == "live" and live else draft or live or (versions[0] if versions else None)
    if shown is None:
        return None
    form = Form(typed or {}, problems or {})
    model = model_of(shown)
    live_model = model_of(live) if live else None
    document = shown.definition
    edges = document.get("bands", {})
    saved = _saved(draft) if draft else None
    return ModelPage(
        key=key,
        view=_view(view, live, draft),
        shown=shown,
        live=live,
        draft=draft,
        versions=len(versions),
        model=model,
        inputs=input_rows(document, model, live_model, opened, form),
        weights_sum=weights_sum(document),
        watch=form.field("edge:yellow", edges.get("yellow", 50)),
        healthy=form.field("edge:green", edges.get("green", 70)),
        coverage=form.field("coverage", float(document.get("min_coverage", 0.6)) * 100),
        groups=[str(one["key"]) for one in document.get("groups", [])],
        limits=[*_limits(document, "caps"), *_limits(document, "floors")],
        advice=advice(model),
        unlearned=[one.label for one in model.inputs if one.key in unlearned(model)],
        problems=dict(problems or {}),
        changes=[one.text for one in diff(live, draft)] if live and draft and view == "compare" else [],
        saved_at=saved.at if saved else None,
        saved_by=saved.actor_label if saved else "",
        jobs=_jobs(key, versions),
        failure=_failure(versions),
        past=[one for one in versions if one.state == VersionState.RETIRED and one.published_at],
        review=in_review(versions),
    )


def _view(asked: str, live: ProcessVersion | None, draft: ProcessVersion | None) -> str:
    if asked == "compare" and live and draft:
        return "compare"
    return "live" if live and (asked == "live" or not draft) else "draft"


def _saved(draft: ProcessVersion) -> AuditEntry | None:
    entries = AuditEntry.objects.filter(subject_type="core.processversion", subject_id=draft.pk)
    return entries.order_by("-at").first()


def _jobs(key: str, versions: list[ProcessVersion]) -> list[Job]:
    """What runs for this model now, and what failed last: the page shows its progress in place."""
    ids = [one.pk for one in versions]
    published = f"published {key} v"
    open_states = [JobState.QUEUED, JobState.RUNNING]
    found = Job.objects.filter(kind__in=JOBS, state__in=open_states).order_by("pk")[:20]
    return [
        job
        for job in found
        if job.payload.get("model") == key or job.payload.get("version") in ids or job.key.startswith(published)
    ]


def _failure(versions: list[ProcessVersion]) -> str:
    """Why the last test or proposal came to nothing, until another one is asked for."""
    ids = [one.pk for one in versions]
    asked = Job.objects.filter(kind__in=PROOFS, payload__version__in=ids).order_by("-pk").first()
    return asked.error if asked is not None and asked.state == JobState.FAILED else ""


def _limits(document: Document, kind: str) -> list[str]:
    """Caps and floors in words."""
    said = []
    for one in document.get(kind, []):
        names = {each["key"]: each.get("name") or each["key"] for each in document["inputs"]}
        label = names.get(one.get("input"), one.get("input"))
        if kind == "caps":
            said.append(f"{label} under {one.get('below')}: the score is at most {one.get('at_most')}.")
        else:
            said.append(f"{label} from {one.get('at_least')}: the score is not below {one.get('not_below')}.")
    return said
