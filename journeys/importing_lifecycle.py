"""Imports move people and accounts along their journeys, forward only: a step back is refused, counted and told.

Words of HubSpot are looked up in the live journeys. A word that no journey knows is kept as it was printed.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from accounts.importing.kinds import ImportExtension
from accounts.importing.stage import Stage
from core.actors import Actor
from journeys.actions.moving import GATE
from journeys.actions.stages import move_accounts
from journeys.models import LifecycleStage
from journeys.queries.journey_figures import live_journey
from journeys.queries.placing import BEGINS_TODAY, CAME_BACK, NO_STAGE, beginnings, customers_word
from journeys.queries.stages import CONTACTS, STANDARD, lifecycle_stages
from journeys.rules.journeys import JourneySpec
from journeys.rules.pipelines import squashed

_IMPORT: Final = Actor.system("Import")
_CHUNK: Final = 2_000
_BY_IMPORT: Final = "First stage by import"
_WORD: Final = "regexp_replace(lower({column}), '[^[:alnum:]]', '', 'g')"


@dataclass(frozen=True)
class _Words:
    """The words that a file may use, each with the stage it means and that stage's place; "" and 0 for a kept word.

    `own` are the keys and names of the stages themselves, which mean nothing else.
    """

    words: list[str]
    keys: list[str]
    places: list[int]
    own: list[str]


def _words(spec: JourneySpec, stages: list[LifecycleStage]) -> _Words:
    """A journey's own keys and names are words, too."""
    known = {squashed(text): stage.key for stage in stages for text in (stage.key, stage.name)}
    own = list(known)
    known |= spec.hubspot_stages()
    places = {stage.key: stage.position for stage in stages}
    return _Words(list(known), list(known.values()), [places.get(key, 0) for key in known.values()], own)


def _loops(spec: JourneySpec) -> list[str]:
    """`from>to` for every step back that needs no reason."""
    return [f"{stage.key}>{earlier}" for stage in spec.stages for earlier in stage.back_to]


def _prepare_contacts(stage: Stage) -> None:
    """Each word becomes the key of its stage; one that would lead back becomes the stage of now."""
    _, spec = live_journey(CONTACTS)
    if not stage.has("lifecycle_stage") or spec is None:
        return
    stages = list(lifecycle_stages(CONTACTS))
    words = _words(spec, stages)
    stage.execute("ALTER TABLE import_row ADD COLUMN said_stage text, ADD COLUMN stage_verdict text")
    stage.execute(
        "UPDATE import_row AS r SET said_stage = COALESCE(known.key, left(mine.lifecycle_stage, 40)), "
        "stage_verdict = CASE WHEN known.key IS NULL THEN 'unknown' "
        "WHEN here.place > known.place AND NOT (here.key || '>' || known.key) = ANY(%(loops)s::text[]) THEN 'back' "
        "ELSE 'on' END, lifecycle_stage = CASE "
        "WHEN here.place > known.place AND NOT (here.key || '>' || known.key) = ANY(%(loops)s::text[]) THEN here.key "
        "WHEN known.key IS NULL AND here.key IS NOT NULL THEN here.key "
        "ELSE COALESCE(known.key, left(mine.lifecycle_stage, 40)) END "
        "FROM import_row AS mine "
        "LEFT JOIN unnest(%(words)s::text[], %(keys)s::text[], %(places)s::int[]) AS known (word, key, place) "
        f"ON known.word = {_WORD.format(column='mine.lifecycle_stage')} "
        "LEFT JOIN accounts_contact AS by_id ON by_id.tenant_id = %(tenant)s AND by_id.external_id = mine.external_id "
        "AND mine.external_id <> '' "
        "LEFT JOIN accounts_contact AS by_mail ON by_mail.tenant_id = %(tenant)s "
        "AND by_mail.account_id = mine.account_id AND by_mail.email_key = mine.email_key AND mine.email_key <> '' "
        "AND by_id.id IS NULL "
        "LEFT JOIN unnest(%(stage_keys)s::text[], %(stage_places)s::int[]) AS here (key, place) "
        "ON here.key = COALESCE(by_id.lifecycle_stage, by_mail.lifecycle_stage) "
        "WHERE mine.line = r.line AND r.state IS NULL AND mine.lifecycle_stage IS NOT NULL",
        words=words.words,
        keys=words.keys,
        places=words.places,
        loops=_loops(spec),
        stage_keys=[one.key for one in stages],
        stage_places=[one.position for one in stages],
    )
    back = stage.count("r.state IS NULL AND r.stage_verdict = 'back'")
    stage.warn(
        "lifecycle_backward",
        back,
        f"{back:,} rows would take a contact back to an earlier lifecycle stage. The stage of now is kept; "
        "move them on the page of the journey, with a reason.",
    )
    unknown = stage.count("r.state IS NULL AND r.stage_verdict = 'unknown'")
    stage.warn(
        "lifecycle_unknown",
        unknown,
        f"{unknown:,} rows carry a lifecycle stage that the journey of contacts does not know. It is kept as printed.",
    )


def _after_contacts(stage: Stage) -> None:
    """The stays of contacts whose stage changed: the open one ends, the new one begins. Every stay is kept."""
    version, spec = live_journey(CONTACTS)
    if not stage.has("lifecycle_stage") or spec is None or version is None:
        return
    moved = (
        "SELECT contact.id AS contact_id, target.id AS stage_id, open_stay.id AS stay_id "
        "FROM accounts_contact AS contact "
        "JOIN journeys_lifecyclestage AS target ON target.tenant_id = %(tenant)s AND target.journey = 'contacts' "
        "AND target.key = contact.lifecycle_stage "
        "LEFT JOIN journeys_contactstagevisit AS open_stay ON open_stay.tenant_id = %(tenant)s "
        "AND open_stay.contact_id = contact.id AND open_stay.left_on IS NULL "
        "WHERE contact.tenant_id = %(tenant)s AND contact.account_id IN (SELECT account_id FROM import_touched) "
        "AND open_stay.stage_id IS DISTINCT FROM target.id"
    )
    stage.execute(f"CREATE TEMP TABLE import_stay ON COMMIT DROP AS {moved}")
    stage.execute(
        "UPDATE journeys_contactstagevisit AS stay SET left_on = GREATEST(stay.entered_on, %(today)s) "
        "FROM import_stay AS moved WHERE stay.tenant_id = %(tenant)s AND stay.id = moved.stay_id"
    )
    stage.execute(
        "INSERT INTO journeys_contactstagevisit (tenant_id, contact_id, stage_id, version_id, entered_on, moved_by, "
        "reason) SELECT %(tenant)s, contact_id, stage_id, %(version)s, %(today)s, %(by)s, '' FROM import_stay "
        "ORDER BY contact_id",
        version=version.pk,
        by=_IMPORT.label,
    )


def _prepare_accounts(stage: Stage) -> None:
    """Says of every row where its word leads: on, back, to where it is, nowhere, or to a first stage."""
    _, spec = live_journey(STANDARD)
    if not stage.has("lifecycle_stage") or spec is None:
        return
    stages = list(lifecycle_stages(STANDARD))
    words = _words(spec, stages)
    # A stage without a word of its own belongs to the word of the last one before it: Adoption is a Customer, too.
    spoken = {one.key for one in spec.stages if one.hubspot}
    lasts, last = [], 0
    for one in stages:
        last = one.position if one.key in spoken else last
        lasts.append(last)
    stage.execute(
        "ALTER TABLE import_row ADD COLUMN stage_key text, ADD COLUMN stage_own bool, ADD COLUMN stage_verdict text"
    )
    stage.execute(
        "UPDATE import_row AS r SET stage_key = known.key, stage_own = known.word = ANY(%(own)s::text[]), "
        "stage_verdict = CASE WHEN known.key IS NULL THEN 'unknown' "
        "WHEN known.key = '' THEN 'kept' WHEN here.id IS NULL THEN 'first' "
        "WHEN known.place > here.position THEN 'on' WHEN known.place < here.worded THEN 'back' ELSE 'same' END "
        "FROM import_row AS mine "
        "LEFT JOIN unnest(%(words)s::text[], %(keys)s::text[], %(places)s::int[]) AS known (word, key, place) "
        f"ON known.word = {_WORD.format(column='mine.lifecycle_stage')} "
        "LEFT JOIN accounts_account AS by_id ON by_id.tenant_id = %(tenant)s AND by_id.external_id = mine.external_id "
        "AND mine.external_id <> '' "
        "LEFT JOIN accounts_account AS named ON named.tenant_id = %(tenant)s AND named.name_key = mine.name_key "
        "AND mine.external_id IS NULL AND named.merged_into_id IS NULL "
        "LEFT JOIN journeys_stagevisit AS stay ON stay.tenant_id = %(tenant)s AND stay.left_on IS NULL "
        "AND stay.account_id = COALESCE(by_id.id, named.id) "
        "LEFT JOIN unnest(%(ids)s::bigint[], %(positions)s::int[], %(lasts)s::int[]) AS here (id, position, worded) "
        "ON here.id = stay.stage_id "
        "WHERE mine.line = r.line AND r.state IS NULL AND mine.lifecycle_stage IS NOT NULL",
        words=words.words,
        keys=words.keys,
        places=words.places,
        own=words.own,
        ids=[one.pk for one in stages],
        positions=[one.position for one in stages],
        lasts=lasts,
    )
    back = stage.count("r.state IS NULL AND r.stage_verdict = 'back'")
    stage.warn(
        "lifecycle_backward",
        back,
        f"{back:,} rows would take an account back to an earlier lifecycle stage. The stage of now is kept; "
        "move them on the account's page, with a reason.",
    )
    unknown = stage.count("r.state IS NULL AND r.stage_verdict = 'unknown'")
    stage.warn(
        "lifecycle_unknown",
        unknown,
        f"{unknown:,} rows carry a lifecycle stage that the journey does not know. It is kept beside the account.",
    )


# Where a word leads an account that stands in no stage. The name of a stage is followed, whatever the status. A word
# of HubSpot says less: one that covers the stage in which customers begin leaves them to it, and one of an earlier
# stage does not hold for a customer.
_FIRST: Final = """
CREATE TEMP TABLE import_first ON COMMIT DROP AS
SELECT DISTINCT ON (account.id) account.id AS account_id, target.id AS stage_id, target.key AS stage_key,
  {begins_today} AS begins_today,
  CASE WHEN account.status = 'churned' THEN 'churned'
       WHEN NOT {no_stage} AND NOT ({came_back}) THEN 'left'
       WHEN NOT r.stage_own AND account.status = 'customer' AND target.position < %(customers)s THEN 'status'
       WHEN NOT r.stage_own AND account.status = 'customer' AND target.position = %(customers)s THEN 'by_status'
       WHEN NOT {no_stage} OR target.key = ANY(%(asking)s) THEN 'judge'
       ELSE 'enter' END AS way
{found}
JOIN journeys_lifecyclestage AS target ON target.tenant_id = %(tenant)s AND target.journey = 'standard'
  AND target.key = r.stage_key
WHERE r.stage_verdict = 'first' AND r.state <> 'reject' ORDER BY account.id, r.line DESC"""
_NOT_FOLLOWED: Final = {
    "churned": "{count} accounts have churned: their lifecycle stage is kept beside them, and they are in no stage.",
    "left": "{count} accounts have left the journey and stay out: move them on their pages, if they are back.",
    "status": "{count} customers carry a lifecycle stage from before they were customers. They begin by their status.",
}


def _after_accounts(stage: Stage) -> None:
    """Accounts go on through the gates; a new one gets its first stage by its word, else by its status."""
    version, spec = live_journey(STANDARD)
    begins = beginnings()
    if not stage.has("lifecycle_stage") or version is None or spec is None or begins is None:
        return
    found = (
        "FROM import_row AS r JOIN accounts_account AS account ON account.tenant_id = %(tenant)s "
        "AND CASE WHEN r.external_id IS NULL THEN account.name_key = r.name_key "
        "ELSE account.external_id = r.external_id END AND account.merged_into_id IS NULL"
    )
    stage.execute(
        _FIRST.format(no_stage=NO_STAGE, came_back=CAME_BACK, found=found, begins_today=BEGINS_TODAY),
        customers=customers_word(),
        asking=[one.key for one in spec.stages if begins.asks(one.key)],
    )
    stage.execute(
        "INSERT INTO journeys_stagevisit (tenant_id, account_id, stage_id, entered_on, is_start_known, moved_by, "
        "reason, version_id) SELECT %(tenant)s, account_id, stage_id, %(today)s, begins_today, %(by)s, %(why)s, "
        "%(version)s FROM import_first WHERE way = 'enter' ORDER BY account_id",
        by=_IMPORT.label,
        why=_BY_IMPORT,
        version=version.pk,
    )
    for way, words in _NOT_FOLLOWED.items():
        count = stage.scalar("SELECT count(*) FROM import_first WHERE way = %(way)s", way=way)
        stage.warn(f"lifecycle_{way}", count, words.format(count=f"{count:,}"))
    firsts = stage.rows(
        "SELECT stage_key, array_agg(account_id ORDER BY account_id) FROM import_first WHERE way = 'judge' "
        "GROUP BY stage_key"
    )
    moves = stage.rows(
        f"SELECT r.stage_key, array_agg(DISTINCT account.id) {found} "
        "WHERE r.stage_verdict = 'on' AND r.state <> 'reject' GROUP BY r.stage_key"
    )
    _move_on(stage, [*((key, ids, _BY_IMPORT) for key, ids in firsts), *((key, ids, "") for key, ids in moves)])


def _move_on(stage: Stage, moves: Iterable[tuple[str, list[int], str]]) -> None:
    refused: Counter[str] = Counter()
    for key, ids, reason in moves:
        for start in range(0, len(ids), _CHUNK):
            some = ids[start : start + _CHUNK]
            # A file says that an account stands in its first stage, not since when.
            moved = move_accounts(
                account_ids=some, stage_key=key, actor=_IMPORT, today=stage.today, now=stage.now, reason=reason,
                is_seen=True,
            )  # fmt: skip
            refused.update(one.code for one in moved.refused)
    shut = refused.pop(GATE, 0)
    stage.warn(
        "lifecycle_gate_shut",
        shut,
        f"{shut:,} accounts stay in their stage, or in none: the gate is shut. Their pages list what is missing.",
    )
    asked = refused.total()
    stage.warn(
        "lifecycle_reason_needed",
        asked,
        f"{asked:,} accounts stay in their stage: the move asks for a reason. Move them on their pages.",
    )


CONTACTS_STAGES: Final = ImportExtension("contacts", prepare=_prepare_contacts, after=_after_contacts)
ACCOUNTS_STAGES: Final = ImportExtension("accounts", prepare=_prepare_accounts, after=_after_accounts)
