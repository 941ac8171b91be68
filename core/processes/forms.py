"""What a person types to change a process."""

from typing import Any, Final

from django import forms

from core.models import Membership
from core.process_files.yaml_text import LARGEST_BYTES
from core.processes.owners import members

NUMBER: Final = 10**8
# Before the names of what is chosen when an earlier version comes back.
ANSWER: Final = "answer."


class PublishForm(forms.Form):
    """Which draft, why, and where a gate is shut the signed waiver."""

    number = forms.IntegerField(min_value=1, max_value=NUMBER, widget=forms.HiddenInput)
    seen = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Reason",
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Kept with the version.",
        error_messages={"required": "Say why. It is kept with the version."},
    )
    waiver = forms.CharField(
        label="Waiver: why it goes live all the same",
        max_length=400,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Kept with the version, with your name.",
    )


class RollbackForm(forms.Form):
    """Why the content of before comes back, and the number that was live when that was decided."""

    reason = forms.CharField(label="Reason", max_length=400)
    seen = forms.IntegerField(min_value=1, max_value=NUMBER, widget=forms.HiddenInput)
    to = forms.IntegerField(min_value=1, max_value=NUMBER, required=False, widget=forms.HiddenInput)


class DiscardForm(forms.Form):
    number = forms.IntegerField(min_value=1, max_value=NUMBER, widget=forms.HiddenInput)


class ReviewForm(forms.Form):
    """One step of a review, and what is said with it."""

    act = forms.ChoiceField(choices=[(one, one) for one in ("ask", "take_back", "send_back", "approve")])
    number = forms.IntegerField(min_value=1, max_value=NUMBER, widget=forms.HiddenInput)
    seen = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    text = forms.CharField(max_length=400, required=False)
    to_editor = forms.BooleanField(required=False)


class MemberChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # -- generic for the type checker only
    """An active member of the workspace, by name and role."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Membership.objects.none(), **kwargs)

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.user} · {obj.get_role_display()}"


class OwnerForm(forms.Form):
    """Who answers for a process."""

    owner = MemberChoice(label="Owner", empty_label="Choose a member")
    deputy = MemberChoice(
        label="Deputy", required=False, empty_label="Nobody yet", help_text="Answers while the owner is away."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for choice in self.fields.values():
            if isinstance(choice, MemberChoice):
                choice.queryset = members()


class ApprovalForm(forms.Form):
    needed = forms.TypedChoiceField(coerce=lambda value: value == "yes", choices=[("yes", "yes"), ("no", "no")])
    reason = forms.CharField(max_length=400, required=False)


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
