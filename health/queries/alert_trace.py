"""Why a rule did or did not open an alert for an account on a day: every condition with its value then."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from accounts.models import Account
from core import facts, registry
from core.formatting import day as day_words
from core.models import ProcessVersion, Tenant
from core.trees import holds, leaves
from health.models import Alert, ScoringState
from health.queries.alert_rules import customers_then, versions_of
from health.queries.alert_words import tree_words
from health.rules.alert_words import SeenCondition, seen
from health.rules.alerts import AlertRule, parse_alert_rule


@dataclass(frozen=True)
class Trace:
    """The answer. `fired`: an alert opened on this day; `lines`: why, in the order in which it is decided."""

    account: Account
    version: ProcessVersion
    day: date
    was_live: bool
    when: str
    over: str
    met: bool
    is_over: bool
    conditions: tuple[SeenCondition, ...]
    over_conditions: tuple[SeenCondition, ...]
    alert: Alert | None
    fired: bool
    finding: str
    lines: tuple[str, ...]


def trace(*, account: Account, rule_key: str, day: date, tenant: Tenant, hidden: frozenset[str]) -> Trace | None:
    """What the rule that was live on the day saw then; with none live then, what the oldest version would have seen.

    None for a rule that was never published. Facts are read as of the day; where data have ended, as of their end.
    """
    versions = list(versions_of(rule_key))
    if not versions:
        return None
    end = datetime.combine(day + timedelta(days=1), time(), tzinfo=tenant.zone)
    live = [version for version in versions if version.published_at and version.published_at < end]
    version = live[0] if live else versions[-1]
    rule = parse_alert_rule(version.definition)
    values = _values(account, rule, day)
    met, is_over = holds(rule.when, values), holds(rule.clear_when, values)
    around = _alerts_around(account, rule_key, day)
    opened = next((one for one in around if one.opened_on == day), None)
    lines = list(_reasons(account, rule, day, around, met=met, is_over=is_over, was_live=bool(live)))
    return Trace(
        account=account,
        version=version,
        day=day,
        was_live=bool(live),
        when=tree_words(rule.when),
        over=tree_words(rule.clear_when),
        met=met,
        is_over=is_over,
        conditions=seen(_entries(rule.when, values), hidden),
        over_conditions=seen(_entries(rule.clear_when, values), hidden),
        alert=opened or next((one for one in around if _runs(one, day)), None),
        fired=opened is not None,
        finding=_finding(opened, day, lines),
        lines=tuple(lines),
    )


def _finding(opened: Alert | None, day: date, lines: list[str]) -> str:
    if opened is None:
        return f"No alert opened on {day_words(day)}. {lines[0] if lines else ''}".strip()
    if opened.is_held_back:
        return f"An alert opened on {day_words(day)} and is held back: the person's budget of the day was used up."
    return f"An alert opened on {day_words(day)}."


def _values(account: Account, rule: AlertRule, day: date) -> dict[str, Any]:
    keys = list(dict.fromkeys(str(leaf["fact"]) for tree in (rule.when, rule.clear_when) for leaf in leaves(tree)))
    rows = facts.annotate_facts(Account.objects.filter(pk=account.pk), keys, day)
    row = rows.values(*(facts.fact_column(key) for key in keys)).get()
    return {key: row[facts.fact_column(key)] for key in keys}


def _entries(tree: dict[str, Any], values: dict[str, Any]) -> list[dict[str, Any]]:
    known = registry.facts()
    return [
        {
            "fact": leaf["fact"],
            "label": known[leaf["fact"]].label if leaf["fact"] in known else leaf["fact"],
            "op": leaf["op"],
            "value": leaf.get("value"),
            "saw": values.get(leaf["fact"]),
        }
        for leaf in leaves(tree)
    ]


def _alerts_around(account: Account, rule_key: str, day: date) -> list[Alert]:
    """Alerts of the rule on the account that had opened by the day, the latest first."""
    rows = Alert.objects.filter(account_id=account.pk, rule_key=rule_key, opened_on__lte=day)
    return list(rows.select_related("person").order_by("-opened_on")[:20])


def _runs(alert: Alert, day: date) -> bool:
    return alert.opened_on <= day and (alert.closed_on is None or alert.closed_on > day)


def _reasons(
    account: Account, rule: AlertRule, day: date, around: list[Alert], *, met: bool, is_over: bool, was_live: bool
) -> list[str]:
    """Everything that stood against an alert, the first decisive one first."""
    found: list[str] = []
    if not was_live:
        found.append("The rule was not live yet; the values are those of its first version.")
    if not customers_then(day).filter(pk=account.pk).exists():
        found.append("The account was not a customer on this day; rules look at customers only.")
    running = next((one for one in around if one.opened_on < day and _runs(one, day)), None)
    if running is not None:
        found.append(f"An alert was open already, since {day_words(running.opened_on)}: one episode, one alert.")
    if not met:
        found.append("The condition was not met.")
    elif is_over:
        found.append("The condition was met, but so was the one by which it is over.")
    elif (missing := _days_missing(account, rule, day)) is not None:
        found.append(
            f"The condition has to hold for {rule.for_days} days; on {day_words(missing)} it did not hold yet."
        )
    cooling = _cooling(rule, day, around)
    if cooling is not None:
        found.append(cooling)
    held = next((one for one in around if one.opened_on == day and one.is_held_back), None)
    if held is not None:
        told = f"{rule.budget} alert{'' if rule.budget == 1 else 's'}"
        found.append(f"Held back: {held.person or 'the owner'} was told {told} on that day already.")
    return found + _not_looked(day, around, bool(found))


def _cooling(rule: AlertRule, day: date, around: list[Alert]) -> str | None:
    for one in around:
        if one.closed_on is not None and one.closed_on <= day and one.opened_on < day:
            until = one.closed_on + timedelta(days=rule.cool_down_days)
            if day < until:
                return f"Cooling down until {day_words(until)}: the last alert was over on {day_words(one.closed_on)}."
    return None


def _days_missing(account: Account, rule: AlertRule, day: date) -> date | None:
    for back in range(1, rule.for_days):
        then = day - timedelta(days=back)
        if not holds(rule.when, _values(account, rule, then)):
            return then
    return None


def _not_looked(day: date, around: list[Alert], explained: bool) -> list[str]:  # noqa: FBT001 -- private, one caller
    if explained or any(one.opened_on == day for one in around):
        return []
    state = ScoringState.objects.first()
    if state is None or state.as_of < day:
        return ["Everything was met; nobody has looked at this day yet. The next look opens it."]
    return ["By what is known now everything was met. It was not known on that day, or nobody had looked."]
