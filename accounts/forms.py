"""What a person types or chooses about facts."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.files import File

from accounts.choices import ActivityKind
from accounts.queries.imports import MappingPage, field_choices, kind_choices
from accounts.rules.headers import slug
from accounts.rules.merging import CHOICES, GONE, KEPT


class UploadForm(forms.Form):
    """A file, and what it holds if the person knows."""

    file = forms.FileField(
        label="File",
        allow_empty_file=True,
        help_text="CSV, with the names of the columns in the first row. A zip archive with one CSV file works too.",
        error_messages={"required": "Choose a file first."},
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.tsv,.txt,.zip,.xlsx,.xlsm"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"] = forms.ChoiceField(
            label="What it holds",
            required=False,
            help_text="Left open, the columns say it.",
            choices=[("", "Recognise it"), *kind_choices()],
        )

    @property
    def upload(self) -> "File[bytes]":
        file: File[bytes] = self.cleaned_data["file"]
        return file


class MappingForm(forms.Form):
    """The use of every column, and the questions that a file may leave open. Gives a map as the command takes it."""

    create_accounts = forms.BooleanField(
        label="Create accounts that are not known yet", required=False, help_text="Otherwise their rows are refused."
    )
    dates = forms.ChoiceField(
        label="Dates such as 3/4/2025",
        required=False,
        choices=[("", "As the column shows"), ("%d/%m/%Y", "Day first"), ("%m/%d/%Y", "Month first")],
    )
    decimal = forms.ChoiceField(
        label="Numbers such as 1,234",
        required=False,
        choices=[("", "As the column shows"), ("point", "1,234.50"), ("comma", "1.234,50")],
    )
    end_date_is = forms.ChoiceField(
        label="An end date is",
        required=False,
        choices=[
            ("", "As the header says, else the first day without service"),
            ("first_day_without", "The first day without service"),
            ("last_day", "The last day of service"),
        ],
    )

    def __init__(self, page: MappingPage, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.page = page
        self.fields["kind"] = forms.ChoiceField(label="What the file holds", choices=kind_choices())
        for column in page.columns:
            self.fields[f"column_{column.index}"] = forms.ChoiceField(
                label=column.header, choices=column.options, initial=column.value, required=False
            )

    def rows(self) -> list[dict[str, Any]]:
        """Each column with its select, for the template."""
        return [{"column": column, "field": self[f"column_{column.index}"]} for column in self.page.columns]

    @property
    def asks_dates(self) -> bool:
        return self._has("date", "datetime")

    @property
    def asks_numbers(self) -> bool:
        return self._has("number", "integer", "money") or self.page.kind.spreads_extra

    @property
    def asks_end(self) -> bool:
        return "end_date_is" in self.page.kind.options

    @property
    def asks_accounts(self) -> bool:
        return self._has("account")

    def _has(self, *types: str) -> bool:
        return any(field.type in types for field in self.page.kind.fields)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        used: dict[str, str] = {}
        for column in self.page.columns:
            chosen = data.get(f"column_{column.index}", "")
            if chosen.startswith("field:") and chosen in used:
                self.add_error(
                    f"column_{column.index}", f"“{used[chosen]}” goes there already. Leave one of the two out."
                )
            used.setdefault(chosen, column.header)
        return data

    def document(self, before: dict[str, Any]) -> dict[str, Any]:
        """The map; values that were accepted before stay. A change of kind starts from the guess again."""
        data = self.cleaned_data
        found: dict[str, Any] = {"kind": data["kind"]}
        if data["kind"] == self.page.kind.key:
            found["columns"] = {column.header: self._use(column.index, column.header) for column in self.page.columns}
            if before.get("values"):
                found["values"] = before["values"]
        found["create_accounts"] = data["create_accounts"]
        for key, name in (("date_format", "dates"), ("decimal", "decimal"), ("end_date_is", "end_date_is")):
            if data.get(name):
                found[key] = data[name]
        return found

    def _use(self, index: int, header: str) -> dict[str, Any]:
        chosen = self.cleaned_data.get(f"column_{index}") or "ignored"
        if chosen.startswith("field:"):
            return {"field": chosen.removeprefix("field:")}
        if chosen == "measure":
            return {"measure": slug(header)}
        return {"attribute": True} if chosen == "extra" else {"ignore": True}


class ValueForm(forms.Form):
    """A word of the file and the word that it means, for one field of the kind."""

    word = forms.CharField(max_length=200, strip=False)
    meaning = forms.CharField(max_length=200, strip=False)

    def __init__(self, kind: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["field"] = forms.ChoiceField(choices=field_choices(kind))

    def document(self, kind: str, before: dict[str, Any]) -> dict[str, Any]:
        """The map with this meaning added to those that were accepted before."""
        data = self.cleaned_data
        values = {**before.get("values", {})}
        values[data["field"]] = {**values.get(data["field"], {}), data["word"]: data["meaning"]}
        return {"kind": kind, **before, "values": values}


class ActivityForm(forms.Form):
    """A call, a meeting or a note, as logged by hand."""

    kind = forms.ChoiceField(label="Kind", choices=ActivityKind.choices)
    subject = forms.CharField(label="What was it about", max_length=200)
    occurred_at = forms.DateTimeField(
        label="When",
        required=False,
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    body = forms.CharField(label="Note", required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 4}))

    def __init__(self, *args: Any, now: datetime, zone: ZoneInfo, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now, self.zone = now, zone

    def clean_occurred_at(self) -> datetime:
        """The instant; left open it is now. A time is one in the workspace's zone, and never lies ahead."""
        printed: datetime | None = self.cleaned_data["occurred_at"]
        if printed is None:
            return self.now
        moment = printed.replace(tzinfo=self.zone)
        if not 1900 <= moment.year <= 2199:
            raise forms.ValidationError("Give a year between 1900 and 2199.")
        if moment > self.now:
            if (moment - self.now).total_seconds() < 120:
                return self.now
            raise forms.ValidationError("This lies ahead. Log what has happened; plan what is to come as a task.")
        return moment


class GoalForm(forms.Form):
    """A goal as the customer disclosed it: by which measure, from where, to where, by when, and who said so."""

    metric = forms.CharField(label="What is measured", max_length=200, help_text="Such as Time to dispatch.")
    unit = forms.CharField(label="Unit", max_length=40, help_text="Such as minutes or %.")
    baseline = forms.FloatField(label="Today", required=False)
    target = forms.FloatField(label="Target")
    target_on = forms.DateField(label="By when", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    source = forms.CharField(label="Source", required=False, max_length=120, help_text="Who said so, or the report.")


class MergeForm(forms.Form):
    """Why two accounts are one, and whose values are taken where they differ."""

    reason = forms.CharField(
        label="Why they are one",
        max_length=2000,
        help_text="It is kept with the merge.",
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say why the two are one: the merge is kept with its reason."},
    )
    sure = forms.BooleanField(
        label="I know that this cannot be undone.",
        error_messages={"required": "Tick that you know: a merge cannot be undone."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for key, label in CHOICES.items():
            self.fields[f"take_{key}"] = forms.ChoiceField(
                label=label, required=False, choices=[(KEPT, "kept"), (GONE, "gone")]
            )

    @property
    def choices(self) -> dict[str, str]:
        """By field, whose value; what nobody chose follows the usual rule."""
        taken = {key: self.cleaned_data.get(f"take_{key}", "") for key in CHOICES}
        return {key: side for key, side in taken.items() if side}
