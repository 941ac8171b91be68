"""Plays that alerts start: once per alert, when it is told, by the live version of the playbook that its rule names."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from core.actors import Actor
from health.models import Alert
from health.queries.alert_rules import LiveRule
from journeys.actions.plays import Request, begin
from journeys.queries.plays import live_playbook

CHUNK: Final = 500


def start_alert_plays(
    rules: Sequence[LiveRule], alert_ids: Sequence[int], *, actor: Actor, today: date, now: datetime
) -> int:
    """Starts the plays of the told alerts; returns their number. Asked again for the same alerts it starts nothing.

    An account for which the play may not start, such as one for which it runs already, is passed over; the alert's
    page says so. A constant number of statements per rule and 500 accounts.
    """
    started = 0
    for one in rules:
        version = live_playbook(one.rule.playbook) if one.rule.playbook else None
        if version is None:
            continue
        found = Alert.objects.filter(pk__in=alert_ids, rule_key=one.version.key).order_by("account_id")
        alerts: dict[int, Mapping[str, Any]] = {
            row["account_id"]: row for row in found.values("pk", "account_id", "why")
        }
        ids = list(alerts)
        for low in range(0, len(ids), CHUNK):
            some = ids[low : low + CHUNK]
            request = Request(
                version,
                actor,
                today,
                now,
                trigger="alert",
                origins={pk: origin_of(alerts[pk]["pk"]) for pk in some},
                traces={pk: _trace(one, alerts[pk]) for pk in some},
            )
            started += len(begin(request, some).runs)
    return started


def origin_of(alert_id: int) -> str:
    """The key by which the play of an alert is found."""
    return f"alert:{alert_id}"


def _trace(rule: LiveRule, alert: Mapping[str, Any]) -> dict[str, Any]:
    return {"alert": alert["pk"], "rule": rule.version.name, "conditions": alert["why"]}
