"""Everything on the page that edits a journey."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Count

from accounts.choices import Segment
from core import registry, versioning
from core.choices import VersionState
from core.differences import Change
from core.models import ProcessVersion
from core.version_history import in_review, live_among, open_draft, versions_of
from journeys.models import ContactStageVisit, StageVisit
from journeys.queries.criterion_words import CriterionRow, criterion_rows
from journeys.queries.handoff_editor import TeamsForm, teams_form
from journeys.queries.journey_words import journey_effects
from journeys.queries.stages import CONTACTS, JOURNEY_KIND
from journeys.rules.journeys import JourneySpec, LifecycleStageSpec, parse_journey


@dataclass(frozen=True)
class StageRow:
    """A stage with what it holds: who stands there, and the stays that it ever had."""

    spec: LifecycleStageSpec
    here: int
    stays: int
    criteria: Sequence[CriterionRow]


@dataclass(frozen=True)
class JourneyPage:
    """A journey with its stages, and what publishing the draft would change."""

    key: str
    name: str
    whom: str
    live: ProcessVersion | None
    draft: ProcessVersion | None
    spec: JourneySpec
    stages: Sequence[StageRow]
    changes: Sequence[Change]
    effects: Sequence[str]
    obstacles: Sequence[str]
    asks: Sequence[tuple[str, str]]
    segments: Sequence[str]
    review: ProcessVersion | None
    form: TeamsForm

    @property
    def in_review(self) -> bool:
        """Whether the draft shown lies before a second person: it changes only once it is taken back."""
        return self.draft is not None and self.draft.state == VersionState.IN_REVIEW

    @property
    def shown(self) -> ProcessVersion:
        version = self.draft or self.live
        assert version is not None  # noqa: S101 -- a page has one of them
        return version


def draft_of(key: str) -> ProcessVersion | None:
    """The draft of the journey that people work on or look at."""
    return open_draft(versions_of(JOURNEY_KIND, key))


def journey_page(
    key: str, today: date, *, typed: Mapping[str, str] | None = None, problems: Mapping[str, str] | None = None
) -> JourneyPage | None:
    """The page of a journey, or None where neither a live version nor a draft is there.

    `typed` and `problems` are what was refused and why: hand-offs and teams show both at their fields.
    """
    versions = versions_of(JOURNEY_KIND, key)
    live, draft = live_among(versions), open_draft(versions)
    version = draft or live
    if version is None:
        return None
    spec = parse_journey(version.definition)
    effects = journey_effects(key, version.definition, today) if draft is not None else []
    return JourneyPage(
        key=key,
        name=version.name,
        whom="contacts" if key == CONTACTS else "accounts",
        live=live,
        draft=draft,
        spec=spec,
        stages=_rows(spec, _uses(key)),
        changes=versioning.diff(live, draft) if draft is not None and live is not None else [],
        effects=effects,
        obstacles=[words for words in effects if words.startswith("stages")],
        asks=[
            (f"fact:{fact.key}|{fact.type}", fact.label)
            for fact in sorted(registry.facts().values(), key=lambda one: one.label)
        ],
        segments=[str(value) for value in Segment.values],
        review=in_review(versions),
        form=teams_form(spec, typed or {}, problems or {}, with_handoffs=key != CONTACTS),
    )


def _uses(key: str) -> Mapping[str, tuple[int, int]]:
    """Who stands in each stage, and how many stays it ever had. Two statements."""
    model = ContactStageVisit if key == CONTACTS else StageVisit
    visits = model._default_manager.filter(stage__journey=key).order_by()
    stays = dict(visits.values_list("stage__key").annotate(n=Count("pk")))
    here = dict(visits.filter(left_on=None).values_list("stage__key").annotate(n=Count("pk")))
    return {stage: (here.get(stage, 0), count) for stage, count in stays.items()}


def _rows(spec: JourneySpec, uses: Mapping[str, tuple[int, int]]) -> list[StageRow]:
    return [
        StageRow(
            stage,
            *uses.get(stage.key, (0, 0)),
            criteria=criterion_rows(entry=stage.entry, exits=stage.exit),
        )
        for stage in spec.stages
    ]
