"""The base of every Celery task: it enters the workspace that its message names."""

from typing import Any

from celery import Task

from core.tenancy import tenant_context


class TenantTask(Task):  # type: ignore[misc]  # -- Celery ships no types
    """Runs in one transaction of the workspace `tenant_id`, which must be in the task's own signature.

    With `own_transactions = True` the task opens its workspace itself, once per step.
    """

    abstract = True
    own_transactions = False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if "tenant_id" not in kwargs:
            raise TypeError(f"{self.name} works for one workspace: call it with tenant_id=….")
        if self.own_transactions:
            return super().__call__(*args, **kwargs)
        with tenant_context(kwargs["tenant_id"]):
            return super().__call__(*args, **kwargs)


class GlobalTask(Task):  # type: ignore[misc]  # -- Celery ships no types
    """Works for no workspace: it may only fan out one tenant task per workspace. Listed in the guard test."""

    abstract = True
