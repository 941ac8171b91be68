"""What a person types about a review."""

from django import forms


class HoldForm(forms.Form):
    """Held needs people and an outcome, or the reason why there is none."""

    held_on = forms.DateField(label="Held on", widget=forms.DateInput(attrs={"type": "date"}))
    attendees = forms.CharField(label="Who was there", max_length=500, help_text="Theirs and ours.")
    outcome = forms.CharField(
        label="What was agreed",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Or why nothing was.",
    )


class CancelForm(forms.Form):
    reason = forms.CharField(
        label="Why the customer has cancelled",
        max_length=500,
        error_messages={"required": "Write why the customer has cancelled."},
    )
