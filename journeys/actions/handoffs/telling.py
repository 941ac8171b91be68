"""Hand-offs that nobody in particular is to take over: the team is told, when one comes and once when it is late."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import connection
from django.urls import reverse

from core.choices import Role
from core.models import Membership
from core.notify import notify, notify_from
from core.tenancy import require_tenant_id
from journeys.queries.handoffs import LiveHandoffs
from journeys.rules.handoffs import HandoffSpec

NOTICE: Final = "handoff"
# More than these at once, as after an import, are one notice that leads to the list.
MANY: Final = 10
# How long after its time a sweep still tells of it: an outage of hours loses none.
LATE_FOR: Final = timedelta(days=1)

_EACH: Final = """
SELECT member.id AS membership_id, %(mark)s || handoff.id AS key,
       left(handoff.name || %(words)s || ': ' || account.name, 300) AS text,
       replace(%(url)s, '/0/', '/' || handoff.id || '/') AS url, NULL::jsonb AS channels
FROM journeys_handoff AS handoff
JOIN accounts_account AS account ON account.tenant_id = %(tenant)s AND account.id = handoff.account_id
CROSS JOIN unnest(%(members)s::bigint[]) AS member (id)
WHERE handoff.tenant_id = %(tenant)s AND handoff.id = ANY(%(ids)s)"""
_LATE: Final = """
SELECT key, array_agg(id) FROM journeys_handoff
WHERE tenant_id = %s AND state = 'waiting' AND to_person_id IS NULL AND due_at < %s AND due_at >= %s
GROUP BY key"""


def tell_of_new(live: LiveHandoffs, spec: HandoffSpec, ids: Sequence[int], *, now: datetime) -> None:
    """Tells the team that takes over of hand-offs that wait for one of them."""
    _tell(live, spec, ids, "new:", f" waits for somebody of {spec.to_team}", f"many:{spec.key}:{now.isoformat()}", now)


def tell_of_late(live: LiveHandoffs, *, now: datetime) -> None:
    """Tells the team once of each that nobody has taken over in time."""
    with connection.cursor() as cursor:
        cursor.execute(_LATE, [require_tenant_id(), now, now - LATE_FOR])
        late: dict[str, list[int]] = dict(cursor.fetchall())
    for spec in live.specs:
        if spec.key in late:
            many = f"late:{spec.key}:{live.workspace.today(now)}"
            _tell(live, spec, late[spec.key], "late:", f" is late, and nobody of {spec.to_team} has it", many, now)


def _tell(
    live: LiveHandoffs, spec: HandoffSpec, ids: Sequence[int], mark: str, words: str, many: str, now: datetime
) -> None:
    if not ids:
        return
    members = _team(spec)
    if len(ids) > MANY:
        text = f"{len(ids)} × {spec.name}{words}"
        url = f"{reverse('journeys:handoffs')}?view=team"
        notify(membership_ids=members, kind=NOTICE, key=many, text=text, url=url, tenant=live.workspace, now=now)
        return
    params = {
        "tenant": require_tenant_id(), "mark": mark, "words": words, "url": reverse("journeys:handoff", args=[0]),
        "members": members, "ids": list(ids),
    }  # fmt: skip
    notify_from(kind=NOTICE, select=_EACH, params=params, tenant=live.workspace, now=now)


def _team(spec: HandoffSpec) -> list[int]:
    """Its members; of a team that has none, the RevOps admins, who can change the journey."""
    here = Membership.objects.filter(tenant_id=require_tenant_id(), is_active=True)
    team = here.filter(role__in=sorted(spec.to_roles)) or here.filter(role=Role.REVOPS_ADMIN)
    return sorted(one.pk for one in team)
