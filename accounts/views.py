"""Doors of the facts in the browser: imports, and activities logged by hand."""

import json
from typing import Any, cast
from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import NoReverseMatch, reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actions.activities import log_activity as log
from accounts.actions.goals import GoalRefused, record_goal
from accounts.actions.import_batches import WrongStep, request_of, start_dry_run, start_import, upload_import
from accounts.actions.imports import ImportRefused
from accounts.actions.merging import MergeRefused, merge_accounts
from accounts.choices import ActivityKind, ImportState
from accounts.forms import ActivityForm, GoalForm, MappingForm, MergeForm, UploadForm, ValueForm
from accounts.models import Account, ImportBatch
from accounts.queries.imports import imports_latest_first, mapping_page, report_words, state_of, steps_of
from accounts.queries.merging import (
    accounts_called,
    look_alike,
    mergeable,
    merges_into,
    side_by_side,
    twins,
    what_would_move,
)
from accounts.queries.people import person_of
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.permissions import Permission, may, requires

PAGE = 50
MAPPABLE = {ImportState.UPLOADED, ImportState.FAILED, ImportState.CANCELLED, ImportState.CHECKED}


@requires(Permission.IMPORT_DATA)
@require_GET
def imports(request: WorkspaceRequest) -> HttpResponse:
    """The imports of the workspace, the latest first."""
    batches = [(batch, state_of(batch)) for batch in imports_latest_first()[:PAGE]]
    return render(request, "accounts/imports.html", {"batches": batches, "form": UploadForm()})


@requires(Permission.IMPORT_DATA)
@require_http_methods(["GET", "POST"])
def import_new(request: WorkspaceRequest) -> HttpResponse:
    """The upload. A file that cannot be read is refused here, with what to do."""
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if request.method == "POST" and form.is_valid():
        try:
            batch = upload_import(
                tenant=request.tenant,
                file=form.upload,
                kind=form.cleaned_data["kind"],
                actor=Actor.person(request.membership),
                now=clock.now(),
            )
        except ImportRefused as refusal:
            form.add_error("file", refusal.message)
        else:
            return redirect("accounts:import_detail", batch.pk)
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/import_new.html", {"form": form}, status=status)


@requires(Permission.IMPORT_DATA)
@require_GET
def import_detail(request: WorkspaceRequest, batch_id: int) -> HttpResponse:
    """The import at its step: mapping, dry run, result."""
    batch = _batch(batch_id)
    asked = request.GET.get("step") == "map" and state_of(batch) in MAPPABLE
    return _page(request, batch, mapping=asked)


@requires(Permission.IMPORT_DATA)
@require_POST
def import_check(request: WorkspaceRequest, batch_id: int) -> HttpResponse:
    """Takes the mapping and starts the dry run."""
    batch = _batch(batch_id)
    form = MappingForm(mapping_page(request_of(batch)), request.POST)
    if not form.is_valid():
        return _page(request, batch, form=form, mapping=True, status=422)
    return _start(request, batch, form.document(batch.mapping), form)


@requires(Permission.IMPORT_DATA)
@require_POST
def import_value(request: WorkspaceRequest, batch_id: int) -> HttpResponse:
    """Accepts that a word of the file means another one, and starts the dry run again."""
    batch = _batch(batch_id)
    form = ValueForm(batch.kind, request.POST)
    if not form.is_valid():
        messages.error(request, "That is no word of a column of this file. Edit the mapping instead.")
        return redirect("accounts:import_detail", batch.pk)
    return _start(request, batch, form.document(batch.kind, batch.mapping), None)


@requires(Permission.IMPORT_DATA)
@require_POST
def import_apply(request: WorkspaceRequest, batch_id: int) -> HttpResponse:
    """Starts the import of what the dry run checked."""
    batch = _batch(batch_id)
    try:
        start_import(
            batch=batch,
            knows_refusals=request.POST.get("knows_refusals") == "on",
            actor=Actor.person(request.membership),
            now=clock.now(),
        )
    except (ImportRefused, WrongStep) as refusal:
        messages.error(request, str(refusal))
    return redirect("accounts:import_detail", batch.pk)


@requires(Permission.IMPORT_DATA)
@require_GET
def import_rejects(request: WorkspaceRequest, batch_id: int) -> HttpResponse:
    """The refused rows with their reasons, as a file, as long as that is kept."""
    batch = _batch(batch_id)
    path = settings.MEDIA_ROOT / batch.rejects_path
    if not batch.rejects_path or not path.is_file():
        if not batch.report.get("rejected"):
            raise Http404
        messages.error(request, f"The file is gone: files are kept for {settings.IMPORT_KEEP_DAYS} days.")
        return redirect("accounts:import_detail", batch.pk)
    name = f"{batch.file_name.rsplit('.', 1)[0]}.rejected.csv"
    # From disk in pieces: a million refused rows do not fill the memory, and no query runs while it is sent.
    sent = FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")
    return cast(HttpResponse, sent)


@requires(Permission.LOG_ACTIVITY)
@require_POST
def log_activity(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """Logs a call, meeting or note; the page that asked shows it."""
    account = get_object_or_404(Account.objects.all(), pk=account_id)
    now = clock.now()
    form = ActivityForm(request.POST, now=now, zone=request.tenant.zone)
    if not form.is_valid():
        words = " ".join(f"{form.fields[name].label}: {errors[0]}" for name, errors in form.errors.items())
        response = HttpResponse(words, status=422, content_type="text/plain; charset=utf-8")
        response["X-Message"] = quote(words)
        return response
    log(
        tenant=request.tenant,
        account=account,
        kind=ActivityKind(form.cleaned_data["kind"]),
        subject=form.cleaned_data["subject"],
        body=form.cleaned_data["body"],
        occurred_at=form.cleaned_data["occurred_at"],
        person=person_of(request.membership),
        actor=Actor.person(request.membership),
        now=now,
    )
    messages.success(request, f"Logged with {account.name}.")
    return _back_to_account(request, account)


@requires(Permission.EDIT_ACCOUNTS)
@require_http_methods(["GET", "POST"])
def goal_new(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """The dialog for a goal of the customer, and the goal."""
    account = get_object_or_404(Account.objects.all(), pk=account_id)
    form = GoalForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            record_goal(
                account_id=account.pk, **form.cleaned_data, actor=Actor.person(request.membership), now=clock.now()
            )
        except GoalRefused as refusal:
            form.add_error(refusal.field, str(refusal))
        else:
            messages.success(request, f"Goal recorded for {account.name}.")
            return _back_to_account(request, account)
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/_goal_dialog.html", {"account": account, "form": form}, status=status)


def _back_to_account(request: WorkspaceRequest, account: Account) -> HttpResponse:
    if request.htmx:
        response = HttpResponse(status=204)
        response["HX-Trigger"] = json.dumps({"close-dialog": True})
        response["HX-Refresh"] = "true"
        return response
    try:
        return redirect(reverse("dashboards:account", args=[account.pk]))
    except NoReverseMatch:
        return redirect("/")


def _batch(batch_id: int) -> ImportBatch:
    if batch_id >= 2**63:
        raise Http404
    return get_object_or_404(imports_latest_first(), pk=batch_id)


def _start(
    request: WorkspaceRequest, batch: ImportBatch, document: dict[str, Any], form: MappingForm | None
) -> HttpResponse:
    try:
        start_dry_run(batch=batch, mapping=document, actor=Actor.person(request.membership), now=clock.now())
    except WrongStep as moved:
        messages.error(request, str(moved))
    except ImportRefused as refusal:
        return _page(request, batch, form=form, mapping=True, problem=refusal.message, status=422)
    return redirect("accounts:import_detail", batch.pk)


def _page(
    request: WorkspaceRequest,
    batch: ImportBatch,
    *,
    form: MappingForm | None = None,
    mapping: bool = False,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    state = state_of(batch)
    mapping = mapping or state in MAPPABLE - {ImportState.CHECKED}
    context: dict[str, Any] = {"batch": batch, "state": state, "steps": steps_of(state), "problem": problem}
    context |= {"report": batch.report, "now": clock.now(), "is_mapping": mapping}
    context |= report_words(batch.report)
    if mapping:
        context["form"] = form or MappingForm(mapping_page(request_of(batch)), initial=_initial(batch))
        context["steps"] = steps_of(ImportState.UPLOADED)
    return render(request, "accounts/import_detail.html", context, status=status)


def _initial(batch: ImportBatch) -> dict[str, Any]:
    chosen = batch.mapping
    return {
        "kind": batch.kind,
        "create_accounts": chosen.get("create_accounts", False),
        "dates": chosen.get("date_format", ""),
        "decimal": chosen.get("decimal", ""),
        "end_date_is": chosen.get("end_date_is", ""),
    }


@requires(Permission.MANAGE_BOOKS)
@require_GET
def duplicates(request: WorkspaceRequest) -> HttpResponse:
    """Accounts that share a web domain or a name, those with the most ARR first."""
    return render(request, "accounts/duplicates.html", {"twins": twins()} | _money(request))


@requires(Permission.MANAGE_BOOKS)
@require_http_methods(["GET", "POST"])
def merge(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """Chooses the other account, shows what would move, and merges it into this one."""
    kept = mergeable(account_id)
    if kept is None:
        raise Http404
    gone = _other_account(request, kept)
    form = MergeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and gone is not None and form.is_valid():
        now = clock.now()
        try:
            merge_accounts(
                kept_id=kept.pk,
                gone_id=gone.pk,
                choices=form.choices,
                reason=form.cleaned_data["reason"],
                actor=Actor.person(request.membership),
                today=request.tenant.today(now),
                now=now,
            )
        except MergeRefused as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, f"{gone.name} is part of {kept.name} now.")
            return redirect("accounts:merged", kept.pk)
    return _merge_page(request, kept, gone, form)


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def merged(request: WorkspaceRequest, account_id: int) -> HttpResponse:
    """What went into an account: when, by whom, why, and what happened to the rows."""
    kept = mergeable(account_id)
    if kept is None:
        raise Http404
    return render(request, "accounts/merged.html", {"kept": kept, "merges": merges_into(kept.pk)})


def _other_account(request: WorkspaceRequest, kept: Account) -> Account | None:
    asked = request.POST.get("with") or request.GET.get("with", "")
    found = mergeable(int(asked)) if asked.isdecimal() and len(asked) < 20 else None
    return None if found is None or found.pk == kept.pk else found


def _merge_page(request: WorkspaceRequest, kept: Account, gone: Account | None, form: MergeForm) -> HttpResponse:
    now = clock.now()
    context: dict[str, Any] = {"kept": kept, "gone": gone, "form": form} | _money(request)
    if gone is None:
        text = request.GET.get("q", "").strip()[:200]
        context |= {"text": text, "called": accounts_called(kept, text) if text else [], "alike": look_alike(kept)}
    else:
        context |= {
            "fields": [(one, request.POST.get(f"take_{one.key}") or one.usual) for one in side_by_side(kept, gone)],
            "effects": what_would_move(kept.pk, gone.pk, today=request.tenant.today(now), now=now),
            "together_minor": kept.arr_minor + gone.arr_minor,
        }
    return render(request, "accounts/merge.html", context, status=422 if form.errors else 200)


def _money(request: WorkspaceRequest) -> dict[str, Any]:
    return {
        "currency": request.tenant.currency,
        "may_see_money": may(request.membership.role, Permission.VIEW_MONEY),
    }
