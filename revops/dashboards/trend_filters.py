"""What the address of a trend page says: which accounts, which days, in what unit. Nonsense is left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from django.urls import reverse

from accounts.choices import Segment
from accounts.models import Person
from core.models import ProcessVersion
from health.queries.standing import Slice
from journeys.models import LifecycleStage

SEGMENTS: Final = dict(Segment.choices)
TABS: Final = (
    ("trend", "Overview"),
    ("portfolio_trend", "Over time"),
    ("movements", "Movements"),
    ("gaps", "Data gaps"),
    ("sources", "Sources"),
)


@dataclass(frozen=True)
class TrendFilter:
    """Filters that all trend pages share. None takes all; owner 0 is nobody."""

    segment: str | None = None
    owner_id: int | None = None
    stage_id: int | None = None
    version_id: int | None = None
    unit: str = "arr"

    @property
    def slice(self) -> Slice:
        return Slice(segment=self.segment, owner_id=self.owner_id, stage_id=self.stage_id)

    def address(self, name: str, **more: object) -> str:
        """A page of these accounts."""
        asked = {
            "segment": self.segment,
            "owner": self.owner_id,
            "stage": self.stage_id,
            "version": self.version_id,
            **more,
        }
        query = urlencode([(key, str(value)) for key, value in asked.items() if value is not None])
        return reverse(f"dashboards:{name}") + (f"?{query}" if query else "")


def read_filter(asked: Mapping[str, str], *, with_money: bool) -> TrendFilter:
    segment = asked.get("segment", "-")
    return TrendFilter(
        segment=str(segment) if segment in SEGMENTS else None,
        owner_id=read_id(asked.get("owner", "")),
        stage_id=read_id(asked.get("stage", "")),
        version_id=read_id(asked.get("version", "")),
        unit="arr" if with_money and asked.get("unit") != "accounts" else "accounts",
    )


def read_id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def read_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == 10 else None
    except ValueError:
        return None


def chips(wanted: TrendFilter, *, without: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The filters in words, each with the parameter that takes it away. At most three statements."""
    found = []
    if wanted.owner_id is not None:
        person = Person.objects.filter(pk=wanted.owner_id).values_list("name", flat=True).first()
        found.append({"key": "owner", "field": "Owner", "value": person or "Nobody"})
    if wanted.stage_id is not None:
        stage = LifecycleStage.objects.filter(pk=wanted.stage_id).values_list("name", flat=True).first()
        found.append({"key": "stage", "field": "Stage now", "value": stage or "No stage"})
    if wanted.version_id is not None:
        version = ProcessVersion.objects.filter(pk=wanted.version_id).values_list("name", "number").first()
        words = f"{version[0]} v{version[1]}" if version else "Unknown"
        found.append({"key": "version", "field": "Model", "value": words})
    return [chip for chip in found if chip["key"] not in without]
