"""Wins that a file brings, moves elsewhere or says are none: what they bring about follows, as by a move in the page.

Which deals go into Won, out of it, or to another account is looked up before the file is written, when the deals still
say where they were and whose.
"""

from typing import Final

from accounts.actions.accounts import become_customers_on
from accounts.importing.stage import Stage
from core.actors import Actor
from journeys.actions.handoffs import open_for_won
from journeys.actions.handoffs.calling_off import let_hand_over_anew
from journeys.actions.handoffs.opening import LOOK_BACK
from journeys.actions.leaving import Win, take_back_buyers, take_back_wins

_IMPORT: Final = Actor.system("Import")
_CHUNK: Final = 2_000
# A file may give each row words of its own; beyond so many, they stand in the deal's history and not in the trail.
_REASONS: Final = 50
_WINS: Final = """
CREATE TEMP TABLE import_win ON COMMIT DROP AS
SELECT r.line, r.stage_kind = 'won' AS is_won, old.id AS deal_id, old.account_id AS was_of, old.kind AS was_kind,
       COALESCE(here.kind = 'won', false) AS was_won, CASE WHEN %(has_account)s THEN r.account_id
       ELSE old.account_id END AS is_of, r.kind AS is_kind, r.closed_on, false AS hands_stay,
       CASE WHEN r.stage_kind = 'won' AND old.kind <> r.kind THEN 'An import says it is of another kind.'
            WHEN r.stage_kind = 'won' THEN 'An import says it has another account.'
            ELSE COALESCE(r.move_reason, r.close_reason, 'An import says it is in ' || r.stage || '.') END AS reason
FROM import_row AS r
LEFT JOIN journeys_opportunity AS old
  ON old.tenant_id = %(tenant)s AND old.external_id = r.deal_key AND old.external_id <> ''
LEFT JOIN journeys_pipelinestage AS here ON here.tenant_id = %(tenant)s AND here.id = old.stage_id
WHERE r.state IS NULL AND (r.stage_kind = 'won' OR here.kind = 'won')
"""
# A win that stays one is followed where it has another account now, or is of another kind. Between new business and
# expansion of one account its hand-off stays as it is: both change hands.
_UNCHANGED: Final = """
DELETE FROM import_win WHERE is_won AND was_won AND was_of IS NOT DISTINCT FROM is_of AND was_kind = is_kind
"""
_HANDS_STAY: Final = """
UPDATE import_win SET hands_stay = true WHERE is_won AND was_won AND was_of IS NOT DISTINCT FROM is_of
  AND is_kind <> 'renewal'
"""
# A new row of long ago is history: it makes a prospect a customer, but brings nobody back who has churned, and is
# handed over by nobody. One that has no date is handed over where the account buys for the first time.
_NEW_WINS: Final = """
CREATE TEMP TABLE import_won ON COMMIT DROP AS
SELECT win.line, win.is_of AS account_id, LEAST(COALESCE(win.closed_on, %(today)s), %(today)s) AS won_on,
       win.is_kind = 'new' AND (account.status = 'prospect' OR (account.status = 'churned' AND known.is_now)) AS buys,
       CASE WHEN win.deal_id IS NULL
            THEN win.closed_on IS NULL AND win.is_kind = 'new' AND account.status = 'prospect'
            ELSE known.is_now OR EXISTS (
              SELECT FROM journeys_handoff AS open WHERE open.tenant_id = %(tenant)s
                AND open.opportunity_id = win.deal_id AND open.state IN ('waiting', 'returned')) END AS hands_over
FROM import_win AS win
JOIN accounts_account AS account ON account.tenant_id = %(tenant)s AND account.id = win.is_of
CROSS JOIN LATERAL (SELECT (win.deal_id IS NOT NULL AND NOT win.was_won)
                    OR COALESCE(win.closed_on >= %(since)s, false) AS is_now) AS known
WHERE win.is_won
"""
_REST: Final = """
UPDATE import_win SET reason = 'The stay of each deal says why.'
WHERE was_won AND reason NOT IN (
  SELECT reason FROM import_win WHERE was_won GROUP BY reason ORDER BY count(*) DESC, reason LIMIT %(most)s)
"""


def note_wins(stage: Stage) -> None:
    """Keeps which of the rows still in take a deal into Won, out of it or elsewhere, and says how many."""
    stage.execute(_WINS, has_account=stage.has("account"))
    stage.execute(_UNCHANGED)
    stage.execute(_HANDS_STAY)
    stage.execute(_NEW_WINS, since=stage.today - LOOK_BACK)
    back = int(stage.scalar("SELECT count(*) FROM import_win WHERE was_won"))
    stage.warn(
        "wins_taken_back",
        back,
        f"{back:,} opportunities leave Won, have another account or are of another kind: what waits to be handed over "
        "is called off, and accounts that became customers by nothing else are again what they were.",
    )
    bought = stage.scalar("SELECT count(DISTINCT account_id) FROM import_won WHERE buys")
    stage.warn(
        "new_customers",
        int(bought),
        f"{bought:,} accounts become customers by opportunities of new business that are won.",
    )


def follow_wins(stage: Stage) -> None:
    """Undoes what wins that are none brought about, and brings about what new ones do. After the deals are written:
    another win of the account keeps it."""
    _take_back(stage)
    _bring_about(stage)


def _take_back(stage: Stage) -> None:
    stage.execute(_REST, most=_REASONS)
    found = stage.rows(
        "SELECT reason, hands_stay, deal_id, was_of, was_kind FROM import_win WHERE was_won "
        "ORDER BY reason, hands_stay, deal_id"
    )
    by_reason: dict[tuple[str, bool], list[Win]] = {}
    for reason, hands_stay, deal_id, account_id, kind in found:
        by_reason.setdefault((reason, hands_stay), []).append(Win(deal_id, account_id, kind))
    for (reason, hands_stay), wins in by_reason.items():
        verb = take_back_buyers if hands_stay else take_back_wins
        for start in range(0, len(wins), _CHUNK):
            verb(wins=wins[start : start + _CHUNK], reason=reason, actor=_IMPORT, now=stage.now)
    elsewhere = stage.rows("SELECT deal_id FROM import_win WHERE is_won AND was_won AND was_of IS DISTINCT FROM is_of")
    if elsewhere:
        let_hand_over_anew(opportunity_ids=[pk for (pk,) in elsewhere])


def _bring_about(stage: Stage) -> None:
    """What is dated and new here is handed over by the hourly sweep, which knows since when there are hand-offs."""
    bought = stage.rows("SELECT account_id, min(won_on) FROM import_won WHERE buys GROUP BY account_id ORDER BY 1")
    for start in range(0, len(bought), _CHUNK):
        become_customers_on(days=dict(bought[start : start + _CHUNK]), actor=_IMPORT, now=stage.now)
    found = stage.rows(
        "SELECT r.target_id FROM import_won AS won JOIN import_row AS r ON r.line = won.line "
        "WHERE won.hands_over AND r.target_id IS NOT NULL ORDER BY 1"
    )
    ids = [pk for (pk,) in found]
    for start in range(0, len(ids), _CHUNK):
        some = ids[start : start + _CHUNK]
        open_for_won(opportunity_ids=some, actor=_IMPORT, today=stage.today, now=stage.now)
