"""Everything on the page that edits a pipeline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from core import registry, versioning
from core.choices import VersionState
from core.differences import Change
from core.models import ProcessVersion
from core.version_history import in_review, live_among, open_draft, versions_of
from journeys.queries.criterion_words import CriterionRow, criterion_rows
from journeys.queries.qualification import Framework, frameworks
from journeys.queries.words import StageUse, pipeline_effects, pipeline_gaps, stage_uses
from journeys.rules.pipelines import PipelineSpec, StageSpec, parse_pipeline

KIND = "pipeline"


@dataclass(frozen=True)
class StageRow:
    """A stage with what it holds, and the stages of its kind that could take its deals over."""

    spec: StageSpec
    deals: int
    stays: int
    criteria: Sequence[CriterionRow]
    others: Sequence[StageSpec]

    @property
    def is_used(self) -> bool:
        """Whether it can go only with a stage that takes over."""
        return bool(self.deals or self.stays)


@dataclass(frozen=True)
class Asking:
    """One thing that a criterion may ask for, to choose from."""

    value: str
    words: str
    group: str


@dataclass(frozen=True)
class EditorPage:
    """A pipeline with its stages, and what publishing the draft would change."""

    key: str
    name: str
    live: ProcessVersion | None
    draft: ProcessVersion | None
    spec: PipelineSpec
    stages: Sequence[StageRow]
    frameworks: Sequence[Framework]
    changes: Sequence[Change]
    effects: Sequence[str]
    obstacles: Sequence[str]
    asks: Sequence[Asking]
    review: ProcessVersion | None
    gaps: Sequence[str] = ()

    @property
    def in_review(self) -> bool:
        """Whether the draft shown lies before a second person: it changes only once it is taken back."""
        return self.draft is not None and self.draft.state == VersionState.IN_REVIEW

    @property
    def shown(self) -> ProcessVersion:
        version = self.draft or self.live
        assert version is not None  # noqa: S101 -- a page has one of them
        return version


@dataclass(frozen=True)
class ProcessRow:
    """A pipeline or a journey on the list."""

    kind: str
    key: str
    name: str
    live: ProcessVersion | None
    draft: ProcessVersion | None
    stages: int
    criteria: int
    gaps: Sequence[str] = ()


def draft_of(key: str) -> ProcessVersion | None:
    """The draft of the pipeline that people work on or look at."""
    return open_draft(versions_of(KIND, key))


def editor_page(key: str, today: date) -> EditorPage | None:
    """The page of a pipeline, or None where neither a live version nor a draft is there."""
    versions = versions_of(KIND, key)
    live, draft = live_among(versions), open_draft(versions)
    version = draft or live
    if version is None:
        return None
    spec = parse_pipeline(version.definition)
    known = frameworks()
    changes = versioning.diff(live, draft) if draft is not None and live is not None else []
    effects = pipeline_effects(key, version.definition, today) if draft is not None else []
    return EditorPage(
        key=key,
        name=version.name,
        live=live,
        draft=draft,
        spec=spec,
        stages=_rows(spec, {one.key: one for one in stage_uses(key)}),
        frameworks=list(known.values()),
        changes=changes,
        effects=effects,
        obstacles=[words for words in effects if words.startswith(("stages", "reassign"))],
        asks=_asks(known),
        review=in_review(versions),
        gaps=pipeline_gaps(live) if live is not None else [],
    )


def _rows(spec: PipelineSpec, uses: Mapping[str, StageUse]) -> list[StageRow]:
    nothing = StageUse("", "", "", 0, 0)
    return [
        StageRow(
            spec=stage,
            deals=uses.get(stage.key, nothing).deals,
            stays=uses.get(stage.key, nothing).stays,
            criteria=criterion_rows(entry=stage.entry, exits=stage.exit),
            others=[other for other in spec.stages if other.kind == stage.kind and other.key != stage.key],
        )
        for stage in spec.stages
    ]


def _asks(known: Mapping[str, Framework]) -> list[Asking]:
    asks = [Asking("evidence", "Evidence given by a person", "Evidence")]
    for one in known.values():
        asks.append(Asking(f"framework:{one.key}", f"{one.name} complete", one.name))
        asks += [
            Asking(f"answer:{one.key}.{question.key}", f"{one.name}: {question.name}", one.name)
            for question in one.spec.questions
        ]
    facts: Mapping[str, Any] = registry.facts("opportunity")
    asks += [
        Asking(f"fact:{key}|{fact.type}", fact.label, "Facts of the opportunity")
        for key, fact in sorted(facts.items(), key=lambda item: item[1].label)
        if key.startswith("opportunity.")
    ]
    return asks


def stage_processes() -> list[ProcessRow]:
    """All pipelines, then all journeys, with their live version and their draft. One statement."""
    found: dict[tuple[str, str], list[ProcessVersion]] = {}
    rows = ProcessVersion.objects.filter(kind__in=[KIND, "journey"]).exclude(state=VersionState.RETIRED)
    for version in rows.order_by("-kind", "name", "key", "-number"):
        found.setdefault((version.kind, version.key), []).append(version)
    return [_process(kind, key, versions) for (kind, key), versions in found.items()]


def _process(kind: str, key: str, versions: Sequence[ProcessVersion]) -> ProcessRow:
    live = live_among(versions)
    draft = open_draft(versions)
    stages = (live or versions[0]).definition.get("stages") or []
    asked = sum(len(stage.get("entry") or []) + len(stage.get("exit") or []) for stage in stages)
    gaps = pipeline_gaps(live) if live is not None and kind == KIND else []
    return ProcessRow(kind, key, (live or versions[0]).name, live, draft, len(stages), asked, gaps)
