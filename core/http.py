"""The request as the product's views see it, after the middleware, and the way out of a dialog."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django_htmx.middleware import HtmxDetails

from core.models import ApiKey, Membership, Tenant


class WorkspaceRequest(HttpRequest):
    """A request inside a workspace: `@requires` lets no view run before `membership` and `tenant` are set."""

    htmx: HtmxDetails
    membership: Membership
    tenant: Tenant


class MaybeWorkspaceRequest(HttpRequest):
    """A request that may come from somebody without a workspace, or from nobody known."""

    htmx: HtmxDetails
    membership: Membership | None
    tenant: Tenant | None
    api_key: ApiKey | None


def leave(request: WorkspaceRequest, address: str) -> HttpResponse:
    """To a page, also from inside a dialog."""
    if not request.htmx:
        return HttpResponseRedirect(address)
    return HttpResponse(status=204, headers={"HX-Redirect": address})
