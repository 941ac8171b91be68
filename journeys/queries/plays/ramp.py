"""How new people find their way: steps done, and done unaided, week by week of their first month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from core.tenancy import require_tenant_id

WEEKS: Final = 4
FIRST_MONTH: Final = timedelta(days=28)
# A new hire is somebody with a guided time, which lasts 30 days from the first one. Others are counted from joining.
_RAMP: Final = """
WITH hire AS (
    SELECT p.id, p.name, p.guided_until,
           COALESCE(p.guided_until - 30, (m.created_at AT TIME ZONE %(zone)s)::date, %(today)s) AS from_on
    FROM accounts_person p
    LEFT JOIN core_membership m ON m.tenant_id = p.tenant_id AND m.id = p.membership_id
    WHERE p.tenant_id = %(tenant)s AND p.is_active AND (p.guided_until IS NOT NULL OR p.id = ANY(%(people)s::bigint[]))
)
SELECT h.id, h.name, h.from_on, h.guided_until, w.n, count(s.id),
       count(s.id) FILTER (WHERE s.unaided), count(s.id) FILTER (WHERE s.unaided IS NOT NULL),
       count(s.id) FILTER (WHERE s.done_on <= s.due_on)
FROM hire h
CROSS JOIN generate_series(0, %(last)s) AS w(n)
LEFT JOIN journeys_runstep s ON s.tenant_id = %(tenant)s AND s.done_by_person_id = h.id AND s.state = 'done'
    AND s.done_on >= h.from_on + 7 * w.n AND s.done_on < h.from_on + 7 * (w.n + 1)
GROUP BY h.id, h.name, h.from_on, h.guided_until, w.n
ORDER BY h.from_on DESC, h.name, h.id, w.n
"""


@dataclass(frozen=True)
class RampWeek:
    """A week of the first month. `answered`: of the steps done, those whose doer said whether it was unaided."""

    number: int
    done: int = 0
    unaided: int = 0
    answered: int = 0
    on_time: int = 0

    @property
    def share(self) -> float | None:
        return self.unaided / self.answered if self.answered else None


@dataclass(frozen=True)
class RampRow:
    """One person's first month. `is_over`: all of its weeks have passed."""

    person_id: int
    name: str
    from_on: date
    guided_until: date | None
    weeks: tuple[RampWeek, ...]
    is_over: bool

    @property
    def total(self) -> RampWeek:
        parts: Sequence[RampWeek] = self.weeks
        return RampWeek(
            0, *(sum(getattr(one, name) for one in parts) for name in ("done", "unaided", "answered", "on_time"))
        )


def ramp(today: date, zone: str, person_ids: Sequence[int] = ()) -> tuple[RampRow, ...]:
    """New hires, and the given people, the latest first. One statement."""
    params: dict[str, Any] = {
        "tenant": require_tenant_id(), "zone": zone, "today": today, "people": list(person_ids), "last": WEEKS - 1,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_RAMP, params)
        rows = cursor.fetchall()
    found: dict[int, list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return tuple(
        RampRow(
            person_id, ones[0][1], ones[0][2], ones[0][3],
            tuple(RampWeek(one[4] + 1, *one[5:]) for one in ones), ones[0][2] + FIRST_MONTH <= today,
        )
        for person_id, ones in found.items()
    )  # fmt: skip
