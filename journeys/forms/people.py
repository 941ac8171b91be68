"""What is entered when people are away or leave."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from accounts.models import Person

ID_MAX = 2**63 - 1
_DAY = {"type": "date"}


class AbsenceForm(forms.Form):
    """Who is away, who stands in, and from when until the day of return."""

    person = forms.ModelChoiceField(label="Who is away", queryset=Person.objects.none(), empty_label=None)
    deputy = forms.ModelChoiceField(
        label="Who stands in",
        queryset=Person.objects.none(),
        empty_label="Choose somebody",
        help_text="Gets all open work that is due meanwhile.",
    )
    from_on = forms.DateField(label="First day away", widget=forms.DateInput(attrs=_DAY))
    until_on = forms.DateField(
        label="Day of return", widget=forms.DateInput(attrs=_DAY), help_text="Open work comes back on this day."
    )

    def __init__(self, *args: Any, away: QuerySet[Person], stand_in: QuerySet[Person], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, people in (("person", away), ("deputy", stand_in)):
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = people


class BookForm(forms.Form):
    """From when the book is others', and why."""

    effective_on = forms.DateField(
        label="Goes over on",
        widget=forms.DateInput(attrs=_DAY),
        help_text="On this day, once each account has somebody.",
    )
    reason = forms.CharField(
        label="Reason", max_length=500, required=False, help_text="Stands in the audit trail of everything that moves."
    )


class LineForm(forms.Form):
    """Who takes one account, and what they must know."""

    to_person = forms.IntegerField(required=False, min_value=1, max_value=ID_MAX)
    note = forms.CharField(required=False, max_length=1000, strip=True)


class SpreadForm(forms.Form):
    """Among whom the rest is spread."""

    people = forms.TypedMultipleChoiceField(coerce=int, choices=())

    def __init__(self, *args: Any, colleagues: QuerySet[Person], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["people"]
        if isinstance(field, forms.TypedMultipleChoiceField):
            field.choices = [(one.pk, one.name) for one in colleagues]


class RestForm(forms.Form):
    """Who gets everything else."""

    person = forms.IntegerField(required=False, min_value=1, max_value=ID_MAX)


class BookPageForm(forms.Form):
    """Which part of the plan."""

    after = forms.IntegerField(required=False, min_value=0, max_value=ID_MAX)
    undecided = forms.BooleanField(required=False)
