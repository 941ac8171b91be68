"""The alert rules that a new workspace starts with: scores that fall, and signals that warn before a score does."""

from typing import Any, Final


def _rule(key: str, name: str, **values: Any) -> dict[str, Any]:
    return {"kind": "alert_rule", "key": key, "name": name, **values}


DEFAULT_RULES: Final[tuple[dict[str, Any], ...]] = (
    _rule(
        "score_drop",
        "Score fell by 10 points or more in 30 days",
        when={"fact": "health.change_30d", "op": "lte", "value": -10},
        margin=5,
        cool_down_days=30,
        severity="high",
        tell=["owner", "deputy"],
        budget=8,
        task={"title": "Find out why the score fell", "due_days": 2},
    ),
    _rule(
        "turned_red",
        "Turned at risk",
        when={
            "all": [
                {"fact": "health.band", "op": "eq", "value": "red"},
                {"fact": "health.band_30d_ago", "op": "in", "value": ["yellow", "green"]},
            ]
        },
        clear_when={"fact": "health.above_red", "op": "gte", "value": 3},
        cool_down_days=30,
        severity="high",
        tell=["owner", "deputy", "manager"],
        budget=8,
        task={"title": "Agree what to do about an account at risk", "due_days": 2},
    ),
    _rule(
        "usage_fell",
        "Usage fell by a quarter against its own baseline",
        when={"fact": "accounts.usage_change", "op": "lte", "value": -0.25},
        margin=0.1,
        cool_down_days=60,
        severity="high",
        task={"title": "Ask what changed in the use of the product", "due_days": 3},
    ),
    _rule(
        "sponsor_left",
        "A sponsor or champion left",
        when={"fact": "accounts.sponsors_left", "op": "gte", "value": 1},
        cool_down_days=30,
        severity="high",
        task={"title": "Find the new sponsor", "due_days": 5},
    ),
    _rule(
        "ticket_spike",
        "Three times the usual tickets",
        when={
            "all": [
                {"fact": "accounts.tickets_30d", "op": "gte", "value": 5},
                {"fact": "accounts.ticket_ratio", "op": "gte", "value": 3},
            ]
        },
        clear_when={"fact": "accounts.ticket_ratio", "op": "lt", "value": 2},
        cool_down_days=30,
        task={"title": "Go through the tickets with support and call", "due_days": 3},
    ),
    _rule(
        "invoice_overdue",
        "An invoice is overdue by 30 days",
        when={"fact": "accounts.invoice_overdue_days", "op": "gte", "value": 30},
        clear_when={"fact": "accounts.invoice_overdue_days", "op": "lt", "value": 15},
        cool_down_days=30,
        task={"title": "Ask why the invoice is not paid", "due_days": 3},
    ),
    _rule(
        "silence",
        "Silent: no contact, no tickets, and usage falls",
        when={
            "all": [
                {"fact": "accounts.days_since_contact", "op": "gte", "value": 45},
                {"fact": "accounts.tickets_60d", "op": "eq", "value": 0},
                {"fact": "accounts.usage_change", "op": "lte", "value": -0.1},
            ]
        },
        clear_when={
            "any": [
                {"fact": "accounts.days_since_contact", "op": "lt", "value": 30},
                {"fact": "accounts.tickets_60d", "op": "gt", "value": 0},
                {"fact": "accounts.usage_change", "op": "gte", "value": 0},
            ]
        },
        cool_down_days=60,
        task={"title": "Call: nobody has heard from them", "due_days": 3},
    ),
    _rule(
        "detractor",
        "A detractor in a survey",
        when={"fact": "accounts.detractors", "op": "gte", "value": 1},
        cool_down_days=60,
        severity="low",
        budget=3,
        task={"title": "Answer the low rating in person", "due_days": 5},
    ),
)
