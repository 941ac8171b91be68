"""What is done with a row of My day: done, undone, put off, or a new one."""

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST
from django_htmx.http import trigger_client_event

from accounts.queries.people import person_id_of
from core import clock
from core.actors import Actor
from core.formatting import day
from core.http import WorkspaceRequest
from core.permissions import Permission, requires
from journeys.actions.task_bulk import finish_many
from journeys.actions.task_verbs import (
    TaskIsClosed,
    create_task,
    finish_task,
    reopen_task,
    snooze_task,
    snooze_until_reply,
)
from journeys.models import Task
from journeys.queries.task_lists import next_task_of
from journeys.rules.snoozing import SnoozeRefused, snooze_choices
from revops.dashboards.forms import SnoozeForm, TaskForm, ids_of
from revops.dashboards.queries.book import book_of
from revops.dashboards.queries.queue import kinds_for, queue_row, visible_ids
from revops.dashboards.queue_html import queue_rows
from revops.dashboards.views.my_day import look_of, scope_of


@requires(Permission.WORK_TASKS)
@require_POST
def task_done(request: WorkspaceRequest, task_id: int) -> HttpResponse:
    """The row that says so and offers to undo it. `also`: the other tasks that the row stood for."""
    _check_visible(request, task_id)
    now = clock.now()
    today = request.tenant.today(now)
    also = ids_of([request.POST.get("also", "")])
    try:
        if also:
            return _done_together(request, [task_id, *also], today, now)
        task = finish_task(task_id=task_id, actor=Actor.person(request.membership), now=now)
    except Task.DoesNotExist as missing:
        raise Http404 from missing
    except TaskIsClosed as closed:
        return _refused(request, str(closed))
    after = next_task_of(task, today)
    return _answered(request, task, f"Done. Next: {after.title}, due {day(after.due_on, today)}." if after else "Done.")


def _done_together(request: WorkspaceRequest, ids: list[int], today: date, now: datetime) -> HttpResponse:
    mine = visible_ids(ids, request.membership.role)
    bulk = finish_many(task_ids=mine, actor=Actor.person(request.membership), today=today, now=now)
    if bulk.token is None:
        return _refused(request, "These tasks are closed already.")
    task = Task.objects.select_related("account").get(pk=ids[0])
    url = reverse("dashboards:tasks_undo", args=[bulk.token])
    return _answered(request, task, f"{bulk.done} done.", undo_url=url, undo_target="#queue", undo_swap="innerHTML")


@requires(Permission.WORK_TASKS)
@require_POST
def task_undo(request: WorkspaceRequest, task_id: int) -> HttpResponse:
    """The row as it was."""
    now = clock.now()
    today = request.tenant.today(now)
    _check_visible(request, task_id)
    try:
        reopen_task(task_id=task_id, actor=Actor.person(request.membership), now=now)
    except Task.DoesNotExist as missing:
        raise Http404 from missing
    except TaskIsClosed as closed:
        return _refused(request, str(closed))
    scope = scope_of(request)
    average = book_of(scope.owners.ids).average_arr_minor
    row = queue_row(task_id=task_id, role=request.membership.role, now=now, today=today, average_arr_minor=average)
    rows = [row] if row else []
    return HttpResponse(queue_rows(rows, look_of(request, scope, now, today), first_is_current=False))


@requires(Permission.WORK_TASKS)
@require_http_methods(["GET", "POST"])
def task_snooze(request: WorkspaceRequest, task_id: int) -> HttpResponse:
    """The dialog with the usual days, and what follows from a choice."""
    now = clock.now()
    today = request.tenant.today(now)
    task = (
        Task.objects.filter(pk=task_id, kind__in=kinds_for(request.membership.role)).select_related("account").first()
    )
    if task is None:
        raise Http404
    form = SnoozeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            task = _snoozed(request, form, task_id, today, now)
        except (SnoozeRefused, TaskIsClosed) as refusal:
            form.add_error(None, str(refusal))
        else:
            until = "they reply" if task.awaits_reply_since else f"{task.snoozed_until:%-d %b}"
            response = _answered(request, task, f"Snoozed until {until}.")
            response["HX-Retarget"], response["HX-Reswap"] = f"#row-task-{task_id}", "outerHTML"
            return trigger_client_event(response, "close-dialog")
    context: dict[str, Any] = {"task": task, "form": form, "choices": snooze_choices(today)}
    status = 422 if request.method == "POST" else 200
    return render(request, "dashboards/_snooze_dialog.html", context, status=status)


def _snoozed(request: WorkspaceRequest, form: SnoozeForm, task_id: int, today: date, now: datetime) -> Task:
    actor = Actor.person(request.membership)
    if form.cleaned_data["reply"]:
        return snooze_until_reply(task_id=task_id, actor=actor, now=now, today=today)
    until, reason = form.cleaned_data["until"], form.cleaned_data["reason"]
    return snooze_task(task_id=task_id, until=until, reason=reason, actor=actor, now=now, today=today)


@requires(Permission.WORK_TASKS)
@require_http_methods(["GET", "POST"])
def task_new(request: WorkspaceRequest) -> HttpResponse:
    """The dialog, and the task. `?account=` fills in the account's name."""
    now = clock.now()
    initial = {"due_on": request.tenant.today(now) + timedelta(days=1), "account": request.GET.get("account", "")}
    form = TaskForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        account = form.cleaned_data["account"]
        create_task(
            actor=Actor.person(request.membership),
            now=now,
            title=form.cleaned_data["title"],
            due_on=form.cleaned_data["due_on"],
            detail=form.cleaned_data["detail"],
            account_id=account.pk if account else None,
            assignee_id=person_id_of(request.membership),
        )
        response = HttpResponse(status=204)
        trigger_client_event(response, "close-dialog")
        trigger_client_event(response, "queue-changed")
        return trigger_client_event(response, "toast", {"text": "Task added.", "tone": "ok"})
    status = 422 if request.method == "POST" else 200
    return render(request, "dashboards/_task_dialog.html", {"form": form}, status=status)


def _check_visible(request: WorkspaceRequest, task_id: int) -> None:
    """Work that the role cannot open is not there for it."""
    if not Task.objects.filter(pk=task_id, kind__in=kinds_for(request.membership.role)).exists():
        raise Http404


def _answered(request: WorkspaceRequest, task: Task, result: str, **undo: str) -> HttpResponse:
    context = {
        "row_id": f"row-task-{task.pk}",
        "title": task.title,
        "account": task.account.name if task.account else "",
        "result": result,
        "undo_url": f"{reverse('dashboards:task_undo', args=[task.pk])}?scope={request.GET.get('scope', '')}",
        **undo,
    }
    return render(request, "components/undo_row.html", context)


def _refused(request: WorkspaceRequest, why: str) -> HttpResponse:
    response = HttpResponse(status=409)
    response["X-Message"] = quote(why)
    return response
