"""The alert rules replayed over the last half year, with the live scores and with those of a draft."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db import connection

from core import facts
from core.models import Job, ProcessVersion
from core.queries import published_versions
from health.queries.alert_trials import DraftScore, DraftScores, would_fire
from health.queries.live import model_of
from health.queries.moments import judged_sql
from health.rules import ScoreModel
from health.rules.alerts import AlertRule, parse_alert_rule

DAYS: Final = 180
_SCORES: Final = " SELECT account_id, score, band, coverage FROM judged"


@dataclass(frozen=True)
class Replayed:
    """One rule: how many alerts it would have opened, and how many tasks the draft's alerts would have started."""

    name: str
    live: int
    draft: int
    tasks: int

    @property
    def difference(self) -> int:
        return self.draft - self.live


def replay(version: ProcessVersion, *, today: date) -> list[Replayed]:
    """Every live rule that reads a score, by its name. Nothing is written and nobody is told."""
    model = model_of(version)
    draft = DraftScores(judge=lambda day: _judged(model, day), yellow_from=model.yellow)
    first = today - timedelta(days=DAYS)
    found = []
    for rule in published_versions("alert_rule"):
        asked = parse_alert_rule(rule.definition)
        if not _reads_scores(asked):
            continue
        live = would_fire(asked, first, today)
        then = would_fire(asked, first, today, draft=draft)
        found.append(Replayed(rule.name, len(live.fired), len(then.fired), _tasks(asked, len(then.fired))))
    return found


def replay_key(version: ProcessVersion, as_of: date) -> str:
    """The name of the job that replays this very content as of this day."""
    return f"{version.pk} {version.content_hash[:16]} {as_of}"


def replayed(version: ProcessVersion, as_of: date) -> Job | None:
    """The job that replays what the draft says now, if somebody asked for it."""
    return Job.objects.filter(kind="health.replay", key=replay_key(version, as_of)).first()


def _reads_scores(rule: AlertRule) -> bool:
    return any(one.fact.startswith("health.") for one in facts.conditions(rule.when))


def _tasks(rule: AlertRule, fired: int) -> int:
    return fired if rule.task else 0


def _judged(model: ScoreModel, day: date) -> Mapping[int, DraftScore]:
    ctes, params = judged_sql(model, then=True)
    with connection.cursor() as cursor:
        cursor.execute(ctes + _SCORES, {**params, "as_of": day})
        return {row[0]: DraftScore(row[1], row[2], row[3]) for row in cursor.fetchall()}
