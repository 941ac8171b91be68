"""Values of a deal that two people changed at once, in words."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from accounts.models import Account, Person, Product
from core.formatting import day, money
from journeys.actions.opportunities import ValuesMoved
from journeys.choices import OpportunityKind
from journeys.forms.opportunities import OpportunityForm
from journeys.models import Opportunity

_NAMED: Final = {"owner_id": Person, "product_id": Product, "account_id": Account}


@dataclass(frozen=True)
class ClashRow:
    """One field: what stands there now, and what was typed."""

    label: str
    theirs: str
    mine: str


def clash_rows(moved: ValuesMoved, deal: Opportunity, today: date) -> list[ClashRow]:
    """The clashes in the order of the form."""
    labels = {name: str(field.label) for name, field in OpportunityForm.base_fields.items()}
    return [
        ClashRow(
            labels[clash.field.removesuffix("_id").removesuffix("_minor")],
            _words(clash.field, clash.theirs, deal, today),
            _words(clash.field, clash.mine, deal, today),
        )
        for clash in moved.clashes
    ]


def _words(field: str, value: Any, deal: Opportunity, today: date) -> str:
    if value is None or value == "":
        return "empty"
    if field == "amount_minor":
        return money(value, deal.currency, cents=True)
    if field in _NAMED:
        found = _NAMED[field]._default_manager.filter(pk=value).first()
        return str(found) if found else "empty"
    if field == "kind":
        return str(dict(OpportunityKind.choices).get(value, value))
    return day(value, today) if isinstance(value, date) else str(value)
