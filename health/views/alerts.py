"""Doors of alerts: the list, one alert with its verdict, the rules with their record, and why one did (not) fire."""

from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.queries.people import person_id_of
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires
from health.actions.alert_plays import origin_of
from health.actions.alert_rules import start_trial
from health.actions.alerts import judge_alert
from health.choices import AlertVerdict
from health.forms import AlertListForm, VerdictForm, WhyForm
from health.models import Alert
from health.queries import alerts as queries
from health.queries.alert_figures import rule_book
from health.queries.alert_trace import trace
from health.queries.scores import current_scores
from health.rules.alert_words import reason, seen
from health.rules.alerts import parse_alert_rule
from journeys.queries.plays.runs import plays
from journeys.queries.task_lists import tasks_of_subject

PAGE: Final = 100


@requires(Permission.VIEW_HEALTH)
@require_GET
def alert_list(request: WorkspaceRequest) -> HttpResponse:
    """Alerts that are open, held back or over: mine or everyone's, of one rule or of all."""
    asked = AlertListForm(request.GET)
    asked.is_valid()
    person_id = person_id_of(request.membership)
    everyone = person_id is None or asked.asked("who", "mine") == "all"
    owner_id = None if everyone else person_id
    state, rule_key = asked.asked("state", "open"), asked.asked("rule", "")
    shown = list(queries.alerts(owner_id=owner_id, state=state, rule_key=rule_key)[: PAGE + 1])
    scores = current_scores({row.account_id for row in shown[:PAGE]})
    hidden = _hidden(request)
    context = {
        "rows": [_row(row, hidden) | {"score": scores.get(row.account_id)} for row in shown[:PAGE]],
        "more": len(shown) > PAGE,
        "page_size": PAGE,
        "counts": queries.alert_counts(owner_id=owner_id, rule_key=rule_key),
        "state": state,
        "everyone": everyone,
        "has_book": person_id is not None,
        "rule_key": rule_key,
        "rules": queries.rule_names(),
        **_frame(request),
    }
    return render(request, "health/alerts.html", context)


@requires(Permission.VIEW_HEALTH)
@require_GET
def alert_page(request: WorkspaceRequest, alert_id: int) -> HttpResponse:
    """One alert: what each condition saw, what is to be done, and what people say about it."""
    alert = _alert(alert_id)
    context = {
        **_row(alert, _hidden(request)),
        "seen": seen(alert.why, _hidden(request)),
        "rule": parse_alert_rule(alert.rule.definition),
        "score": current_scores([alert.account_id]).get(alert.account_id),
        "tasks": tasks_of_subject("alert", alert.pk),
        "play": plays().filter(origin_key=origin_of(alert.pk)).first(),
        "others": queries.alerts_of_account(alert.account_id).exclude(pk=alert.pk)[:10],
        "verdicts": AlertVerdict.choices,
        **_frame(request),
    }
    return render(request, "health/alert.html", context)


@requires(Permission.WORK_TASKS)
@require_POST
def verdict(request: WorkspaceRequest, alert_id: int) -> HttpResponse:
    """Keeps the verdict, or takes it back, and shows the alert again."""
    alert = _alert(alert_id)
    form = VerdictForm(request.POST)
    if form.is_valid():
        judge_alert(
            alert_id=alert.pk,
            verdict=form.cleaned_data["verdict"],
            note=form.cleaned_data["note"],
            actor=Actor.person(request.membership),
            now=clock.now(),
        )
    return redirect("health:alert", alert_id=alert.pk)


@requires(Permission.VIEW_HEALTH)
@require_GET
def alert_rules(request: WorkspaceRequest) -> HttpResponse:
    """The live rules with what came of their alerts, and what the past year would have shown."""
    frame = _frame(request)
    return render(request, "health/alert_rules.html", {"book": rule_book(frame["today"]), **frame})


@requires(Permission.RECOMPUTE_HEALTH)
@require_POST
def try_rules(request: WorkspaceRequest) -> HttpResponse:
    """Starts the job that tries every live rule on the past year."""
    now = clock.now()
    start_trial(actor=Actor.person(request.membership), now=now, today=request.tenant.today(now))
    return redirect("health:alert_rules")


@requires(Permission.VIEW_HEALTH)
@require_GET
def alert_trace(request: WorkspaceRequest) -> HttpResponse:
    """Why a rule did or did not open an alert for an account on a day."""
    form = WhyForm(request.GET or None, rules=queries.rule_names(), initial={"day": _frame(request)["today"]})
    context: dict[str, Any] = {"form": form, **_frame(request)}
    if form.is_bound and form.is_valid():
        found = queries.find_accounts(form.cleaned_data["account"])
        if len(found) == 1:
            context["trace"] = trace(
                account=found[0],
                rule_key=form.cleaned_data["rule"],
                day=form.cleaned_data["day"],
                tenant=request.tenant,
                hidden=_hidden(request),
            )
        elif found:
            names = ", ".join(one.name for one in found[:5])
            form.add_error("account", f"More than one account fits: {names}. Write the whole name.")
        else:
            form.add_error("account", "No account has this name or number.")
    return render(request, "health/alert_trace.html", context)


def _alert(alert_id: int) -> Alert:
    alert = queries.alert_detail(alert_id) if alert_id < 2**63 else None
    if alert is None:
        raise Http404
    return alert


def _hidden(request: WorkspaceRequest) -> frozenset[str]:
    return frozenset() if may(request.membership.role, Permission.VIEW_MONEY) else queries.money_facts()


def _row(alert: Alert, hidden: frozenset[str]) -> dict[str, Any]:
    return {"alert": alert, "reason": reason(alert.why, hidden)}


def _frame(request: WorkspaceRequest) -> dict[str, Any]:
    now = clock.now()
    role = request.membership.role
    return {
        "now": now,
        "today": request.tenant.today(now),
        "currency": request.tenant.currency,
        "may_see_money": may(role, Permission.VIEW_MONEY),
        "may_judge": may(role, Permission.WORK_TASKS),
        "may_try": may(role, Permission.RECOMPUTE_HEALTH),
        "may_configure": may(role, Permission.CONFIGURE_PROCESSES),
    }
