"""Whether a prospect has anything left to decide."""

from collections.abc import Collection

from django.db.models import Exists, OuterRef

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


def leave_with(deal_ids: Collection[int]) -> list[int]:
    """As `leaves_with`, for deals that are closed by now: the ids of the prospects that no open deal holds any more."""
    new = Opportunity.objects.filter(kind=OpportunityKind.NEW)
    held = new.filter(account_id=OuterRef("account_id"), stage__kind=StageKind.OPEN)
    here = StageVisit.objects.filter(account_id=OuterRef("account_id"), left_on=None)
    lost = new.filter(pk__in=deal_ids, account__status=AccountStatus.PROSPECT, account__merged_into=None)
    found = lost.filter(~Exists(held), Exists(here)).order_by("account_id")
    return list(found.values_list("account_id", flat=True).distinct())
