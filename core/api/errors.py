"""Errors of the API: one body, `{"error": {"code", "message", "fields"}}`, with the remedy in the message."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response

from core.conflicts import Conflict
from core.middleware import TOO_SLOW, is_too_slow

MISSING: Final = "There is nothing at this address, or not in your workspace. Check the address."
_CODES: Final[dict[type[exceptions.APIException], tuple[str, str]]] = {
    exceptions.ParseError: ("not_json", ""),
    exceptions.NotAuthenticated: (
        "signed_out",
        "Sign in, or send `Authorization: Bearer` with a key that an administrator made under API keys.",
    ),
    exceptions.AuthenticationFailed: (
        "bad_key",
        "This key is unknown, revoked or expired. Ask an administrator of the workspace for a new one.",
    ),
    exceptions.MethodNotAllowed: ("method_not_allowed", ""),
    exceptions.NotAcceptable: ("json_only", "The API answers in JSON only. Accept application/json."),
    exceptions.UnsupportedMediaType: ("json_only", "Send JSON, with `Content-Type: application/json`."),
}


class Refused(exceptions.APIException):
    """A request that is understood and cannot be done: `code` is for scripts, the message names the remedy."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status_code: int = status.HTTP_422_UNPROCESSABLE_ENTITY,
        fields: Mapping[str, list[str]] | None = None,
    ) -> None:
        super().__init__(message, code)
        self.status_code = status_code
        self.code, self.message, self.fields = code, message, dict(fields or {})


def invalid(message: str, **fields: list[str]) -> Refused:
    """400: something in the address or the body is not what it must be."""
    return Refused("invalid", message, status_code=status.HTTP_400_BAD_REQUEST, fields=fields)


def error(code: str, message: str, fields: Mapping[str, list[str]] | None = None) -> dict[str, Any]:
    """The one body of every error."""
    return {"error": {"code": code, "message": message, "fields": dict(fields or {})}}


def answer_error(exception: Exception, context: dict[str, Any]) -> Response | None:
    """What the framework calls with every exception of an endpoint. None: a fault, which rolls back and answers 500."""
    if isinstance(exception, Http404 | exceptions.NotFound):
        return Response(error("not_found", MISSING), status=404)
    if is_too_slow(exception):
        return Response(error("too_slow", TOO_SLOW), status=503, headers={"Retry-After": "5"})
    if isinstance(exception, Conflict):
        return Response(error(exception.code, str(exception)), status=409)
    if not isinstance(exception, exceptions.APIException):
        return None
    headers = {}
    if getattr(exception, "auth_header", None):
        headers["WWW-Authenticate"] = exception.auth_header  # type: ignore[attr-defined]  # -- set by the framework
    if isinstance(exception, exceptions.Throttled):
        wait = max(int(getattr(exception, "wait", None) or 1), 1)
        words = f"More requests than the limit of this minute. Ask again in {wait} seconds."
        return Response(error("too_many_requests", words), status=429, headers={"Retry-After": str(wait)})
    return Response(_body(exception), status=exception.status_code, headers=headers)


def _body(exception: exceptions.APIException) -> dict[str, Any]:
    if isinstance(exception, Refused):
        return error(exception.code, exception.message, exception.fields)
    if isinstance(exception, exceptions.ValidationError):
        fields: dict[str, list[str]] = {}
        for path, words in _flat(exception.detail):
            fields.setdefault(path, []).append(words)
        first = next(iter(fields.items()), ("", ["Check what you sent."]))
        place = f"{first[0]}: " if first[0] else ""
        return error("invalid", f"{place}{first[1][0]}", fields)
    code, message = _CODES.get(type(exception), (str(exception.default_code), ""))
    return error(code, message or str(exception.detail))


def _flat(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """`rows.3.date`: words, for however deep the fault lies."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            name = "" if key == "non_field_errors" else str(key)
            yield from _flat(inner, ".".join(part for part in (path, name) if part))
    elif isinstance(detail, list):
        for place, inner in enumerate(detail):
            deeper = isinstance(inner, Mapping | list)
            yield from _flat(inner, f"{path}.{place}" if deeper and path else path)
    else:
        yield path, str(detail)
