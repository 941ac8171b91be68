"""What each rule is worth: counts, verdicts, precision and lead time, of alerts that were and that would have been."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection

from accounts.queries.lost import IS_LOST, first_losses
from core.models import Job, ProcessVersion
from core.tenancy import require_tenant_id
from health.queries.alert_rules import customers_then, live_rules
from health.queries.alert_trials import LOST_WITHIN, Fired, early_share, record_of, would_fire
from health.queries.alert_words import tree_words
from health.rules.alerts import AlertRule
from journeys.rules.play_figures import Share, last_periods

LEAST: Final = 5

_FIGURES: Final = f"""
SELECT e.rule_key, count(*), count(*) FILTER (WHERE e.closed_at IS NULL),
    count(*) FILTER (WHERE e.closed_at IS NULL AND e.is_held_back),
    count(*) FILTER (WHERE e.verdict = 'useful'), count(*) FILTER (WHERE e.verdict = 'not_useful'),
    count(*) FILTER (WHERE e.verdict = 'too_early'), count(*) FILTER (WHERE e.verdict = 'duplicate'),
    count(*) FILTER (WHERE e.opened_on <= %(judged)s), count(lost.day) FILTER (WHERE e.opened_on <= %(judged)s),
    percentile_cont(0.5) WITHIN GROUP (ORDER BY lost.day - e.opened_on) FILTER (WHERE e.opened_on <= %(judged)s),
    count(lost.day) FILTER (WHERE e.opened_on > %(judged)s)
FROM health_alert e
LEFT JOIN LATERAL (
    SELECT min(o.day) AS day FROM accounts_outcome o
    WHERE o.tenant_id = %(tenant)s AND o.account_id = e.account_id AND {IS_LOST}
      AND o.day >= e.opened_on AND o.day <= e.opened_on + %(within)s
) AS lost ON true
WHERE e.tenant_id = %(tenant)s
GROUP BY e.rule_key
"""  # noqa: S608 -- a constant

_QUARTERS: Final = """
SELECT e.rule_key, q.n, count(*) FILTER (WHERE e.verdict = 'useful'), count(*)
FROM health_alert e
JOIN unnest(%(ns)s::int[], %(froms)s::date[], %(untils)s::date[]) AS q(n, from_on, until_on)
    ON e.opened_on >= q.from_on AND e.opened_on < q.until_on
WHERE e.tenant_id = %(tenant)s AND e.verdict <> ''
GROUP BY e.rule_key, q.n
"""
FLOOR: Final = 30


@dataclass(frozen=True)
class RuleFigures:
    """`judged`: alerts that are 180 days old; `right`: those whose account was lost within that time.

    `young`: alerts that are not that old and whose account is lost already. They would count as hits only, so they
    are in neither figure.
    """

    alerts: int = 0
    open: int = 0
    held_back: int = 0
    useful: int = 0
    not_useful: int = 0
    too_early: int = 0
    duplicate: int = 0
    judged: int = 0
    right: int = 0
    lead_days: float | None = None
    young: int = 0

    @property
    def verdicts(self) -> int:
        return self.useful + self.not_useful + self.too_early + self.duplicate

    @property
    def said_useful(self) -> float | None:
        """Share of verdicts that say useful; None under five."""
        return self.useful / self.verdicts if self.verdicts >= LEAST else None

    @property
    def precision(self) -> float | None:
        """Share of judged alerts after which the account was lost; None under five."""
        return self.right / self.judged if self.judged >= LEAST else None


@dataclass(frozen=True)
class RuleLine:
    """A live rule with its words, what came of its alerts, and what the past year would have shown."""

    version: ProcessVersion
    rule: AlertRule
    when: str
    over: str
    figures: RuleFigures
    tried: Mapping[str, Any] | None
    quarters: tuple[Share, ...] = ()

    @property
    def is_weak(self) -> bool:
        """Fewer than 30 % useful in each of the last two whole quarters, with at least five verdicts in both."""
        return len(self.quarters) == 2 and all(one.is_below(FLOOR, LEAST) for one in self.quarters)


@dataclass(frozen=True)
class RuleBook:
    """The live rules. `job` is the last trial, running or done; `early` its share of losses that were alerted."""

    lines: list[RuleLine]
    job: Job | None
    early: Mapping[str, Any] | None


def figures(today: date) -> dict[str, RuleFigures]:
    """What came of the alerts of each rule. One query."""
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "judged": today - timedelta(days=LOST_WITHIN),
        "within": LOST_WITHIN,
    }
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, params)
        return {row[0]: RuleFigures(*row[1:]) for row in cursor.fetchall()}


def quarters(today: date) -> dict[str, tuple[Share, ...]]:
    """Useful ones among the verdicts on alerts of the last two whole quarters, the latest first, by rule. One query."""
    periods = last_periods(today, 2)
    params: dict[str, Any] = {
        "tenant": require_tenant_id(),
        "ns": list(range(len(periods))),
        "froms": [begins for begins, _ in periods],
        "untils": [ends for _, ends in periods],
    }
    found: dict[str, dict[int, Share]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_QUARTERS, params)
        for key, n, useful, said in cursor.fetchall():
            found.setdefault(key, {})[n] = Share(useful, said)
    return {key: tuple(ones.get(n, Share(0, 0)) for n in (0, 1)) for key, ones in found.items()}


def rule_book(today: date) -> RuleBook:
    """The page of rules. Four queries."""
    known, shares = figures(today), quarters(today)
    job = Job.objects.filter(kind="health.alert_trial").order_by("-created_at").first()
    result = job.result if job else {}
    tried = result.get("rules", {})
    lines = [
        RuleLine(
            version=live.version,
            rule=live.rule,
            when=tree_words(live.rule.when),
            over=tree_words(live.rule.clear_when),
            figures=known.get(live.version.key, RuleFigures()),
            tried=tried.get(live.version.key),
            quarters=shares.get(live.version.key, ()),
        )
        for live in live_rules()
    ]
    return RuleBook(lines=lines, job=job, early=result.get("early"))


def try_live_rules(from_day: date, until_day: date, *, step_days: int = 7) -> dict[str, Any]:
    """Every live rule on a stretch of the past, against what happened then. Writes nothing.

    `early` is the share of the lost accounts that some rule would have named at least 90 days before. An account
    counts where the stretch holds the 180 days before its loss: an earlier loss could not have been seen coming.
    """
    lost = first_losses(from_day + timedelta(days=LOST_WITHIN), until_day + timedelta(days=1))
    every_loss = first_losses(from_day, until_day + timedelta(days=1))
    fired: dict[str, tuple[Fired, ...]] = {}
    rules: dict[str, Any] = {}
    for live in live_rules():
        trial = would_fire(live.rule, from_day, until_day, step_days)
        fired[live.version.key] = trial.fired
        record = record_of(trial.fired, every_loss, today=until_day)
        rules[live.version.key] = {**asdict(record), "precision": record.precision, "number": live.version.number}
    stayed = set(customers_then(until_day).order_by().values_list("pk", flat=True)) - every_loss.keys()
    early = early_share(fired, lost, stayed)
    return {
        "from": from_day.isoformat(),
        "until": until_day.isoformat(),
        "rules": rules,
        "early": {**asdict(early), "share": early.share},
    }
