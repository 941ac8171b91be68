"""Validation: how well a version told the lost from the kept, stored as reports that nobody can rewrite."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import transaction

from accounts.models import Outcome
from core import audit
from core.actors import Actor
from core.choices import VersionState
from core.jobs import start_job
from core.models import Job, ProcessVersion
from core.queries import published_version
from health.models import ValidationReport
from health.queries.live import KIND, model_of
from health.queries.outcomes import EPOCH
from health.queries.validation import LEADS, calibration_of, nearest_lead, trained_until
from health.rules import unlearned

VALIDATE_JOB: Final = "health.validate"
Told = Callable[[int], None]


class CannotValidate(ValueError):
    """There is nothing that could be tested; the message says what is missing and what to do."""


@transaction.atomic
def start_validation(*, version: ProcessVersion, actor: Actor, now: datetime, today: date) -> Job:
    """A job that reports on a version at all lead times. Asked again on the same content and outcomes: the same job."""
    key = f"{version.pk}:{version.content_hash[:16]}:{today}:{outcomes_stand()}"
    payload = {"version": version.pk, "leads": list(LEADS)}
    return start_job(kind=VALIDATE_JOB, key=key, payload=payload, actor=actor, now=now, again=True)


@transaction.atomic
def validate(
    *, version: ProcessVersion, actor: Actor, now: datetime, today: date, leads: Sequence[int] = LEADS
) -> list[ValidationReport]:
    """Reports on a version, one per lead time, in that order. Raises `CannotValidate`."""
    main = nearest_lead(leads)
    found = {
        lead: assess(version, lead_days=lead, today=today, beside_live=lead == main) for lead in dict.fromkeys(leads)
    }
    return store_reports(version=version, found=found, actor=actor, now=now, today=today)


def assess(
    version: ProcessVersion,
    *,
    lead_days: int,
    today: date,
    beside_live: bool = False,
    told: Told = lambda _done: None,
) -> dict[str, Any]:
    """The figures of a report, stored nowhere yet. Only what was known by each outcome's lead date enters.

    The live version is judged by the scores that were stored, and where none was by the facts effective by then; any
    other version by those facts. Outcomes that taught the version are left out. `beside_live`: with the live version on
    the same outcomes.
    """
    # Heavy, and only jobs and commands come here.
    from health.learning import report as learning  # noqa: PLC0415 -- numpy must not be loaded when the web starts
    from health.queries.evidence import gather  # noqa: PLC0415 -- as above

    model = model_of(version)
    if missing := unlearned(model):
        raise CannotValidate(
            f"{', '.join(missing)}: still to be learned. Run calibrate_health first, then validate its proposal."
        )
    since = trained_until(version)
    is_live = version.state == VersionState.PUBLISHED
    found = gather(
        model, lead_days=lead_days, today=today, since=since, stored_of=version.key if is_live else "", told=told
    )
    keys, labels = [one.key for one in model.inputs], [one.label for one in model.inputs]
    figures = learning.figures(found.rows, keys=keys, labels=labels)
    scored = ~_is_nan(found.rows.score)
    rebuilt = int((found.reconstructed & scored).sum())
    flags = learning.flags(figures)
    live = None if is_live else published_version(KIND, version.key)
    if live is not None and beside_live:
        theirs = gather(model_of(live), lead_days=lead_days, today=today, since=since)
        figures["live"] = _against(found.rows, theirs.rows) | {"number": live.number}
    days = found.rows.day[scored]
    return figures | {
        "lead_days": lead_days,
        "from": (EPOCH + timedelta(days=int(days.min()))).isoformat() if len(days) else None,
        "until": (EPOCH + timedelta(days=int(days.max()) + 1)).isoformat() if len(days) else None,
        "reconstructed": bool(rebuilt) or not len(days),
        "reconstructed_n": rebuilt,
        "stored_by_version": {str(number): n for number, n in found.versions.items()},
        "weights": {one.key: round(one.weight, 6) for one in model.inputs},
        "flags": [flag.as_json() for flag in flags],
        "content_hash": version.content_hash,
        "live_number": live and live.number,
        "version": {"key": version.key, "number": version.number, "based_on": version.based_on},
        "lineage": _lineage(version),
        "split": _split(version, since, figures["n"]),
    }


@transaction.atomic
def store_reports(
    *, version: ProcessVersion, found: dict[int, dict[str, Any]], actor: Actor, now: datetime, today: date
) -> list[ValidationReport]:
    """Keeps what `assess` found, one row per lead time."""
    reports = [
        ValidationReport.objects.create(
            model_version=version,
            lead_days=lead,
            from_day=figures["from"] and date.fromisoformat(figures["from"]),
            until_day=date.fromisoformat(figures["until"]) if figures["until"] else today + timedelta(days=1),
            verdict=figures["verdict"],
            reconstructed=figures["reconstructed"],
            auc=figures["auc"],
            auc_low=figures["auc_low"],
            auc_high=figures["auc_high"],
            n=figures["n"],
            events=figures["events"],
            figures=figures,
            made_at=now,
            made_by=actor.label,
        )
        for lead, figures in found.items()
    ]
    verdicts = {report.lead_days: report.verdict for report in reports}
    audit.record(actor=actor, at=now, verb="validated", subject=version, after={"verdicts": verdicts})
    return reports


def _split(version: ProcessVersion, since: date | None, tested: int) -> dict[str, Any]:
    taught = calibration_of(version)
    train = taught.figures["split"]["train_n"] if taught else None
    return {"train_until": since and since.isoformat(), "train_n": train, "test_n": tested}


def _lineage(version: ProcessVersion) -> list[dict[str, Any]]:
    """From the first version to this one: number, how it came about, who made it live and why."""
    versions = ProcessVersion.objects.filter(kind=version.kind, key=version.key, number__lte=version.number)
    out = []
    for one in versions.order_by("number"):
        if one.pk != version.pk and one.published_at is None:
            continue
        taught = calibration_of(one)
        out.append(
            {
                "number": one.number,
                "origin": "calibrated" if taught else "intuition",
                "trained_until": taught.train_until.isoformat() if taught else None,
                "based_on": one.based_on,
                "published_at": one.published_at and one.published_at.isoformat(),
                "published_by": one.published_by,
                "reason": one.reason,
                "waived_by": one.waived_by,
            }
        )
    return out


def _against(mine: Any, theirs: Any) -> dict[str, Any]:
    """Both models on the outcomes that both are for."""
    import numpy as np  # noqa: PLC0415 -- as in assess

    from health.learning.report import live_comparison  # noqa: PLC0415 -- as in assess

    size = np.int64(1_000_000)  # days fit in, so that account and day make one number
    _, left, right = np.intersect1d(
        mine.account * size + mine.day, theirs.account * size + theirs.day, return_indices=True
    )
    return live_comparison(_at(mine, left), _at(theirs, right))


def _at(rows: Any, places: Any) -> Any:
    return type(rows)(*(getattr(rows, name)[places] for name in rows.__dataclass_fields__))


def _is_nan(values: Any) -> Any:
    return values != values


def outcomes_stand() -> str:
    """Changes whenever outcomes were added."""
    last = Outcome.objects.order_by("-pk").values_list("pk", flat=True).first()
    return f"{Outcome.objects.count()}-{last or 0}"
