"""Where accounts begin that stand in no stage of the journey: by their status, or again after they had churned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.db import connection

from core.tenancy import require_tenant_id
from journeys.queries.criteria import Judged
from journeys.queries.gates import Process, journey_process, judge_accounts
from journeys.queries.handoffs import live_handoffs
from journeys.queries.journey_figures import live_journey
from journeys.queries.stages import lifecycle_stages

# Why the sweep lets an account leave that has churned.
HAS_CHURNED: Final = "Churned."
NO_STAGE: Final = """NOT EXISTS (SELECT FROM journeys_stagevisit AS stay
  WHERE stay.tenant_id = %(tenant)s AND stay.account_id = account.id)"""
# A start is known only of accounts that begin under our eyes: customers since this very day, and prospects made on it.
BEGINS_TODAY: Final = """CASE account.status
  WHEN 'customer' THEN account.customer_since IS NOT DISTINCT FROM %(today)s::date
  WHEN 'prospect' THEN (account.created_at AT TIME ZONE (SELECT home.timezone FROM core_tenant AS home
                                                         WHERE home.id = %(tenant)s))::date = %(today)s::date
  ELSE false END"""
# It stood in the journey, left it because it had churned, and is in business again. Whoever left for another reason
# stays out until somebody moves it. The trail says which it was; before it did, the sweep let the churned leave.
CAME_BACK: Final = f"""account.status <> 'churned' AND EXISTS (
  SELECT FROM (SELECT entry.after, entry.reason, entry.actor_membership_id FROM core_auditentry AS entry
    WHERE entry.tenant_id = %(tenant)s AND entry.subject_type = 'accounts.account' AND entry.subject_id = account.id
      AND entry.verb = 'left the journey' ORDER BY entry.at DESC, entry.id DESC LIMIT 1) AS leaving
  WHERE COALESCE((leaving.after ->> 'churned')::boolean,
                 leaving.reason = '{HAS_CHURNED}' AND leaving.actor_membership_id IS NULL))"""  # noqa: S608 -- constants
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
# Who gets a first stage: its id and key beside the account's, and whether it begins there today. A scope may be added.
FIRST: Final = f"""SELECT account.id, stage.id AS stage_id, stage.key, {BEGINS_TODAY} AS begins_today
FROM accounts_account AS account {_STAGE}
WHERE account.tenant_id = %(tenant)s AND account.merged_into_id IS NULL AND {NO_STAGE}"""  # noqa: S608 -- constants
# The few who are out come first: only of them the trail is asked. A customer enters the stage that it left, where that
# is one for customers; else it begins by its status.
_AGAIN: Final = f"""WITH gone AS MATERIALIZED (
  SELECT account.id, account.status FROM accounts_account AS account
  WHERE account.tenant_id = %(tenant)s AND account.merged_into_id IS NULL AND account.status <> 'churned' {{scope}}
    AND NOT {NO_STAGE} AND NOT EXISTS (SELECT FROM journeys_stagevisit AS here WHERE here.tenant_id = %(tenant)s
                                       AND here.account_id = account.id AND here.left_on IS NULL)
)
SELECT COALESCE(held.key, first.key), array_agg(account.id ORDER BY account.id) FROM gone AS account
CROSS JOIN LATERAL (
  SELECT stage.key, stage.position FROM journeys_stagevisit AS last
  JOIN journeys_lifecyclestage AS stage ON stage.tenant_id = %(tenant)s AND stage.id = last.stage_id
  WHERE last.tenant_id = %(tenant)s AND last.account_id = account.id
  ORDER BY last.entered_on DESC, last.id DESC LIMIT 1) AS stood
LEFT JOIN journeys_lifecyclestage AS before
  ON before.tenant_id = %(tenant)s AND before.journey = 'standard' AND before.key = %(prospect)s
LEFT JOIN LATERAL (SELECT stood.key) AS held
  ON account.status = 'customer' AND stood.position > COALESCE(before.position, -1)
LEFT JOIN journeys_lifecyclestage AS first
  ON first.tenant_id = %(tenant)s AND first.journey = 'standard' AND first.key = {_BEGINS}
WHERE COALESCE(held.key, first.key) IS NOT NULL AND {CAME_BACK} AND NOT {_NOT_SERVED} GROUP BY 1"""  # noqa: S608 -- constants


@dataclass(frozen=True)
class Beginnings:
    """What the live journey says of beginnings: the parameters of the statements above, and what its gates ask."""

    params: Mapping[str, Any]
    process: Process

    def asks(self, stage_key: str) -> bool:
        """Whether the stage asks anything of whoever enters it."""
        return any(one.stage_key == stage_key and one.part == "entry" for one in self.process.placed)

    def firsts(self, scope: str, params: Mapping[str, Any]) -> list[tuple[int, str]]:
        """Those in the scope who would begin, each with the key of its stage."""
        return [(row[0], row[2]) for row in _rows(f"{FIRST} {scope}", {**self.params, **params})]

    def shut(self, scope: str, params: Mapping[str, Any], today: date) -> dict[str, list[Judged]]:
        """Of those in the scope who would begin, the ones that their stage does not let in, by its key, with what they
        lack. A statement per stage.
        """
        asking = sorted({one.stage_key for one in self.process.placed if self.asks(one.stage_key)})
        if not asking:
            return {}
        found: dict[str, list[int]] = {}
        for account_id, key in self.firsts(f"{scope} AND stage.key = ANY(%(asking)s)", {**params, "asking": asking}):
            found.setdefault(key, []).append(account_id)
        return {
            key: [one for one in judge_accounts(self.process, ids, key, today) if one.missing]
            for key, ids in found.items()
        }

    def names(self, judged: Judged) -> tuple[str, ...]:
        """What it lacks, in words."""
        return tuple(self.process.placed[place].criterion.name for place in judged.missing)

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
