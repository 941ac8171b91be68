"""What a person types on the pages that cross the apps."""

from datetime import date, timedelta

from django import forms

from accounts.models import Account
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
        found = list(Account.objects.filter(name_key=name)[:2])
        if len(found) != 1:
            raise forms.ValidationError("No account of this name." if not found else "Two accounts have this name.")
        return found[0]


class SnoozeForm(forms.Form):
    """Until when, and why if it is long."""

    until = forms.DateField(label="Until", widget=forms.DateInput(attrs={"type": "date"}))
    reason = forms.CharField(label="Reason", required=False, max_length=200, help_text="Needed beyond 7 days.")


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
