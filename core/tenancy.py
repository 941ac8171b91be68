"""The tenant a piece of work acts for, told to Postgres for one transaction.

Row-level security compares `tenant_id` with the setting `app.tenant_id`. The setting is written with
`set_config(..., is_local => true)` only: a session-level one would survive connection reuse and show one
workspace's rows to the next request.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection, transaction

_current: ContextVar[int | None] = ContextVar("revops_tenant_id", default=None)


class NoTenant(RuntimeError):
    """A statement on a workspace's rows was about to run outside every workspace."""


class NestedTenant(RuntimeError):
    """Work for one workspace tried to step into another one."""


def current_tenant_id() -> int | None:
    """The workspace this thread of work acts for, or None outside of one."""
    return _current.get()


def require_tenant_id() -> int:
    """The current workspace; raises `NoTenant` outside of one."""
    tenant_id = _current.get()
    if tenant_id is None:
        raise NoTenant("No workspace is active here. Wrap the work in core.tenancy.tenant_context(tenant_id).")
    return tenant_id


def _tell_postgres(tenant_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(int(tenant_id))])


def _settle(*, forget: bool) -> None:
    """Checks the deferred keys now, so that a violation is an error of the work and not of COMMIT.

    Inside an outer transaction, as in tests, the setting would outlive the context: then it is forgotten, too.
    """
    words = "SET CONSTRAINTS ALL IMMEDIATE"
    with connection.cursor() as cursor:
        cursor.execute(f"{words}; SELECT set_config('app.tenant_id', '', true)" if forget else words)


@contextmanager
def tenant_context(tenant_id: int) -> Iterator[int]:
    """One transaction in which this workspace's rows, and no others, can be seen and written.

    Entering the same workspace again is a savepoint; entering another one raises `NestedTenant`.
    On leaving, the setting has its old value again, also inside an outer transaction (as in tests).
    """
    outer = _current.get()
    if outer is not None:
        if outer != tenant_id:
            raise NestedTenant(f"Work for workspace {outer} may not step into workspace {tenant_id}.")
        with transaction.atomic():
            yield tenant_id
        return
    inside_a_transaction = connection.in_atomic_block
    with transaction.atomic():
        _tell_postgres(tenant_id)
        token = _current.set(tenant_id)
        try:
            yield tenant_id
        finally:
            _current.reset(token)
        _settle(forget=inside_a_transaction)
