"""What a person may ask of the leads."""

from django import forms

from journeys.queries.lead_list import GRADES

ID_MAX = 2**63 - 1
ME = "me"


class LeadForm(forms.Form):
    """The filters of the address. What cannot be one is left out."""

    grade = forms.ChoiceField(required=False, choices=[(one, one) for one in GRADES])
    owner = forms.CharField(required=False, max_length=19)
    after = forms.CharField(required=False, max_length=40)

    def asked(self, field: str) -> str:
        return str(self.cleaned_data.get(field) or "")

    def owner_id(self, mine: int | None) -> int | None:
        """The person asked for; `me` is the reader."""
        owner = self.asked("owner")
        if owner == ME:
            return mine
        return int(owner) if owner.isascii() and owner.isdigit() and int(owner) <= ID_MAX else None
