"""The demo's plays: two versions of the renewal playbook, plays that ended well or not, and some that run today.

What a play's days look like is worked out once per start day and pace, in Python; the rows come from statements.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from django.db import connection

from accounts.models import Person
from core.actors import Actor
from core.models import ProcessVersion, Tenant
from core.versioning import draft, publish
from journeys.actions.plays.library import ensure_starter_playbooks
from journeys.queries.plays.firing import rule_key
from journeys.queries.plays.reading import KIND, calendar_of, playbook_of
from journeys.rules.play_due import Calendar, Standing, must_wait, ready
from journeys.rules.playbooks import Playbook, Variant
from revops.demo.seed import Demo, Say, run_steps

ACTOR: Final = Actor.system("seed_demo")
REACH: Final = 200
NEW_HIRE: Final = "Owen Castell"
NEW_SINCE: Final = 18
# How people work: days around the due day, step by step; the last one gives up after two steps.
PACES: Final = (
    (-1, 0, -2, 0), (0, 0, 0, 0), (0, -1, 0, -1), (2, -1, 4, 0), (0, 0, 0, -3), (-2, 0, -1, 0), (0, 0, 1, 0),
    (0, 0, 0, 0),
)  # fmt: skip
GIVES_UP: Final = len(PACES) - 1
# Of all companies, how many had a play of it (thrice as many where people look); of ten, how many reached the outcome.
SHARES: Final = {
    "renewal": (0.10, 7), "onboarding": (1.0, 8), "low_usage": (0.03, 5), "sponsor_left": (0.02, 6),
    "pricing": (0.015, 4), "product_gap": (0.02, 2), "support_failure": (0.02, 8), "expansion": (0.02, 4),
}  # fmt: skip
NOTES: Final = ("Spoken to on the phone", "Confirmed by mail", "In the minutes of the review", "Agreed with their lead")


@dataclass(frozen=True)
class _Head:
    """A version, and the days on which plays of it started."""

    version: ProcessVersion
    book: Playbook
    from_on: date
    until_on: date


def seed_plays(demo: Demo, tenant: Tenant, say: Say) -> None:
    """Once the workspace's renewals stand. Set-based; the same seed gives the same plays, whatever the workspace."""
    say("Plays")
    ensure_starter_playbooks(actor=ACTOR, now=demo.now)
    heads = list(_heads(demo, tenant))
    _new_hire(demo)
    run_steps(demo, tenant)  # the functions that draw lots
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off; SET LOCAL work_mem = '128MB'; SET LOCAL jit = off")
        cursor.execute(_TABLES)
        for head in heads:
            _choose(cursor, demo, tenant, head)
        cursor.execute("SELECT DISTINCT version_id, variant, started_on, anchor_on, pace FROM demo_play")
        plans = [row for found in cursor.fetchall() for row in _plan(found, heads, demo.as_of)]
        cursor.executemany(_PLAN, plans)
        for statement in _WRITE:
            cursor.execute(statement, {"tenant": tenant.pk, "as_of": demo.as_of, "zone": tenant.timezone,
                                       "notes": list(NOTES), "by": ACTOR.label})  # fmt: skip


def _heads(demo: Demo, tenant: Tenant) -> Iterator[_Head]:
    """Every playbook as of its first day; the renewal playbook was changed two months ago."""
    first = demo.as_of - timedelta(days=REACH)
    changed = demo.as_of - timedelta(days=60)
    for version in ProcessVersion.objects.filter(kind=KIND, state="published", number=1):
        _published(version, first, tenant)
        if version.key not in SHARES:
            continue
        book = playbook_of(version)
        yield _Head(version, book, first, changed if version.key == "renewal" else demo.as_of)
        if version.key == "renewal":
            newer = _quote_sooner(version, demo.now)
            _published(newer, changed, tenant)
            yield _Head(newer, playbook_of(newer), changed, demo.as_of)


def _quote_sooner(version: ProcessVersion, now: datetime) -> ProcessVersion:
    content = json.loads(json.dumps(version.definition))
    for variant in content["variants"]:
        for step in variant["steps"]:
            if step["key"] == "quote":
                step["due"]["days"] = 75
    made = draft(kind=KIND, key=version.key, name=version.name, definition=content, actor=ACTOR, now=now)
    why = "Customers decide on budgets in the third month before: the quote comes two weeks sooner."
    return publish(version=made, actor=ACTOR, now=now, reason=why)


def _published(version: ProcessVersion, day: date, tenant: Tenant) -> None:
    at = datetime.combine(day, time(8), tzinfo=tenant.zone)
    ProcessVersion.objects.filter(pk=version.pk).update(created_at=at, published_at=at)


def _new_hire(demo: Demo) -> None:
    until = demo.as_of - timedelta(days=NEW_SINCE) + timedelta(days=30)
    Person.objects.filter(name=NEW_HIRE).update(guided_until=until)


def _choose(cursor: Any, demo: Demo, tenant: Tenant, head: _Head) -> None:
    share, won = SHARES[head.version.key]
    share *= 3 if demo.scale.rich else 1
    segments = {one.key: list(one.segments) for one in head.book.variants}
    named = [(segment, key) for key, ones in segments.items() for segment in ones]
    cursor.execute(
        _CHOOSE[head.version.key if head.version.key in _CHOOSE else "any"],
        {
            "tenant": tenant.pk, "version": head.version.pk, "playbook": head.version.key, "share": share,
            "won": won + (1 if head.version.number > 1 else 0), "from_on": head.from_on, "until_on": head.until_on,
            "salt": 7000 + 10 * list(SHARES).index(head.version.key), "paces": len(PACES), "as_of": demo.as_of,
            "segments": [segment for segment, _ in named], "variants": [key for _, key in named],
            "rule": next((rule_key(head.version.key, one) for one in head.book.starts if one.on == "stage"), ""),
            "other": next((key for key, ones in segments.items() if not ones), ""),
        },
    )  # fmt: skip


def _plan(found: tuple[Any, ...], heads: list[_Head], as_of: date) -> Iterator[tuple[Any, ...]]:
    """The steps of all plays that started on one day at one pace, as they stand today."""
    version_id, variant_key, started_on, anchor_on, pace = found
    head = next(one for one in heads if one.version.pk == version_id)
    variant = head.book.variant(variant_key)
    if variant is None:
        return
    stand = {step.key: Standing("ahead") for step in variant.steps}
    dues: dict[str, date] = {}
    _walk(variant, stand, dues, (started_on, anchor_on, pace), calendar_of(head.book), as_of)
    for step in variant.steps:
        mine = stand[step.key]
        yield (version_id, variant_key, started_on, anchor_on, pace, step.key, step.title, step.place + 1, mine.state,
               dues.get(step.key), mine.over_on, step.owner, step.done_when)  # fmt: skip


def _walk(
    variant: Variant,
    stand: dict[str, Standing],
    dues: dict[str, date],
    start: tuple[date, date, int],
    calendar: Calendar,
    as_of: date,
) -> None:
    started_on, anchor_on, pace = start
    while opened := [
        (step, placed.day)
        for step, placed in ready(variant, stand, anchor_on=anchor_on, started_on=started_on, calendar=calendar)
        if step.key not in dues
    ]:
        for step, day in opened:
            dues[step.key] = day
            if must_wait(step, day, as_of):
                continue
            done_on = max(day + timedelta(days=PACES[pace][step.place % 4]), started_on)
            given_up = pace == GIVES_UP and step.place >= 2
            over = done_on <= as_of and not given_up
            stand[step.key] = Standing("done", done_on) if over else Standing("open")


_TABLES: Final = """
DROP TABLE IF EXISTS pg_temp.demo_play, pg_temp.demo_play_step;
CREATE TEMP TABLE demo_play (version_id bigint, playbook text, variant text, account_id bigint, started_on date,
    anchor_on date, pace int, lucky boolean, origin_key text, trigger text, won_on date);
CREATE TEMP TABLE demo_play_step (version_id bigint, variant text, started_on date, anchor_on date, pace int, key text,
    title text, place int, state text, due_on date, done_on date, owner text, done_when text);
"""
_INTO: Final = """
INSERT INTO demo_play
SELECT %(version)s, %(playbook)s, COALESCE(v.variant, %(other)s), c.account_id, c.started_on, c.anchor_on,
    floor(pg_temp.u(hashtext(a.external_id), %(salt)s + 1) * %(paces)s)::int,
    pg_temp.u(hashtext(a.external_id), %(salt)s + 2) * 10 < %(won)s, c.origin_key, c.trigger, c.won_on
FROM ({candidates}) AS c
JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = c.account_id AND a.status = 'customer'
LEFT JOIN unnest(%(segments)s::text[], %(variants)s::text[]) AS v(segment, variant) ON v.segment = a.segment
WHERE c.started_on >= %(from_on)s AND c.started_on < %(until_on)s
"""
_CHOOSE: Final = {
    "renewal": _INTO.format(
        candidates="""
    SELECT DISTINCT ON (r.account_id) r.account_id, r.due_on - 160 AS started_on, r.due_on AS anchor_on,
        'manual:renewal:' || r.account_id || ':1' AS origin_key, 'manual' AS trigger,
        CASE WHEN r.state = 'won' THEN r.decided_at::date END AS won_on
    FROM renewals_renewal r
    JOIN accounts_account account ON account.tenant_id = %(tenant)s AND account.id = r.account_id
    WHERE r.tenant_id = %(tenant)s AND r.state IN ('open', 'won', 'lost') AND r.due_on - 160 >= %(as_of)s::date - 200
      AND pg_temp.u(hashtext(account.external_id), %(salt)s) < %(share)s * 3
    ORDER BY r.account_id, r.due_on"""
    ),
    "onboarding": _INTO.format(
        candidates="""
    SELECT visit.account_id, visit.entered_on AS started_on, visit.entered_on AS anchor_on,
        %(rule)s || visit.id AS origin_key, 'stage' AS trigger, NULL::date AS won_on
    FROM journeys_stagevisit visit
    JOIN journeys_lifecyclestage stage ON stage.tenant_id = %(tenant)s AND stage.id = visit.stage_id
        AND stage.key = 'onboarding' AND stage.journey = 'standard'
    WHERE visit.tenant_id = %(tenant)s AND visit.left_on IS NULL"""
    ),
    "any": _INTO.format(
        candidates="""
    SELECT account.id AS account_id, day.at AS started_on, day.at AS anchor_on,
        'manual:' || %(playbook)s || ':' || account.id || ':1' AS origin_key,
        CASE WHEN pg_temp.u(hashtext(account.external_id), %(salt)s + 4) < 0.6 THEN 'alert' ELSE 'manual' END
            AS trigger, NULL::date AS won_on
    FROM accounts_account account
    CROSS JOIN LATERAL (SELECT %(as_of)s::date - 1
        - floor(pg_temp.u(hashtext(account.external_id), %(salt)s + 3) * 28)::int * 7 AS at) AS day
    WHERE account.tenant_id = %(tenant)s AND pg_temp.u(hashtext(account.external_id), %(salt)s) < %(share)s"""
    ),
}
_PLAN: Final = """
INSERT INTO demo_play_step VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
_WRITE: Final = (
    "ANALYZE demo_play; ANALYZE demo_play_step",
    # A renewal says what came of its play. Other outcomes are known a third of the way into their days where luck had
    # it, else when the days are over.
    """
INSERT INTO journeys_playbookrun (tenant_id, account_id, playbook, version_id, variant, state, trigger, origin_key,
    anchor_on, started_on, started_at, started_by, owner_id, ended_on, ended_by, end_reason, outcome, outcome_on, trace)
SELECT %(tenant)s, p.account_id, p.playbook, p.version_id, p.variant, f.state, p.trigger, p.origin_key, p.anchor_on,
    p.started_on, (p.started_on + time '09:00') AT TIME ZONE %(zone)s,
    CASE WHEN p.trigger = 'manual' THEN COALESCE(o.name, %(by)s) ELSE 'Playbooks' END, a.owner_id, f.ended_on,
    CASE WHEN f.state = 'running' THEN '' ELSE COALESCE(o.name, %(by)s) END,
    CASE WHEN f.state = 'stopped' THEN 'The customer asked us to wait.' ELSE '' END, f.outcome,
    CASE f.outcome WHEN 'reached' THEN COALESCE(p.won_on, p.started_on + f.days / 3)
        WHEN 'missed' THEN p.started_on + f.days END,
    CASE WHEN p.playbook = 'renewal' THEN '{"anchor": "looked_up"}'::jsonb ELSE '{}' END
FROM demo_play p
JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = p.account_id
LEFT JOIN accounts_person o ON o.tenant_id = %(tenant)s AND o.id = a.owner_id
JOIN core_processversion v ON v.tenant_id = %(tenant)s AND v.id = p.version_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE s.state IN ('open', 'ahead')) AS left_over, max(s.done_on) AS last_on,
           bool_or(s.state = 'open' AND s.due_on < %(as_of)s::date - 20) AS lies_idle,
           (v.definition -> 'outcome' ->> 'within_days')::int AS days
    FROM demo_play_step s
    WHERE (s.version_id, s.variant, s.started_on, s.anchor_on, s.pace)
        = (p.version_id, p.variant, p.started_on, p.anchor_on, p.pace)
) AS g
CROSS JOIN LATERAL (
    SELECT CASE WHEN g.left_over = 0 THEN 'finished' WHEN g.lies_idle THEN 'stopped' ELSE 'running' END AS state,
        CASE WHEN g.left_over = 0 THEN g.last_on WHEN g.lies_idle THEN COALESCE(g.last_on, p.started_on) + 14
        END AS ended_on, g.days,
        CASE WHEN p.playbook = 'renewal' THEN CASE WHEN p.won_on >= p.started_on THEN 'reached' ELSE '' END
             WHEN p.lucky AND p.started_on + g.days / 3 <= %(as_of)s THEN 'reached'
             WHEN NOT p.lucky AND p.started_on + g.days < %(as_of)s THEN 'missed' ELSE '' END AS outcome
) AS f
ON CONFLICT (tenant_id, origin_key) DO NOTHING
""",
    """
INSERT INTO journeys_runstep (tenant_id, run_id, key, title, position, state, assignee_id, due_on, done_on, done_by,
    done_by_person_id, unaided, note)
SELECT %(tenant)s, r.id, s.key, s.title, s.place, s.state, CASE WHEN s.state <> 'ahead' THEN w.id END, s.due_on,
    s.done_on, CASE WHEN s.state = 'done' THEN COALESCE(w.name, %(by)s) ELSE '' END,
    CASE WHEN s.state = 'done' THEN w.id END,
    CASE WHEN s.state = 'done' THEN CASE WHEN w.guided_until IS NULL THEN pg_temp.u(lot.n, 7600 + s.place) < 0.9
        ELSE pg_temp.u(lot.n, 7600 + s.place) < 0.35 + 0.025 * (s.done_on - w.guided_until + 30) END END,
    CASE WHEN s.state = 'done' THEN pg_temp.pick(%(notes)s::text[], lot.n, 7500 + s.place) ELSE '' END
FROM demo_play p
JOIN journeys_playbookrun r ON r.tenant_id = %(tenant)s AND r.origin_key = p.origin_key
JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = p.account_id
JOIN demo_play_step s ON (s.version_id, s.variant, s.started_on, s.anchor_on, s.pace)
    = (p.version_id, p.variant, p.started_on, p.anchor_on, p.pace)
LEFT JOIN accounts_person w ON w.tenant_id = %(tenant)s
    AND w.id = CASE WHEN s.owner = 'account_deputy' THEN COALESCE(a.deputy_id, a.owner_id) ELSE a.owner_id END
CROSS JOIN LATERAL (SELECT hashtext(a.external_id || r.playbook)::bigint AS n) AS lot
ON CONFLICT (tenant_id, run_id, key) DO NOTHING
""",
    """
INSERT INTO journeys_task (tenant_id, state, created_at, snooze_reason, closed_by, closed_at, account_id, kind, title,
    detail, due_on, priority, assignee_id, process_version_id, origin_key, subject_kind, subject_id)
SELECT %(tenant)s, CASE WHEN s.state = 'done' THEN 'done' WHEN r.state = 'running' THEN 'open' ELSE 'obsolete' END,
    r.started_at, '', CASE WHEN s.state = 'done' THEN s.done_by WHEN r.state = 'running' THEN '' ELSE r.ended_by END,
    CASE WHEN s.state = 'done' THEN (s.done_on + time '15:00') AT TIME ZONE %(zone)s
         WHEN r.state <> 'running' THEN (r.ended_on + time '15:00') AT TIME ZONE %(zone)s END,
    r.account_id, 'play', s.title, 'Done when: ' || q.done_when, s.due_on, 5, s.assignee_id, r.version_id,
    'play:' || r.id || ':' || s.key, 'play', r.id
FROM demo_play p
JOIN journeys_playbookrun r ON r.tenant_id = %(tenant)s AND r.origin_key = p.origin_key
JOIN journeys_runstep s ON s.tenant_id = %(tenant)s AND s.run_id = r.id AND s.state IN ('open', 'done')
JOIN demo_play_step q ON q.key = s.key AND (q.version_id, q.variant, q.started_on, q.anchor_on, q.pace)
    = (p.version_id, p.variant, p.started_on, p.anchor_on, p.pace)
ON CONFLICT (tenant_id, origin_key) WHERE NOT (origin_key = '') DO NOTHING
""",
    """
UPDATE journeys_runstep s SET task_id = t.id
FROM journeys_task t
WHERE s.tenant_id = %(tenant)s AND t.tenant_id = %(tenant)s AND t.subject_kind = 'play' AND t.subject_id = s.run_id
  AND t.origin_key = 'play:' || s.run_id || ':' || s.key AND s.task_id IS NULL
""",
)
