"""Checks every invariant: the walls in Postgres' own catalogue, then what each app promises about its rows."""

from collections import Counter
from datetime import datetime
from typing import Any, Final

from django.apps import apps
from django.db import connection

from core import registry
from core.boot import database_role_problem
from core.global_tables import GLOBAL_TABLES
from core.models import Tenant, TenantModel
from core.tenancy import tenant_context

# Each counts the places where a wall is missing. %(tables)s are the workspace tables, %(global)s the listed others.
CATALOGUE: Final = {
    "database.table_on_no_list": (
        "A table is neither a workspace table nor on the list of global ones",
        (
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'f') "
            "AND relname <> ALL (%(tables)s) AND relname <> ALL (%(global)s)"
        ),
    ),
    "database.row_security_not_forced": (
        "A workspace table without forced row security",
        (
            "SELECT count(*) FROM unnest(%(tables)s) AS wanted(name) LEFT JOIN pg_class AS c "
            "ON c.relname = wanted.name AND c.relnamespace = 'public'::regnamespace "
            "WHERE (c.relrowsecurity AND c.relforcerowsecurity) IS NOT TRUE"
        ),
    ),
    "database.policy": (
        "A workspace table without exactly one policy that compares the workspace, to read and to write",
        (
            "SELECT count(*) FROM pg_class AS c WHERE c.relnamespace = 'public'::regnamespace "
            "AND c.relname = ANY (%(tables)s) AND (SELECT count(*) FILTER (WHERE p.polcmd = '*' "
            "AND pg_get_expr(p.polqual, c.oid) LIKE '(tenant_id = %%app.tenant_id%%' "
            "AND pg_get_expr(p.polwithcheck, c.oid) = pg_get_expr(p.polqual, c.oid)) = 1 AND count(*) = 1 "
            "FROM pg_policy AS p WHERE p.polrelid = c.oid) IS NOT TRUE"
        ),
    ),
    "database.key_crosses_workspaces": (
        "A foreign key between workspace tables that does not carry the workspace",
        (
            "SELECT count(*) FROM pg_constraint AS f JOIN pg_class AS c ON c.oid = f.conrelid "
            "JOIN pg_class AS target ON target.oid = f.confrelid WHERE f.contype = 'f' "
            "AND c.relname = ANY (%(tables)s) AND target.relname = ANY (%(tables)s) AND NOT EXISTS "
            "(SELECT FROM pg_attribute AS a WHERE a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey) "
            "AND a.attname = 'tenant_id')"
        ),
    ),
    "database.key_not_checked": (
        "A foreign key whose old rows Postgres has not checked",
        ("SELECT count(*) FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND NOT convalidated"),
    ),
    "database.unique_across_workspaces": (
        "A unique index of a workspace table that does not start with the workspace",
        (
            "SELECT count(*) FROM pg_index AS x JOIN pg_class AS c ON c.oid = x.indrelid "
            "JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = x.indkey[0] "
            "WHERE x.indisunique AND c.relname = ANY (%(tables)s) AND a.attname <> 'tenant_id'"
        ),
    ),
    "database.index_not_valid": (
        "An index that Postgres does not use because it was never finished",
        (
            "SELECT count(*) FROM pg_index AS x JOIN pg_class AS c ON c.oid = x.indrelid "
            "WHERE c.relnamespace = 'public'::regnamespace AND NOT x.indisvalid"
        ),
    ),
    "database.view_or_function_of_the_owner": (
        "A view or function that would run with its owner's rights",
        (
            "SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace "
            "AND (relkind = 'm' OR relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY (reloptions), false))) "
            "+ (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef)"
        ),
    ),
}


def examine(*, tenants: list[Tenant], now: datetime) -> dict[str, Any]:
    """What is broken, over the walls and over the workspaces; reads only. Counts of one check are added up."""
    labels = {key: label for key, (label, _) in CATALOGUE.items()}
    labels |= {check.key: check.label for check in registry.doctor_checks()}
    broken: Counter[str] = Counter(_walls())
    where: dict[str, list[str]] = {}
    for tenant in tenants:
        for key, count in _promises(tenant, now):
            broken[key] += count
            where.setdefault(key, []).append(tenant.slug)
    role = database_role_problem()
    if role:
        broken["database.role"] = 1
        labels["database.role"] = role
    found = [{"check": key, "count": count, "what": labels[key]} for key, count in sorted(broken.items()) if count]
    for one in found:
        if one["check"] in where:
            one["tenants"] = where[str(one["check"])]
    return {
        "ok": not found,
        "broken": found,
        "checks": len(labels) + (not role),
        "workspaces": len(tenants),
        "global_tables": [{"table": table, "reason": reason} for table, reason in sorted(GLOBAL_TABLES.items())],
    }


def _walls() -> dict[str, int]:
    tables = [model._meta.db_table for model in apps.get_models() if issubclass(model, TenantModel)]
    counts = {}
    with connection.cursor() as cursor:
        for key, (_, sql) in CATALOGUE.items():
            cursor.execute(sql, {"tables": tables, "global": list(GLOBAL_TABLES)})
            counts[key] = int(cursor.fetchone()[0])
    return counts


def _promises(tenant: Tenant, now: datetime) -> list[tuple[str, int]]:
    with tenant_context(tenant.pk):
        counted = [(check.key, check.count(tenant, now)) for check in registry.doctor_checks()]
    return [(key, count) for key, count in counted if count]
