"""Two at once: the second on a thread and a connection of its own, while the first has not committed yet."""

import threading
import time
from collections.abc import Callable

from django.db import connection

from core.models import Tenant
from core.tenancy import tenant_context

_WAIT = 0.5


def meanwhile(tenant: Tenant, first: Callable[[], object], second: Callable[[], object]) -> list[object]:
    """`second` on a connection of its own, waiting for `first`, which commits only after that one has begun."""
    said: list[object] = []

    def run() -> None:
        try:
            with tenant_context(tenant.pk):
                said.append(second())
        except Exception as error:  # noqa: BLE001 -- what it says is what the test is about
            said.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    try:
        with tenant_context(tenant.pk):
            first()
            thread.start()
            time.sleep(_WAIT)
            assert not said, "the second did not wait"
    finally:
        thread.join(20)
    return said
