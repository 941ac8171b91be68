"""The rules by which journeys, deals, tasks and plays go over when two accounts become one."""

from typing import Final

from accounts.rules.merging import DROPPED, MergePart

# Two stays at once cannot be: where the kept account has a journey of its own, the other's ends and stays its own.
_HAS_JOURNEY: Final = (
    "EXISTS (SELECT FROM journeys_stagevisit k WHERE k.tenant_id = g.tenant_id AND k.account_id = %(kept)s)"
)
_END_VISIT: Final = """UPDATE journeys_stagevisit SET left_on = GREATEST(%(today)s::date, entered_on),
    reason = concat_ws('. ', NULLIF(reason, ''), %(because)s)
WHERE tenant_id = %(tenant)s AND account_id = %(gone)s AND left_on IS NULL"""
_DROP_COMING: Final = """DELETE FROM journeys_checkpoint
WHERE tenant_id = %(tenant)s AND account_id = %(gone)s AND held_on IS NULL"""
_ANSWERS_TO_KEPT: Final = """UPDATE journeys_answer AS x SET contact_id = k.id
FROM accounts_contact g JOIN accounts_contact k ON k.tenant_id = g.tenant_id AND k.account_id = %(kept)s
    AND k.email_key = g.email_key
WHERE g.tenant_id = %(tenant)s AND g.account_id = %(gone)s AND g.email_key <> '' AND x.tenant_id = %(tenant)s
  AND x.contact_id = g.id"""

_SAME_PLAY: Final = """r.tenant_id = %(tenant)s AND r.account_id = %(gone)s AND r.state = 'running'
  AND EXISTS (SELECT FROM journeys_playbookrun k WHERE k.tenant_id = r.tenant_id AND k.account_id = %(kept)s
              AND k.playbook = r.playbook AND k.state = 'running')"""
_PUT_AWAY: Final = f"""UPDATE journeys_task AS t SET state = 'obsolete', closed_at = %(now)s, closed_by = %(actor)s
FROM journeys_runstep s JOIN journeys_playbookrun r ON r.tenant_id = s.tenant_id AND r.id = s.run_id
WHERE t.tenant_id = %(tenant)s AND s.tenant_id = %(tenant)s AND s.task_id = t.id AND t.state = 'open'
  AND {_SAME_PLAY}"""  # noqa: S608 -- a constant
_STOP_PLAY: Final = f"""UPDATE journeys_playbookrun AS r SET state = 'stopped', ended_on = %(today)s,
    ended_by = %(actor)s, end_reason = %(because)s WHERE {_SAME_PLAY}"""  # noqa: S608 -- a constant

_REVOKE_ASKED: Final = """UPDATE journeys_waiver SET state = 'revoked', answered_at = %(now)s, answered_by = %(actor)s,
    answer = %(because)s
WHERE tenant_id = %(tenant)s AND account_id = %(gone)s AND state = 'asked'"""

PARTS: Final = (
    MergePart("journeys_opportunity", "Opportunities", 30, before=(_ANSWERS_TO_KEPT,)),
    MergePart(
        "journeys_playbookrun",
        "Plays",
        31,
        before=(_PUT_AWAY, _STOP_PLAY),
        rule="Of two running plays of one playbook the kept account's goes on; the other stops.",
    ),
    MergePart("journeys_task", "Tasks", 32),
    MergePart("journeys_handoff", "Hand-offs", 33),
    MergePart("journeys_expectation", "Expectations", 34),
    MergePart(
        "journeys_firstvalue",
        "First value",
        35,
        gives_way="""EXISTS (SELECT FROM journeys_firstvalue k
            WHERE k.tenant_id = g.tenant_id AND k.account_id = %(kept)s)""",
        fate=DROPPED,
        rule="The kept account's clock stays.",
    ),
    MergePart(
        "journeys_handoverline",
        "Lines of planned hand-overs",
        36,
        gives_way="""EXISTS (SELECT FROM journeys_handoverline k WHERE k.tenant_id = g.tenant_id
            AND k.account_id = %(kept)s AND k.handover_id = g.handover_id)""",
        fate=DROPPED,
        rule="The kept account's line of the same hand-over stays.",
    ),
    MergePart(
        "journeys_evidence", "Evidence", 37, gives_way=f"g.account_id IS NOT NULL AND {_HAS_JOURNEY}",
        rule="It speaks of a stay that does not go over.",
    ),
    MergePart(
        "journeys_waiver", "Waivers", 38, before=(_REVOKE_ASKED,),
        gives_way=f"g.account_id IS NOT NULL AND {_HAS_JOURNEY}",
        rule="It was signed for the other account, and opens nothing here. One that waits is revoked.",
    ),
    MergePart(
        "journeys_checkpoint", "Checkpoints", 39, gives_way=_HAS_JOURNEY, after=(_DROP_COMING,),
        rule="Those of a stay that does not go over stay with it; what was still to come of it is dropped.",
    ),
    MergePart(
        "journeys_stagevisit", "Stays in the journey", 40, gives_way=_HAS_JOURNEY, after=(_END_VISIT,),
        rule="An account is in one stage at a time: the kept account's stays, the other's stay ends today.",
    ),
)  # fmt: skip
