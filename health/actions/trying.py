"""Trying a draft on very many accounts: the same reads as on the page, done by the worker."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final

from core.actors import Actor
from core.jobs import start_job
from core.models import Job, ProcessVersion
from health.queries.draft_alerts import replay, replay_key
from health.queries.impact import as_json, impact
from health.queries.tried import IMPACT_JOB, bands_to_keep, flips_to_keep, impact_key

REPLAY_JOB: Final = "health.replay"
IMPACT_PARTS: Final = {
    "impact": "Judging today's accounts",
    "flips": "Naming who changes band",
    "bands": "Counting the bands of every input",
}
__all__ = ["IMPACT_JOB", "IMPACT_PARTS", "REPLAY_JOB", "impact_of", "replay_of", "start_impact", "start_replay"]


def start_impact(*, version: ProcessVersion, as_of: date, actor: Actor, now: datetime) -> Job:
    """The job that works out what this very content would do on this day; asked twice, it is the same job."""
    key = impact_key(version, as_of)
    payload = {"version": version.pk, "as_of": as_of.isoformat()}
    return start_job(kind=IMPACT_JOB, key=key, payload=payload, actor=actor, now=now, again=True)


def impact_of(payload: dict[str, Any], part: str) -> Any:
    """What the pages show, as JSON; `part` is one of `IMPACT_PARTS`. Empty where the draft has gone meanwhile."""
    version = ProcessVersion.objects.filter(pk=payload["version"]).first()
    today = date.fromisoformat(payload["as_of"])
    if version is None:
        return {}
    if part == "flips":
        return flips_to_keep(version, today)
    return bands_to_keep(version, today) if part == "bands" else as_json(impact(version, today=today))


def start_replay(*, version: ProcessVersion, as_of: date, actor: Actor, now: datetime) -> Job:
    """The job that replays the alert rules with this very content; asked twice, it is the same job."""
    payload = {"version": version.pk, "as_of": as_of.isoformat()}
    key = replay_key(version, as_of)
    return start_job(kind=REPLAY_JOB, key=key, payload=payload, actor=actor, now=now, again=True)


def replay_of(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """What the page shows, as JSON."""
    version = ProcessVersion.objects.filter(pk=payload["version"]).first()
    found = replay(version, today=date.fromisoformat(payload["as_of"])) if version else []
    return [{**asdict(one), "difference": one.difference} for one in found]
