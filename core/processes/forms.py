"""What a person types to change a process."""

from typing import Final

from django import forms

from core.process_files.yaml_text import LARGEST_BYTES

NUMBER: Final = 10**8


class PublishForm(forms.Form):
    """Which draft, why, and where a gate is shut the signed waiver."""

    number = forms.IntegerField(min_value=1, max_value=NUMBER, widget=forms.HiddenInput)
    seen = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Reason", max_length=400, widget=forms.Textarea(attrs={"rows": 2}), help_text="Kept with the version."
    )
    waiver = forms.CharField(
        label="Waiver: why it goes live all the same",
        max_length=400,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Kept with the version, with your name.",
    )


class RollbackForm(forms.Form):
    """Why the content of before comes back; one click does without."""

    reason = forms.CharField(label="Reason", max_length=400, required=False)
    to = forms.IntegerField(min_value=1, max_value=NUMBER, required=False, widget=forms.HiddenInput)


class DiscardForm(forms.Form):
    number = forms.IntegerField(min_value=1, max_value=NUMBER, widget=forms.HiddenInput)


class FileForm(forms.Form):
    """A process as a file, or as its text."""

    file = forms.FileField(
        label="YAML file", required=False, widget=forms.ClearableFileInput(attrs={"accept": ".yaml,.yml"})
    )
    text = forms.CharField(
        label="Or the text itself",
        required=False,
        strip=False,
        max_length=LARGEST_BYTES,
        widget=forms.Textarea(attrs={"rows": 22, "spellcheck": "false"}),
    )

    @property
    def content(self) -> tuple[bytes, str]:
        """The bytes, and the name that messages give them."""
        sent = self.cleaned_data.get("file")
        if sent:
            return sent.read(LARGEST_BYTES + 1), str(sent.name)
        return str(self.cleaned_data.get("text", "")).encode("utf-8", "replace"), "text"
