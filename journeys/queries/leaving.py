"""Whether a prospect has anything left to decide."""

from accounts.choices import AccountStatus
from accounts.models import Account
from journeys.choices import OpportunityKind, StageKind
from journeys.models import Opportunity


def leaves_with(deal: Opportunity) -> Account | None:
    """The prospect that stands in a stage of the journey and has no other open deal of new business; else None."""
    if deal.kind != OpportunityKind.NEW:
        return None
    others = Opportunity.objects.filter(
        account_id=deal.account_id, kind=OpportunityKind.NEW, stage__kind=StageKind.OPEN
    ).exclude(pk=deal.pk)
    prospects = Account.objects.filter(status=AccountStatus.PROSPECT, merged_into=None, stage_visits__left_on=None)
    found = prospects.filter(pk=deal.account_id or 0, stage_visits__isnull=False).first()
    return None if found is None or others.exists() else found
