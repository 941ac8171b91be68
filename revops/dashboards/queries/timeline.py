"""One list of what happened with an account, newest first, 30 at a time by keyset."""

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection

from core.tenancy import require_tenant_id

PAGE: Final = 30
KINDS: Final = ("all", "actions", "signals")
_FIRST: Final = datetime(1, 1, 3, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 29, tzinfo=UTC)

_HISTORY: Final = """
  SELECT * FROM (
    SELECT (CASE WHEN (h.computed_at AT TIME ZONE %(zone)s)::date = h.as_of THEN h.computed_at
                 ELSE h.as_of::timestamp AT TIME ZONE %(zone)s END) AS at,
           'band' AS kind, h.as_of::text AS key, h.band AS a, lag(h.band) OVER w AS b,
           h.score::text AS c, (lag(h.score) OVER w)::text AS d, ''::text AS who, 0::bigint AS subject
    FROM health_scorehistory h WHERE h.tenant_id = %(tenant)s AND h.account_id = %(account)s
    WINDOW w AS (ORDER BY h.as_of, h.computed_at)
  ) AS moved WHERE b IS NOT NULL AND a <> b
"""
# Every source gives at most a page; the keyset is (at, kind, key), the same for all of them.
_SIGNALS: Final = {
    "ticket": """SELECT t.opened_at, 'ticket', t.id::text, t.subject, t.priority, t.status,
        (t.closed_at IS NOT NULL)::text, '', t.id
      FROM accounts_ticket t WHERE t.tenant_id = %(tenant)s AND t.account_id = %(account)s
        AND t.opened_at <= %(until)s""",
    "movement": """SELECT m.effective_on::timestamp AT TIME ZONE %(zone)s, 'movement', m.id::text, m.kind,
        m.amount_minor::text, m.currency, '', '', m.id
      FROM accounts_revenuemovement m WHERE m.tenant_id = %(tenant)s AND m.account_id = %(account)s
        AND m.effective_on <= %(until_day)s""",
    "outcome": """SELECT o.day::timestamp AT TIME ZONE %(zone)s, 'outcome', o.id::text, o.kind, o.reason, o.note, '',
        '', o.id
      FROM accounts_outcome o WHERE o.tenant_id = %(tenant)s AND o.account_id = %(account)s
        AND o.day <= %(until_day)s""",
    "escalation": """SELECT e.opened_at, 'escalation', e.id::text, e.tier::text, e.state, v.name, v.number::text,
        coalesce(p.name, ''), e.id
      FROM escalations_escalation e
      LEFT JOIN core_processversion v ON v.tenant_id = e.tenant_id AND v.id = e.policy_version_id
      LEFT JOIN accounts_person p ON p.tenant_id = e.tenant_id AND p.id = e.owner_id
      WHERE e.tenant_id = %(tenant)s AND e.account_id = %(account)s AND e.opened_at <= %(until)s""",
    "closed": """SELECT e.closed_at, 'closed', e.id::text, e.tier::text, e.closed_because, '', '', '', e.id
      FROM escalations_escalation e WHERE e.tenant_id = %(tenant)s AND e.account_id = %(account)s
        AND e.closed_at <= %(until)s""",
    "band": _HISTORY,
}
_ACTIONS: Final = {
    "activity": """SELECT a.occurred_at, 'activity', a.id::text, a.kind, a.subject, left(a.body, 400),
        coalesce(c.name, ''), coalesce(p.name, ''), a.id
      FROM accounts_activity a
      LEFT JOIN accounts_contact c ON c.tenant_id = a.tenant_id AND c.id = a.contact_id
      LEFT JOIN accounts_person p ON p.tenant_id = a.tenant_id AND p.id = a.person_id
      WHERE a.tenant_id = %(tenant)s AND a.account_id = %(account)s AND a.occurred_at <= %(until)s""",
    "task": """SELECT t.closed_at, 'task', t.id::text, t.title, t.kind, t.due_on::text,
        coalesce(v.name || ' v' || v.number, ''), t.closed_by, t.id
      FROM journeys_task t LEFT JOIN core_processversion v ON v.tenant_id = t.tenant_id AND v.id = t.process_version_id
      WHERE t.tenant_id = %(tenant)s AND t.account_id = %(account)s AND t.state = 'done'
        AND t.closed_at <= %(until)s""",
    "qbr": """SELECT q.held_on::timestamp AT TIME ZONE %(zone)s, 'qbr', q.id::text, '', '', '', '',
        coalesce(p.name, ''), q.id
      FROM qbr_qbr q LEFT JOIN accounts_person p ON p.tenant_id = q.tenant_id AND p.id = q.owner_id
      WHERE q.tenant_id = %(tenant)s AND q.account_id = %(account)s AND q.held_on <= %(until_day)s""",
    "play": """SELECT r.started_at, 'play', r.id::text, v.name, v.number::text, r.trigger, '', r.started_by, r.id
      FROM journeys_playbookrun r JOIN core_processversion v ON v.tenant_id = r.tenant_id AND v.id = r.version_id
      WHERE r.tenant_id = %(tenant)s AND r.account_id = %(account)s AND r.started_at <= %(until)s""",
    "played": """SELECT r.ended_on::timestamp AT TIME ZONE %(zone)s, 'played', r.id::text, v.name, r.state, r.outcome,
        r.end_reason, r.ended_by, r.id
      FROM journeys_playbookrun r JOIN core_processversion v ON v.tenant_id = r.tenant_id AND v.id = r.version_id
      WHERE r.tenant_id = %(tenant)s AND r.account_id = %(account)s AND r.ended_on <= %(until_day)s""",
    "stage": """SELECT s.entered_on::timestamp AT TIME ZONE %(zone)s, 'stage', s.id::text, l.name, s.reason, '', '',
        s.moved_by, s.id
      FROM journeys_stagevisit s
      JOIN journeys_lifecyclestage l ON l.tenant_id = s.tenant_id AND l.id = s.stage_id
      WHERE s.tenant_id = %(tenant)s AND s.account_id = %(account)s AND s.is_start_known
        AND s.entered_on <= %(until_day)s""",
    "left": """SELECT e.at, 'left', e.id::text, coalesce(l.name, ''), e.reason, '', '', e.actor_label, e.id
      FROM core_auditentry e
      LEFT JOIN journeys_lifecyclestage l ON l.tenant_id = e.tenant_id AND l.journey = 'standard'
        AND l.key = e.before ->> 'stage'
      WHERE e.tenant_id = %(tenant)s AND e.subject_type = 'accounts.account' AND e.subject_id = %(account)s
        AND e.verb = 'left the journey' AND e.at <= %(until)s""",
}
_SOURCES: Final = {"signals": _SIGNALS, "actions": _ACTIONS, "all": _SIGNALS | _ACTIONS}


@dataclass(frozen=True)
class Event:
    """Something that happened. What `a` to `d` hold depends on the kind; see `revops.dashboards.events`."""

    at: datetime
    kind: str
    key: str
    a: str
    b: str
    c: str
    d: str
    who: str
    subject: int


@dataclass(frozen=True)
class Timeline:
    """`next` is the value of `?before=` for the following page, "" at the end."""

    events: list[Event]
    next: str


def timeline(
    *, account_id: int, kind: str, zone: str, now: datetime, before: str = "", with_money: bool = True
) -> Timeline:
    """One page of one account. One query. A cursor that this list has not written starts again at the top.

    `with_money`: whether movements of revenue are told.
    """
    until, after_kind, after_key = _cursor(before) or (now, "", "")
    parts = [
        f"(SELECT * FROM ({source}) AS s(at, kind, key, a, b, c, d, who, subject) "  # noqa: S608 -- texts above
        "WHERE at <= %(until)s "
        "AND (%(after_kind)s = '' OR (at, kind, key) < (%(until)s, %(after_kind)s, %(after_key)s)) "
        "ORDER BY at DESC, key DESC LIMIT %(limit)s)"
        for name, source in _SOURCES[kind].items()
        if with_money or name != "movement"
    ]
    sql = f"SELECT * FROM ({' UNION ALL '.join(parts)}) AS event ORDER BY at DESC, kind DESC, key DESC LIMIT %(limit)s"  # noqa: S608 -- as above
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "account": account_id,
        "zone": zone,
        "until": until,
        "until_day": until.astimezone(ZoneInfo(zone)).date(),
        "after_kind": after_kind,
        "after_key": after_key,
        "limit": PAGE + 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        events = [_event(row) for row in cursor.fetchall()]
    shown = events[:PAGE]
    return Timeline(shown, _text(shown[-1]) if len(events) > PAGE else "")


def _event(row: tuple[Any, ...]) -> Event:
    at, *texts, subject = row
    kind, key, a, b, c, d, who = ("" if text is None else str(text) for text in texts)
    return Event(at, kind, key, a, b, c, d, who, subject)


def _text(event: Event) -> str:
    raw = json.dumps([event.at.isoformat(), event.kind, event.key], separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _cursor(text: str) -> tuple[datetime, str, str] | None:
    if not text:
        return None
    try:
        at, kind, key = json.loads(base64.urlsafe_b64decode((text + "=" * (-len(text) % 4)).encode()))
        named = datetime.fromisoformat(at)
        moment = named.astimezone(UTC)
        for text in (kind, key):
            if b"\x00" in str.encode(text):
                return None
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError):
        return None
    # A day from either end, every zone can still tell the date.
    if named.tzinfo is None or not _FIRST <= moment <= _LAST:
        return None
    return moment, kind, key
