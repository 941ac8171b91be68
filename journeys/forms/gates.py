"""What a person types about waivers and about moves of many."""

from typing import Any, Final

from django import forms

from journeys.queries.waivers import STATES

_MOST_IDS: Final = 200_000


class LedgerForm(forms.Form):
    """What of the ledger is shown. What cannot be read shows everything."""

    state = forms.ChoiceField(choices=[("", "All"), *STATES], required=False)
    gate = forms.CharField(max_length=200, required=False)
    after = forms.CharField(max_length=20, required=False)

    def asked(self, name: str) -> str:
        """The value asked for, or ""."""
        return str(self.cleaned_data.get(name) or "") if self.is_valid() or hasattr(self, "cleaned_data") else ""


class WaiverAnswerForm(forms.Form):
    """The words of whoever answers."""

    verdict = forms.ChoiceField(choices=[("approve", "Approve"), ("refuse", "Refuse"), ("revoke", "Revoke")])
    answer = forms.CharField(max_length=2000, required=False, strip=True)


class ManyMovesForm(forms.Form):
    """Deals by their numbers, the stage they are to enter, and the reasons."""

    stage = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    reason = forms.CharField(max_length=1000, required=False, strip=True)
    close_reason = forms.CharField(max_length=200, required=False, strip=True)
    leave = forms.BooleanField(required=False)
    ids = forms.CharField(max_length=_MOST_IDS, required=False)

    def clean_ids(self) -> list[int]:
        parts: list[str] = [*self.cleaned_data["ids"].replace(",", " ").split(), *_listed(self.data, "id")]
        if not parts or not all(part.isdecimal() and len(part) < 19 for part in parts):
            raise forms.ValidationError("Choose at least one deal.")
        return sorted({int(part) for part in parts})


def _listed(data: Any, name: str) -> list[str]:
    found: list[str] = data.getlist(name) if hasattr(data, "getlist") else []
    return found
