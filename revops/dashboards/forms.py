"""What a person types on the pages that cross the apps."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django import forms

from accounts.models import Account, Person
from accounts.queries.people import active_people
from accounts.rules import name_key


class TaskForm(forms.Form):
    """A task of one's own making. The account is found by its name, so the page carries no list of accounts."""

    title = forms.CharField(label="What is to be done", max_length=200)
    account = forms.CharField(label="Account", max_length=200, required=False, help_text="Its name, or leave it empty.")
    due_on = forms.DateField(label="Due", widget=forms.DateInput(attrs={"type": "date"}))
    detail = forms.CharField(label="Note", required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))

    def clean_account(self) -> Account | None:
        name = name_key(self.cleaned_data["account"])
        if not name:
            return None
        found = list(Account.objects.filter(name_key=name, merged_into=None)[:2])
        if len(found) != 1:
            raise forms.ValidationError("No account of this name." if not found else "Two accounts have this name.")
        return found[0]


class SnoozeForm(forms.Form):
    """Until when, and why if it is long; or until the customer replies."""

    until = forms.DateField(label="Until", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    reason = forms.CharField(label="Reason", required=False, max_length=200, help_text="Needed beyond 7 days.")
    reply = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("reply") and not cleaned.get("until") and "until" not in self.errors:
            self.add_error("until", "Choose a day.")
        return cleaned


class BulkForm(forms.Form):
    """What is done with the selected rows."""

    act = forms.ChoiceField(choices=[(one, one) for one in ("done", "snooze", "assign")])
    until = forms.DateField(required=False)
    person = forms.CharField(required=False, max_length=160)

    def clean_person(self) -> Person | None:
        name = name_key(self.cleaned_data["person"])
        found = list(active_people().filter(name_key=name)[:2]) if name else []
        if name and len(found) != 1:
            raise forms.ValidationError("Nobody has this name." if not found else "Two people have this name.")
        return found[0] if found else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("act") == "snooze" and not cleaned.get("until"):
            self.add_error("until", "Choose a day.")
        if cleaned.get("act") == "assign" and not cleaned.get("person") and "person" not in self.errors:
            self.add_error("person", "Say who gets them.")
        return cleaned


def ids_of(texts: Iterable[str]) -> list[int]:
    """The ids in texts such as "12,13", each once; what is none is left out."""
    parts = [part for text in texts for part in text.split(",")]
    return sorted({int(part) for part in parts if part.isdecimal() and len(part) < 19})


class PeriodForm(forms.Form):
    """A period; what cannot be one falls back to the last twelve months."""

    start = forms.DateField(label="From", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    end = forms.DateField(label="To", required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def period(self, today: date) -> tuple[date, date]:
        """Start and end, in order, between 1990 and a year ahead."""
        self.is_valid()
        end = self.cleaned_data.get("end") or today
        start = self.cleaned_data.get("start") or end - timedelta(days=365)
        if not date(1990, 1, 1) <= start < end <= today + timedelta(days=366):
            return today - timedelta(days=365), today
        return start, end
