"""What a person may ask of the hand-offs, and what they enter there."""

from django import forms

from journeys.queries.handoffs import STATES, VIEWS

ID_MAX = 2**63 - 1


class HandoffListForm(forms.Form):
    """The filters of the address. What cannot be one falls back to the first."""

    view = forms.ChoiceField(required=False, choices=[(one, one) for one in VIEWS])
    state = forms.ChoiceField(required=False, choices=[(one, one) for one in STATES])
    key = forms.CharField(required=False, max_length=80)
    after = forms.IntegerField(required=False, min_value=1, max_value=ID_MAX)

    def asked(self, field: str, default: str) -> str:
        return str(self.cleaned_data.get(field) or default)


class AcceptForm(forms.Form):
    """Who has the account from now on; empty leaves it as it is."""

    owner = forms.IntegerField(required=False, min_value=1, max_value=ID_MAX)


class ReasonForm(forms.Form):
    reason = forms.CharField(label="What is missing", max_length=1000, strip=True)


class TickForm(forms.Form):
    key = forms.CharField(max_length=80)
    done = forms.BooleanField(required=False)


class EvidenceForm(forms.Form):
    """The criterion, and what shows that it is met."""

    of = forms.CharField(max_length=80)
    text = forms.CharField(required=False)


class PersonForm(forms.Form):
    person = forms.IntegerField(required=False, min_value=1, max_value=ID_MAX)


class ExpectationForm(forms.Form):
    """In the customer's words; a mark where it may lead to more."""

    text = forms.CharField(
        label="What the customer expects",
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="In their words. One expectation at a time.",
    )
    for_expansion = forms.BooleanField(label="May lead to an expansion", required=False)
