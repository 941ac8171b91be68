"""Many deals into one stage: at once, or as a job when there are very many; those that stay are listed."""

from typing import Final

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import requires
from journeys.actions import rights
from journeys.actions.bulk_moves import CHUNK, TooMany, start_moves
from journeys.actions.moves import move_opportunities
from journeys.forms.gates import ManyMovesForm
from journeys.queries.pipelines import find_stage

AT_ONCE: Final = CHUNK


@requires(rights.MOVE_DEAL)
@require_POST
def moves(request: WorkspaceRequest) -> HttpResponse:
    """Moves the chosen deals and says which of them stay, with what is missing."""
    form = ManyMovesForm(request.POST)
    if not form.is_valid():
        return render(request, "journeys/opportunities/moves.html", {"form": form}, status=422)
    asked, now = form.cleaned_data, clock.now()
    stage = find_stage(asked["stage"])
    if stage is None:
        raise Http404
    actor, today = Actor.person(request.membership), request.tenant.today(now)
    words = {name: asked[name] for name in ("reason", "close_reason", "leave")}
    if len(asked["ids"]) > AT_ONCE:
        try:
            job = start_moves(
                opportunity_ids=asked["ids"], stage_id=stage.pk, actor=actor, today=today, now=now, **words
            )
        except TooMany as refused:
            form.add_error("ids", str(refused))
            return render(request, "journeys/opportunities/moves.html", {"form": form}, status=422)
        return redirect("core:job", job.pk)
    result = move_opportunities(
        opportunity_ids=asked["ids"], stage_id=stage.pk, actor=actor, today=today, now=now, **words
    )
    context = {"form": form, "stage": stage, "result": result, "asked": len(asked["ids"])}
    return render(request, "journeys/opportunities/moves.html", context, status=422 if result.refused else 200)
