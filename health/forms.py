"""What a person may ask of the page of a score."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator

from accounts.choices import Segment
from health.choices import AlertVerdict
from health.queries.page import DEFAULT_RANGE, RANGES
from health.rules.presets import PRESETS

# From a day at the end of the calendar nothing can be counted back or on.
_IN_RANGE = (MinValueValidator(date(1990, 1, 1)), MaxValueValidator(date(2199, 12, 31)))


class CompareForm(forms.Form):
    """The days in the address. A day that cannot be read leaves the page as it is without it, and says so."""

    since = forms.DateField(required=False, input_formats=["%Y-%m-%d"], validators=_IN_RANGE)
    on = forms.DateField(required=False, input_formats=["%Y-%m-%d"], validators=_IN_RANGE)
    known = forms.DateField(required=False, input_formats=["%Y-%m-%d"], validators=_IN_RANGE)
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
        if self.errors.keys() & {"since", "on", "known"}:
            return "That is not a day like 2026-11-01, so it was not used."
        return ""

    def known_before(self, zone: ZoneInfo) -> datetime | None:
        """The end of the day `known` in the workspace's time."""
        day: date | None = self.cleaned_data.get("known")
        return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone) if day else None


class OverrideForm(forms.Form):
    """A person's own judgement: how much, why, and the last day on which it holds."""

    score = forms.FloatField(label="Score", min_value=0, max_value=100)
    last_day = forms.DateField(label="Until and including", input_formats=["%Y-%m-%d"], validators=_IN_RANGE)
    reason = forms.CharField(label="Reason", max_length=1000)

    @property
    def until(self) -> date:
        """The first day on which it no longer counts."""
        last: date = self.cleaned_data["last_day"]
        return last + timedelta(days=1)


class DoubtForm(forms.Form):
    """What looks wrong about a score, and which input if it is one."""

    input = forms.CharField(required=False, max_length=80)
    note = forms.CharField(label="What looks wrong", max_length=2000)


class TwinForm(forms.Form):
    """The accounts whose scores go into a spreadsheet: ids with commas, or the parameter repeated."""

    MOST = 100
    accounts = forms.CharField(max_length=4000)

    def clean_accounts(self) -> list[int]:
        ids: list[int] = []
        for part in self.cleaned_data["accounts"].split(","):
            if not part.strip().isdecimal() or len(part.strip()) > 18:
                raise forms.ValidationError("Give account numbers with commas between them.")
            ids.append(int(part))
        chosen = list(dict.fromkeys(ids))
        if len(chosen) > self.MOST:
            raise forms.ValidationError(f"At most {self.MOST} accounts fit into one file.")
        return chosen


class AlertListForm(forms.Form):
    """Which alerts a list shows. What cannot be read counts as not said."""

    who = forms.ChoiceField(required=False, choices=[("mine", "Mine"), ("all", "Everyone")])
    state = forms.ChoiceField(required=False, choices=[("open", "Open"), ("held", "Held back"), ("closed", "Over")])
    rule = forms.CharField(required=False, max_length=80)

    def asked(self, name: str, otherwise: str) -> str:
        return str(self.cleaned_data.get(name) or otherwise)


class VerdictForm(forms.Form):
    """What a person says about an alert; empty takes it back."""

    verdict = forms.ChoiceField(required=False, choices=[("", "Taken back"), *AlertVerdict.choices])
    note = forms.CharField(required=False, max_length=1000)


class WhyForm(forms.Form):
    """Which rule, which account and which day."""

    account = forms.CharField(label="Account", max_length=200, help_text="Name or number.")
    rule = forms.ChoiceField(label="Rule")
    day = forms.DateField(
        label="Day",
        input_formats=["%Y-%m-%d"],
        validators=_IN_RANGE,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, rules: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rule = self.fields["rule"]
        assert isinstance(rule, forms.ChoiceField)  # noqa: S101 -- as declared above
        rule.choices = list(rules.items())


class NewModelForm(forms.Form):
    """A score model to begin, for all customers or for one segment."""

    name = forms.CharField(max_length=80)
    key = forms.SlugField(max_length=60, help_text="Letters, digits, - and _. Files and commands call the model so.")
    segment = forms.ChoiceField(
        label="For", choices=[("all", "All customers"), *(one for one in Segment.choices if one[0])]
    )
    preset = forms.ChoiceField(label="Start from", choices=[(key, words) for key, (words, _) in PRESETS.items()])


class PublishForm(forms.Form):
    """Why a draft goes live, and where the gate is shut, who waives it and why."""

    reason = forms.CharField(
        max_length=400, error_messages={"required": "Say why it is published. The reason stays with the version."}
    )
    waiver = forms.CharField(required=False, max_length=400)
    signed = forms.CharField(required=False, max_length=120)
    seen = forms.CharField(required=False, max_length=64)

    def refuse_unsigned(self) -> bool:
        """Marks what a waiver lacks; whether anything does."""
        if not self.cleaned_data.get("waiver", "").strip():
            self.add_error("waiver", "The gate is not passed: say why it goes live all the same, or validate first.")
        if not self.cleaned_data.get("signed", "").strip():
            self.add_error("signed", "Sign the waiver with your name.")
        return bool(self.errors)
