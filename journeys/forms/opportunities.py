"""What a person types about an opportunity."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django import forms
from django.db.models import Q

from accounts.choices import ContactRole
from accounts.models import Person, Product
from accounts.queries.people import active_people
from core.money import from_minor, to_minor
from journeys.choices import OpportunityKind
from journeys.models import Opportunity, Pipeline
from journeys.queries.opportunity_page import accounts_named

ID_MAX: Final = 2**63 - 1
AMOUNT_MAX: Final = 10**12
FIRST_DAY: Final = date(1990, 1, 1)
LAST_DAY: Final = date(2199, 12, 31)
# The fields of a form and the values of the row that they stand for.
COLUMNS: Final[Mapping[str, str]] = {
    "name": "name",
    "about": "about",
    "amount": "amount_minor",
    "close_on": "close_on",
    "kind": "kind",
    "owner": "owner_id",
    "product": "product_id",
    "account": "account_id",
}


class OwnerField(forms.ModelChoiceField):  # type: ignore[type-arg]  # -- generic for the type checker only
    """Offers who can be given a deal. Anybody named is taken: an owner who stays may have left, a new one is refused by
    the action.
    """

    def __init__(self, **more: Any) -> None:
        super().__init__(queryset=Person.objects.none(), required=False, empty_label="Nobody", **more)

    def offer(self, current_id: int | None) -> None:
        """Who is there, and the owner that the deal has."""
        there = Q(pk__in=active_people().order_by().values("pk")) | Q(pk=current_id)
        self.queryset = Person.objects.filter(there).order_by("name_key")

    def to_python(self, value: Any) -> Person | None:
        if value in self.empty_values:
            return None
        named = str(value)
        found = Person.objects.filter(pk=int(named)).first() if named.isdecimal() and len(named) < 19 else None
        if found is None:
            raise forms.ValidationError("Choose somebody of the workspace.")
        return found


class OpportunityForm(forms.Form):
    """All facts of a deal. `values` gives them as the action takes them; amounts are in minor units there."""

    name = forms.CharField(label="Name", max_length=200)
    account = forms.CharField(
        label="Account",
        max_length=200,
        required=False,
        help_text="Its full name.",
        widget=forms.TextInput(attrs={"list": "account-names", "autocomplete": "off"}),
    )
    about = forms.CharField(
        label="About", max_length=200, required=False, help_text="In a few words, as it stands on the card."
    )
    kind = forms.ChoiceField(label="Kind", choices=OpportunityKind.choices)
    amount = forms.DecimalField(label="Amount", min_value=0, max_value=AMOUNT_MAX, decimal_places=2, required=False)
    close_on = forms.DateField(
        label="Close date", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    owner = OwnerField(label="Owner")
    product: "forms.ModelChoiceField[Product]" = forms.ModelChoiceField(
        label="Product", queryset=None, required=False, empty_label="None"
    )

    def __init__(self, *args: Any, currency: str, only: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.currency = currency
        for name in [name for name in self.fields if only and name != only]:
            del self.fields[name]
        if "owner" in self.fields:
            self.fields["owner"].offer(self.initial.get("owner"))  # type: ignore[attr-defined]  # -- an OwnerField
        if "product" in self.fields:
            self.fields["product"].queryset = Product.objects.order_by("name")  # type: ignore[attr-defined]  # -- as above

    def clean_account(self) -> int | None:
        name: str = self.cleaned_data["account"].strip()
        if not name:
            return None
        found = accounts_named(name)
        if len(found) != 1:
            words = "No account has this name." if not found else "Several accounts have this name; use its page."
            raise forms.ValidationError(words)
        return found[0]

    def clean_close_on(self) -> date | None:
        day: date | None = self.cleaned_data["close_on"]
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            raise forms.ValidationError("A day from 1990 to 2199.")
        return day

    @property
    def values(self) -> dict[str, Any]:
        """The cleaned fields by the names of the row."""
        found: dict[str, Any] = {}
        for name in self.fields:
            value = self.cleaned_data[name]
            if name == "amount":
                value = to_minor(value, self.currency) if value is not None else None
            elif name in {"owner", "product"}:
                value = value.pk if value is not None else None
            found[COLUMNS[name]] = value
        return found


class NewOpportunityForm(OpportunityForm):
    """A new deal; it begins in the first stage of its pipeline."""

    pipeline: "forms.ModelChoiceField[Pipeline]" = forms.ModelChoiceField(
        label="Pipeline", queryset=None, empty_label=None
    )
    field_order = ("name", "account", "about", "pipeline", "kind", "amount", "close_on", "owner", "product")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["pipeline"].queryset = Pipeline.objects.order_by("-is_default", "name")  # type: ignore[attr-defined]  # -- a ModelChoiceField

    @property
    def values(self) -> dict[str, Any]:
        pipeline = self.fields.pop("pipeline")
        found = super().values
        self.fields["pipeline"] = pipeline
        return found


def initial_of(deal: Opportunity) -> dict[str, Any]:
    """What the form shows of a deal before anybody typed."""
    amount = from_minor(deal.amount_minor, deal.currency) if deal.amount_minor is not None else None
    return {
        "name": deal.name, "about": deal.about, "amount": amount, "close_on": deal.close_on, "kind": deal.kind,
        "owner": deal.owner_id, "product": deal.product_id, "account": deal.account.name if deal.account else "",
    }  # fmt: skip


def seen_texts(initial: Mapping[str, Any], given: Mapping[str, Any] | None = None) -> list[tuple[str, str]]:
    """The hidden fields `seen-NAME` of a form: what its editor began with, as it was posted or as it stands now."""
    texts = {f"seen-{name}": "" if initial[name] is None else str(initial[name]) for name in COLUMNS}
    return [(name, str((given or {}).get(name, text))) for name, text in texts.items()]


def seen_value(name: str, text: str | None, currency: str) -> dict[str, Any]:
    """The value that stood in a field, read as the form reads it; without one nothing is compared."""
    if text is None:
        return {}
    was = OpportunityForm({name: text}, currency=currency, only=name)
    return was.values if was.is_valid() else {}


class MoveForm(forms.Form):
    """Where to, from where as the mover saw it, and why where a reason is asked."""

    stage = forms.IntegerField(min_value=1, max_value=ID_MAX)
    seen = forms.IntegerField(min_value=1, max_value=ID_MAX, required=False)
    reason = forms.CharField(max_length=1000, required=False)
    close_reason = forms.CharField(max_length=200, required=False)
    leave = forms.BooleanField(required=False)


class WaiverForm(forms.Form):
    """Leave to pass although something is missing."""

    stage = forms.IntegerField(min_value=1, max_value=ID_MAX, widget=forms.HiddenInput)
    reason = forms.CharField(label="Reason", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    expires_on = forms.DateField(
        label="Holds until",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="From this day on it no longer opens the gate.",
    )


class EvidenceForm(forms.Form):
    """What shows that a criterion is met."""

    text = forms.CharField(label="What shows it", max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))


class ContactForm(forms.Form):
    """A contact chosen from the account's, or somebody new."""

    contact = forms.IntegerField(min_value=1, max_value=ID_MAX, required=False)
    name = forms.CharField(label="Name", max_length=160, required=False)
    email = forms.EmailField(label="E-mail", max_length=254, required=False)
    title = forms.CharField(label="Title", max_length=120, required=False)
    role = forms.ChoiceField(label="Role", choices=ContactRole.choices, required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("contact") and not (cleaned.get("name") or "").strip():
            self.add_error("name", "Choose a contact, or name somebody new.")
        return cleaned
