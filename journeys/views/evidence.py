"""Evidence that was a mistake: taken back by whoever may give it. The row stays, and the gate asks again."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import requires
from journeys.actions import rights
from journeys.actions.evidence import take_back_evidence
from journeys.models import Evidence


@requires(rights.GIVE_EVIDENCE)
@require_POST
def evidence_back(request: WorkspaceRequest, evidence_id: int) -> HttpResponse:
    """Takes it back, then the page of the deal or of the account."""
    try:
        given = take_back_evidence(evidence_id=evidence_id, actor=Actor.person(request.membership), now=clock.now())
    except Evidence.DoesNotExist as unknown:
        raise Http404 from unknown
    if given.opportunity_id is not None:
        return redirect("journeys:opportunity", given.opportunity_id)
    return redirect("dashboards:account", given.account_id)
