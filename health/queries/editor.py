"""What the page of a score model shows: versions, inputs with their weights beside the live ones, one input opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from accounts.choices import Segment
from core.choices import JobState, VersionState
from core.models import AuditEntry, Job, ProcessVersion
from core.versioning import diff
from health.queries.language import advice
from health.queries.live import KIND, model_of
from health.queries.wording import in_words, source_name, unit_of
from health.rules import Aggregate, Input, ScoreModel, unlearned
from health.rules.editing import Document, input_of, plain, scale_of, tables_of, weights_sum

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
JOBS: Final = ("health.recompute", "health.calibrate", "health.validate", "health.impact")


@dataclass(frozen=True)
class Field:
    """One field of the form: its name says what it changes. `value` is what was typed where that was refused."""

    name: str
    value: str
    error: str = ""

    @property
    def id(self) -> str:
        return "f-" + self.name.replace(":", "-")


@dataclass(frozen=True)
class BandRow:
    number: int
    low: str
    upto: Field
    points: Field
    name: str = ""
    is_last: bool = False


@dataclass(frozen=True)
class TableView:
    """One mapping of an input. `kind`: linear, bands, categories or learn."""

    number: int
    title: str
    kind: str
    unit: str
    better: str
    rows: list[BandRow] = field(default_factory=list)
    worst: Field | None = None
    best: Field | None = None
    window: Field | None = None
    baseline: Field | None = None
    aggregate: Field | None = None
    segments: Field | None = None
    tenure_from: Field | None = None
    tenure_to: Field | None = None

    @property
    def is_threshold(self) -> bool:
        return self.segments is not None


@dataclass(frozen=True)
class InputRow:
    """An input as it stands in the shown version, beside the live one. Weights in percent as written."""

    key: str
    label: str
    reads: str
    points: list[str]
    if_missing: str
    weight: Field
    share: float
    live_share: float | None
    group: str
    is_open: bool
    name: Field
    missing: Field
    carry: Field | None
    group_field: Field
    tables: list[TableView] = field(default_factory=list)

    @property
    def difference(self) -> float | None:
        return None if self.live_share is None else round(self.share - self.live_share, 1)


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

    @property
    def is_draft(self) -> bool:
        return self.shown.state == VersionState.DRAFT

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


@dataclass
class _Form:
    """The document as fields, with what was typed and refused in its place."""

    typed: Mapping[str, str]
    problems: Mapping[str, str]

    def field(self, name: str, value: Any) -> Field:
        text = "" if value is None else f"{plain(value):g}" if isinstance(value, int | float) else str(value)
        return Field(name, self.typed.get(name, text) if self.problems else text, self.problems.get(name, ""))


def versions_of(key: str) -> list[ProcessVersion]:
    """Every version of a model, the newest first."""
    return list(ProcessVersion.objects.filter(kind=KIND, key=key).order_by("-number"))


def draft_of(key: str) -> ProcessVersion | None:
    """The newest draft of a model."""
    drafts = ProcessVersion.objects.filter(kind=KIND, key=key, state=VersionState.DRAFT)
    return drafts.order_by("-number").first()


def drafts() -> QuerySet[ProcessVersion]:
    """The drafts of score models that wait, the newest first."""
    return ProcessVersion.objects.filter(kind=KIND, state=VersionState.DRAFT).order_by("-created_at")


def model_page(
    key: str,
    *,
    view: str = "",
    opened: str = "",
    typed: Mapping[str, str] | None = None,
    problems: Mapping[str, str] | None = None,
) -> ModelPage | None:
    """The page of a model, or None when there is no such model. `view`: draft, live or compare; else what there is."""
    versions = versions_of(key)
    live = next((one for one in versions if one.state == VersionState.PUBLISHED), None)
    draft = next((one for one in versions if one.state == VersionState.DRAFT), None)
    shown = live if view == "live" and live else draft or live or (versions[0] if versions else None)
    if shown is None:
        return None
    form = _Form(typed or {}, problems or {})
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
        inputs=_inputs(document, model, live_model, opened, form),
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
        past=[one for one in versions if one.state == VersionState.RETIRED and one.published_at],
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


def _inputs(document: Document, model: ScoreModel, live: ScoreModel | None, opened: str, form: _Form) -> list[InputRow]:
    shares = {one.key: one.weight * 100 for one in live.inputs} if live else {}
    rows = []
    for one in model.inputs:
        block = input_of(document, one.key)
        missing = block.get("missing", "exclude")
        carries = isinstance(missing, dict)
        is_open = one.key == opened
        rows.append(
            InputRow(
                key=one.key,
                label=one.label,
                reads=_reads(one),
                points=[],
                if_missing=in_words(one),
                weight=form.field(f"weight:{one.key}", float(block["weight"])),
                share=float(block["weight"]),
                live_share=round(shares[one.key], 1) if one.key in shares else None,
                group=str(block.get("group", "")),
                is_open=is_open,
                name=form.field(f"name:{one.key}", one.label),
                missing=form.field(f"missing:{one.key}", "carry_forward_days" if carries else missing),
                carry=form.field(f"carry:{one.key}", next(iter(missing.values()))) if carries else None,
                group_field=form.field(f"group:{one.key}", block.get("group", "")),
                tables=_tables(block, one, form) if is_open else [],
            )
        )
    return rows


def _reads(one: Input) -> str:
    return ", else ".join(dict.fromkeys(f"{source_name(r)} {in_words(r)}" for r in one.readings))


def _tables(block: Document, one: Input, form: _Form) -> list[TableView]:
    return [_table(number, table, block, one, form) for number, table in enumerate(tables_of(block))]


def _table(number: int, table: Document, block: Document, one: Input, form: _Form) -> TableView:
    kind, content = next(iter(table["mapping"].items()))
    scale = scale_of(table, block)
    where = f"{one.key}:{number}"
    aggregate = table.get("aggregate", block.get("aggregate", "mean"))
    is_threshold = number > 0 and table is not block.get("otherwise")
    reads_itself = not is_threshold
    months = table.get("tenure_months") or [None, None]
    return TableView(
        number=number,
        title=_title(number, table, block, one),
        kind=kind,
        unit="%" if scale == 100 else _unit(one, number),
        better=_better(kind, content),
        rows=_rows(where, kind, content, scale, form),
        worst=form.field(f"worst:{where}", content["worst"] * scale) if kind == "linear" else None,
        best=form.field(f"best:{where}", content["best"] * scale) if kind == "linear" else None,
        window=form.field(f"window:{where}", table.get("window_days", 30)) if reads_itself else None,
        baseline=(
            form.field(f"baseline:{where}", table.get("baseline_days", 2 * table.get("window_days", 30)))
            if reads_itself and aggregate == Aggregate.TREND
            else None
        ),
        aggregate=form.field(f"aggregate:{where}", aggregate) if reads_itself else None,
        segments=form.field(f"segments:{where}", ", ".join(table.get("segments", []))) if is_threshold else None,
        tenure_from=form.field(f"tenure_from:{where}", months[0]) if is_threshold else None,
        tenure_to=form.field(f"tenure_to:{where}", months[1]) if is_threshold else None,
    )


def _unit(one: Input, number: int) -> str:
    return unit_of(one.readings[min(number, len(one.readings) - 1)])


def _title(number: int, table: Document, block: Document, one: Input) -> str:
    if number == 0:
        return "All accounts" if block.get("thresholds") else _reads_of(table, block)
    if table is block.get("otherwise"):
        return f"If nothing is known of that: {_reads_of(table, block)}"
    named = [str(Segment(part).label) if part in Segment.values else part for part in table.get("segments", [])]
    months = table.get("tenure_months")
    if months:
        named.append(f"month {months[0]} on" if months[1] is None else f"months {months[0]} to under {months[1]}")
    return ", ".join(named) or "Nobody yet: name a segment or a tenure"


def _reads_of(table: Document, block: Document) -> str:
    measure = table.get("measure", block.get("measure"))
    names = measure if isinstance(measure, list) else [measure]
    return ", else ".join(str(name).replace("_", " ").replace(".", ", ") for name in names)


def _better(kind: str, content: Any) -> str:
    if kind == "linear":
        return "lower is better" if content["worst"] > content["best"] else "higher is better"
    if kind == "bands" and len(content) > 1:
        points = [step[1] for step in content]
        if points == sorted(points):
            return "higher is better"
        return "lower is better" if points == sorted(points, reverse=True) else "best in between"
    return ""


def _rows(where: str, kind: str, content: Any, scale: int, form: _Form) -> list[BandRow]:
    if kind == "categories":
        return [
            BandRow(
                at,
                "",
                Field("", ""),
                form.field(f"category:{where}:{at}", points),
                name=str(name),
                is_last=at == len(content) - 1,
            )
            for at, (name, points) in enumerate(sorted(content.items()))
        ]
    if kind != "bands":
        return []
    rows, low = [], "any"
    for at, (upto, points) in enumerate(content):
        is_last = at == len(content) - 1
        edge = form.field(f"upto:{where}:{at}", None if is_last else upto * scale)
        rows.append(BandRow(at, low, edge, form.field(f"points:{where}:{at}", points), is_last=is_last))
        low = edge.value
    return rows


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
