"""Calibration: weights proposed from the workspace's own outcomes, as a draft that nobody has to take."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db import transaction

from core import audit, registry, versioning
from core.actors import Actor
from core.choices import VersionState
from core.jobs import start_job
from core.models import Job, ProcessVersion
from health.actions.validation import assess, outcomes_stand, store_reports
from health.choices import Verdict
from health.models import Calibration, ValidationReport
from health.queries.live import KIND, model_of
from health.queries.outcomes import EPOCH, only_losses
from health.queries.validation import MAIN_LEAD, calibration_of
from health.rules import Learn, ScoreModel
from health.rules.minimums import SIX_MONTHS
from health.rules.proposal import proposal

CALIBRATE_JOB: Final = "health.calibrate"
ONLY_LOSSES: Final = (
    "This workspace records losses and hardly any renewals, so accounts count as kept on the last day of its data "
    "only, and none of them can teach. Import the renewals as outcomes, too."
)
Told = Callable[[int], None]
Json = dict[str, Any]


class CannotCalibrate(ValueError):
    """The question makes no sense as asked; the message says what to change."""


@dataclass(frozen=True)
class Calibrated:
    """What a calibration did. `draft` None: nothing is proposed. `report`: the draft's validation, if there is one."""

    calibration: Calibration
    draft: ProcessVersion | None
    report: ValidationReport | None


@transaction.atomic
def start_calibration(
    *,
    version: ProcessVersion,
    actor: Actor,
    now: datetime,
    today: date,
    lead_days: int = MAIN_LEAD,
    train_until: date | None = None,
) -> Job:
    """A job that proposes weights for a version. Asked again on the same content and outcomes: the same job."""
    key = f"{version.pk}:{version.content_hash[:16]}:{lead_days}:{train_until}:{today}:{outcomes_stand()}"
    payload = {"version": version.pk, "lead_days": lead_days, "train_until": train_until}
    return start_job(kind=CALIBRATE_JOB, key=key, payload=payload, actor=actor, now=now, again=True)


@transaction.atomic
def calibrate(
    *,
    version: ProcessVersion,
    actor: Actor,
    now: datetime,
    today: date,
    lead_days: int = MAIN_LEAD,
    train_until: date | None = None,
) -> Calibrated:
    """Learns from outcomes before a day, tests on those after it, and drafts what the test confirms.

    The draft is tested in the same transaction; a job tests it in one of its own, by `propose` and `prove`. Without
    `train_until` the day is chosen so that about 60 % of the losses teach. A proposal that nobody has edited
    is calibrated again from what it was made of, and replaced. The live model is never touched.
    """
    made = propose(version=version, actor=actor, now=now, today=today, lead_days=lead_days, train_until=train_until)
    if made.draft is None:
        return made
    return replace(made, report=prove(draft=made.draft, lead_days=lead_days, actor=actor, now=now, today=today))


@transaction.atomic
def propose(
    *,
    version: ProcessVersion,
    actor: Actor,
    now: datetime,
    today: date,
    lead_days: int = MAIN_LEAD,
    train_until: date | None = None,
) -> Calibrated:
    """The first half of `calibrate`: the draft, not tested yet. Done again, it leads to the same draft."""
    source, earlier = source_of(version)
    figures, document = study(source, lead_days=lead_days, today=today, train_until=train_until)
    draft = _drafted(source, earlier, document, actor, now) if document is not None else None
    figures["draft_hash"] = draft.content_hash if draft else ""
    calibration = Calibration.objects.create(
        source=source,
        draft=draft,
        lead_days=lead_days,
        train_until=date.fromisoformat(figures["split"]["train_until"]) if figures["split"]["train_until"] else today,
        verdict=figures["verdict"],
        figures=figures,
        made_at=now,
        made_by=actor.label,
    )
    audit.record(
        actor=actor,
        at=now,
        verb="calibrated",
        subject=source,
        after={"verdict": figures["verdict"], "weights": figures["weights"], "draft": draft and draft.number},
    )
    return Calibrated(calibration, draft, None)


@transaction.atomic
def prove(*, draft: ProcessVersion, lead_days: int, actor: Actor, now: datetime, today: date) -> ValidationReport:
    """The second half: the proposal's report, beside the live version."""
    found = {lead_days: assess(draft, lead_days=lead_days, today=today, beside_live=True)}
    return store_reports(version=draft, found=found, actor=actor, now=now, today=today)[0]


def source_of(version: ProcessVersion) -> tuple[ProcessVersion, ProcessVersion | None]:
    """What a version is to be calibrated from, and the unedited proposal that a new one would replace."""
    made = calibration_of(version)
    if made is None or not version.is_draft or made.figures.get("draft_hash") != version.content_hash:
        return version, None
    return made.source, version


def study(
    source: ProcessVersion, *, lead_days: int, today: date, train_until: date | None = None
) -> tuple[Json, Json | None]:
    """The figures of a calibration, and the document that it proposes, if it does. Writes nothing."""
    # Heavy, and only jobs and commands come here.
    from health.learning import teaching  # noqa: PLC0415 -- numpy must not be loaded when the web starts
    from health.queries.evidence import gather, seen_after  # noqa: PLC0415 -- as above
    from health.queries.moments import with_names  # noqa: PLC0415 -- as above

    if not 0 <= lead_days <= 730:
        raise CannotCalibrate(f"A lead of {lead_days} days makes no sense. Give 0 to 730, such as {MAIN_LEAD}.")
    model = with_names(model_of(source))
    found = gather(model, lead_days=lead_days, today=today)
    rows = found.rows
    after = seen_after(model, rows)
    undated = {fact.key for fact in registry.facts().values() if fact.now_only}
    inputs = [
        teaching.Taught(
            key=one.key,
            label=one.label,
            missing=one.missing,
            learn=_learn(model, at),
            values=found.values[:, at],
            fresh=found.fresh[:, at],
            subs=rows.subs[:, at],
            seen_after=after[at],
            known_only_now=any(reading.measure in undated for reading in one.readings),
        )
        for at, one in enumerate(model.inputs)
    ]
    until = (train_until - EPOCH).days if train_until else teaching.train_until(rows.day, rows.lost)
    lesson = teaching.teach(
        inputs,
        day=rows.day,
        lost=rows.lost,
        account=rows.account,
        until=until if until is not None else 0,
        min_coverage=model.min_coverage,
    )
    figures = _figures(lesson, source, model, lead_days, until)
    figures["flags"] += [flag.as_json() for flag in _window(rows, lesson, until)]
    if lesson.verdict == Verdict.NOT_ENOUGH_DATA and only_losses():
        figures["reason"] = f"{figures['reason']} {ONLY_LOSSES}"
    if not lesson.proposes:
        return figures, None
    edges = lesson.edges
    document = proposal(
        source.definition, weights=lesson.weights, learned=lesson.learned, yellow=edges.yellow, green=edges.green
    )
    figures["bands"] = document.get("bands", {})
    return figures, document


def _learn(model: ScoreModel, at: int) -> Learn | None:
    """What an input has to learn. Where only some of its readings do, the others keep their mapping."""
    for reading in model.inputs[at].readings:
        if isinstance(reading.mapping, Learn):
            return reading.mapping
    return None


def _window(rows: Any, lesson: Any, until: int | None) -> list[Any]:
    from health.learning.arrays import span  # noqa: PLC0415 -- as in study
    from health.learning.leaks import Flag  # noqa: PLC0415 -- as in study

    late = rows.day[rows.day >= until] if until is not None else rows.day[:0]
    days = span(late)
    if lesson.verdict == Verdict.NOT_ENOUGH_DATA or days >= SIX_MONTHS:
        return []
    return [Flag("short_test_window", f"Insufficient: nine tenths of the test part lie within {days} days.")]


def _figures(lesson: Any, source: ProcessVersion, model: ScoreModel, lead_days: int, until: int | None) -> Json:
    """Everything that the calibration found, in the fields that scripts read."""
    cost = None
    if lesson.unrounded_auc is not None and lesson.area.auc is not None:
        cost = lesson.unrounded_auc - lesson.area.auc
    return {
        "model": source.key,
        "source_number": source.number,
        "content_hash": source.content_hash,
        "verdict": lesson.verdict,
        "reason": lesson.reason,
        "auc": lesson.area.auc,
        "auc_low": lesson.area.low,
        "auc_high": lesson.area.high,
        "n": lesson.test_n,
        "events": lesson.test_events,
        "lead_days": lead_days,
        "split": {
            "train_until": (EPOCH + timedelta(days=until)).isoformat() if until is not None else None,
            "train_n": lesson.train_n,
            "train_events": lesson.train_events,
            "test_n": lesson.test_n,
            "test_events": lesson.test_events,
        },
        "weights": {key: share / 100 for key, share in lesson.weights.items()} if lesson.proposes else {},
        "exact_weights": lesson.exact if lesson.proposes else {},
        "weights_before": {one.key: round(one.weight, 6) for one in model.inputs},
        "baselines": {
            "equal_weights": {"auc": lesson.equal_auc},
            "best_single_input": {"auc": lesson.single_auc, "input": lesson.single_input},
            "correlation_weights": {"auc": lesson.correlation_auc, "weights": lesson.correlation},
        },
        "rounding_cost": cost,
        "train_auc": lesson.train_auc,
        "flags": [flag.as_json() for flag in lesson.flags],
        "reconstructed": True,
    }


def _drafted(
    source: ProcessVersion, earlier: ProcessVersion | None, document: Json, actor: Actor, now: datetime
) -> ProcessVersion:
    """The proposal as a draft: the one that says so already, else a new one in place of an unedited earlier one."""
    if earlier is not None and earlier.content_hash == versioning.content_hash(document):
        return earlier
    if earlier is not None:
        versioning.discard(version=earlier, actor=actor, now=now, reason="Calibrated again.")
    said = ProcessVersion.objects.filter(
        kind=KIND,
        key=source.key,
        state__in=VersionState.drafts(),
        based_on=source.number,
        content_hash=versioning.content_hash(document),
    ).first()
    if said is not None:
        return said
    return versioning.draft(
        kind=KIND,
        key=source.key,
        name=source.name,
        definition=document,
        actor=actor,
        now=now,
        based_on=source.number,
    )
