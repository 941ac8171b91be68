"""Wins that a file says are none: what they brought about is taken back, as by a move in the page, any number at once.

Which deals leave Won is looked up before the file is written, when the deals still say where they were and whose.
"""

from typing import Final

from accounts.importing.stage import Stage
from core.actors import Actor
from journeys.actions.leaving import Win, take_back_wins

_IMPORT: Final = Actor.system("Import")
_CHUNK: Final = 2_000
# A file may give each row words of its own; beyond so many, they stand in the deal's history and not in the trail.
_REASONS: Final = 50
_LEAVE_WON: Final = """
CREATE TEMP TABLE import_unwon ON COMMIT DROP AS
SELECT old.id AS deal_id, old.account_id, old.kind,
       COALESCE(r.move_reason, r.close_reason, 'An import says it is in ' || r.stage || '.') AS reason
FROM import_row AS r
JOIN journeys_opportunity AS old
  ON old.tenant_id = %(tenant)s AND old.external_id = r.deal_key AND old.external_id <> ''
JOIN journeys_pipelinestage AS here
  ON here.tenant_id = %(tenant)s AND here.id = old.stage_id AND here.kind = 'won'
WHERE r.state IS NULL AND r.stage_kind <> 'won'
"""
_REST: Final = """
UPDATE import_unwon SET reason = 'The stay of each deal says why.'
WHERE reason NOT IN (SELECT reason FROM import_unwon GROUP BY reason ORDER BY count(*) DESC, reason LIMIT %(most)s)
"""


def note_wins(stage: Stage) -> None:
    """Keeps which of the rows still in take a deal out of Won, and says how many."""
    count = stage.execute(_LEAVE_WON)
    stage.warn(
        "wins_taken_back",
        count,
        f"{count:,} opportunities leave Won: what waits to be handed over is called off, and accounts that became "
        "customers by nothing else are again what they were.",
    )


def take_back(stage: Stage) -> None:
    """Undoes what those wins brought about. After the deals are written: another win of the account keeps it."""
    stage.execute(_REST, most=_REASONS)
    found = stage.rows("SELECT reason, deal_id, account_id, kind FROM import_unwon ORDER BY reason, deal_id")
    by_reason: dict[str, list[Win]] = {}
    for reason, deal_id, account_id, kind in found:
        by_reason.setdefault(reason, []).append(Win(deal_id, account_id, kind))
    for reason, wins in by_reason.items():
        for start in range(0, len(wins), _CHUNK):
            take_back_wins(wins=wins[start : start + _CHUNK], reason=reason, actor=_IMPORT, now=stage.now)
