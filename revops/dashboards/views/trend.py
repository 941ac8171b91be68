from django.http import HttpResponse

from core.http import WorkspaceRequest
from core.permissions import Permission, requires


@requires(Permission.VIEW_ACCOUNTS)
def trend(request: WorkspaceRequest, account_id: int = 0) -> HttpResponse:
    return HttpResponse("")
