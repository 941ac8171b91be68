"""What a person types about the journey of an account or a contact."""

from datetime import date
from typing import Final

from django import forms

FIRST_DAY: Final = date(1990, 1, 1)
OUTCOMES: Final = (("good", "Good"), ("mixed", "Mixed"), ("poor", "Poor"))


def _plain(text: str) -> str:
    """Without the character that Postgres keeps in no text."""
    return text.replace("\x00", "")


class StageMoveForm(forms.Form):
    """Where to, and why where a reason is needed."""

    to = forms.CharField(max_length=80)
    reason = forms.CharField(max_length=2_000, required=False)

    def clean_to(self) -> str:
        return _plain(self.cleaned_data["to"])

    def clean_reason(self) -> str:
        return _plain(self.cleaned_data["reason"]).strip()


class LeaveForm(forms.Form):
    """Why the account leaves the journey."""

    reason = forms.CharField(max_length=2_000)

    def clean_reason(self) -> str:
        return _plain(self.cleaned_data["reason"]).strip()


class StageEvidenceForm(forms.Form):
    """What shows that a criterion is met."""

    to = forms.CharField(max_length=80)
    of = forms.CharField(max_length=80)
    text = forms.CharField(max_length=2_000)


class StageWaiverForm(forms.Form):
    """Why the gate is passed although something is missing, and until when that holds."""

    to = forms.CharField(max_length=80)
    reason = forms.CharField(max_length=2_000)
    expires_on = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class CheckpointForm(forms.Form):
    """How satisfied the customer was."""

    outcome = forms.ChoiceField(choices=OUTCOMES)
    note = forms.CharField(max_length=2_000, required=False)

    def clean_note(self) -> str:
        return _plain(self.cleaned_data["note"])


class FirstValueForm(forms.Form):
    """On which day first value came, and what shows it."""

    reached_on = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    evidence = forms.CharField(max_length=2_000)

    def clean_evidence(self) -> str:
        return _plain(self.cleaned_data["evidence"])
