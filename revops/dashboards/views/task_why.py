"""Why an automatic task is there."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core import clock
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from health.queries.alerts import money_facts
from journeys.models import Task
from revops.dashboards.queries.lineage import lineage
from revops.dashboards.queries.queue import kinds_for


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def task_why(request: WorkspaceRequest, task_id: int) -> HttpResponse:
    """The rule with its version, what its conditions saw, and the rows behind that."""
    role = request.membership.role
    found = Task.objects.select_related("account", "process_version", "assignee")
    task = found.filter(pk=task_id, kind__in=kinds_for(role)).first() if task_id < 2**63 else None
    if task is None:
        raise Http404
    with_money = may(role, Permission.VIEW_MONEY)
    today = request.tenant.today(clock.now())
    context = {
        "lineage": lineage(
            task, hidden=frozenset() if with_money else money_facts(), with_money=with_money, today=today
        ),
        "task": task,
        "today": today,
    }
    return render(request, "dashboards/task_why.html", context)
