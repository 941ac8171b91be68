"""What is done with many rows of My day in one act, and taken back."""

from typing import Any
from urllib.parse import quote

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST

from core import clock
from core.actors import Actor
from core.formatting import day, plural
from core.http import WorkspaceRequest
from core.permissions import Permission, requires
from journeys.actions.task_bulk import (
    Bulk,
    NothingToUndo,
    TooMany,
    assign_many,
    finish_many,
    snooze_many,
    undo_many,
)
from journeys.rules.snoozing import SnoozeRefused
from revops.dashboards.forms import BulkForm, ids_of
from revops.dashboards.queries.book import book_of
from revops.dashboards.queries.queue import visible_ids
from revops.dashboards.views.my_day import queue_context, scope_of


@requires(Permission.WORK_TASKS)
@require_POST
def tasks_bulk(request: WorkspaceRequest) -> HttpResponse:
    """Done, put off or given away; the queue as it is then, with the offer to take it back."""
    form = BulkForm(request.POST)
    if not form.is_valid():
        return _refused(" ".join(str(error) for errors in form.errors.values() for error in errors), 422)
    ids = visible_ids(ids_of(request.POST.getlist("task")), request.membership.role)
    try:
        bulk, words = _act(request, form.cleaned_data, ids)
    except (SnoozeRefused, TooMany) as refusal:
        return _refused(str(refusal), 422)
    if bulk.token is None:
        return _refused("Nothing to do: they are closed already, or wait for an answer on their own page.", 409)
    if bulk.passed_over:
        words = f"{words} {plural(bulk.passed_over, 'task')} passed over."
    return _queue(request, {"title": plural(bulk.done, "task"), "result": words, "undo_url": _undo_url(request, bulk)})


@requires(Permission.WORK_TASKS)
@require_POST
def tasks_undo(request: WorkspaceRequest, token: int) -> HttpResponse:
    """Takes one act over many tasks back, and shows the queue."""
    now = clock.now()
    try:
        undo_many(
            token=min(token, 2**63 - 1),
            actor=Actor.person(request.membership),
            today=request.tenant.today(now),
            now=now,
        )
    except NothingToUndo as nothing:
        return _refused(str(nothing), 409)
    return _queue(request, None)


def _act(request: WorkspaceRequest, asked: dict[str, Any], ids: list[int]) -> tuple[Bulk, str]:
    now = clock.now()
    today = request.tenant.today(now)
    actor = Actor.person(request.membership)
    if asked["act"] == "done":
        return finish_many(task_ids=ids, actor=actor, today=today, now=now), "Done."
    if asked["act"] == "snooze":
        bulk = snooze_many(task_ids=ids, until=asked["until"], reason="", actor=actor, today=today, now=now)
        return bulk, f"Snoozed until {day(asked['until'], today)}."
    person = asked["person"]
    bulk = assign_many(task_ids=ids, assignee_id=person.pk, actor=actor, today=today, now=now)
    return bulk, f"Given to {person.name}."


def _undo_url(request: WorkspaceRequest, bulk: Bulk) -> str:
    asked = request.GET.urlencode()
    return f"{reverse('dashboards:tasks_undo', args=[bulk.token])}{'?' if asked else ''}{asked}"


def _queue(request: WorkspaceRequest, undo: dict[str, str] | None) -> HttpResponse:
    scope = scope_of(request)
    _, context = queue_context(request, scope, book_of(scope.owners.ids), clock.now())
    return render(request, "dashboards/my_day.html#queue", context | {"undo": undo})


def _refused(why: str, status: int) -> HttpResponse:
    response = HttpResponse(status=status)
    response["X-Message"] = quote(why)
    return response
