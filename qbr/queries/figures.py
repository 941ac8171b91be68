"""The figures of data packages, for any number of accounts in a fixed number of statements.

Each figure says what it is, as of when, where it comes from and by which definition. What is not known is a figure
without a value and with the reason.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from accounts.models import Account, Goal
from core.models import Tenant
from health.queries.state import scoring_day
from qbr.rules import goal_progress, goal_reached, headline, plain
from renewals.queries import next_renewals

USAGE_DAYS: Final = 30
MEASURES_AT_MOST: Final = 12

Rows = dict[int, dict[str, Any]]


@dataclass(frozen=True)
class Period:
    """The half-open period that a review looks back on."""

    start: date
    end: date


def packages_for(tenant: Tenant, periods: Mapping[int, Period], today: date) -> dict[int, dict[str, Any]]:
    """The data of a package per account id, as of today.

    Where feeds have ended, their figures look back from the last day that they reached, and say so.
    """
    ids = sorted(periods)
    if not ids:
        return {}
    until = min(today, scoring_day(tenant.pk, today))
    # As many days as the period has, `until` included.
    after = until + timedelta(days=1)
    since = {account_id: after - (period.end - period.start) for account_id, period in periods.items()}
    values = {
        "tenant": tenant.pk,
        "ids": ids,
        "since": [since[account_id] for account_id in ids],
        "starts": [periods[account_id].start for account_id in ids],
        "today": today,
        "until": until,
        "after": after,
        "zone": tenant.timezone,
        "days": USAGE_DAYS,
    }
    revenue, tickets, contacts = _rows(_REVENUE, values), _rows(_TICKETS, values), _rows(_CONTACTS, values)
    health, usage, goals = _rows(_HEALTH, values), _many(_USAGE, values), _goals(ids)
    renewals, has_tickets = next_renewals(ids), _exists(_ANY_TICKET, values)
    found = {}
    for account in Account.objects.filter(pk__in=ids).select_related("owner"):
        renewal = renewals.get(account.pk)
        figures = [
            *_revenue(revenue.get(account.pk, {}), tenant.currency, today, periods[account.pk].start),
            *_renewal(renewal, tenant.currency, today),
            *_support(tickets.get(account.pk, {}), until, known=has_tickets),
            *_contact(contacts.get(account.pk, {}), until),
            *_usage(usage.get(account.pk, []), until),
            *_health(health.get(account.pk, {})),
        ]
        found[account.pk] = _package(account, tenant, periods[account.pk], since[account.pk], until, figures,
                                     goals.get(account.pk, []))  # fmt: skip
    return found


def _package(
    account: Account,
    tenant: Tenant,
    period: Period,
    since: date,
    until: date,
    figures: list[dict[str, Any]],
    goals: list[dict[str, Any]],
) -> dict[str, Any]:
    return {
        "account": {
            "id": account.pk,
            "name": account.name,
            "segment": account.segment,
            "owner": account.owner.name if account.owner else "",
        },
        "workspace": tenant.name,
        "period": {"from": period.start.isoformat(), "to": period.end.isoformat()},
        "observed": {"from": since.isoformat(), "to": until.isoformat()},
        "headline": headline([goal["reached"] for goal in goals], [goal["progress"] for goal in goals]),
        "goals": goals,
        "figures": figures,
        "missing": [figure["key"] for figure in figures if figure["value"] is None and not figure["internal"]],
    }


def figure(
    key: str,
    label: str,
    value: Any,
    *,
    group: str,
    unit: str,
    as_of: date | None,
    source: str,
    definition: str,
    why_not: str = "",
    internal: bool = False,
) -> dict[str, Any]:
    """One figure of a package. Without a value it says why; `internal` ones never stand on a customer's page."""
    return {
        "key": key,
        "label": label,
        "value": value,
        "unit": unit,
        "group": group,
        "as_of": as_of.isoformat() if as_of else None,
        "source": source,
        "definition": definition,
        "why_not": why_not if value is None else "",
        "internal": internal,
    }


_REVENUE: Final = """
SELECT asked.id, sum(l.arr_minor) FILTER (WHERE l.starts_on <= %(today)s
                                          AND (l.ends_on IS NULL OR l.ends_on > %(today)s))::bigint AS now,
       sum(l.arr_minor) FILTER (WHERE l.starts_on <= asked.start
                                AND (l.ends_on IS NULL OR l.ends_on > asked.start))::bigint AS before
FROM unnest(%(ids)s::bigint[], %(starts)s::date[]) AS asked(id, start)
JOIN accounts_contractline l ON l.tenant_id = %(tenant)s AND l.account_id = asked.id AND l.kind = 'recurring'
GROUP BY asked.id
"""


def _revenue(row: dict[str, Any], currency: str, today: date, start: date) -> list[dict[str, Any]]:
    none = "No recurring contract line."
    common: dict[str, Any] = {"group": "commercial", "unit": currency, "source": "Contracts", "why_not": none}
    what = "ARR v1: recurring contract lines active on the day, annualised"
    now, before = row.get("now"), row.get("before")
    change = None if now is None or before is None else now - before
    return [
        figure("arr", "Annual recurring revenue", now, as_of=today, definition=what, **common),
        figure("arr_before", "ARR at the start of the period", before, as_of=start, definition=what, **common),
        figure(
            "arr_change", "Change of ARR", change, as_of=today, definition="ARR v1, difference of the two", **common
        ),
    ]


def _renewal(renewal: Any, currency: str, today: date) -> list[dict[str, Any]]:
    common: dict[str, Any] = {
        "group": "commercial",
        "as_of": today,
        "source": "Renewals",
        "why_not": "No open renewal.",
    }
    return [
        figure("renewal_due", "Next renewal", renewal.due_on.isoformat() if renewal else None, unit="date",
               definition="Earliest open renewal", **common),
        figure("renewal_amount", "Up for renewal", renewal.amount_minor if renewal else None, unit=currency,
               definition="ARR of that contract", **common),
    ]  # fmt: skip


# The accounts asked for, with the moments in the workspace's zone at which their half-open window begins and ends.
_WINDOWS: Final = """(
    SELECT one.id, one.since::timestamp AT TIME ZONE %(zone)s AS since,
           %(after)s::date::timestamp AT TIME ZONE %(zone)s AS after
    FROM unnest(%(ids)s::bigint[], %(since)s::date[]) AS one(id, since)
) AS asked"""
_TICKETS: Final = f"""
SELECT asked.id, count(*) FILTER (WHERE t.opened_at >= asked.since) AS opened,
       count(*) FILTER (WHERE t.closed_at IS NULL OR t.closed_at >= asked.after) AS open,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY t.first_response_minutes)
           FILTER (WHERE t.opened_at >= asked.since) AS response,
       avg(t.satisfaction) FILTER (WHERE t.opened_at >= asked.since) AS satisfaction,
       count(t.satisfaction) FILTER (WHERE t.opened_at >= asked.since) AS answers
FROM {_WINDOWS}
JOIN accounts_ticket t ON t.tenant_id = %(tenant)s AND t.account_id = asked.id
    AND t.opened_at < asked.after
GROUP BY asked.id
"""  # noqa: S608 -- only the text above enters
_ANY_TICKET: Final = "SELECT EXISTS (SELECT FROM accounts_ticket WHERE tenant_id = %(tenant)s)"


def _support(row: dict[str, Any], until: date, *, known: bool) -> list[dict[str, Any]]:
    none = "No ticket in the period." if known else "No tickets are imported."
    common: dict[str, Any] = {"group": "support", "as_of": until, "source": "Tickets", "why_not": none}
    zero = 0 if known else None
    return [
        figure("tickets_opened", "Tickets opened", row.get("opened", zero), unit="tickets",
               definition="Tickets opened in the period", **common),
        figure("tickets_open", "Open now", row.get("open", zero), unit="tickets",
               definition="Tickets not closed on the day", **common),
        figure("first_response", "First answer, median", plain(row.get("response")), unit="minutes",
               definition="Median minutes to the first answer, tickets of the period", **common),
        figure("satisfaction", "Satisfaction", plain(row.get("satisfaction")) if row.get("answers") else None,
               unit="mean", definition=f"Mean of {row.get('answers') or 0} answers in the period", **common),
    ]  # fmt: skip


_CONTACTS: Final = f"""
SELECT asked.id, count(*) FILTER (WHERE c.occurred_at >= asked.since) AS contacts,
       (max(c.occurred_at) AT TIME ZONE %(zone)s)::date AS last
FROM {_WINDOWS}
JOIN accounts_activity c ON c.tenant_id = %(tenant)s AND c.account_id = asked.id AND c.kind <> 'note'
    AND c.occurred_at < asked.after
GROUP BY asked.id
"""  # noqa: S608 -- only the text above enters


def _contact(row: dict[str, Any], until: date) -> list[dict[str, Any]]:
    last = row.get("last")
    common: dict[str, Any] = {"group": "contact", "source": "Activities", "why_not": "No contact is logged."}
    return [
        figure("contacts", "Calls, meetings and e-mails", row.get("contacts"), unit="contacts", as_of=until,
               definition="Activities of the period, notes left out", **common),
        figure("last_contact", "Last contact", last.isoformat() if last else None, unit="date", as_of=last,
               definition="Day of the latest activity", **common),
    ]  # fmt: skip


_USAGE: Final = """
SELECT s.account_id AS id, m.key, m.name, m.unit, max(s.day) AS last,
       avg(s.value) FILTER (WHERE s.day > %(until)s::date - %(days)s) AS now,
       avg(s.value) FILTER (WHERE s.day < asked.since) AS before
FROM unnest(%(ids)s::bigint[], %(since)s::date[]) AS asked(id, since)
JOIN accounts_signal s ON s.tenant_id = %(tenant)s AND s.account_id = asked.id
    AND s.day >= asked.since - %(days)s AND s.day <= %(until)s
JOIN accounts_measure m ON m.tenant_id = %(tenant)s AND m.id = s.measure_id AND m.kind = 'number'
GROUP BY s.account_id, m.key, m.name, m.unit
ORDER BY s.account_id, m.name, m.key
"""


def _usage(rows: Sequence[dict[str, Any]], until: date) -> list[dict[str, Any]]:
    common: dict[str, Any] = {"group": "usage", "source": "Usage and signals"}
    if not rows:
        return [figure("usage", "Usage", None, unit="", as_of=until, definition="Daily measures",
                       why_not="Nothing was observed in the period.", **common)]  # fmt: skip
    figures = []
    for row in rows[:MEASURES_AT_MOST]:
        now, before = plain(row["now"]), plain(row["before"])
        entry = figure(
            f"usage.{row['key']}",
            row["name"],
            now,
            unit=row["unit"],
            as_of=row["last"],
            definition=f"Mean of the values of the last {USAGE_DAYS} days",
            why_not=f"Nothing in the last {USAGE_DAYS} days.",
            **common,
        )
        figures.append({**entry, "before": before})
    return figures


_HEALTH: Final = """
SELECT s.account_id AS id, s.score, s.band, s.coverage, s.as_of, v.name || ' v' || v.number AS model,
       past.score AS before
FROM unnest(%(ids)s::bigint[], %(since)s::date[]) AS asked(id, since)
JOIN health_score s ON s.tenant_id = %(tenant)s AND s.account_id = asked.id
JOIN core_processversion v ON v.tenant_id = %(tenant)s AND v.id = s.model_version_id
LEFT JOIN LATERAL (
    SELECT h.score FROM health_scorehistory h
    WHERE h.tenant_id = %(tenant)s AND h.account_id = asked.id AND h.as_of <= asked.since
    ORDER BY h.as_of DESC, h.computed_at DESC LIMIT 1
) AS past ON true
"""


def _health(row: dict[str, Any]) -> list[dict[str, Any]]:
    common: dict[str, Any] = {
        "group": "health",
        "as_of": row.get("as_of"),
        "source": "Health score",
        "definition": row.get("model") or "No score model",
        "why_not": "No score: too few inputs have fresh data." if row else "Not scored yet.",
        "internal": True,
    }
    return [
        figure("health", "Health score", plain(row.get("score")), unit="of 100", **common),
        figure("health_band", "Band", row.get("band") if row.get("score") is not None else None, unit="band", **common),
        figure("health_coverage", "Coverage", plain(row.get("coverage")), unit="share", **common),
        figure("health_before", "Score at the start", plain(row.get("before")), unit="of 100", **common),
    ]


def _goals(ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for goal in Goal.objects.filter(account_id__in=ids).order_by("account_id", "target_on", "pk"):
        progress = goal_progress(goal.baseline, goal.target, goal.actual)
        found[goal.account_id].append(
            {
                "title": goal.title,
                "unit": goal.unit,
                "baseline": plain(goal.baseline),
                "target": plain(goal.target),
                "actual": plain(goal.actual),
                "as_of": goal.actual_on.isoformat() if goal.actual_on else None,
                "target_on": goal.target_on.isoformat() if goal.target_on else None,
                "source": goal.source,
                "reached": goal_reached(goal.baseline, goal.target, goal.actual),
                "progress": plain(progress),
            }
        )
    return found


def _many(sql: str, values: Mapping[str, Any]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(sql, dict(values))
        names = [column[0] for column in cursor.description or ()]
        for row in cursor.fetchall():
            entry = dict(zip(names, row, strict=True))
            found[entry.pop("id")].append(entry)
    return found


def _rows(sql: str, values: Mapping[str, Any]) -> Rows:
    return {account_id: rows[0] for account_id, rows in _many(sql, values).items()}


def _exists(sql: str, values: Mapping[str, Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, dict(values))
        return bool(cursor.fetchone()[0])
