"""What a person may do: one list of permissions, one table of roles, and the decorator that every page wears."""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any, Final

from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse
from django.shortcuts import render

from core.choices import Role
from core.http import MaybeWorkspaceRequest


class Permission(StrEnum):
    VIEW_ACCOUNTS = "view_accounts"
    VIEW_HEALTH = "view_health"
    VIEW_MONEY = "view_money"
    VIEW_RENEWALS = "view_renewals"
    VIEW_QBRS = "view_qbrs"
    VIEW_ESCALATIONS = "view_escalations"
    VIEW_TRENDS = "view_trends"
    VIEW_OPPORTUNITIES = "view_opportunities"
    WORK_TASKS = "work_tasks"
    LOG_ACTIVITY = "log_activity"
    EDIT_ACCOUNTS = "edit_accounts"
    WORK_RENEWALS = "work_renewals"
    WORK_QBRS = "work_qbrs"
    WORK_ESCALATIONS = "work_escalations"
    WORK_OPPORTUNITIES = "work_opportunities"
    IMPORT_DATA = "import_data"
    CONFIGURE_PROCESSES = "configure_processes"
    RECOMPUTE_HEALTH = "recompute_health"
    OVERRIDE_HEALTH = "override_health"
    MANAGE_MEMBERS = "manage_members"
    MANAGE_API_KEYS = "manage_api_keys"
    APPROVE_WAIVERS = "approve_waivers"
    MANAGE_BOOKS = "manage_books"


P = Permission

_READ: Final = frozenset(
    {
        P.VIEW_ACCOUNTS,
        P.VIEW_HEALTH,
        P.VIEW_MONEY,
        P.VIEW_RENEWALS,
        P.VIEW_QBRS,
        P.VIEW_ESCALATIONS,
        P.VIEW_TRENDS,
        P.VIEW_OPPORTUNITIES,
    }
)
_CSM: Final = _READ | {
    P.WORK_TASKS,
    P.LOG_ACTIVITY,
    P.EDIT_ACCOUNTS,
    P.WORK_RENEWALS,
    P.WORK_QBRS,
    P.WORK_ESCALATIONS,
    P.WORK_OPPORTUNITIES,
    P.OVERRIDE_HEALTH,
}

ROLE_PERMISSIONS: Final[dict[str, frozenset[Permission]]] = {
    Role.CSM: _CSM,
    Role.CS_MANAGER: _CSM | {P.RECOMPUTE_HEALTH, P.APPROVE_WAIVERS, P.MANAGE_BOOKS},
    Role.CS_DIRECTOR: _CSM | {P.RECOMPUTE_HEALTH, P.APPROVE_WAIVERS, P.MANAGE_BOOKS},
    Role.EXECUTIVE_SPONSOR: _READ | {P.WORK_TASKS, P.LOG_ACTIVITY, P.WORK_ESCALATIONS},
    Role.SALES_REP: (_READ - {P.VIEW_TRENDS}) | {P.WORK_TASKS, P.LOG_ACTIVITY, P.WORK_OPPORTUNITIES},
    Role.SUPPORT_AGENT: frozenset(
        {P.VIEW_ACCOUNTS, P.VIEW_HEALTH, P.VIEW_ESCALATIONS, P.WORK_TASKS, P.LOG_ACTIVITY, P.WORK_ESCALATIONS}
    ),
    Role.REVOPS_ADMIN: frozenset(Permission),
    Role.LEADER: _READ,
}


def may(role: str, permission: Permission) -> bool:
    """Whether the role holds the permission; an unknown role holds none."""
    return permission in ROLE_PERMISSIONS.get(role, frozenset())


def roles_with(permission: Permission) -> list[str]:
    """The names of the roles that hold the permission, for the page that says whom to ask."""
    return [str(Role(role).label) for role, granted in ROLE_PERMISSIONS.items() if permission in granted]


View = Callable[..., HttpResponse]


def requires(permission: Permission) -> Callable[[View], View]:
    """Only members of the current workspace whose role holds the permission come in.

    Signed out: to the sign-in page. Without a workspace: the page that says so. Without the right: 403 with the
    roles that have it. The guard tests read the marker that this decorator leaves on the view.
    """

    def wear(view: View) -> View:
        @wraps(view)
        def guarded(request: MaybeWorkspaceRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path())
            membership = request.membership
            if membership is None:
                return render(request, "core/no_workspace.html", status=403)
            if not may(membership.role, permission):
                return render(request, "403.html", {"who": roles_with(permission)}, status=403)
            return view(request, *args, **kwargs)

        guarded.required_permission = permission  # type: ignore[attr-defined]  # -- marker for the guard tests
        return guarded

    return wear


def public(reason: str) -> Callable[[View], View]:
    """Marks a page that needs no workspace, with the reason why."""

    def wear(view: View) -> View:
        view.public_because = reason  # type: ignore[attr-defined]  # -- marker for the guard tests
        return view

    return wear
