"""Importing opportunities: stages that no pipeline knows make a pipeline of the import, shown in the dry run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from accounts.importing.currencies import CURRENCY, refuse_other_currency
from accounts.importing.errors import ImportRefused
from accounts.importing.kinds import Column, Field, ImportKind, Target
from accounts.importing.stage import Stage
from accounts.queries.planning import whole_tables
from core.actors import Actor
from core.queries import needs_approval
from core.versioning import take_turns
from journeys.actions.pipeline_locks import hold_every_pipeline
from journeys.actions.pipelines import add_stages, create_pipeline
from journeys.importing_gates import record_versions, refuse_shut_gates
from journeys.importing_wins import follow_wins, note_wins
from journeys.models import Pipeline
from journeys.queries.gates import gated_pipelines, open_imports
from journeys.queries.pipelines import known_pipelines
from journeys.rules.pipelines import (
    IMPORTER,
    OPEN,
    KnownPipeline,
    PipelineSpec,
    SeenStage,
    choose_pipeline,
    opening_stage,
    pipeline_from_names,
    squashed,
    stage_key,
)

MAX_STAGES: Final = 100
# Salesforce and HubSpot say "existing" of a customer who buys more; who takes less goes on with the team they have.
KIND_WORDS: Final = {
    "new": "new", "new business": "new", "newbusiness": "new", "new customer": "new", "new logo": "new",
    "net new": "new", "acquisition": "new",
    "renewal": "renewal", "renewals": "renewal", "renew": "renewal", "contract renewal": "renewal",
    "existing customer renewal": "renewal",
    "expansion": "expansion", "upsell": "expansion", "up sell": "expansion", "cross sell": "expansion",
    "crosssell": "expansion", "upsell cross sell": "expansion", "add on": "expansion", "addon": "expansion",
    "upgrade": "expansion", "growth": "expansion", "existing business": "expansion", "existingbusiness": "expansion",
    "existing customer": "expansion", "existing customer upgrade": "expansion",
    "existing customer replacement": "expansion", "existing customer downgrade": "renewal",
}  # fmt: skip
_IMPORT: Final = Actor.system(IMPORTER)


@dataclass(frozen=True)
class _Placed:
    """Where a stage name of the file goes. Negative ids stand for what the import would make."""

    pipeline: str
    stage: str
    pipeline_id: int
    stage_id: int
    kind: str
    opens: bool


def _prepare(stage: Stage) -> None:
    """Keys and names of the deals, and the pipeline and stage of every row."""
    stage.execute(
        "ALTER TABLE import_row ADD COLUMN deal_key text, ADD COLUMN deal_name text, ADD COLUMN pipeline_id bigint, "
        "ADD COLUMN stage_id bigint, ADD COLUMN stage_kind text, ADD COLUMN opens boolean, ADD COLUMN closed_on date, "
        "ADD COLUMN deal_why text"
    )
    stage.execute(
        "UPDATE import_row AS r SET deal_key = COALESCE(r.external_id, left(concat_ws('|', 'row', r.name, r.account, "
        "r.product, r.owner, r.opened_on::text), 120)) WHERE r.state IS NULL"
    )
    stage.execute("CREATE INDEX ON import_row (deal_key)")
    _place(stage)
    stage.execute(
        "UPDATE import_row AS r SET "
        "deal_name = left(COALESCE(r.name, old.name, NULLIF(concat_ws(' for ', r.product, r.account), ''), "
        "r.deal_key), 200), "
        "kind = COALESCE(r.kind, old.kind, 'new'), "
        # Why it was lost is said of where it is: it goes when a deal is reopened, or closed in another way.
        "deal_why = CASE WHEN r.stage_kind = 'open' THEN '' ELSE COALESCE(r.close_reason, "
        "CASE WHEN old.stage_id = r.stage_id AND NOT %(has_why)s THEN old.close_reason END, '') END, "
        # Whoever hears today that a deal of theirs is closed, and not when, knows that it was open until now.
        "closed_on = CASE WHEN r.stage_kind <> 'open' THEN COALESCE(r.close_on, "
        "CASE WHEN old.stage_id = r.stage_id THEN old.closed_on WHEN old.id IS NOT NULL THEN %(today)s END) END "
        "FROM import_row AS mine LEFT JOIN journeys_opportunity AS old "
        "ON old.tenant_id = %(tenant)s AND old.external_id = mine.deal_key AND old.external_id <> '' "
        "WHERE mine.line = r.line AND r.state IS NULL",
        has_why=stage.has("close_reason"),
    )


def _place(stage: Stage) -> None:
    """Gives every row its stage. New pipelines are made only by an import, never by a dry run."""
    placed: list[_Placed] = []
    groups = _seen_stages(stage)
    if stage.writes:
        if _brings_stages(groups):
            take_turns()  # before the pipelines, as everybody who publishes
        hold_every_pipeline()
    known, gated, left_open = known_pipelines(), gated_pipelines(), open_imports()
    approved = needs_approval()
    for pipeline_name, seen in groups.items():
        chosen = choose_pipeline(pipeline_name, [one.name for one in seen], known)
        if chosen is None or chosen.id in left_open:
            _say_no_gates(stage, pipeline_name, chosen)
        kept = seen
        if chosen and (chosen.id in gated or approved):
            kept = _without_new_stages(stage, pipeline_name, seen, chosen, gated=chosen.id in gated)
        placed += _place_group(stage, pipeline_name, kept, chosen, known, first_new=-1 - 1000 * len(placed))
    stage.execute(
        "UPDATE import_row AS r SET pipeline_id = p.pipeline_id, stage_id = p.stage_id, stage_kind = p.kind, "
        "opens = p.opens FROM jsonb_to_recordset(%(placed)s::jsonb) AS p (pipeline text, stage text, "
        "pipeline_id bigint, stage_id bigint, kind text, opens boolean) "
        "WHERE r.state IS NULL AND COALESCE(r.pipeline, '') = p.pipeline AND r.stage = p.stage",
        placed=json.dumps([vars(one) for one in placed]),
    )


def _seen_stages(stage: Stage) -> dict[str, list[SeenStage]]:
    """The stage names of the file by pipeline, with what the file says of each."""
    rows = stage.rows(
        "SELECT COALESCE(r.pipeline, ''), r.stage, count(*), avg((r.opened_on IS NOT NULL)::int)::float, min(r.line), "
        "CASE WHEN bool_and(r.is_won) THEN 'won' WHEN bool_and(r.is_closed) AND NOT bool_or(r.is_won) THEN 'lost' END "
        "FROM import_row AS r WHERE r.state IS NULL AND r.stage IS NOT NULL GROUP BY 1, 2 ORDER BY min(r.line) "
        f"LIMIT {MAX_STAGES + 1}"
    )
    if len(rows) > MAX_STAGES:
        raise ImportRefused(
            "too_many_stages",
            f"The stage column holds more than {MAX_STAGES} different names, so it is probably not the stage. "
            "Map the right one: `columns: {stage: HEADER}`.",
        )
    groups: dict[str, list[SeenStage]] = {}
    for pipeline, name, count, dated, line, closed_as in rows:
        groups.setdefault(pipeline, []).append(SeenStage(name, count, dated, line, closed_as))
    return groups


def _brings_stages(groups: Mapping[str, list[SeenStage]]) -> bool:
    """Whether the file names a stage that its pipeline does not know: a version is published for it then."""
    known = known_pipelines()
    for name, seen in groups.items():
        names = [one.name for one in seen]
        chosen = choose_pipeline(name, names, known)
        if chosen is None or any(squashed(one) not in chosen.ids for one in names):
            return True
    return False


def _without_new_stages(
    stage: Stage, pipeline_name: str, seen: list[SeenStage], chosen: KnownPipeline, *, gated: bool
) -> list[SeenStage]:
    """The stages that rows may be in. A pipeline with criteria gets none from a file: nobody would have gated it.

    Nor does one that only changes with a second person's approval: a file has none.
    """
    why = "has criteria" if gated else "changes only with a second person’s approval"
    stage.reject(
        "COALESCE(r.pipeline, '') = %(pipeline)s AND r.stage = ANY(%(unknown)s)",
        code="stage",
        message="format('%%s %%s and knows no stage “%%s”: add the stage in Stages and gates, or name one of "
        "its own.', %(name)s::text, %(why)s::text, r.stage)",
        why=why,
        pipeline=pipeline_name,
        unknown=[one.name for one in seen if squashed(one.name) not in chosen.ids],
        name=chosen.name,
    )
    return [one for one in seen if squashed(one.name) in chosen.ids]


def _place_group(
    stage: Stage,
    pipeline_name: str,
    seen: list[SeenStage],
    chosen: KnownPipeline | None,
    known: list[KnownPipeline],
    *,
    first_new: int,
) -> list[_Placed]:
    names = [one.name for one in seen]
    spec = pipeline_from_names(seen)
    missing = [name for name in names if chosen is None or squashed(name) not in chosen.ids]
    if missing:
        _announce(stage, pipeline_name, spec, missing, chosen)
        if stage.writes:
            chosen = _make(stage, pipeline_name, spec, missing, chosen, known)
    opens = opening_stage(seen, spec)
    kinds = {squashed(one.name): one.kind for one in spec.stages}
    return [
        _Placed(
            pipeline=pipeline_name,
            stage=name,
            pipeline_id=chosen.id if chosen else first_new,
            stage_id=chosen.ids[squashed(name)] if chosen and squashed(name) in chosen.ids else first_new - place,
            kind=(chosen.kinds if chosen else kinds).get(squashed(name), kinds.get(squashed(name), OPEN)),
            opens=squashed(name) == opens,
        )
        for place, name in enumerate(names)
    ]


def _say_no_gates(stage: Stage, pipeline_name: str, chosen: KnownPipeline | None) -> None:
    """Deals that land where nobody has decided what is asked of them are counted, by every import that brings some."""
    rows = stage.count("r.state IS NULL AND COALESCE(r.pipeline, '') = %(pipeline)s", pipeline=pipeline_name)
    name = chosen.name if chosen else _new_name(pipeline_name)
    stage.warn(
        "no_gates",
        rows,
        f"“{name}” has no gates: an import made it, and nothing is asked of its {rows:,} opportunities in this file. "
        "Give its stages criteria in Stages and gates, or publish it there as it is.",
    )


def _announce(
    stage: Stage, pipeline_name: str, spec: PipelineSpec, missing: list[str], chosen: KnownPipeline | None
) -> None:
    rows = stage.count("r.state IS NULL AND COALESCE(r.pipeline, '') = %(pipeline)s", pipeline=pipeline_name)
    name = chosen.name if chosen else _new_name(pipeline_name)
    path = " → ".join(one.name for one in spec.stages)
    if chosen:
        words = f"The pipeline “{name}” does not know {', '.join(missing)}: the import adds them."
    else:
        words = f"No pipeline knows the stages {path}: the import makes the pipeline “{name}” of them."
    stage.warn("new_stages" if chosen else "new_pipeline", rows, words)
    stage.choices.append({"code": "pipeline", "field": "stage", "pipeline": name, "value": path, "new": missing})


def _new_name(pipeline_name: str) -> str:
    return pipeline_name[:120] or "Imported"


def _make(
    stage: Stage,
    pipeline_name: str,
    spec: PipelineSpec,
    missing: list[str],
    chosen: KnownPipeline | None,
    known: list[KnownPipeline],
) -> KnownPipeline:
    if chosen is not None:
        wanted = {squashed(name) for name in missing}
        fresh = PipelineSpec(tuple(one for one in spec.stages if squashed(one.name) in wanted))
        pipeline = Pipeline.objects.get(pk=chosen.id)
        try:
            add_stages(pipeline=pipeline, spec=fresh, actor=_IMPORT, now=stage.now)
        except ValueError as refused:  # what is live could not be published again
            words = f"The pipeline “{chosen.name}” cannot take the new stages: {refused} Mend it in Stages and gates."
            raise ImportRefused("new_stages", words) from refused
    else:
        name = _new_name(pipeline_name)
        taken = {one.key for one in known}
        base = stage_key(name)
        key = next(key for key in (base, *(f"{base}_{n}" for n in range(2, 1000))) if key not in taken)
        pipeline = create_pipeline(key=key, name=name, spec=spec, actor=_IMPORT, now=stage.now)
    made = next(one for one in known_pipelines() if one.id == pipeline.pk)
    known[:] = [one for one in known if one.id != made.id] + [made]
    return made


def _check(stage: Stage) -> None:
    refuse_other_currency(stage, "r.amount <> 0")
    read = "r.state IS NULL"
    none = stage.count(f"{read} AND r.account IS NULL")
    stage.warn("no_account", none, f"{none:,} opportunities name no account; they are kept without one.")
    odd = stage.count(f"{read} AND r.close_on < r.opened_on")
    stage.warn("closes_before_start", odd, f"{odd:,} opportunities close before they start; check their dates.")
    undated = stage.count(f"{read} AND r.stage_kind <> 'open' AND r.closed_on IS NULL")
    stage.warn("closed_without_date", undated, f"{undated:,} closed opportunities have no closing date.")
    ahead = stage.count(f"{read} AND r.closed_on > %(today)s")
    stage.warn("closes_in_future", ahead, f"{ahead:,} opportunities are closed on a day that is still to come.")
    worthless = stage.count(f"{read} AND r.stage_kind = 'won' AND COALESCE(r.amount, 0) = 0")
    stage.warn("won_without_value", worthless, f"{worthless:,} won opportunities have no value.")
    if stage.kind.target is not None:
        refuse_shut_gates(stage, stage.kind.target)
    note_wins(stage)


def _after(stage: Stage) -> None:
    """Visits: where each deal is now, and for a closed one the stage in which its opening date says it was."""
    with whole_tables():
        _write_visits(stage)
        record_versions(stage)
    follow_wins(stage)


def _write_visits(stage: Stage) -> None:
    """No stay begins or ends on a day to come, whatever the file says of deals that are closed then."""
    stage.execute(
        "UPDATE import_row AS r SET target_id = o.id FROM journeys_opportunity AS o "
        "WHERE r.state = 'create' AND o.tenant_id = %(tenant)s AND o.external_id = r.deal_key AND o.external_id <> ''"
    )
    stage.execute(
        "UPDATE journeys_opportunitystagevisit AS v "
        "SET left_on = GREATEST(v.entered_on, LEAST(r.closed_on, %(today)s)) "
        "FROM import_row AS r WHERE r.state = 'update' AND v.tenant_id = %(tenant)s "
        "AND v.opportunity_id = r.target_id AND v.left_on IS NULL AND v.stage_id <> r.stage_id"
    )
    stage.execute(
        "INSERT INTO journeys_opportunitystagevisit "
        "(tenant_id, opportunity_id, stage_id, entered_on, left_on, moved_by) "
        "SELECT %(tenant)s, r.target_id, opening.stage_id, LEAST(r.opened_on, %(today)s), "
        "GREATEST(LEAST(r.opened_on, %(today)s), LEAST(r.closed_on, %(today)s)), 'Import' "
        "FROM import_row AS r "
        "JOIN (SELECT DISTINCT pipeline_id, stage_id FROM import_row WHERE opens) AS opening "
        "ON opening.pipeline_id = r.pipeline_id "
        "WHERE r.state = 'create' AND r.stage_kind <> 'open' AND r.opened_on IS NOT NULL AND r.closed_on IS NOT NULL "
        "ORDER BY r.target_id"
    )
    stage.execute(
        "INSERT INTO journeys_opportunitystagevisit "
        "(tenant_id, opportunity_id, stage_id, entered_on, left_on, moved_by, reason) "
        "SELECT %(tenant)s, r.target_id, r.stage_id, "
        "GREATEST(CASE WHEN came.day > %(today)s THEN %(today)s ELSE came.day END, "
        "(SELECT max(v.left_on) FROM journeys_opportunitystagevisit AS v WHERE v.tenant_id = %(tenant)s "
        "AND v.opportunity_id = r.target_id)), NULL, 'Import', COALESCE(r.move_reason, r.close_reason, '') "
        "FROM import_row AS r CROSS JOIN LATERAL (SELECT CASE WHEN r.stage_kind <> 'open' THEN r.closed_on "
        "WHEN r.state = 'update' THEN %(today)s WHEN r.opens THEN r.opened_on END AS day) AS came "
        "WHERE r.state IN ('create', 'update') AND NOT EXISTS ("
        "SELECT FROM journeys_opportunitystagevisit AS v WHERE v.tenant_id = %(tenant)s "
        "AND v.opportunity_id = r.target_id AND v.left_on IS NULL) ORDER BY r.target_id"
    )


OPPORTUNITIES: Final = ImportKind(
    key="opportunities",
    label="Opportunities",
    fields=(
        Field(
            "external_id",
            "Opportunity id",
            "text",
            aliases=("deal id", "record id", "id", "opportunity number", "hs object id"),
            max_length=120,
        ),
        Field("name", "Name", "text", aliases=("opportunity name", "deal name", "deal", "opportunity"), max_length=200,
              cuts=True),
        Field(
            "account",
            "Account",
            "account",
            aliases=(
                "account id", "account name", "accountid", "company", "company name", "associated company ids",
                "associated company", "customer", "company id",
            ),
        ),
        Field("kind", "Kind", "choice", choices=KIND_WORDS, aliases=(
            "type", "deal type", "opportunity type", "dealtype", "deal kind", "opportunity kind"), at_once=True,
              unread="Opportunities that are new here count as new business."),
        Field("owner", "Owner", "person", aliases=("sales agent", "deal owner", "opportunity owner", "sales rep",
                                                   "owner name", "owner id", "account executive", "rep", "agent")),
        Field("product", "Product", "product", aliases=("product name", "product interest", "line item")),
        Field("pipeline", "Pipeline", "text", aliases=("pipeline name", "sales pipeline"), max_length=120, cuts=True),
        Field("stage", "Stage", "text", required=True, aliases=("deal stage", "stage name", "stagename",
                                                                "opportunity stage", "sales stage", "status"),
              max_length=120, cuts=True),
        Field("amount", "Amount", "money", aliases=("close value", "deal amount", "value", "deal value", "price")),
        CURRENCY,
        Field("opened_on", "Opened", "date", aliases=("engage date", "create date", "created date", "created at",
                                                      "open date", "opened on", "start date", "createddate")),
        Field("close_on", "Closes", "date", aliases=("close date", "closed date", "closedate", "closed at",
                                                     "expected close date", "closed on")),
        Field("close_reason", "Closed lost reason", "text",
              aliases=("close reason", "lost reason", "loss reason", "reason lost", "closed won reason"),
              max_length=200, cuts=True),
        Field("move_reason", "Reason for the move", "text", aliases=("move reason", "stage change reason"),
              max_length=400, cuts=True),
        Field("is_closed", "Is closed", "boolean", aliases=("isclosed", "closed")),
        Field("is_won", "Is won", "boolean", aliases=("iswon", "won", "is closed won")),
    ),
    row_key=(("deal_key",),),
    target=Target(
        table="journeys_opportunity",
        key=("external_id",),
        key_where="external_id <> ''",
        columns=(
            Column("external_id", "r.deal_key", insert_only=True),
            Column("name", "r.deal_name"),
            Column("pipeline_id", "r.pipeline_id"),
            Column("stage_id", "r.stage_id"),
            Column("account_id", "r.account_id", ("account",)),
            Column("owner_id", "r.owner_id", ("owner",)),
            Column("product_id", "r.product_id", ("product",)),
            Column("amount_minor", "r.amount", ("amount",)),
            Column("opened_on", "r.opened_on", ("opened_on",)),
            Column("close_on", "r.close_on", ("close_on",)),
            Column("closed_on", "r.closed_on"),
            Column("kind", "r.kind", ("kind",), default="'new'"),
            Column("close_reason", "r.deal_why"),
            Column("currency", "%(currency)s", insert_only=True),
        ),
        merge="attributes",
    ),
    prepare=_prepare,
    check=_check,
    after=_after,
    keeps_extra=True,
    hints=("opportunit", "pipeline", "deal"),
    signature=("stage",),
    order=60,
)  # fmt: skip
