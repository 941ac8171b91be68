"""What people type about playbooks and plays."""

from datetime import date
from typing import Any, Final

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator

KEY: Final = RegexValidator(r"^[a-z][a-z0-9_]{1,60}$", "Small letters, digits and _, beginning with a letter.")
_DAY: Final = {"type": "date"}


_FIRST, _LAST = date(2000, 1, 1), date(2100, 1, 1)  # a day that plays can count from, with years to spare


def _date(**options: Any) -> forms.DateField:
    return forms.DateField(
        widget=forms.DateInput(attrs=_DAY, format="%Y-%m-%d"),
        validators=[
            MinValueValidator(_FIRST, "Choose a day from 2000 on."),
            MaxValueValidator(_LAST, "Choose a day until 2100."),
        ],
        **options,
    )


class WalkForm(forms.Form):
    """An account and the days that a walk through counts from."""

    account = forms.CharField(
        label="Account",
        max_length=200,
        required=False,
        help_text="Its name or number. Without one, conditions are kept open.",
    )
    start = _date(label="Starts on")
    anchor = _date(label="Anchor day", required=False, help_text="Left out: the account’s own, else the start.")


class NewPlaybookForm(forms.Form):
    """A new playbook: like one that is there, or from scratch."""

    name = forms.CharField(label="Name", max_length=120)
    key = forms.CharField(
        label="Key", max_length=61, validators=[KEY], help_text="Stays the same for ever, such as renewal_small."
    )
    like = forms.ChoiceField(label="Begin with", required=False)

    def __init__(self, *args: Any, templates: list[tuple[str, list[tuple[str, str]]]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        like = self.fields["like"]
        if isinstance(like, forms.ChoiceField):
            like.choices = [("", "One empty step"), *templates]


class PublishForm(forms.Form):
    """Why a draft goes live, and what becomes of the plays that are running."""

    LEAVE, MOVE, CHOOSE = "leave", "move", "choose"

    seen = forms.CharField(max_length=64, required=False)
    reason = forms.CharField(label="Reason", max_length=400)
    running = forms.ChoiceField(choices=[(LEAVE, ""), (MOVE, ""), (CHOOSE, "")], required=False)
    run = forms.TypedMultipleChoiceField(coerce=int, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sent = self.data.getlist("run") if hasattr(self.data, "getlist") else []
        ids = [one for one in sent if one.isascii() and one.isdecimal() and len(one) < 18][:1000]
        runs = self.fields["run"]
        if isinstance(runs, forms.TypedMultipleChoiceField):
            runs.choices = [(one, one) for one in ids]


class FinishForm(forms.Form):
    """How a step was done."""

    note = forms.CharField(label="What shows that it is done", max_length=2000, required=False)
    unaided = forms.BooleanField(required=False)


class ReasonForm(forms.Form):
    reason = forms.CharField(label="Reason", max_length=400)


class ReassignForm(forms.Form):
    """Who goes on with a play."""

    person = forms.IntegerField(min_value=1, max_value=2**53)
    reason = forms.CharField(max_length=400, required=False)


class StartForm(forms.Form):
    """A play to be started for an account."""

    playbook = forms.CharField(max_length=80)
    anchor = _date(required=False)
    waiver = forms.CharField(max_length=400, required=False)


class StartManyForm(forms.Form):
    """A play to be started for many accounts."""

    playbook = forms.CharField(max_length=80)


class GuideForm(forms.Form):
    """Until when a person is guided; empty ends it."""

    person = forms.IntegerField(min_value=1, max_value=2**53)
    until = _date(required=False)


class WhyForm(forms.Form):
    """Which account, which playbook, which day."""

    account = forms.CharField(label="Account", max_length=200, help_text="Its name or number.")
    playbook = forms.ChoiceField(label="Playbook")
    day = _date(label="Day")

    def __init__(self, *args: Any, playbooks: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = self.fields["playbook"]
        if isinstance(chosen, forms.ChoiceField):
            chosen.choices = playbooks
