"""Who asks: a member by session, with the CSRF token, or a program by key; and how often in a minute."""

from typing import Any, Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from core import clock
from core.http import MaybeWorkspaceRequest

WINDOW: Final = 60


def asked_by(request: Request) -> MaybeWorkspaceRequest:
    """The request as the middleware left it, with workspace, membership and key."""
    return request._request  # type: ignore[return-value]  # noqa: SLF001 -- documented by the framework for this


class Entrance(SessionAuthentication):
    """The middleware has found key or session already. An `Authorization` that opens nothing is refused outright."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        asked = asked_by(request)
        if asked.api_key is not None:
            return AnonymousUser(), asked.api_key
        if "Authorization" in request.headers:
            raise AuthenticationFailed
        user = asked.user
        if not user.is_authenticated or not user.is_active:
            return None
        self.enforce_csrf(request)
        return user, None

    def authenticate_header(self, request: Request) -> str:
        """Makes the answer 401, not 403."""
        return 'Bearer realm="RevOps"'


class PerCaller(BaseThrottle):
    """So many requests a minute for each key or member. Without a cache nobody is held up."""

    def __init__(self) -> None:
        self.left = 0

    def allow_request(self, request: Request, view: Any) -> bool:
        asked = asked_by(request)
        if asked.tenant is None:
            return True
        second = int(clock.now().timestamp())
        self.left = WINDOW - second % WINDOW
        name = f"api.rate.{caller_of(asked)}.{second // WINDOW}"
        cache.add(name, 0, WINDOW * 2)
        try:
            count = int(cache.incr(name))
        except ValueError:  # it went between the two calls
            return True
        limit: int = settings.API_REQUESTS_PER_MINUTE
        return count <= limit

    def wait(self) -> float:
        return self.left


def caller_of(asked: MaybeWorkspaceRequest) -> str:
    """A short name of who asks, one per key or membership."""
    if asked.api_key is not None:
        return f"key:{asked.api_key.pk}"
    return f"membership:{asked.membership.pk if asked.membership else 0}"
