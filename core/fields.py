"""Fields that every app uses."""

from typing import Any

from django.db import models


class TenantForeignKey(models.ForeignKey[Any, Any]):
    """A foreign key between two tables of the same workspace.

    Postgres checks foreign keys without row security, so a plain key could point into another workspace.
    Django therefore makes no constraint here; `core.operations.TenantTables` adds the composite one
    `(tenant_id, x_id) → (tenant_id, id)`. Indexes are stated on the model, led by `tenant`.
    """

    def __init__(self, to: Any, on_delete: Any, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        kwargs.setdefault("db_index", False)
        super().__init__(to, on_delete, **kwargs)
