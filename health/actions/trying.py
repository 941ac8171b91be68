"""Trying a draft on very many accounts: the same reads as on the page, done by the worker."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Final

from core.actors import Actor
from core.jobs import start_job
from core.models import Job, ProcessVersion
from health.queries.draft_alerts import replay, replay_key
from health.queries.impact import as_json, impact

IMPACT_JOB: Final = "health.impact"
REPLAY_JOB: Final = "health.replay"


def start_impact(*, version: ProcessVersion, as_of: date, actor: Actor, now: datetime) -> Job:
    """The job that works out what this very content would do on this day; asked twice, it is the same job."""
    key = f"{version.pk} {version.content_hash[:16]} {as_of}"
    payload = {"version": version.pk, "as_of": as_of.isoformat()}
    return start_job(kind=IMPACT_JOB, key=key, payload=payload, actor=actor, now=now, again=True)


def impact_of(payload: dict[str, Any]) -> dict[str, Any]:
    """What the page shows, as JSON; an empty one where the draft has gone meanwhile."""
    version = ProcessVersion.objects.filter(pk=payload["version"]).first()
    return as_json(impact(version, today=date.fromisoformat(payload["as_of"]))) if version else {}


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
