"""The page of members: roles, what each answers for, and leaving."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from core import clock
from core import members as members_of
from core.actors import Actor
from core.choices import Role
from core.forms import MemberForm
from core.http import WorkspaceRequest
from core.permissions import Permission, requires
from core.processes.owners import lint


@requires(Permission.MANAGE_MEMBERS)
@require_GET
def members(request: WorkspaceRequest) -> HttpResponse:
    """Who may enter, as what, and what would be left behind if they went."""
    context = {"rows": members_of.members(), "roles": Role.choices, "findings": len(lint())}
    return render(request, "core/members.html", context)


@requires(Permission.MANAGE_MEMBERS)
@require_POST
def change_member(request: WorkspaceRequest, membership_id: int) -> HttpResponse:
    """Another role, out, or in again."""
    form = MemberForm(request.POST)
    if not form.is_valid():
        raise Http404
    act, actor, now = form.cleaned_data["act"], Actor.person(request.membership), clock.now()
    try:
        if act == "role":
            role = Role(form.cleaned_data["role"])
            changed = members_of.change_role(membership_id=membership_id, role=role, actor=actor, now=now)
        elif act == "deactivate":
            changed = members_of.deactivate_member(membership_id=membership_id, actor=actor, now=now)
        else:
            changed = members_of.reactivate_member(membership_id=membership_id, actor=actor, now=now)
    except members_of.MemberRefused as refused:
        link = format_html(' <a class="link" href="{}">Hand over the book</a>', refused.url) if refused.url else ""
        messages.error(request, format_html("{}{}", str(refused), link))
    else:
        words = {"role": f"is {changed.get_role_display()} now", "deactivate": "may not enter any more"}
        messages.success(request, f"{changed.user} {words.get(act, 'may enter again')}.")
    return redirect("core:members")
