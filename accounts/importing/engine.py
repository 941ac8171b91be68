"""The one import engine: reads, checks and, when asked to, writes a file. Command and page call the same function.

Runs inside the caller's transaction of the workspace, so that a refusal or a cancel leaves nothing behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import connection

from accounts.importing import references, rejects, upsert
from accounts.importing.archives import members
from accounts.importing.cells import Reading
from accounts.importing.errors import ImportRefused
from accounts.importing.kinds import ImportKind
from accounts.importing.maps import ImportMap
from accounts.importing.reading import Source, open_source, rows, sample_rows
from accounts.importing.recognise import Plan, make_plan, recognise, with_field_names
from accounts.importing.report import Refusal, Report
from accounts.importing.stage import Stage
from accounts.importing.staging import Progress
from accounts.importing.staging import stage as stage_rows
from accounts.importing.unread import warn_unread
from accounts.importing.workbooks import is_workbook
from accounts.queries.planning import whole_tables
from core import registry
from core.models import Tenant

SAMPLE: Final = 500
LOCK: Final = 715_001


@dataclass(frozen=True)
class Request:
    """One file to be imported: where it is, what a person decided about it, and who keeps the rejects."""

    path: Path
    import_map: ImportMap
    kind: str = ""
    rejects_path: Path | None = None
    max_bytes: int = 0
    name: str = ""


def known_kinds() -> list[ImportKind]:
    """All kinds that apps contribute, in the order in which a workspace is filled."""
    return sorted(registry.import_kinds().values(), key=lambda kind: (kind.order, kind.key))


def kind_of(key: str) -> ImportKind:
    """The kind of that key; raises `ImportRefused` with the known ones."""
    for kind in known_kinds():
        if kind.key == key:
            return kind
    raise ImportRefused(
        "no_such_kind", f"“{key}” is no kind of data. Known: {', '.join(k.key for k in known_kinds())}."
    )


def inspect(request: Request, *, strict: bool = True, whole: bool = False) -> tuple[Source, Plan, ImportMap]:
    """How the file would be read: its layout, its kind and the use of every column. Touches no table.

    Not `strict`, a plan that lacks needed columns is given all the same, for a person to complete. Not `whole`, only
    the beginning of the file is read.
    """
    wanted = request.kind or request.import_map.kind
    kinds = [kind_of(wanted)] if wanted else known_kinds()
    source = _choose_source(request, kinds, whole=whole)
    samples = sample_rows(source, SAMPLE)
    kind = (
        kinds[0] if wanted else recognise(kinds, source.headers, samples, source.member or request.name or source.name)
    )
    import_map = with_field_names(kind, request.import_map)
    return source, make_plan(kind, source.headers, samples, import_map, strict=strict), import_map


def _choose_source(request: Request, kinds: Sequence[ImportKind], *, whole: bool) -> Source:
    """The file, or the one file of an archive that fits the kind."""
    if not request.path.is_file():
        raise ImportRefused("no_file", f"The file {request.name or request.path.name} is not there. Choose it again.")
    inside = [] if is_workbook(request.path) else members(request.path)
    if len(inside) < 2 or len(kinds) > 1:
        sheet = request.import_map.sheet
        return open_source(request.path, max_bytes=request.max_bytes, whole=whole, sheet=sheet)
    for name in inside:
        source = open_source(request.path, member=name, max_bytes=request.max_bytes, whole=whole)
        if any(hint in name.rsplit("/", 1)[-1].lower() for hint in kinds[0].hints):
            try:
                make_plan(kinds[0], source.headers, sample_rows(source, SAMPLE), request.import_map)
            except ImportRefused:
                continue
            return source
    raise ImportRefused("archive", f"No file in the archive holds {kinds[0].key}: it has {', '.join(inside)}.")


def run(
    request: Request, *, tenant: Tenant, now: datetime, today: date, writes: bool, progress: Progress
) -> tuple[Report, Stage]:
    """Reads and checks the whole file; with `writes` applies it. Raises `ImportRefused` when it cannot be taken."""
    source, plan, import_map = inspect(request, whole=True)
    reading = Reading(import_map, source.delimiter, ZoneInfo(tenant.timezone), tenant.currency)
    _start_afresh()
    staged_stage = Stage(
        kind=plan.kind,
        tenant_id=tenant.pk,
        currency=tenant.currency,
        zone=tenant.timezone,
        now=now,
        today=today,
        writes=writes,
        mapped=plan.mapped | frozenset(import_map.defaults),
        options=dict(import_map.options),
        plan=plan,
        reading=reading,
    )
    if writes:
        staged_stage.execute("SELECT pg_advisory_xact_lock(%(lock)s, %(tenant)s::int)", lock=LOCK)
    size = source.lines or _guess_size(request.path)
    with whole_tables():
        staged = stage_rows(plan, rows(source), reading, size=size, progress=progress)
        _process(staged_stage, import_map, progress, staged.read)
        return _report(staged_stage, request, source, reading, staged.read), staged_stage


def _start_afresh() -> None:
    """No temporary table of an earlier import in the same transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relnamespace = pg_my_temp_schema() AND relkind = 'r'")
        tables = [name for (name,) in cursor.fetchall() if name.startswith("import_")]
        if tables:
            cursor.execute(f"DROP TABLE {', '.join(tables)}")


def _process(stage: Stage, import_map: ImportMap, progress: Progress, total: int) -> None:
    kind = stage.kind
    stage.execute("CREATE TEMP TABLE import_touched (account_id bigint) ON COMMIT DROP")
    warn_unread(stage)
    progress(total, total, "Looking up accounts")
    references.resolve(stage, import_map)
    beside = [one for one in registry.import_extensions() if one.kind == kind.key]
    for prepare in (kind.prepare, *(one.prepare for one in beside)):
        if prepare is not None:
            prepare(stage)
    _reject_repeated(stage)
    progress(total, total, "Checking")
    if kind.check is not None:
        kind.check(stage)
    progress(total, total, "Writing" if stage.writes else "Comparing with what is there")
    if kind.write is not None:
        kind.write(stage)
    elif kind.target is not None:
        upsert.apply(stage, kind.target)
    if stage.writes:
        _remember_touched(stage)
        for after in (kind.after, *(one.after for one in beside)):
            if after is not None:
                after(stage)


def _remember_touched(stage: Stage) -> None:
    """The accounts of new and changed rows, for the ledger and for the apps above."""
    if any(field.name == "account" for field in stage.kind.fields):
        stage.execute(
            "INSERT INTO import_touched SELECT DISTINCT account_id FROM import_row "
            "WHERE (state IS NULL OR state IN ('create', 'update')) AND account_id IS NOT NULL"
        )


def _reject_repeated(stage: Stage) -> None:
    """A key repeated in one file: the last row wins, the earlier ones are refused.

    The second key counts for the rows that lack the first, and so on.
    """
    fields = {field.name for field in stage.kind.fields}
    lacking = "true"
    refused = 0
    for key in stage.kind.row_key:
        if not all(name in stage.mapped or name not in fields for name in key):
            continue
        columns = ", ".join(f"r.{name}" for name in key)
        present = " AND ".join(f"r.{name} IS NOT NULL" for name in key)
        same = " AND ".join(f"r.{name} = d.{name}" for name in key)
        label = " || ' · ' || ".join(f"r.{name}::text" for name in key)
        refused += stage.execute(
            "UPDATE import_row AS r SET state = 'reject', refusal = 'duplicate_key', "
            f"detail = 'row ' || d.last || ' has the same key and wins: ' || {label} "
            f"FROM (SELECT {columns}, max(r.line) AS last FROM import_row AS r "
            f"WHERE r.state IS NULL AND {lacking} AND {present} GROUP BY {columns} HAVING count(*) > 1) AS d "
            f"WHERE r.state IS NULL AND {same} AND {lacking} AND r.line < d.last"
        )
        lacking += f" AND NOT ({present})"
    stage.warn("duplicate_key", refused, f"{refused:,} rows repeat a key; the last row of each key wins.")


def _guess_size(path: Path) -> int:
    """Rows to expect, for the progress bar only."""
    return max(path.stat().st_size // 60, 1)


def _report(stage: Stage, request: Request, source: Source, reading: Reading, read: int) -> Report:
    counts = dict(stage.rows("SELECT state, count(*) FROM import_row GROUP BY state"))
    rejected = int(counts.get("reject", 0))
    path = request.rejects_path
    if rejected and path is not None:
        rejects.write(stage, source, path)
    return Report(
        kind=stage.kind.key,
        read=read,
        created=int(counts.get("create", 0)) + int(counts.get(None, 0)),
        updated=int(counts.get("update", 0)),
        unchanged=int(counts.get("same", 0)),
        rejected=rejected,
        rejects_file=str(path) if rejected and path is not None else None,
        warnings=list(stage.warnings),
        refusals=_refusals(stage),
        changes=list(stage.changes),
        columns=_columns(stage.plan),
        choices=[*_readings(stage.plan, reading), *stage.choices],
        dry_run=not stage.writes,
        sheet=source.sheet,
    )


def _refusals(stage: Stage) -> list[Refusal]:
    found = stage.rows(
        "SELECT refusal, count(*), min(line), (array_agg(detail ORDER BY line))[1] FROM import_row "
        "WHERE state = 'reject' GROUP BY refusal ORDER BY 2 DESC, 1"
    )
    return [Refusal(str(code), int(count), int(line), str(example or "")) for code, count, line, example in found]


def _columns(plan: Plan) -> list[dict[str, Any]]:
    labels = {field.name: field.label for field in plan.kind.fields}
    return [
        {
            "header": column.header,
            "use": column.use,
            "target": column.target,
            "label": labels.get(column.target, column.target) if column.use == "field" else column.target,
            "sample": column.samples[0] if column.samples else "",
            "confidence": column.confidence,
            "why": column.why,
        }
        for column in plan.columns
    ]


def _readings(plan: Plan, reading: Reading) -> list[dict[str, Any]]:
    """How dates and numbers were read, where the file left room for doubt."""
    shown: list[dict[str, Any]] = []
    for header, evidence in reading.orders.items():
        if evidence.day_first or evidence.month_first or evidence.either:
            shown.append({"code": "date_order", "column": header, "value": str(reading.order(header))})
    for header, numbers in reading.decimals.items():
        if numbers.comma or numbers.open_comma or numbers.open_point:
            column = next((c for c in plan.columns if c.header == header), None)
            if column is not None and column.use == "field":
                value = str(reading.decimal(header, plan.kind.field(column.target)))
                shown.append({"code": "decimal", "column": header, "value": value})
    return shown
