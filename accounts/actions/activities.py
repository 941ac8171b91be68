"""Activities logged by hand."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.choices import ActivityKind
from accounts.models import Account, Activity, Person
from accounts.queries.living import living_account
from core import audit
from core.actors import Actor
from core.changes import mark_changed
from core.models import Tenant


@transaction.atomic
def log_activity(
    *,
    tenant: Tenant,
    account: Account,
    kind: ActivityKind,
    subject: str,
    body: str,
    occurred_at: datetime,
    person: Person | None,
    actor: Actor,
    now: datetime,
) -> Activity:
    """Writes a call, meeting or note. The account's last contact moves forward, never back; a note is no contact."""
    living_account(account.pk)
    activity = Activity.objects.create(
        account=account, person=person, kind=kind, occurred_at=occurred_at, subject=subject, body=body
    )
    if kind != ActivityKind.NOTE:
        day = tenant.today(occurred_at)
        Account.objects.filter(Q(last_contact_on=None) | Q(last_contact_on__lt=day), pk=account.pk).update(
            last_contact_on=day
        )
    mark_changed([account.pk])
    audit.record(
        actor=actor, at=now, verb="logged", subject=activity, after={"kind": str(kind), "account_id": account.pk}
    )
    return activity
