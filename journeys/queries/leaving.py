"""Whether a prospect has anything left to decide."""

from accounts.choices import AccountStatus
from accounts.models import Account
from journeys.choices import OpportunityKind, StageKind
from journeys.models import Opportunity, StageVisit


def leaves_with(deal: Opportunity) -> Account | None:
    """The prospect that stands in a stage of the journey and has no other open deal of new business; else None."""
    if deal.account_id is None or deal.kind != OpportunityKind.NEW:
        return None
    new = Opportunity.objects.filter(account_id=deal.account_id, kind=OpportunityKind.NEW)
    if new.filter(stage__kind=StageKind.OPEN).exclude(pk=deal.pk).exists():
        return None
    here = StageVisit.objects.filter(account_id=deal.account_id, left_on=None, account__merged_into=None)
    stay = here.filter(account__status=AccountStatus.PROSPECT).select_related("account").first()
    return stay.account if stay is not None else None
