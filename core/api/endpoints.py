"""One endpoint: permission, input, one call, answer; and the same said to the schema."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import wraps
from typing import Any, Final

from django.core.exceptions import RequestDataTooBig
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import clock, idempotency
from core.actors import Actor
from core.api.entrance import asked_by, caller_of
from core.api.errors import Refused
from core.api.pages import Page, PageQuery
from core.models import Membership, Tenant
from core.permissions import Permission, may, roles_with

Shape = type[serializers.BaseSerializer[Any]]
ID_MAX: Final = 2**63
_CAPITAL: Final = re.compile(r"([A-Z])")


@dataclass(frozen=True)
class Call:
    """What an endpoint is given: who asks, in which workspace, at what moment, for what."""

    tenant: Tenant
    role: str
    actor: Actor
    membership: Membership | None
    now: datetime
    path: str
    query: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def today(self) -> date:
        """The business date of the workspace."""
        return self.tenant.today(self.now)

    @property
    def within(self) -> str:
        """Names this list with these filters, for its cursors."""
        filters = {name: str(value) for name, value in self.query.items() if name not in {"cursor", "limit"}}
        return f"{self.tenant.pk}|{self.path}|{sorted(filters.items())}"

    def may(self, permission: Permission) -> bool:
        return may(self.role, permission)


@dataclass(frozen=True)
class Answer:
    """What an endpoint gives back. `location` is the address of what was made or started."""

    content: Any
    status: int = 200
    location: str = ""


Handler = Callable[..., Answer]


class ErrorDetail(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="For scripts; it does not change.")
    message = serializers.CharField(help_text="For people: what is wrong, and what to do.")
    fields = serializers.DictField(  # type: ignore[assignment]  # -- the name of the contract, not of the framework
        child=serializers.ListField(child=serializers.CharField()), help_text="By field, what is wrong with it."
    )


class Error(serializers.Serializer[Any]):
    """Every answer from 400 up."""

    error = ErrorDetail()


_ERRORS: Final = {
    400: "Something sent is not what it must be.",
    401: "Signed out, or the key opens nothing.",
    403: "The role has no right to this.",
    404: "Nothing is here, or not in this workspace.",
    429: "More requests than the limit of the minute.",
}
_IDEMPOTENCY: Final = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Any text of at most 120 characters. The same request sent again within 7 days is answered as before, "
    "without a second effect.",
)


class ApiView(APIView):
    """A resource. Its methods wear `endpoint`."""

    http_method_names = ["get", "post", "put", "head"]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The size of the body is checked, and it is read once; ids that no row can have lead nowhere."""
        try:
            _ = asked_by(request).body
        except RequestDataTooBig as error:
            words = "The body is larger than 5 MB. Send fewer rows at once."
            raise Refused("too_large", words, status_code=413) from error
        super().initial(request, *args, **kwargs)
        if any(isinstance(value, int) and value >= ID_MAX for value in kwargs.values()):
            raise Http404

    def permission_denied(self, request: Request, message: str | None = None, code: str | None = None) -> Any:
        raise NotAuthenticated


def endpoint(
    permission: Permission,
    answer: Shape | None,
    *,
    summary: str,
    query: type[serializers.Serializer[Any]] | None = None,
    body: type[serializers.Serializer[Any]] | None = None,
    status: int = 200,
    refuses: tuple[int, ...] = (),
    pages: bool = False,
    tag: str = "",
) -> Callable[[Handler], Callable[..., Response]]:
    """A method of an `ApiView`: `handler(view, call, **ids) -> Answer`.

    The caller's role must hold `permission`. Address and body are checked by `query` and `body`; names they do not
    know are refused. With `pages` the handler answers a `Page` of `answer`. A POST with `Idempotency-Key` has its
    effect once.
    """
    asks = _paged(query) if pages else query
    shape = _page_of(answer) if pages and answer else answer

    def wear(handler: Handler) -> Callable[..., Response]:
        @wraps(handler)
        def method(view: ApiView, request: Request, **ids: Any) -> Response:
            call = _call(request, permission)
            if request.method == "POST" and "Idempotency-Key" in request.headers:
                return _once(request, call, lambda: _made(handler, view, request, call, ids, asks, body, shape))
            return _made(handler, view, request, call, ids, asks, body, shape)

        method.permission = permission  # type: ignore[attr-defined]  # -- marker for the guard tests
        method.body = body  # type: ignore[attr-defined]  # -- marker for the guard tests
        is_post = handler.__name__ == "post"
        said = {code: OpenApiResponse(Error, words) for code, words in _ERRORS.items()}
        said |= {code: OpenApiResponse(Error) for code in ((409, 413, 422) if is_post or body else ()) + refuses}
        decorated: Callable[..., Response] = extend_schema(
            operation_id=_operation(handler),
            summary=summary,
            description=f"Needs the right `{permission}`.",
            parameters=[*([asks] if asks else []), *([_IDEMPOTENCY] if is_post else [])],
            request=body,
            responses={status: shape, **said},
            tags=[tag] if tag else None,
        )(method)
        return decorated

    return wear


def _operation(handler: Handler) -> str:
    """`AccountList.get` is `get_account_list`."""
    resource, _, verb = handler.__qualname__.rpartition(".")
    return (verb + _CAPITAL.sub(r"_\1", resource)).lower()


def _paged(query: type[serializers.Serializer[Any]] | None) -> type[serializers.Serializer[Any]]:
    return type(f"{query.__name__}Page", (query, PageQuery), {}) if query else PageQuery


def _page_of(answer: Shape) -> Any:
    """`results` and `next`, under a name of its own."""
    return inline_serializer(
        f"{answer.__name__}Page",
        {"results": answer(many=True), "next": serializers.CharField(allow_null=True)},
    ).__class__


def _call(request: Request, permission: Permission) -> Call:
    asked = asked_by(request)
    key, membership = asked.api_key, asked.membership
    if not request.user.is_authenticated and key is None:
        raise NotAuthenticated
    if asked.tenant is None:
        words = "You are signed in, but no workspace has you as a member. Ask an administrator to invite you."
        raise Refused("no_workspace", words, status_code=403)
    role = key.role if key else membership.role if membership else ""
    if not may(role, permission):
        who = ", ".join(roles_with(permission))
        raise Refused("not_allowed", f"Your role has no right to this. These roles have: {who}.", status_code=403)
    actor = Actor.person(membership) if membership else Actor.system(f"API key {key.name}" if key else "")
    return Call(asked.tenant, role, actor, membership, clock.now(), asked.path)


def _made(
    handler: Handler,
    view: ApiView,
    request: Request,
    call: Call,
    ids: dict[str, Any],
    asks: type[serializers.Serializer[Any]] | None,
    body: type[serializers.Serializer[Any]] | None,
    shape: Any,
) -> Response:
    query = _checked(asks, request.query_params.dict(), "the address")
    sent = _checked(body, request.data if request.method != "GET" else {}, "the body")
    call = Call(call.tenant, call.role, call.actor, call.membership, call.now, call.path, query, sent)
    made = handler(view, call, **ids)
    content = made.content
    if isinstance(content, Page):
        content = {"results": content.results, "next": content.next}
    data = shape(content, context={"call": call}).data if shape is not None else None
    headers = {"Location": made.location} if made.location else {}
    return Response(data, status=made.status, headers=headers)


def _checked(shape: type[serializers.Serializer[Any]] | None, given: Any, place: str) -> dict[str, Any]:
    known = shape().fields if shape else {}
    open_names = getattr(shape, "takes_any_name", False)
    unknown = [] if open_names else [name for name in given if name not in known]
    if unknown:
        words = f"Unknown here. Known in {place}: {', '.join(known) or 'nothing'}."
        first = f"{unknown[0][:60]}: {words}"
        raise Refused("unknown_field", first, status_code=400, fields={name[:60]: [words] for name in unknown[:20]})
    if shape is None:
        return {}
    reader = shape(data=given)
    reader.is_valid(raise_exception=True)
    return dict(reader.validated_data)


def _once(request: Request, call: Call, make: Callable[[], Response]) -> Response:
    """The kept answer of a request that was sent before, else the answer of now, kept with its effect.

    A refused request had no effect and is not kept: repaired, it may come again under its key.
    """
    asked = asked_by(request)
    key, caller = request.headers["Idempotency-Key"], caller_of(asked)
    if not 0 < len(key) <= 120 or not key.isprintable() or not key.isascii():
        words = "Idempotency-Key must be 1 to 120 printable ASCII characters."
        raise Refused("bad_idempotency_key", words, status_code=400)
    seen = idempotency.fingerprint(str(request.method), asked.get_full_path(), asked.body)
    kept = idempotency.recall(caller=caller, key=key)
    if kept is not None and kept.fingerprint != seen:
        words = "This Idempotency-Key was used for another request. Use a new key for a new request."
        raise Refused("idempotency_key_reused", words)
    if kept is not None:
        headers = {"Idempotent-Replayed": "true"}
        if kept.answer["location"]:
            headers["Location"] = kept.answer["location"]
        return Response(kept.answer["data"], status=kept.status, headers=headers)
    response = make()
    answer = {"data": response.data, "location": response.headers.get("Location", "")}
    idempotency.remember(caller=caller, key=key, seen=seen, status=response.status_code, answer=answer, now=call.now)
    return response
