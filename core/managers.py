"""The default manager of every workspace table: it cannot forget the workspace."""

from collections.abc import Iterator
from typing import Any, TypeVar

from django.db import models

from core.tenancy import current_tenant_id, require_tenant_id

M = TypeVar("M", bound=models.Model)


class TenantQuerySet(models.QuerySet[M]):
    """Refuses to run outside a workspace. Building one is allowed: forms and views do so at import."""

    def _fetch_all(self) -> None:
        require_tenant_id()
        super()._fetch_all()

    def iterator(self, chunk_size: int | None = None) -> Iterator[Any]:
        require_tenant_id()
        return super().iterator(chunk_size)

    def count(self) -> int:
        require_tenant_id()
        return super().count()

    def exists(self) -> bool:
        require_tenant_id()
        return super().exists()

    def aggregate(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        require_tenant_id()
        return super().aggregate(*args, **kwargs)

    def update(self, **kwargs: Any) -> int:
        require_tenant_id()
        return super().update(**kwargs)

    def delete(self) -> tuple[int, dict[str, int]]:
        require_tenant_id()
        return super().delete()

    def bulk_create(self, *args: Any, **kwargs: Any) -> list[M]:
        require_tenant_id()
        return super().bulk_create(*args, **kwargs)

    def bulk_update(self, *args: Any, **kwargs: Any) -> int:
        require_tenant_id()
        return super().bulk_update(*args, **kwargs)

    def raw(self, *args: Any, **kwargs: Any) -> Any:
        require_tenant_id()
        return super().raw(*args, **kwargs)

    def _update(self, values: Any) -> int:  # what Model.save() calls
        require_tenant_id()
        return super()._update(values)  # type: ignore[misc,no-any-return]  # -- private in the stubs

    def _insert(self, *args: Any, **kwargs: Any) -> Any:  # what Model.save() calls
        require_tenant_id()
        return super()._insert(*args, **kwargs)  # type: ignore[misc]  # -- private in the stubs


_FromQuerySet = models.Manager.from_queryset(TenantQuerySet)


class TenantManager(_FromQuerySet[M]):
    """Adds the current workspace to every query: row security would do, but the plan is better with it written."""

    def get_queryset(self) -> TenantQuerySet[M]:
        queryset: TenantQuerySet[M] = super().get_queryset()  # type: ignore[assignment]  # -- from_queryset made it
        tenant_id = current_tenant_id()
        return queryset if tenant_id is None else queryset.filter(tenant_id=tenant_id)
