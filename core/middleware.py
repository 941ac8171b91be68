"""What every request passes: input that Postgres cannot hold is refused, and the workspace is found and entered."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from psycopg2 import errorcodes

from core import clock
from core.api_keys import key_of, note_use
from core.conflicts import Conflict
from core.http import MaybeWorkspaceRequest
from core.models import ApiKey, Membership
from core.queries import active_membership
from core.tenancy import tenant_context

SESSION_KEY = "workspace_membership"
API: Final = "/api/"
_TOO_LONG: Final = {errorcodes.QUERY_CANCELED, errorcodes.LOCK_NOT_AVAILABLE}
TOO_SLOW: Final = "This took too long and was stopped; nothing was changed. Ask for less at once, or ask again later."
GetResponse = Callable[[HttpRequest], HttpResponse]


def is_api(request: HttpRequest) -> bool:
    """Whether a program asks: it is answered in JSON, whatever happens."""
    return request.path.startswith(API)


def json_error(status: int, code: str, message: str) -> JsonResponse:
    """An error as the API words it, for what goes wrong before the API itself is reached."""
    return JsonResponse({"error": {"code": code, "message": message, "fields": {}}}, status=status)


def is_too_slow(exception: Exception) -> bool:
    """Whether the database stopped a statement for its length, or for waiting too long for a row."""
    return isinstance(exception, OperationalError) and getattr(exception.__cause__, "pgcode", "") in _TOO_LONG


def _conflict(request: HttpRequest, conflict: Conflict) -> HttpResponse:
    """Says what to do instead: beside the form that asked, or on a page."""
    if is_api(request):
        return json_error(409, conflict.code, str(conflict))
    if request.headers.get("HX-Request"):
        response = HttpResponse(str(conflict), status=409, content_type="text/plain; charset=utf-8")
        response["X-Message"] = quote(str(conflict))
        return response
    return render(request, "409.html", {"why": str(conflict)}, status=409)


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
            why = "The address holds a NUL character."
            if is_api(request):
                return json_error(400, "nul_character", f"{why} Remove it.")
            return render(request, "400.html", {"why": why}, status=400)
        return self.get_response(request)


class TenantMiddleware:
    """Finds the live membership behind the session, or the API key, and runs the request inside its workspace.

    The whole response is made inside the context, a lazily rendered template too, and shows times in the zone of the
    workspace. Which one comes from the session's membership, checked anew on each request, or from the key's own row,
    and never from a parameter. An API request that shows a key is never helped by a session.
    """

    def __init__(self, get_response: Callable[[MaybeWorkspaceRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: MaybeWorkspaceRequest) -> HttpResponse:
        request.membership = None
        request.tenant = None
        request.api_key = None
        if is_api(request) and "Authorization" in request.headers:
            request.api_key = self._api_key(request)
            request.tenant = request.api_key.tenant if request.api_key else None
        elif request.user.is_authenticated:
            request.membership = self._membership(request)
            request.tenant = request.membership.tenant if request.membership else None
        if request.tenant is None:
            return self.get_response(request)
        try:
            with timezone.override(request.tenant.zone), tenant_context(request.tenant.pk):
                response = self.get_response(request)
                if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    raise _FaultedResponse(response)  # noqa: TRY301 -- it must leave the transaction as an error
        except _FaultedResponse as fault:
            return fault.response
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A statement that ran too long, or waited too long for a row, is a clear 503; what came too late, a 409."""
        if is_too_slow(exception):
            if is_api(request):
                return json_error(503, "too_slow", TOO_SLOW)
            return render(request, "503.html", status=503)
        return _conflict(request, exception) if isinstance(exception, Conflict) else None

    def _api_key(self, request: MaybeWorkspaceRequest) -> ApiKey | None:
        scheme, _, token = request.headers["Authorization"].partition(" ")
        now = clock.now()
        key = key_of(token.strip(), now=now) if scheme.lower() == "bearer" else None
        if key is not None:
            note_use(key, now=now)
        return key

    def _membership(self, request: MaybeWorkspaceRequest) -> Membership | None:
        chosen = request.session.get(SESSION_KEY)
        membership = active_membership(user_id=request.user.pk or 0, membership_id=chosen)
        if membership is not None and membership.pk != chosen:
            request.session[SESSION_KEY] = membership.pk
        return membership
