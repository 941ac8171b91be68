"""What is done with a row of My day: done, undone, put off, or a new one."""

from datetime import timedelta
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
from core.http import WorkspaceRequest
from core.permissions import Permission, requires
from journeys.actions.task_verbs import TaskIsClosed, create_task, finish_task, reopen_task, snooze_task
from journeys.models import Task
from journeys.rules.snoozing import SnoozeRefused, snooze_choices
from revops.dashboards.forms import SnoozeForm, TaskForm
from revops.dashboards.queries.book import book
from revops.dashboards.queries.queue import kinds_for, queue_row
from revops.dashboards.queue_html import queue_rows
from revops.dashboards.views.my_day import look_of, scope_of


@requires(Permission.WORK_TASKS)
@require_POST
def task_done(request: WorkspaceRequest, task_id: int) -> HttpResponse:
    """The row that says so and offers to undo it."""
    _check_visible(request, task_id)
    try:
        task = finish_task(task_id=task_id, actor=Actor.person(request.membership), now=clock.now())
    except Task.DoesNotExist as missing:
        raise Http404 from missing
    except TaskIsClosed as closed:
        return _refused(request, str(closed))
    return _answered(request, task, "Done.")


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
    average = book(scope.owner_id).average_arr_minor
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
            task = snooze_task(
                task_id=task_id,
                until=form.cleaned_data["until"],
                reason=form.cleaned_data["reason"],
                actor=Actor.person(request.membership),
                now=now,
                today=today,
            )
        except (SnoozeRefused, TaskIsClosed) as refusal:
            form.add_error(None, str(refusal))
        else:
            response = _answered(request, task, f"Snoozed until {task.snoozed_until:%-d %b}.")
            response["HX-Retarget"], response["HX-Reswap"] = f"#row-task-{task_id}", "outerHTML"
            return trigger_client_event(response, "close-dialog")
    context: dict[str, Any] = {"task": task, "form": form, "choices": snooze_choices(today)}
    status = 422 if request.method == "POST" else 200
    return render(request, "dashboards/_snooze_dialog.html", context, status=status)


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


def _answered(request: WorkspaceRequest, task: Task, result: str) -> HttpResponse:
    context = {
        "row_id": f"row-task-{task.pk}",
        "title": task.title,
        "account": task.account.name if task.account else "",
        "result": result,
        "undo_url": reverse("dashboards:task_undo", args=[task.pk]),
    }
    return render(request, "components/undo_row.html", context)


def _refused(request: WorkspaceRequest, why: str) -> HttpResponse:
    response = HttpResponse(status=409)
    response["X-Message"] = quote(why)
    return response
