"""The rules by which scores, alerts and judgements go over when two accounts become one."""

from typing import Final

from accounts.rules.merging import MergePart

_CLEAR: Final = """UPDATE health_override SET cleared_at = %(now)s, cleared_on = %(today)s, cleared_by = %(actor)s
WHERE tenant_id = %(tenant)s AND account_id = %(gone)s AND cleared_at IS NULL"""
_OVER: Final = """UPDATE health_alert AS g SET closed_on = %(today)s, closed_at = %(now)s
WHERE g.tenant_id = %(tenant)s AND g.account_id = %(gone)s AND g.closed_at IS NULL
  AND EXISTS (SELECT FROM health_alert k WHERE k.tenant_id = g.tenant_id AND k.account_id = %(kept)s
              AND k.rule_key = g.rule_key AND (k.closed_at IS NULL OR k.opened_on = g.opened_on))"""

_KNOWN_THEN: Final = "What was known then is never rewritten."

PARTS: Final = (
    MergePart(
        "health_score", "Current score", 50, gives_way="TRUE", rule="It is worked out again from what both have.",
    ),
    MergePart("health_scorehistory", "Scores of the past", 51, gives_way="TRUE", rule=_KNOWN_THEN),
    MergePart("health_shadowscore", "Scores of drafts", 52, gives_way="TRUE", rule=_KNOWN_THEN),
    MergePart("health_doubt", "Doubts about the score", 53, gives_way="TRUE", rule="They speak of the other score."),
    MergePart(
        "health_override", "Own judgements", 54, gives_way="TRUE", before=(_CLEAR,),
        rule="They judge the other account; one that still counts ends.",
    ),
    MergePart(
        "health_alert",
        "Alerts",
        55,
        gives_way="""EXISTS (SELECT FROM health_alert k WHERE k.tenant_id = g.tenant_id AND k.account_id = %(kept)s
            AND k.rule_key = g.rule_key AND k.opened_on = g.opened_on)""",
        before=(_OVER,),
        rule="Of two open ones of one rule the kept account's stays open; the other ends.",
    ),
)  # fmt: skip
