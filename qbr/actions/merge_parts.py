"""The rule by which business reviews go over when two accounts become one."""

from typing import Final

from accounts.rules.merging import MergePart

_GIVES_WAY: Final = """EXISTS (SELECT FROM qbr_qbr k WHERE k.tenant_id = g.tenant_id AND k.account_id = %(kept)s
    AND (k.due_on = g.due_on
         OR k.state IN ('draft', 'review', 'sent') AND g.state IN ('draft', 'review', 'sent')))"""
_CANCEL: Final = """UPDATE qbr_qbr SET state = 'cancelled', outcome = concat_ws('. ', NULLIF(outcome, ''), %(because)s)
WHERE tenant_id = %(tenant)s AND account_id = %(gone)s AND state IN ('draft', 'review', 'sent')"""
_PUT_AWAY: Final = """UPDATE journeys_task SET state = 'obsolete', closed_at = %(now)s, closed_by = %(actor)s
WHERE tenant_id = %(tenant)s AND state = 'open' AND subject_kind = 'qbr'
  AND subject_id IN (SELECT id FROM qbr_qbr WHERE tenant_id = %(tenant)s AND account_id = %(gone)s)"""

PARTS: Final = (
    MergePart(
        "qbr_qbr",
        "Business reviews",
        70,
        gives_way=_GIVES_WAY,
        after=(_CANCEL, _PUT_AWAY),
        rule="One customer has one open review: the kept account's stays, the other's is cancelled. Held ones go over.",
    ),
)
