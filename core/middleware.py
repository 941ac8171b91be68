"""What every request passes: input that Postgres cannot hold is refused, and the workspace is found and entered."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from core.http import MaybeWorkspaceRequest
from core.models import Membership
from core.queries import active_membership
from core.tenancy import tenant_context

SESSION_KEY = "workspace_membership"
GetResponse = Callable[[HttpRequest], HttpResponse]


class RefuseUnprintableInput:
    """A NUL byte in an address or a form is a clear 400, not an error in the database."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return render(request, "400.html", {"why": "The address holds a NUL character."}, status=400)
        return self.get_response(request)


class TenantMiddleware:
    """Finds the live membership behind the session and runs the request inside its workspace.

    The whole response is made inside the context, a lazily rendered template too, and shows times in the zone of the
    workspace. Which one comes from the session's membership, checked anew on each request, and never from a header or
    a parameter.
    """

    def __init__(self, get_response: Callable[[MaybeWorkspaceRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: MaybeWorkspaceRequest) -> HttpResponse:
        request.membership = None
        request.tenant = None
        if not request.user.is_authenticated:
            return self.get_response(request)
        membership = self._membership(request)
        if membership is None:
            return self.get_response(request)
        request.membership = membership
        request.tenant = membership.tenant
        with timezone.override(membership.tenant.zone), tenant_context(membership.tenant_id):
            return self.get_response(request)

    def _membership(self, request: MaybeWorkspaceRequest) -> Membership | None:
        chosen = request.session.get(SESSION_KEY)
        membership = active_membership(user_id=request.user.pk or 0, membership_id=chosen)
        if membership is not None and membership.pk != chosen:
            request.session[SESSION_KEY] = membership.pk
        return membership
