"""The alert rules replayed over the last half year, with the live scores and with those of a draft."""

from collections.abc import Callable, Mapping
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
_KEPT: Final = """
DROP TABLE IF EXISTS draft_score;
CREATE TEMP TABLE draft_score (day date, account_id bigint, score float8, band text, coverage float8) ON COMMIT DROP;
CREATE INDEX ON draft_score (day)"""
_JUDGE: Final = """
INSERT INTO draft_score SELECT %(as_of)s::date, account_id, score, band, coverage FROM judged"""
_SCORES: Final = "SELECT account_id, score, band, coverage FROM draft_score WHERE day = %s"


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
    draft = DraftScores(judge=_judge_of(model), yellow_from=model.yellow)
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


def _judge_of(model: ScoreModel) -> Callable[[date], Mapping[int, DraftScore]]:
    """Every day is judged once, for all rules; the scores stay in the database until the transaction is over."""
    ctes, params = judged_sql(model, then=True)
    known: set[date] = set()
    with connection.cursor() as cursor:
        cursor.execute(_KEPT)

    def judge(day: date) -> Mapping[int, DraftScore]:
        with connection.cursor() as cursor:
            if day not in known:
                cursor.execute(ctes + _JUDGE, {**params, "as_of": day})
                known.add(day)
            cursor.execute(_SCORES, [day])
            return {row[0]: DraftScore(*row[1:]) for row in cursor}

    return judge
