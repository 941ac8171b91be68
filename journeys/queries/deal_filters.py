"""Which deals a page shows: pipeline, owner and closing window, as an address names them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import OuterRef, QuerySet, Subquery, prefetch_related_objects

from accounts.models import Person
from accounts.queries.people import person_id_of
from core.choices import Role
from core.models import Membership
from journeys.models import Opportunity, Pipeline, PipelineStage
from journeys.queries.board import Filters
from journeys.queries.pipelines import PipelineTab, pipeline_tabs, stages_of
from journeys.rules.periods import WINDOWS, closing_window

MINE = "me"
EVERYONE = "all"


@dataclass(frozen=True)
class Shown:
    """The filters in force, and what they could be. `who` is me, all or the id of a person."""

    filters: Filters
    who: str
    owner: Person | None
    tabs: Sequence[PipelineTab]
    person_id: int | None

    @property
    def stages(self) -> list[PipelineStage]:
        """The stages of the pipeline in their order."""
        return stages_of(self.filters.pipeline)

    @property
    def whose(self) -> str:
        """The owner in words, for the chip."""
        if self.who == MINE:
            return "me"
        return self.owner.name if self.owner else "everyone"


def shown(membership: Membership, today: date, *, pipeline: str = "", who: str = "", closes: str = "") -> Shown | None:
    """What an address asks for, or None for a pipeline that is not there. Anything else that cannot be is left out.

    Without a choice: the first pipeline that holds deals (an import makes its own beside the empty default), and of a
    salesperson's pipeline their own deals.
    """
    tabs = pipeline_tabs()
    chosen = next((tab for tab in tabs if tab.pipeline.key == pipeline), None)
    if pipeline and chosen is None:
        return None
    chosen = chosen or next((tab for tab in tabs if tab.deals), tabs[0] if tabs else None)
    if chosen is None:
        return None
    prefetch_related_objects([chosen.pipeline], "stages")  # tabs, columns, filters and moves ask for them
    person_id = person_id_of(membership)
    who = who or (MINE if membership.role == Role.SALES_REP and person_id else EVERYONE)
    owner = _person(who)
    owner_id: int | None = person_id
    if who != MINE or person_id is None:
        owner_id = owner.pk if owner else None
        who = str(owner.pk) if owner else EVERYONE
    closes = closes if closes in WINDOWS and closing_window(closes, today) else ""
    return Shown(Filters(chosen.pipeline, owner_id, closes), who, owner, tabs, person_id)


def _person(who: str) -> Person | None:
    if not who.isdecimal() or len(who) > 18:
        return None
    return Person.objects.filter(pk=int(who)).first()


def deal_owners(pipeline: Pipeline) -> QuerySet[Person]:
    """Those who own a deal of the pipeline, by name."""
    # By stage, as the index of each owner's deals has it, and one deal of each: EXISTS would look at everybody's deals.
    stages = [stage.pk for stage in stages_of(pipeline)]
    mine = Opportunity.objects.filter(owner_id=OuterRef("pk"), stage_id__in=stages)
    one = mine.order_by("owner_id", "stage_id").values("pk")[:1]
    return Person.objects.alias(deal=Subquery(one)).exclude(deal=None).order_by("name_key", "pk")
