"""What a person may ask of the page of a score."""

from django import forms

from health.queries.page import DEFAULT_RANGE, RANGES


class CompareForm(forms.Form):
    """The days in the address. A day that cannot be read leaves the page as it is without it, and says so."""

    since = forms.DateField(required=False, input_formats=["%Y-%m-%d"])
    on = forms.DateField(required=False, input_formats=["%Y-%m-%d"])
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
