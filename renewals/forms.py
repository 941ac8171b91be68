"""What a person types about a renewal."""

from decimal import Decimal
from typing import Any, Final

from django import forms

from core.money import from_minor, to_minor
from journeys.choices import ForecastCategory

FORECASTS: Final = [
    (choice.value, choice.label)
    for choice in (
        ForecastCategory.NOT_YET,
        ForecastCategory.BEST_CASE,
        ForecastCategory.COMMIT,
        ForecastCategory.AT_RISK,
    )
]


class ForecastForm(forms.Form):
    forecast = forms.ChoiceField(choices=FORECASTS, label="Forecast")


class DecideForm(forms.Form):
    """Won with its final amount, or lost with its reason."""

    decision = forms.ChoiceField(
        choices=[("won", "Won"), ("lost", "Lost")], label="Decision", widget=forms.RadioSelect, initial="won"
    )
    amount = forms.DecimalField(
        label="Final amount a year",
        min_value=Decimal("0.01"),
        max_digits=15,
        decimal_places=2,
        required=False,
        help_text="What the renewed contract is worth in a year. Only for won.",
    )
    reason = forms.CharField(
        label="Reason",
        max_length=200,
        required=False,
        help_text="A lost renewal cannot close without one.",
    )

    def __init__(self, *args: Any, currency: str, amount_minor: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._currency = currency
        self.fields["amount"].label = f"Final amount a year, {currency}"
        self.fields["amount"].initial = from_minor(amount_minor, currency)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        won = cleaned.get("decision") == "won"
        if won and "amount" in cleaned and not cleaned["amount"]:
            self.add_error("amount", "A won renewal needs its final amount.")
        if cleaned.get("decision") == "lost" and not (cleaned.get("reason") or "").strip():
            self.add_error("reason", "Say why it was lost.")
        return cleaned

    @property
    def final_minor(self) -> int | None:
        amount = self.cleaned_data.get("amount")
        return to_minor(amount, self._currency) if amount and self.cleaned_data["decision"] == "won" else None
