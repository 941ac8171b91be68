"""The wall, read from Postgres' own catalogue: a table that forgot any part of it fails here by name."""

import pytest
from django.apps import apps
from django.db import connection

from core.fields import TenantForeignKey
from core.global_tables import GLOBAL_TABLES
from core.models import TenantModel

pytestmark = pytest.mark.django_db

POLICY = (
    "(tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::bigint AS \"nullif\"))"
)
APPEND_ONLY = {
    "accounts_accountmerge",
    "core_auditentry",
    "accounts_revenuemovement",
    "health_scorehistory",
    "health_calibration",
    "health_doubt",
    "health_shadowscore",
    "health_validationreport",
    "qbr_qbrpackage",
}
# Tables that imports fill in bulk, on servers that know the right to gather statistics (PostgreSQL 17 and later).
MAINTAINED = {
    "accounts_account", "accounts_activity", "accounts_contact", "accounts_contract", "accounts_contractline",
    "accounts_outcome", "accounts_person", "accounts_product", "accounts_revenuemovement", "accounts_signal",
    "accounts_ticket",
}  # fmt: skip
GLOBAL_RIGHTS = {
    "account_emailaddress": "DELETE INSERT SELECT UPDATE",
    "account_emailconfirmation": "DELETE INSERT SELECT UPDATE",
    "auth_permission": "SELECT",
    "core_membership": "DELETE INSERT SELECT UPDATE",
    "core_apikey": "INSERT SELECT UPDATE",
    "core_tenant": "INSERT SELECT UPDATE",
    "core_user": "INSERT SELECT UPDATE",
    "django_content_type": "SELECT",
    "django_migrations": "SELECT",
    "django_session": "DELETE INSERT SELECT UPDATE",
}


def rows(sql: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def tables_in_postgres() -> set[str]:
    return {
        str(name)
        for (name,) in rows(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r','p','f')"
        )
    }


def tenant_tables() -> set[str]:
    return tables_in_postgres() - set(GLOBAL_TABLES)


def tenant_models() -> list[type[TenantModel]]:
    return [model for model in apps.get_models() if issubclass(model, TenantModel)]


def test_tests_run_as_a_role_that_row_security_holds_for() -> None:
    assert rows("SELECT current_user, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user") == [
        ("rv_app", False, False)
    ]


def test_every_table_is_a_workspace_table_or_stands_on_the_list_with_a_reason() -> None:
    tables = {model._meta.db_table for model in tenant_models()}
    assert tenant_tables() == tables
    assert all(len(reason) > 10 for reason in GLOBAL_TABLES.values())


def test_the_list_of_global_tables_has_no_stale_entries() -> None:
    assert set(GLOBAL_TABLES) - tables_in_postgres() == set()


def test_every_workspace_table_forces_row_security_with_exactly_one_policy() -> None:
    found = {
        str(table): (enabled, forced, policies, commands, using, check)
        for table, enabled, forced, policies, commands, using, check in rows(
            "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, count(p.oid), min(p.polcmd::text), "
            "min(pg_get_expr(p.polqual, c.oid)), min(pg_get_expr(p.polwithcheck, c.oid)) "
            "FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid "
            "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r','p','f') GROUP BY 1, 2, 3"
        )
    }
    expected = (True, True, 1, "*", POLICY, POLICY)
    assert {table: found[table] for table in tenant_tables()} == dict.fromkeys(tenant_tables(), expected)


def test_every_unique_index_of_a_workspace_table_starts_with_the_workspace() -> None:
    astray = rows(
        "SELECT c.relname, i.relname FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid "
        "JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0] "
        "WHERE x.indisunique AND c.relnamespace = 'public'::regnamespace AND a.attname <> 'tenant_id'"
    )
    assert [pair for pair in astray if pair[0] in tenant_tables()] == []


def test_every_key_between_workspace_tables_carries_the_workspace() -> None:
    keys = rows(
        "SELECT f.conrelid::regclass::text, f.confrelid::regclass::text, f.conname, "
        "(SELECT array_agg(a.attname::text) FROM pg_attribute a "
        " WHERE a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey)) "
        "FROM pg_constraint f WHERE f.contype = 'f' AND f.connamespace = 'public'::regnamespace"
    )
    plain = [
        name for table, target, name, columns in keys
        if table in tenant_tables() and target in tenant_tables() and "tenant_id" not in columns  # type: ignore[operator]  # -- rows are untyped
    ]  # fmt: skip
    assert plain == []


def test_every_foreign_key_of_a_model_has_its_constraint_in_postgres() -> None:
    constrained = {
        (table, columns)
        for table, columns in rows(
            "SELECT f.conrelid::regclass::text, (SELECT string_agg(a.attname, ',' ORDER BY a.attname) "
            "FROM pg_attribute a WHERE a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey) "
            "AND a.attname <> 'tenant_id') "
            "FROM pg_constraint f WHERE f.contype = 'f'"
        )
    }
    wanted = {
        (model._meta.db_table, field.column)
        for model in tenant_models()
        for field in model._meta.local_fields
        if isinstance(field, TenantForeignKey)
    }
    assert wanted - constrained == set()


def test_foreign_keys_between_workspace_tables_are_tenant_foreign_keys() -> None:
    astray = [
        f"{model.__name__}.{field.name}"
        for model in tenant_models()
        for field in model._meta.local_fields
        if field.is_relation
        and isinstance(field.related_model, type)
        and issubclass(field.related_model, TenantModel)
        and not isinstance(field, TenantForeignKey)
    ]
    assert astray == [], "Use core.fields.TenantForeignKey: a plain key can point into another workspace."


def test_many_to_many_tables_are_written_out_as_workspace_models() -> None:
    hidden = [model._meta.label for model in apps.get_models(include_auto_created=True) if model._meta.auto_created]
    assert [label for label in hidden if not label.startswith("auth.")] == []


def test_the_application_has_exactly_the_rights_on_the_list() -> None:
    granted = {
        str(table): rights
        for table, rights in rows(
            "SELECT c.relname, string_agg(a.privilege_type, ' ' ORDER BY a.privilege_type) FROM pg_class c, "
            "aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee "
            "WHERE r.rolname = 'rv_app' AND c.relnamespace = 'public'::regnamespace "
            "AND c.relkind IN ('r','p') GROUP BY 1"
        )
    }
    expected = dict(GLOBAL_RIGHTS)
    knows_maintain = rows("SELECT current_setting('server_version_num')::int >= 170000") == [(True,)]
    for table in tenant_tables():
        rights = {"INSERT", "SELECT"} if table in APPEND_ONLY else {"DELETE", "INSERT", "SELECT", "UPDATE"}
        if table in MAINTAINED and knows_maintain:
            rights.add("MAINTAIN")
        expected[table] = " ".join(sorted(rights))
    assert granted == expected


def test_nothing_is_granted_to_everybody() -> None:
    assert (
        rows(
            "SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a "
            "WHERE a.grantee = 0 AND c.relnamespace = 'public'::regnamespace"
        )
        == []
    )


def test_there_is_no_view_and_no_function_that_runs_with_its_owners_rights() -> None:
    views = rows("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v','m')")
    definers = rows("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef")
    assert (views, definers) == ([], [])


def test_outside_every_workspace_each_table_is_empty_to_the_application() -> None:
    seen = {
        table: rows(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")[0][0]
        for table in sorted(tenant_tables())
    }
    assert seen == dict.fromkeys(tenant_tables(), 0)
