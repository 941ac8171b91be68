"""What a person types about an escalation."""

from django import forms


class CloseForm(forms.Form):
    reason = forms.CharField(
        label="Why it is closed",
        max_length=200,
        help_text="It does not open again while the same condition goes on.",
        error_messages={"required": "Say why the escalation is closed."},
    )
