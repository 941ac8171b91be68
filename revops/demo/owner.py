"""What only the owner of the tables may do: delete a demo workspace with its history, and gather statistics."""

import os
from contextlib import closing
from typing import Any, Final

import psycopg2
from django.apps import apps
from django.db import connection

from core.models import Tenant, TenantModel

# The memberships, the users who belong to no other workspace, the workspace itself.
MEMBERS: Final = """
    CREATE TEMP TABLE leaving ON COMMIT DROP AS
      SELECT user_id FROM core_membership AS mine WHERE tenant_id = %(tenant)s AND NOT EXISTS
        (SELECT FROM core_membership AS other WHERE other.user_id = mine.user_id AND other.tenant_id <> %(tenant)s);
    DELETE FROM core_membership WHERE tenant_id = %(tenant)s;
    DELETE FROM account_emailaddress WHERE user_id IN (SELECT user_id FROM leaving);
    DELETE FROM core_user WHERE id IN (SELECT user_id FROM leaving);
    DELETE FROM core_tenant WHERE id = %(tenant)s;
"""


class NoOwner(RuntimeError):
    """The owner's address is not known to this process."""


def erase(tenant: Tenant) -> None:
    """Removes every row of a demo workspace and the sign-ins that only it had."""
    if not tenant.is_demo:
        raise ValueError(f"'{tenant.slug}' is not a demo workspace.")
    with owner_connection() as owner, owner, owner.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant.pk)])
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        for model in apps.get_models():
            if issubclass(model, TenantModel):
                cursor.execute(f'DELETE FROM "{model._meta.db_table}" WHERE tenant_id = %s', [tenant.pk])  # noqa: S608 -- our own table names
        cursor.execute(MEMBERS, {"tenant": tenant.pk})


def analyze() -> None:
    """Gathers statistics, which autovacuum would do within a minute: until then new tables are taken for empty.

    Does nothing where the owner is not known, or inside a transaction whose rows nobody else sees yet.
    """
    if connection.in_atomic_block or not os.environ.get("DATABASE_OWNER_URL"):
        return
    with owner_connection() as owner:
        owner.autocommit = True
        with owner.cursor() as cursor:
            cursor.execute("ANALYZE")


def owner_connection() -> Any:
    """A connection as rv_owner, for the operator's commands. Closes when left."""
    url = os.environ.get("DATABASE_OWNER_URL")
    if not url:
        raise NoOwner("Set DATABASE_OWNER_URL: only the owner of the tables can delete history.")
    return closing(psycopg2.connect(url))
