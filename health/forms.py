"""What a person may ask of the page of a score."""

from datetime import date

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from health.queries.page import DEFAULT_RANGE, RANGES

# From a day at the end of the calendar nothing can be counted back or on.
_IN_RANGE = (MinValueValidator(date(1990, 1, 1)), MaxValueValidator(date(2199, 12, 31)))


class CompareForm(forms.Form):
    """The days in the address. A day that cannot be read leaves the page as it is without it, and says so."""

    since = forms.DateField(required=False, input_formats=["%Y-%m-%d"], validators=_IN_RANGE)
    on = forms.DateField(required=False, input_formats=["%Y-%m-%d"], validators=_IN_RANGE)
    days = forms.TypedChoiceField(
        required=False, choices=[(str(days), label) for days, label in RANGES.items()], coerce=int, empty_value=None
    )

    @property
    def range_days(self) -> int:
        days: int | None = self.cleaned_data.get("days")
        return days or DEFAULT_RANGE

    @property
    def complaint(self) -> str:
        """What was wrong with the address, or nothing."""
        if self.errors.keys() & {"since", "on"}:
            return "That is not a day like 2026-11-01, so it was not used."
        return ""
