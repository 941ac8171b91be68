"""What a person types on the pages of the ground."""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from django import forms

from core.choices import Role

KEY_LIVES_AT_MOST: Final = timedelta(days=3650)


class ApiKeyForm(forms.Form):
    """A key for a program: what it is for, what it may do, and until when."""

    name = forms.CharField(
        label="Name", max_length=120, help_text="What the key is for. It stands in the audit trail beside what it does."
    )
    role = forms.ChoiceField(
        label="Role", choices=Role.choices, help_text="The key may do what this role may do, and no more."
    )
    expires_on = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Leave it empty for a key that works until it is revoked.",
    )

    def __init__(self, *args: object, today: date, zone: tzinfo, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # -- the form's own arguments, passed on
        self.today, self.zone = today, zone

    def clean_expires_on(self) -> date | None:
        day: date | None = self.cleaned_data["expires_on"]
        if day is not None and not self.today <= day <= self.today + KEY_LIVES_AT_MOST:
            raise forms.ValidationError("Choose a day from today on, within ten years.")
        return day

    @property
    def expires_at(self) -> datetime | None:
        """The end of the last day, in the zone of the workspace."""
        day: date | None = self.cleaned_data["expires_on"]
        return datetime.combine(day + timedelta(days=1), time(0), self.zone) if day else None


HOURS = [(hour, f"{hour:02d}:00") for hour in range(24)]
SLACK_HOOKS = "https://hooks.slack.com/"


class NotificationChoiceForm(forms.Form):
    """How a member wants to be told, beside the bell."""

    by_email = forms.BooleanField(label="By e-mail", required=False)
    by_slack = forms.BooleanField(label="In Slack", required=False)
    digest_hour = forms.TypedChoiceField(
        label="Together, once a day at",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "no: each at once"), *HOURS],
    )
    quiet_from = forms.TypedChoiceField(label="Quiet from", coerce=int, choices=HOURS)
    quiet_until = forms.TypedChoiceField(
        label="Quiet until", coerce=int, choices=HOURS, help_text="The same hour twice: no quiet hours."
    )


class WebhookForm(forms.Form):
    """The workspace's Slack address. Only Slack's own hosts: anything else could reach into our network."""

    url = forms.URLField(
        label="Slack webhook address",
        required=False,
        max_length=300,
        assume_scheme="https",
        help_text="From Slack: Apps, Incoming webhooks. Empty removes it.",
    )

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        if url and not url.startswith(SLACK_HOOKS):
            raise forms.ValidationError(f"A Slack webhook begins with {SLACK_HOOKS}.")
        return url


class MemberForm(forms.Form):
    """What happens to a member."""

    act = forms.ChoiceField(choices=[(one, one) for one in ("role", "deactivate", "reactivate")])
    role = forms.ChoiceField(choices=Role.choices, required=False)

    def clean(self) -> dict[str, object]:
        said: dict[str, object] = super().clean() or {}
        if said.get("act") == "role" and not said.get("role"):
            raise forms.ValidationError("Choose a role.")
        return said
