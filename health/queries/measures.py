"""What an input can read: built-in measures, the workspace's own, and registered facts, found by a few letters."""

from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.db.models import Q

from accounts.choices import MeasureKind
from accounts.models import Measure, Signal
from core import registry
from core.tenancy import require_tenant_id
from health.engine import SOURCES

MOST: Final = 20
_SAMPLE: Final = """
SELECT percentile_cont(0.1) WITHIN GROUP (ORDER BY value), percentile_cont(0.9) WITHIN GROUP (ORDER BY value)
FROM (SELECT s.value FROM accounts_signal s
      WHERE s.tenant_id = %(tenant)s AND s.measure_id = %(measure)s AND s.value IS NOT NULL LIMIT 5000) AS some"""
# What a count or a duration is worth until somebody looks at it: a start, shown as a line from worst to best.
_BUILT_IN: Final[dict[str, dict[str, Any]]] = {
    "tickets.opened": {"aggregate": "count", "window_days": 90, "mapping": {"linear": {"worst": 10, "best": 0}}},
    "tickets.escalated": {"aggregate": "count", "window_days": 90, "mapping": {"linear": {"worst": 3, "best": 0}}},
    "tickets.open": {"aggregate": "count", "window_days": 90, "mapping": {"linear": {"worst": 6, "best": 0}}},
    "tickets.satisfaction": {"aggregate": "mean", "window_days": 180, "mapping": {"linear": {"worst": 2, "best": 5}}},
    "tickets.first_response": {"aggregate": "mean", "mapping": {"linear": {"worst": 480, "best": 30}}},
    "tickets.resolution": {"aggregate": "mean", "mapping": {"linear": {"worst": 96, "best": 8}}},
    "activities.contact": {
        "aggregate": "days_since",
        "window_days": 180,
        "mapping": {"linear": {"worst": 90, "best": 14}},
    },
    "activities.meeting": {
        "aggregate": "days_since",
        "window_days": 365,
        "mapping": {"linear": {"worst": 180, "best": 30}},
    },
    "contracts.arr": {"aggregate": "trend", "window_days": 180, "mapping": {"linear": {"worst": -0.2, "best": 0.1}}},
    "contracts.days_to_end": {"aggregate": "last", "mapping": {"linear": {"worst": 30, "best": 180}}},
    "contracts.auto_renew": {"aggregate": "last", "mapping": {"linear": {"worst": 0, "best": 1}}},
}


@dataclass(frozen=True)
class Found:
    """A measure that could become an input."""

    key: str
    label: str
    where: str


def find_measures(text: str) -> list[Found]:
    """Measures whose name or key has the letters, the workspace's own first; everything built in for no letters."""
    needle = text.strip().lower()[:80].replace("\x00", "")
    own = Measure.objects.filter(Q(name__icontains=needle) | Q(key__icontains=needle)).order_by("name")[:MOST]
    found = [Found(one.key, one.name, "observed in this workspace") for one in own]
    found += [
        Found(one.key, one.label, "built in")
        for one in SOURCES.values()
        if needle in one.label.lower() or needle in one.key
    ]
    taken = {one.key for one in found}
    found += [
        Found(fact.key, fact.label, fact.help or "fact of the account")
        for fact in registry.facts().values()
        if fact.type in {"number", "money"}
        and not fact.key.startswith("health.")
        and fact.key not in taken
        and (needle in fact.label.lower() or needle in fact.key)
    ]
    return found[:MOST]


def new_input(measure: str) -> dict[str, Any] | None:
    """The block of an input over the measure, with a mapping to start from; None for a measure nobody knows.

    Numbers start as a line between the lowest and the highest tenth of what was observed.
    """
    block: dict[str, Any] = {
        "key": measure.replace(".", "_"),
        "measure": measure,
        "window_days": 30,
        "weight": 0,
        "missing": "exclude",
    }
    if (source := SOURCES.get(measure)) is not None:
        return {**block, "name": source.label, **_BUILT_IN.get(measure, {})}
    own = Measure.objects.filter(key=measure).first()
    if own is None:
        fact = registry.facts().get(measure)
        if fact is None or fact.type not in {"number", "money"} or measure.startswith("health."):
            return None
        line = {"linear": {"worst": 0, "best": 100}}
        return {**block, "name": fact.label, "aggregate": "last", "mapping": line}
    if own.kind == MeasureKind.CATEGORY:
        return {**block, "name": own.name, "aggregate": "last", "window_days": 90, "mapping": _categories(own)}
    return {**block, "name": own.name, "aggregate": "mean", "mapping": {"linear": _line(own)}}


def _categories(own: Measure) -> dict[str, Any]:
    names = Signal.objects.filter(measure=own).exclude(category="").order_by("category")
    seen = list(names.values_list("category", flat=True).distinct()[:12])
    return {"categories": dict.fromkeys(seen or ["Active"], 50)}


def _line(own: Measure) -> dict[str, float]:
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE, {"tenant": require_tenant_id(), "measure": own.pk})
        low, high = cursor.fetchone()
    if low is None or low == high:
        return {"worst": 0, "best": (low or 100) if low else 100}
    return {"worst": round(low, 2), "best": round(high, 2)}
