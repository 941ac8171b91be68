"""A file on its way in, as the page leads a person through it: upload, map, dry run, import."""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.db.models.functions import Coalesce

from accounts.actions.imports import Progress, import_file
from accounts.choices import ImportState
from accounts.importing.engine import Request, inspect
from accounts.importing.errors import ImportRefused
from accounts.importing.maps import parse_map
from accounts.models import ImportBatch
from accounts.queries.imports import ASK_AGAIN_SHARE
from core import audit
from core.actors import Actor
from core.choices import JobState
from core.jobs import start_job
from core.models import Tenant

JOB: Final = "accounts.import"


class WrongStep(Exception):
    """The import is not at the step that was asked for: somebody was faster, or a dry run is missing."""


def upload_import(*, tenant: Tenant, file: "File[bytes]", kind: str, actor: Actor, now: datetime) -> ImportBatch:
    """Keeps the file and recognises what it holds. Raises `ImportRefused` and keeps nothing when it cannot be read."""
    name = Path(file.name or "file").name.replace("\x00", "")[-200:] or "file.csv"
    if file.size is not None and file.size > settings.IMPORT_MAX_BYTES:
        raise ImportRefused(
            "too_large",
            f"The file has {file.size:,} bytes; {settings.IMPORT_MAX_BYTES:,} are allowed. Split it into several.",
        )
    path = _folder(tenant) / f"{uuid.uuid4().hex}{Path(name).suffix.lower()[:8]}"
    with _kept_only_if_taken(path):
        digest = _store(file, path)
        _, plan, _ = inspect(
            Request(path=path, import_map=parse_map({}), kind=kind, max_bytes=settings.IMPORT_MAX_BYTES, name=name)
        )
        return ImportBatch.objects.create(
            kind=plan.kind.key,
            file_name=name,
            file_path=str(path.relative_to(settings.MEDIA_ROOT)),
            file_hash=digest,
            mapping={"kind": plan.kind.key},
            created_at=now,
            created_by=actor.label,
        )


def request_of(batch: ImportBatch) -> Request:
    """The engine's request for a batch."""
    path = settings.MEDIA_ROOT / batch.file_path
    return Request(
        path=path,
        import_map=parse_map(batch.mapping),
        kind=batch.kind,
        rejects_path=_rejects_of(path),
        max_bytes=settings.IMPORT_MAX_BYTES,
        name=batch.file_name,
    )


@transaction.atomic
def start_dry_run(*, batch: ImportBatch, mapping: dict[str, Any], actor: Actor, now: datetime) -> None:
    """Takes the mapping and checks the file in the background. Raises `ImportRefused` for a mapping that cannot be."""
    inspect(request_of(_with_mapping(batch, mapping)))
    _move(batch, (ImportState.UPLOADED, ImportState.CHECKED, ImportState.FAILED, ImportState.CANCELLED),
          ImportState.CHECKING, mapping=mapping, kind=mapping["kind"], error="", report={})  # fmt: skip
    _work(batch, writes=False, actor=actor, now=now)


@transaction.atomic
def start_import(*, batch: ImportBatch, knows_refusals: bool, actor: Actor, now: datetime) -> None:
    """Imports what the dry run checked. Over a tenth refused wants a person's word that this is known."""
    report = batch.report
    if report.get("read") and report["rejected"] > ASK_AGAIN_SHARE * report["read"] and not knows_refusals:
        raise ImportRefused(
            "many_refused", f"{report['rejected']:,} of {report['read']:,} rows are refused. Confirm that you know it."
        )
    _move(batch, (ImportState.CHECKED,), ImportState.APPLYING, error="")
    _work(batch, writes=True, actor=actor, now=now)


def run_batch(
    *, tenant: Tenant, batch_id: int, writes: bool, actor: Actor, now: datetime, today: date, progress: Progress
) -> dict[str, Any]:
    """The work of the job, in one transaction. A late or second delivery finds the batch at another step: no effect."""
    batch = ImportBatch.objects.select_for_update().get(pk=batch_id)
    if batch.state != _step(writes=writes):
        return {}
    report = import_file(
        tenant=tenant, request=request_of(batch), actor=actor, now=now, today=today, writes=writes, progress=progress
    ).as_json()
    batch.report = report
    batch.state = ImportState.APPLIED if writes else ImportState.CHECKED
    batch.rejects_path = _relative(report["rejects_file"])
    batch.applied_at = now if writes else None
    batch.save(update_fields=["report", "state", "rejects_path", "applied_at"])
    return {"read": report["read"], "rejected": report["rejected"]}


@transaction.atomic
def stop_batch(*, batch_id: int, writes: bool, state: ImportState, error: str, code: str = "") -> None:
    """Writes down that the work ended without a result; nothing of it was kept."""
    ImportBatch.objects.filter(pk=batch_id, state=_step(writes=writes)).update(
        state=state, error=error, report={"refusal": code} if code else {}
    )


@transaction.atomic
def forget_uploads(*, actor: Actor, now: datetime) -> int:
    """Deletes the files of imports that nobody has touched for `IMPORT_KEEP_DAYS`; returns how many imports had one.

    What an import did stays. One that is under way keeps its file.
    """
    idle = ImportBatch.objects.exclude(file_path="").exclude(job__state__in=[JobState.QUEUED, JobState.RUNNING])
    dated = idle.annotate(touched_at=Coalesce("applied_at", "job__finished_at", "created_at"))
    limit = now - timedelta(days=settings.IMPORT_KEEP_DAYS)
    old = list(dated.filter(touched_at__lt=limit).select_for_update(of=["self"]))
    for batch in old:  # the files first: when this is cut off, the next run finds the rows and no files
        upload: Path = settings.MEDIA_ROOT / batch.file_path
        upload.unlink(missing_ok=True)
        _rejects_of(upload).unlink(missing_ok=True)
    ImportBatch.objects.filter(pk__in=[batch.pk for batch in old]).update(file_path="", rejects_path="")
    if old:
        audit.record(
            actor=actor, at=now, verb="forgot uploads", subject_type="accounts.importbatch", after={"files": len(old)}
        )
    return len(old)


def _with_mapping(batch: ImportBatch, mapping: dict[str, Any]) -> ImportBatch:
    batch.mapping = mapping
    batch.kind = mapping["kind"]
    return batch


def _move(batch: ImportBatch, before: tuple[ImportState, ...], after: ImportState, **values: Any) -> None:
    """Compare and swap: of two people who press at once, one wins. A job that was cancelled early frees its batch."""
    mine = ImportBatch.objects.filter(pk=batch.pk)
    moved = mine.filter(state__in=before).update(state=after, **values)
    if not moved and after == ImportState.CHECKING:
        over = [JobState.CANCELLED, JobState.FAILED]
        stuck = mine.filter(state__in=[ImportState.CHECKING, ImportState.APPLYING], job__state__in=over)
        moved = ImportBatch.objects.filter(pk__in=list(stuck.values_list("pk", flat=True))).update(
            state=after, **values
        )
    if not moved:
        raise WrongStep("This import has moved on since the page was loaded. Load it again.")


def _work(batch: ImportBatch, *, writes: bool, actor: Actor, now: datetime) -> None:
    job = start_job(
        kind=JOB,
        key=f"{batch.pk}:{'import' if writes else 'check'}:{now.isoformat()}",
        payload={"batch": batch.pk, "writes": writes, "actor": actor.label, "membership": actor.membership_id},
        actor=actor,
        now=now,
    )
    ImportBatch.objects.filter(pk=batch.pk).update(job=job)


def _step(*, writes: bool) -> ImportState:
    """Where a batch stands while its job is at work."""
    return ImportState.APPLYING if writes else ImportState.CHECKING


@contextmanager
def _kept_only_if_taken(path: Path) -> Iterator[None]:
    taken = False
    try:
        yield
        taken = True
    finally:
        if not taken:
            path.unlink(missing_ok=True)


def _folder(tenant: Tenant) -> Path:
    folder = Path(settings.MEDIA_ROOT) / "imports" / tenant.slug
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _store(file: "File[bytes]", path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as stored:
        for chunk in file.chunks():
            digest.update(chunk)
            stored.write(chunk)
    return digest.hexdigest()


def _rejects_of(upload: Path) -> Path:
    return upload.with_suffix(".rejected.csv")


def _relative(path: str | None) -> str:
    return str(Path(path).relative_to(settings.MEDIA_ROOT)) if path else ""
