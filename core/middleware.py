"""What every request passes: input that Postgres cannot hold is refused, and the workspace is found and entered."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from psycopg2 import errorcodes

from core.http import MaybeWorkspaceRequest
from core.models import Membership
from core.queries import active_membership
from core.tenancy import tenant_context

SESSION_KEY = "workspace_membership"
_TOO_LONG: Final = {errorcodes.QUERY_CANCELED, errorcodes.LOCK_NOT_AVAILABLE}
GetResponse = Callable[[HttpRequest], HttpResponse]


class _FaultedResponse(Exception):
    """Carries the page of a fault out of the transaction, so that what was half-done is rolled back."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response


class RefuseUnprintableInput:
    """A NUL byte in an address is a clear 400 (forms refuse it themselves), not an error in the database."""

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
        try:
            with timezone.override(membership.tenant.zone), tenant_context(membership.tenant_id):
                response = self.get_response(request)
                if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise _FaultedResponse(response)  # noqa: TRY301 -- it must leave the transaction as an error
        except _FaultedResponse as fault:
            return fault.response
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A statement that ran too long, or waited too long for a row, is a clear 503."""
        if isinstance(exception, OperationalError) and getattr(exception.__cause__, "pgcode", "") in _TOO_LONG:
            return render(request, "503.html", status=503)
        return None

    def _membership(self, request: MaybeWorkspaceRequest) -> Membership | None:
        chosen = request.session.get(SESSION_KEY)
        membership = active_membership(user_id=request.user.pk or 0, membership_id=chosen)
        if membership is not None and membership.pk != chosen:
            request.session[SESSION_KEY] = membership.pk
        return membership
