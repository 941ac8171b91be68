"""What a person chooses about an analysis. What cannot be is left out, so that an old address still opens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from django import forms

from journeys.choices import OpportunityKind
from journeys.models import Pipeline
from journeys.queries.analysis.deals import OF_A_STAGE, is_known
from journeys.queries.analysis.recurring import SOURCES, WAYS
from journeys.queries.analysis.scope import Scope

NO_SEGMENT = "-"
_DAY = {"type": "date"}
_ID_MAX = 2**63 - 1


class ScopeForm(forms.Form):
    """Pipeline, cohort, period, owner, segment, product, kind."""

    pipeline = forms.CharField(required=False, max_length=80)
    by = forms.ChoiceField(required=False, choices=[("created", "created"), ("closed", "closed")])
    start = forms.DateField(required=False, widget=forms.DateInput(attrs=_DAY))
    end = forms.DateField(required=False, widget=forms.DateInput(attrs=_DAY))
    owner = forms.IntegerField(required=False, min_value=0, max_value=_ID_MAX)
    product = forms.IntegerField(required=False, min_value=0, max_value=_ID_MAX)
    segment = forms.CharField(required=False, max_length=40)
    kind = forms.ChoiceField(required=False, choices=OpportunityKind.choices)

    def scope(self, pipeline: Pipeline) -> Scope:
        """The deals that are asked for. A period that ends before it starts is none."""
        self.is_valid()
        given = self.cleaned_data
        start, end = given.get("start"), given.get("end")
        if start and end and start >= end:
            start = end = None
        segment = given.get("segment") or None
        return Scope(
            pipeline.pk,
            "closed" if given.get("by") == "closed" else "created",
            start,
            end,
            given.get("owner"),
            given.get("product"),
            "" if segment == NO_SEGMENT else segment,
            given.get("kind") or None,
        )


class BehindForm(forms.Form):
    """Which figure's deals, and of which stage or month."""

    which = forms.CharField(max_length=16)
    stage = forms.IntegerField(required=False, min_value=0, max_value=_ID_MAX)
    month = forms.DateField(required=False)
    after = forms.CharField(required=False, max_length=40)

    def clean(self) -> None:
        which = self.cleaned_data.get("which", "")
        if not is_known(which) or (which in OF_A_STAGE and self.cleaned_data.get("stage") is None):
            raise forms.ValidationError("There is no such figure.")


class RecurringForm(forms.Form):
    """How cases are put together, and from where."""

    by = forms.ChoiceField(required=False, choices=list(WAYS.items()))
    source = forms.ChoiceField(required=False, choices=list(SOURCES.items()))

    def chosen(self) -> tuple[str, str]:
        self.is_valid()
        return self.cleaned_data.get("by") or "exact", self.cleaned_data.get("source") or ""


class CasesForm(forms.Form):
    """One cluster: what its cases agree in."""

    source = forms.ChoiceField(choices=list(SOURCES.items()))
    reason = forms.CharField(required=False, max_length=4000, strip=False)
    product = forms.CharField(required=False, max_length=4000, strip=False)
    stage = forms.CharField(required=False, max_length=4000, strip=False)
    offset = forms.IntegerField(required=False, min_value=0, max_value=10_000)

    def asked(self) -> dict[str, str | None]:
        """What is not in the address is not asked; what stands there empty is asked as empty."""
        named = {
            name: self.cleaned_data[name] if name in self.data else None for name in ("reason", "product", "stage")
        }
        return {"source": self.cleaned_data["source"], **named}


@dataclass(frozen=True)
class Period:
    """A period that the page offers; `query` is what it puts into the address."""

    label: str
    start: date | None
    end: date | None

    @property
    def query(self) -> str:
        days = {"start": self.start, "end": self.end}
        return urlencode({name: day for name, day in days.items() if day})


def periods(today: date) -> Sequence[Period]:
    """All time, the last twelve months, this quarter and the one before, each up to and with its last day."""
    quarter = date(today.year, (today.month - 1) // 3 * 3 + 1, 1)
    before = (quarter - timedelta(days=1)).replace(day=1)
    before = date(before.year, (before.month - 1) // 3 * 3 + 1, 1)
    tomorrow = today + timedelta(days=1)
    return [
        Period("All", None, None),
        Period("12 months", tomorrow - timedelta(days=365), tomorrow),
        Period("This quarter", quarter, tomorrow),
        Period("Last quarter", before, quarter),
    ]
