"""Where accounts begin that stand in no stage of the journey: by their status, or again after they had churned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection

from core.tenancy import require_tenant_id
from journeys.queries.gates import Process, journey_process, judge_accounts
from journeys.queries.handoffs import live_handoffs
from journeys.queries.journey_figures import live_journey
from journeys.queries.stages import lifecycle_stages

# Why the sweep lets an account leave that has churned: by these words it is known when it comes back.
HAS_CHURNED: Final = "Churned."
NO_STAGE: Final = """NOT EXISTS (SELECT FROM journeys_stagevisit AS stay
  WHERE stay.tenant_id = %(tenant)s AND stay.account_id = account.id)"""
# It stood in the journey, left it because it had churned, and is in business again. Whoever left for another reason
# stays out until somebody moves it.
CAME_BACK: Final = f"""account.status <> 'churned' AND EXISTS (
  SELECT FROM (SELECT entry.reason, entry.at FROM core_auditentry AS entry
    WHERE entry.tenant_id = %(tenant)s AND entry.subject_type = 'accounts.account' AND entry.subject_id = account.id
      AND entry.verb = 'left the journey' ORDER BY entry.at DESC, entry.id DESC LIMIT 1) AS leaving
  WHERE leaving.reason = '{HAS_CHURNED}' OR EXISTS (
    SELECT FROM core_auditentry AS lost WHERE lost.tenant_id = %(tenant)s AND lost.subject_type = 'accounts.account'
      AND lost.subject_id = account.id AND lost.at = leaving.at AND lost.verb = 'churned'))"""  # noqa: S608 -- constants
# A customer by a deal that nobody has taken over yet is not served yet: the hand-off brings it on.
_NOT_SERVED: Final = """EXISTS (SELECT FROM journeys_handoff AS handoff
  WHERE handoff.tenant_id = %(tenant)s AND handoff.account_id = account.id AND handoff.key = ANY(%(won)s)
    AND handoff.state IN ('waiting', 'returned')
    AND NOT EXISTS (SELECT FROM journeys_handoff AS later WHERE later.tenant_id = %(tenant)s
                    AND later.origin_key = handoff.origin_key AND later.attempt > handoff.attempt))"""
_BEGINS: Final = f"""CASE account.status WHEN 'prospect' THEN %(prospect)s
  WHEN 'customer' THEN CASE WHEN {_NOT_SERVED} THEN %(prospect)s ELSE %(customer)s END END"""
_STAGE: Final = f"""JOIN journeys_lifecyclestage AS stage
  ON stage.tenant_id = %(tenant)s AND stage.journey = 'standard' AND stage.key = {_BEGINS}"""
# Who gets a first stage: the stage's id and key beside the account's. A scope may be added.
FIRST: Final = f"""SELECT account.id, stage.id AS stage_id, stage.key FROM accounts_account AS account {_STAGE}
WHERE account.tenant_id = %(tenant)s AND account.merged_into_id IS NULL AND {NO_STAGE}"""  # noqa: S608 -- constants
# The few who are out come first: only of them the trail is asked.
_AGAIN: Final = f"""WITH gone AS MATERIALIZED (
  SELECT account.id, account.status FROM accounts_account AS account
  WHERE account.tenant_id = %(tenant)s AND account.merged_into_id IS NULL AND account.status <> 'churned' {{scope}}
    AND NOT {NO_STAGE} AND NOT EXISTS (SELECT FROM journeys_stagevisit AS here WHERE here.tenant_id = %(tenant)s
                                       AND here.account_id = account.id AND here.left_on IS NULL)
)
SELECT stage.key, array_agg(account.id ORDER BY account.id) FROM gone AS account {_STAGE}
WHERE {CAME_BACK} AND NOT {_NOT_SERVED} GROUP BY stage.key"""  # noqa: S608 -- constants


@dataclass(frozen=True)
class Beginnings:
    """What the live journey says of beginnings: the parameters of the statements above, and what its gates ask."""

    params: Mapping[str, Any]
    process: Process

    def asks(self, stage_key: str) -> bool:
        """Whether the stage asks anything of whoever enters it."""
        return any(one.stage_key == stage_key and one.part == "entry" for one in self.process.placed)

    def shut(self, scope: str, params: Mapping[str, Any], today: date) -> list[int]:
        """Of those in the scope who would begin, the ones that their stage does not let in. A statement per stage."""
        asking = sorted({one.stage_key for one in self.process.placed if self.asks(one.stage_key)})
        if not asking:
            return []
        found: dict[str, list[int]] = {}
        for account_id, _, key in _rows(f"{FIRST} {scope} AND stage.key = ANY(%(asking)s)",
                                        {**self.params, **params, "asking": asking}):  # fmt: skip
            found.setdefault(key, []).append(account_id)
        return [
            one.id for key, ids in found.items() for one in judge_accounts(self.process, ids, key, today) if one.missing
        ]

    def again(self, scope: str, params: Mapping[str, Any]) -> list[tuple[str, list[int]]]:
        """Those in the scope who came back after they had churned, by the stage in which they begin again."""
        return [(key, ids) for key, ids in _rows(_AGAIN.format(scope=scope), {**self.params, **params})]


def beginnings() -> Beginnings | None:
    """None where there is no live journey that can be read."""
    _, spec = live_journey()
    if spec is None:
        return None
    firsts = spec.first_stages()
    live = live_handoffs()
    params = {
        "tenant": require_tenant_id(),
        "customer": firsts.get("customer", ""),
        "prospect": firsts.get("prospect", ""),
        "won": [one.key for one in live.specs if one.on_won] if live else [],
    }
    return Beginnings(params, journey_process())


def customers_word() -> int:
    """The position of the stage whose word covers the one in which customers begin: Adoption is a Customer, too.

    0 where no stage is for customers, or none up to it has a word.
    """
    _, spec = live_journey()
    if spec is None or "customer" not in spec.first_stages():
        return 0
    last, first = 0, spec.first_stages()["customer"]
    spoken = {one.key for one in spec.stages if one.hubspot}
    for stage in lifecycle_stages():
        last = stage.position if stage.key in spoken else last
        if stage.key == first:
            break
    return last


def _rows(sql: str, params: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, dict(params))
        return list(cursor.fetchall())
