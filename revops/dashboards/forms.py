"""What a person types on the pages that cross the apps."""

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
