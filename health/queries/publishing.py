"""What a score model needs to go live, and whom it reaches."""

from datetime import date
from typing import Any, Final

from accounts.choices import AccountStatus
from accounts.models import Account
from health.queries.language import advice
from health.queries.live import live_models
from health.rules import parse_model

# The order of fields in a file, for blocks at any depth.
MODEL_FIELDS: Final = (
    "order", "applies_to", "bands", "red", "yellow", "green", "min_coverage", "groups", "inputs",
    "measure", "window_days", "baseline_days", "aggregate", "direction", "mapping", "linear", "worst", "best",
    "otherwise", "thresholds", "segments", "tenure_months", "group", "weight", "missing",
    "caps", "floors", "input", "below", "at_least", "at_most", "not_below",
)  # fmt: skip


def model_effects(key: str, definition: dict[str, Any], _today: date) -> list[str]:
    """Who gets a new score, and advice on the model. The page of the model shows who would change band."""
    model = parse_model(definition)
    customers = Account.objects.filter(status=AccountStatus.CUSTOMER)
    if model.segments:
        customers = customers.filter(segment__in=model.segments)
    others = [one.model.key for one in live_models() if one.model.key != key]
    beside = f" Live beside it: {', '.join(others)}." if others else ""
    return [f"Up to {customers.count():,} customers are scored again at once.{beside}", *advice(model)]
