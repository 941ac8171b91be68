"""The page of API keys, for administrators."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from core import clock
from core.actors import Actor
from core.api_keys import create_key, is_live, keys_of_workspace, revoke_key
from core.choices import Role
from core.forms import ApiKeyForm
from core.http import WorkspaceRequest
from core.permissions import Permission, requires

SHOWN = 200


@requires(Permission.MANAGE_API_KEYS)
@never_cache
@require_http_methods(["GET", "POST"])
def api_keys(request: WorkspaceRequest) -> HttpResponse:
    """The keys of the workspace. A new key's secret is on the answer to its making, and nowhere else."""
    now = clock.now()
    today, zone = request.tenant.today(now), request.tenant.zone
    if request.method != "POST":
        return _page(request, ApiKeyForm(today=today, zone=zone))
    form = ApiKeyForm(request.POST, today=today, zone=zone)
    if not form.is_valid():
        return _page(request, form, status=422)
    _, secret = create_key(
        tenant=request.tenant,
        name=form.cleaned_data["name"],
        role=Role(form.cleaned_data["role"]),
        expires_at=form.expires_at,
        actor=Actor.person(request.membership),
        now=now,
    )
    return _page(request, ApiKeyForm(today=today, zone=zone), secret=secret)


@requires(Permission.MANAGE_API_KEYS)
@require_POST
def revoke_api_key(request: WorkspaceRequest, key_id: int) -> HttpResponse:
    """Closes the door for whoever holds the key."""
    key = get_object_or_404(keys_of_workspace(), pk=key_id)
    revoke_key(key=key, actor=Actor.person(request.membership), now=clock.now())
    messages.success(request, f"{key.name} is revoked.")
    return redirect("core:api_keys")


def _page(request: WorkspaceRequest, form: ApiKeyForm, *, secret: str = "", status: int = 200) -> HttpResponse:
    now = clock.now()
    keys = [(key, is_live(key, now)) for key in keys_of_workspace()[:SHOWN]]
    context = {"keys": keys, "form": form, "secret": secret}
    return render(request, "core/api_keys.html", context, status=status)
