"""Everything before a talk about one account, in a handful of statements."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import connection

from accounts.models import Account
from core.tenancy import require_tenant_id

PEOPLE_SHOWN: Final = 6
WORK_SHOWN: Final = 8
DEALS_SHOWN: Final = 6

_AROUND: Final = """
SELECT
  (SELECT json_agg(x) FROM (
     SELECT id, name, title, role, last_touch_on, left_on FROM accounts_contact
     WHERE tenant_id = %(tenant)s AND account_id = %(account)s
     ORDER BY (left_on IS NOT NULL), (role = ''), last_touch_on DESC NULLS LAST, id LIMIT %(people)s) AS x),
  (SELECT count(*) FROM (
     SELECT FROM accounts_contact WHERE tenant_id = %(tenant)s AND account_id = %(account)s LIMIT 1000) AS x),
  (SELECT json_agg(x) FROM (
     SELECT title, unit, baseline, target, actual, actual_on, target_on, source FROM accounts_goal
     WHERE tenant_id = %(tenant)s AND account_id = %(account)s ORDER BY id LIMIT 12) AS x),
  (SELECT json_agg(x) FROM (
     SELECT c.id, c.name, c.external_id, c.starts_on, c.ends_on, c.auto_renew, c.notice_days, c.billing_months,
            (SELECT sum(l.quantity) FROM accounts_contractline l
             WHERE l.tenant_id = c.tenant_id AND l.contract_id = c.id AND l.kind = 'recurring'
               AND l.starts_on <= %(today)s AND (l.ends_on IS NULL OR l.ends_on > %(today)s)) AS seats,
            (SELECT string_agg(DISTINCT p.name, ', ') FROM accounts_contractline l
             JOIN accounts_product p ON p.tenant_id = l.tenant_id AND p.id = l.product_id
             WHERE l.tenant_id = c.tenant_id AND l.contract_id = c.id AND l.starts_on <= %(today)s
               AND (l.ends_on IS NULL OR l.ends_on > %(today)s)) AS products
     FROM accounts_contract c WHERE c.tenant_id = %(tenant)s AND c.account_id = %(account)s AND c.starts_on <= %(today)s
     ORDER BY (c.ends_on IS NOT NULL AND c.ends_on <= %(today)s), c.ends_on DESC NULLS FIRST LIMIT 3) AS x),
  (SELECT row_to_json(x) FROM (
     SELECT l.name, v.entered_on, v.is_start_known FROM journeys_stagevisit v
     JOIN journeys_lifecyclestage l ON l.tenant_id = v.tenant_id AND l.id = v.stage_id
     WHERE v.tenant_id = %(tenant)s AND v.account_id = %(account)s AND v.left_on IS NULL) AS x),
  (SELECT json_agg(x) FROM (
     SELECT id, title, kind, due_on, subject_kind, subject_id FROM journeys_task
     WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND state = 'open'
     ORDER BY due_on, id LIMIT %(work)s) AS x),
  (SELECT count(*) FROM journeys_task WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND state = 'open'),
  (SELECT json_agg(x) FROM (
     SELECT id, tier, opened_at, respond_by FROM escalations_escalation
     WHERE tenant_id = %(tenant)s AND account_id = %(account)s AND state = 'open' ORDER BY tier DESC, id LIMIT 3) AS x),
  (SELECT json_agg(x) FROM (
     SELECT id, due_on, state FROM qbr_qbr WHERE tenant_id = %(tenant)s AND account_id = %(account)s
       AND state IN ('draft', 'review', 'sent') ORDER BY due_on LIMIT 2) AS x),
  (SELECT json_agg(x) FROM (
     SELECT e.id, v.name, e.opened_on, e.is_held_back, e.why FROM health_alert e
     JOIN core_processversion v ON v.tenant_id = e.tenant_id AND v.id = e.rule_id
     WHERE e.tenant_id = %(tenant)s AND e.account_id = %(account)s AND e.closed_at IS NULL
     ORDER BY e.opened_on DESC, e.id DESC LIMIT 3) AS x),
  (SELECT json_agg(x) FROM (
     SELECT r.id, v.name, r.state, r.outcome, r.ended_on, s.done, s.total, o.title AS next_title, o.due_on AS next_due
     FROM journeys_playbookrun r
     JOIN core_processversion v ON v.tenant_id = r.tenant_id AND v.id = r.version_id
     CROSS JOIN LATERAL (
       SELECT count(*) FILTER (WHERE state = 'done') AS done, count(*) FILTER (WHERE state <> 'left_out') AS total
       FROM journeys_runstep WHERE tenant_id = %(tenant)s AND run_id = r.id) AS s
     LEFT JOIN LATERAL (
       SELECT title, due_on FROM journeys_runstep WHERE tenant_id = %(tenant)s AND run_id = r.id AND state = 'open'
       ORDER BY due_on, position LIMIT 1) AS o ON true
     WHERE r.tenant_id = %(tenant)s AND r.account_id = %(account)s
     ORDER BY (r.state <> 'running'), r.started_on DESC, r.id DESC LIMIT 5) AS x),
  (SELECT json_agg(x) FROM (
     (SELECT o.id, o.name, s.name AS stage, s.kind AS state, o.amount_minor, o.currency, o.close_on AS day
      FROM journeys_opportunity o
      JOIN journeys_pipelinestage s ON s.tenant_id = o.tenant_id AND s.id = o.stage_id AND s.kind = 'open'
      WHERE o.tenant_id = %(tenant)s AND o.account_id = %(account)s
      ORDER BY o.close_on NULLS LAST, o.id LIMIT %(deals)s)
     UNION ALL
     (SELECT o.id, o.name, s.name, s.kind, o.amount_minor, o.currency, COALESCE(o.closed_on, o.close_on)
      FROM journeys_opportunity o
      JOIN journeys_pipelinestage s ON s.tenant_id = o.tenant_id AND s.id = o.stage_id AND s.kind <> 'open'
      WHERE o.tenant_id = %(tenant)s AND o.account_id = %(account)s
      ORDER BY COALESCE(o.closed_on, o.close_on) DESC NULLS LAST, o.id DESC LIMIT 3)) AS x),
  (SELECT json_agg(x) FROM (
     SELECT o.currency, count(*) AS deals, COALESCE(sum(o.amount_minor), 0) AS minor FROM journeys_opportunity o
     JOIN journeys_pipelinestage s ON s.tenant_id = o.tenant_id AND s.id = o.stage_id AND s.kind = 'open'
     WHERE o.tenant_id = %(tenant)s AND o.account_id = %(account)s GROUP BY o.currency ORDER BY 3 DESC, 1) AS x),
  (SELECT row_to_json(x) FROM (
     SELECT kind, day, reason FROM accounts_outcome WHERE tenant_id = %(tenant)s AND account_id = %(account)s
     ORDER BY day DESC, id DESC LIMIT 1) AS x),
  (SELECT json_agg(h.score ORDER BY week.day) FROM (
     SELECT COALESCE((SELECT s.as_of FROM health_score s WHERE s.tenant_id = %(tenant)s AND s.account_id = %(account)s),
       %(today)s::date) - 7 * n AS day FROM generate_series(0, 25) AS n) AS week
   JOIN LATERAL (
     SELECT h.score FROM health_scorehistory h WHERE h.tenant_id = %(tenant)s AND h.account_id = %(account)s
       AND h.as_of <= week.day ORDER BY h.as_of DESC, h.computed_at DESC LIMIT 1) AS h ON true)
"""


@dataclass(frozen=True)
class Someone:
    """A person at the customer."""

    name: str
    title: str
    role: str
    last_touch_on: date | None
    left_on: date | None
    silent_days: int | None


@dataclass(frozen=True)
class GoalWay:
    """How far a goal has come. `share` 0 to 1 of the way from baseline to target; None without both ends."""

    title: str
    unit: str
    baseline: float | None
    target: float
    actual: float | None
    share: float | None
    state: str


@dataclass(frozen=True)
class ContractFacts:
    id: int
    label: str
    starts_on: date
    ends_on: date | None
    auto_renew: bool
    notice_days: int | None
    months: int | None
    seats: int | None
    products: str
    is_active: bool


@dataclass(frozen=True)
class Work:
    """Something open: a task, an escalation, a review."""

    icon: str
    title: str
    due_on: date
    kind: str
    subject_kind: str
    subject_id: int | None


@dataclass(frozen=True)
class Around:
    """What stands around an account."""

    people: list[Someone] = field(default_factory=list)
    contacts: int = 0
    goals: list[GoalWay] = field(default_factory=list)
    contracts: list[ContractFacts] = field(default_factory=list)
    stage: str = ""
    stage_since: date | None = None
    stage_days: int = 0
    # Only since when it is known to be there at the latest.
    stage_is_at_least: bool = False
    work: list[Work] = field(default_factory=list)
    work_total: int = 0
    escalation: dict[str, Any] | None = None
    alerts: list[dict[str, Any]] = field(default_factory=list)
    plays: list[dict[str, Any]] = field(default_factory=list)
    # The next to close of what is open, then the last three that closed; and what is open in all, by currency.
    deals: list[dict[str, Any]] = field(default_factory=list)
    open_deals: list[dict[str, Any]] = field(default_factory=list)
    outcome: dict[str, Any] | None = None
    line: list[float | None] = field(default_factory=list)

    @property
    def contract(self) -> ContractFacts | None:
        """The contract in force, or None."""
        return next((one for one in self.contracts if one.is_active), None)


def account_with_team(account_id: int) -> Account | None:
    """The account with owner and deputy, or None: another workspace's account does not exist here."""
    return Account.objects.select_related("owner", "deputy").filter(pk=account_id).first()


def around(account_id: int, today: date) -> Around:
    """People, goals, contracts, stage, deals and open work. One query, each part bounded."""
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "account": account_id,
        "today": today,
        "people": PEOPLE_SHOWN,
        "work": WORK_SHOWN,
        "deals": DEALS_SHOWN,
    }
    with connection.cursor() as cursor:
        cursor.execute(_AROUND, params)
        (
            people,
            contacts,
            goals,
            contracts,
            stage,
            tasks,
            open_tasks,
            escalations,
            qbrs,
            alerts,
            plays,
            deals,
            open_deals,
            outcome,
            line,
        ) = cursor.fetchone()
    work = _work(tasks or [], escalations or [], qbrs or [], today)
    return Around(
        people=[_someone(one, today) for one in people or []],
        contacts=contacts,
        goals=[_goal(one) for one in goals or []],
        contracts=[_contract(one, today) for one in contracts or []],
        stage=stage["name"] if stage else "",
        stage_since=_day(stage["entered_on"]) if stage else None,
        stage_days=(today - _day(stage["entered_on"])).days if stage else 0,
        stage_is_at_least=bool(stage) and not stage["is_start_known"],
        work=work[:WORK_SHOWN],
        work_total=open_tasks + len(work) - len(tasks or []),
        escalation=(escalations or [None])[0],
        alerts=[one | {"opened_on": _day(one["opened_on"])} for one in alerts or []],
        plays=[_play(one) for one in plays or []],
        deals=[one | {"day": _day(one["day"]) if one["day"] else None} for one in deals or []],
        open_deals=open_deals or [],
        outcome=outcome | {"day": _day(outcome["day"])} if outcome else None,
        line=line or [],
    )


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _play(one: dict[str, Any]) -> dict[str, Any]:
    return one | {name: _day(one[name]) if one[name] else None for name in ("ended_on", "next_due")}


def _someone(one: dict[str, Any], today: date) -> Someone:
    touched = _day(one["last_touch_on"]) if one["last_touch_on"] else None
    left = _day(one["left_on"]) if one["left_on"] else None
    return Someone(one["name"], one["title"], one["role"], touched, left, (today - touched).days if touched else None)


def _goal(one: dict[str, Any]) -> GoalWay:
    baseline, target, actual = one["baseline"], one["target"], one["actual"]
    share = None
    if baseline is not None and actual is not None and baseline != target:
        share = (actual - baseline) / (target - baseline)
    return GoalWay(one["title"], one["unit"], baseline, target, actual, share, goal_state(share, actual))


def goal_state(share: float | None, actual: float | None) -> str:
    """reached, ahead (two thirds of the way), behind, falling (further off than at the start), or unknown."""
    if actual is None:
        return "nodata"
    if share is None:
        return "unknown"
    if share >= 1:
        return "reached"
    if share < 0:
        return "falling"
    return "ahead" if share >= 2 / 3 else "behind"


def _contract(one: dict[str, Any], today: date) -> ContractFacts:
    starts, ends = _day(one["starts_on"]), _day(one["ends_on"]) if one["ends_on"] else None
    return ContractFacts(
        id=one["id"],
        label=one["name"] or one["external_id"] or f"from {starts}",
        starts_on=starts,
        ends_on=ends,
        auto_renew=one["auto_renew"],
        notice_days=one["notice_days"],
        months=round((ends - starts).days / 30.4) if ends else None,
        seats=one["seats"],
        products=one["products"] or "",
        is_active=ends is None or ends > today,
    )


_WORK_ICONS: Final = {"renewal": "file-text", "qbr": "presentation", "escalation": "siren", "alert": "trending-down"}


def _work(
    tasks: list[dict[str, Any]], escalations: list[dict[str, Any]], qbrs: list[dict[str, Any]], today: date
) -> list[Work]:
    served = {(task["subject_kind"], task["subject_id"]) for task in tasks}
    found = [
        Work(_WORK_ICONS.get(task["kind"], "list-checks"), task["title"], _day(task["due_on"]), task["kind"],
             task["subject_kind"], task["subject_id"])
        for task in tasks
    ]  # fmt: skip
    for one in escalations:
        if ("escalation", one["id"]) not in served:
            due = datetime.fromisoformat(one["respond_by"]).date() if one["respond_by"] else today
            found.append(Work("siren", "Reply to the escalation", due, "escalation", "escalation", one["id"]))
    found += [
        Work("presentation", "Business review", _day(one["due_on"]), "qbr", "qbr", one["id"])
        for one in qbrs
        if ("qbr", one["id"]) not in served
    ]
    return sorted(found, key=lambda one: one.due_on)


CHANGE_SINCE: Final = timedelta(days=30)
