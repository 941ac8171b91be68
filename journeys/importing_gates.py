"""Imports stand before the same gates: what a file would move past a shut one is refused, row by row.

The rows are written on trial inside a savepoint, so that the criteria see what the file says of amount, owner or dates,
and judged by the very statement that pages and programs are judged by; then the trial is undone. Pipelines without
criteria are passed over: there the file is the record of moves that were made elsewhere. Closed deals that the
workspace has never seen are history, and history is not judged, where they closed before the pipeline had criteria,
whatever was published since; any other is judged like a deal that is made today. No row takes a deal out of a pipeline
with criteria.
"""

import json
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models.expressions import RawSQL

from accounts.importing import upsert
from accounts.importing.kinds import Target
from accounts.importing.stage import Stage
from core import audit
from core.actors import Actor
from journeys.actions.moving import PIPELINE, Asked, Refusal, sort_out, use_waivers
from journeys.models import Opportunity, Pipeline
from journeys.queries.criteria import Judged, judge
from journeys.queries.gates import Process, deal_ways, gated_pipelines, gated_since, pipeline_process

CODE: Final = "gate"
_MOVED: Final = frozenset({"stage_id", "pipeline_id", "closed_on"})
# Deals on their way within or into one pipeline. `needs` is what a step back or a loss asks of the row itself.
_WAYS: Final = """
CREATE TEMP TABLE import_way ON COMMIT DROP AS
SELECT r.line, old.id AS deal_id, r.deal_key, r.deal_name, target.position AS target, target.kind = 'lost' AS to_lost,
       target.key AS stage_key, target.name AS stage_name,
       CASE WHEN target.kind = 'lost' THEN CASE WHEN r.close_reason IS NULL THEN 'close_reason' ELSE '' END
            WHEN old.id IS NULL OR old.pipeline_id <> target.pipeline_id THEN ''
            WHEN (here.kind <> 'open' OR target.position < here.position) AND r.move_reason IS NULL
             AND NOT (%(loops)s::jsonb @> jsonb_build_array(jsonb_build_array(here.key, target.key))) THEN 'reason'
            ELSE '' END AS needs
FROM import_row AS r
JOIN journeys_pipelinestage AS target ON target.tenant_id = %(tenant)s AND target.id = r.stage_id
LEFT JOIN journeys_opportunity AS old
  ON old.tenant_id = %(tenant)s AND old.external_id = r.deal_key AND old.external_id <> ''
LEFT JOIN journeys_pipelinestage AS here ON here.tenant_id = %(tenant)s AND here.id = old.stage_id
WHERE r.state IS NULL AND r.pipeline_id = %(pipeline)s
  AND CASE WHEN old.id IS NULL THEN r.stage_kind = 'open' OR (r.closed_on < %(gated_on)s::date) IS NOT TRUE
           ELSE old.stage_id <> r.stage_id END
"""
_ELSEWHERE: Final = """EXISTS (
SELECT FROM journeys_opportunity AS old WHERE old.tenant_id = %(tenant)s AND old.external_id = r.deal_key
  AND old.external_id <> '' AND old.pipeline_id <> r.pipeline_id AND old.pipeline_id = ANY(%(gated)s))"""
_OWN: Final = """(SELECT format('It is in the pipeline %%1$s, which has criteria. Give the row “%%1$s” in a column '
'“Pipeline”, and a stage of that pipeline.', line.name) FROM journeys_opportunity AS old
JOIN journeys_pipeline AS line ON line.tenant_id = old.tenant_id AND line.id = old.pipeline_id
WHERE old.tenant_id = %(tenant)s AND old.external_id = r.deal_key AND old.external_id <> '' LIMIT 1)"""
_REFUSE: Final = """
UPDATE import_row AS r SET state = 'reject', refusal = %(code)s, detail = refused.detail
FROM jsonb_to_recordset(%(refused)s::jsonb) AS refused (line bigint, detail text)
WHERE r.line = refused.line AND r.state IS NULL
"""


@dataclass(frozen=True)
class _Way:
    line: int
    id: int
    name: str
    stage_key: str
    stage_name: str
    needs: str


def refuse_shut_gates(stage: Stage, target: Target) -> None:
    """Refuses the rows that the live criteria of their pipeline do not let through, each with what is missing."""
    gated = gated_pipelines()
    if not gated:
        return
    stage.reject(_ELSEWHERE, code=PIPELINE, message=_OWN, gated=sorted(gated))
    staged = stage.rows(
        "SELECT DISTINCT r.pipeline_id FROM import_row AS r WHERE r.state IS NULL AND r.pipeline_id > 0"
    )
    for pipeline in Pipeline.objects.filter(pk__in=gated & {pk for (pk,) in staged}).order_by("pk"):
        process = pipeline_process(pipeline)
        if process.is_gated:
            _refuse_in(stage, target, pipeline, process)


def _refuse_in(stage: Stage, target: Target, pipeline: Pipeline, process: Process) -> None:
    trial = transaction.savepoint()
    refused: list[tuple[_Way, Refusal]] = []
    used: list[int] = []
    if _lay_ways(stage, pipeline, process):
        _write_trial(stage, target)
        judged = _judged(stage, pipeline, process)
        refused, used = _sorted(stage, process, judged)
    transaction.savepoint_rollback(trial)
    if refused:
        rows = [{"line": way.line, "detail": _words(way, refusal)} for way, refusal in refused]
        stage.execute(_REFUSE, code=CODE, refused=json.dumps(rows))
    if stage.writes and used:
        use_waivers(used, stage.now)
        audit.record(
            actor=Actor.system("Import"),
            at=stage.now,
            verb="used waivers",
            subject_type="journeys.waiver",
            after={"pipeline": pipeline.key, "waivers": sorted(used)},
        )


def _lay_ways(stage: Stage, pipeline: Pipeline, process: Process) -> bool:
    loops = [[one.key, key] for one in process.gates for key in one.back_to]
    since = (gated_since(pipeline.key) or stage.now).astimezone(ZoneInfo(stage.zone))
    stage.execute(_WAYS, pipeline=pipeline.pk, loops=json.dumps(loops), gated_on=since.date())
    return bool(stage.scalar("SELECT EXISTS (SELECT FROM import_way)"))


def _write_trial(stage: Stage, target: Target) -> None:
    """What the file says of these deals, but for their stage: criteria look at a deal where it still stands."""
    mine = upsert.written(stage, target)
    more = [(target.merge, "'{}'::jsonb")] if target.merge else []
    given = [(column.name, column.sql if column in mine else column.default) for column in target.columns] + more
    names, values = ", ".join(name for name, _ in given), ", ".join(sql for _, sql in given)
    stage.execute(
        f"INSERT INTO {target.table} (tenant_id, {names}) SELECT %(tenant)s, {values} FROM import_row AS r "
        "JOIN import_way AS way ON way.line = r.line WHERE way.deal_id IS NULL"
    )
    changed = [column for column in mine if not column.insert_only and column.name not in _MOVED]
    sets = ", ".join(f"{column.name} = {column.sql}" for column in changed)
    stage.execute(
        f"UPDATE {target.table} AS t SET {sets} FROM import_row AS r JOIN import_way AS way ON way.line = r.line "
        "WHERE t.tenant_id = %(tenant)s AND t.id = way.deal_id"
    )
    stage.execute(
        f"UPDATE import_way AS way SET deal_id = t.id FROM {target.table} AS t "
        "WHERE way.deal_id IS NULL AND t.tenant_id = %(tenant)s AND t.external_id = way.deal_key"
    )


def _judged(stage: Stage, pipeline: Pipeline, process: Process) -> list[Judged]:
    asked = RawSQL("SELECT deal_id FROM import_way", [])
    ways = deal_ways(
        pipeline.pk,
        "(SELECT way.target FROM import_way AS way WHERE way.deal_id = deal.id) AS target, "
        "(SELECT way.to_lost FROM import_way AS way WHERE way.deal_id = deal.id) AS to_lost",
        [],
        "AND deal.id IN (SELECT deal_id FROM import_way)",
    )
    rows = Opportunity.objects.filter(pk__in=asked)
    return judge(rows, ways, process.placed, subject="opportunity", as_of=stage.today, only_missing=True)


def _sorted(stage: Stage, process: Process, judged: list[Judged]) -> tuple[list[tuple[_Way, Refusal]], list[int]]:
    """Stage by stage, since a waiver is for one stage."""
    held = stage.rows(
        "SELECT line, deal_id, deal_name, stage_key, stage_name, needs FROM import_way "
        "WHERE needs <> '' OR deal_id = ANY(%(short)s) ORDER BY line",
        short=[one.id for one in judged],
    )
    by_stage: dict[str, list[_Way]] = {}
    for row in held:
        way = _Way(*row)
        by_stage.setdefault(way.stage_key, []).append(way)
    refused: list[tuple[_Way, Refusal]] = []
    used: list[int] = []
    for key, ways in by_stage.items():
        asked = [Asked(way.id, way.name, way.needs) for way in ways]
        result = sort_out(
            asked, judged, process, subject="opportunity", stage_key=key, today=stage.today, hold=stage.writes
        )
        mine = {way.id: way for way in ways}
        refused += [(mine[one.id], one) for one in result.refused]
        used += result.waivers
    return refused, used


def _words(way: _Way, refusal: Refusal) -> str:
    remedies = {
        "reason": "Give a column “Reason for the move”.",
        "close_reason": "Give a column “Closed lost reason”.",
    }
    remedy = remedies.get(way.needs, "")
    if refusal.code == CODE:
        remedy = f"Meet what is missing, or ask for a waiver, and import the row again. {remedy}".strip()
    return f"{way.stage_name} is not open yet. Missing: {'; '.join(refusal.missing)}. {remedy}"


def record_versions(stage: Stage) -> None:
    """The stays that the import has just begun keep the live version of their pipeline, and the deals their edition."""
    stage.execute(
        "UPDATE journeys_opportunitystagevisit AS stay SET version_id = live.id FROM import_row AS r "
        "JOIN journeys_pipeline AS line ON line.tenant_id = %(tenant)s AND line.id = r.pipeline_id "
        "JOIN core_processversion AS live ON live.tenant_id = %(tenant)s AND live.kind = 'pipeline' "
        "AND live.key = line.key AND live.state = 'published' "
        "WHERE r.state IN ('create', 'update') AND stay.tenant_id = %(tenant)s AND stay.opportunity_id = r.target_id "
        "AND stay.left_on IS NULL AND stay.version_id IS NULL AND stay.moved_by = 'Import' "
        "AND stay.stage_id = r.stage_id"
    )
    stage.execute(
        "UPDATE journeys_opportunity AS deal SET edition = deal.edition + 1 FROM import_row AS r "
        "WHERE r.state = 'update' AND deal.tenant_id = %(tenant)s AND deal.id = r.target_id"
    )
