"""The migration operation that puts tables behind the wall.

One operation per table does all of it, so that no table can have row security without the grants or the keys:
composite primary key, forced row-level security with exactly one policy, grants for the application role, and a
composite foreign key for every `TenantForeignKey`. Django's own state stays as the models say.
"""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from core.fields import TenantForeignKey

POLICY = "tenant_id = (SELECT NULLIF(current_setting('app.tenant_id', true), '')::bigint)"
ALL = "SELECT, INSERT, UPDATE, DELETE"
APPEND_ONLY = "SELECT, INSERT"


def _names(editor: BaseDatabaseSchemaEditor, *names: str) -> str:
    return ", ".join(editor.quote_name(name) for name in names)


class TenantTables(Operation):
    """Secures workspace tables. Append-only tables give the application no UPDATE and no DELETE."""

    reversible = True

    def __init__(self, names: Iterable[str], append_only: Iterable[str] = ()) -> None:
        self.names = list(names)
        self.append_only = list(append_only)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing: the state is the models'."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        tables = [to_state.apps.get_model(app_label, name) for name in self.names]
        for model in tables:
            self._lead_primary_key(schema_editor, model)
            self._raise_wall(schema_editor, model)
        for model in tables:
            for field in model._meta.local_fields:
                if isinstance(field, TenantForeignKey):
                    add_composite_key(schema_editor, model, field)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Nothing to undo: dropping the table drops its wall."""

    def describe(self) -> str:
        return f"Secure workspace tables {', '.join(self.names)}"

    def _lead_primary_key(self, editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
        if model._meta.pk is None or model._meta.pk.name != "id":
            return  # a composite primary key that already starts with the tenant
        table = model._meta.db_table
        editor.execute(
            f"ALTER TABLE {_names(editor, table)} DROP CONSTRAINT {_names(editor, table + '_pkey')}, "
            f"ADD CONSTRAINT {_names(editor, table + '_pkey')} PRIMARY KEY (tenant_id, id)"
        )

    def _raise_wall(self, editor: BaseDatabaseSchemaEditor, model: type[models.Model]) -> None:
        table = _names(editor, model._meta.db_table)
        rights = APPEND_ONLY if model.__name__ in self.append_only else ALL
        for statement in (
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"CREATE POLICY tenant_isolation ON {table} FOR ALL USING ({POLICY}) WITH CHECK ({POLICY})",
            f"GRANT {rights} ON {table} TO rv_app",
            f"GRANT SELECT ON {table} TO rv_maint",
        ):
            editor.execute(statement)


class TenantForeignKeys(Operation):
    """Adds the composite keys of `TenantForeignKey` fields that a later migration added to a secured table."""

    reversible = True

    def __init__(self, model_name: str, fields: Iterable[str]) -> None:
        self.model_name = model_name
        self.fields = list(fields)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing: the state is the models'."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        for name in self.fields:
            add_composite_key(schema_editor, model, model._meta.get_field(name))

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Nothing to undo: dropping the column drops its key."""

    def describe(self) -> str:
        return f"Composite keys of {self.model_name}: {', '.join(self.fields)}"


class GrantGlobalTables(Operation):
    """Gives the application its rights on tables that belong to no workspace. Each is named: never ON ALL TABLES."""

    reversible = True

    def __init__(self, rights: dict[str, str]) -> None:
        self.rights = rights

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing: grants are not part of the state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for table, rights in self.rights.items():
            schema_editor.execute(f"GRANT {rights} ON {_names(schema_editor, table)} TO rv_app")
            schema_editor.execute(f"GRANT SELECT ON {_names(schema_editor, table)} TO rv_maint")

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Nothing to undo: dropping the table drops its grants."""

    def describe(self) -> str:
        return "Grant rights on global tables"


class GrantMaintenance(Operation):
    """Lets the application gather statistics of tables that it fills in bulk, where the server knows that right.

    PostgreSQL 17 and later. Before, only the owner may, and autovacuum does it within a minute.
    """

    reversible = True
    since = 170_000

    def __init__(self, tables: Iterable[str]) -> None:
        self.tables = list(tables)

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing: grants are not part of the state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._each(schema_editor, "GRANT MAINTAIN ON {table} TO rv_app")

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        self._each(schema_editor, "REVOKE MAINTAIN ON {table} FROM rv_app")

    def _each(self, editor: BaseDatabaseSchemaEditor, statement: str) -> None:
        with editor.connection.cursor() as cursor:
            cursor.execute("SHOW server_version_num")
            version = int(cursor.fetchone()[0])
        if version >= self.since:
            for table in self.tables:
                editor.execute(statement.format(table=_names(editor, table)))

    def describe(self) -> str:
        return "Let the application gather statistics"


def add_composite_key(editor: BaseDatabaseSchemaEditor, model: type[models.Model], field: Any) -> None:
    """Constrains `(tenant_id, x_id)` to rows of the same workspace, checked at the end of the transaction."""
    table = model._meta.db_table
    name = f"{table}_{field.column}_tenant_fk"[:63]
    editor.execute(
        f"ALTER TABLE {_names(editor, table)} ADD CONSTRAINT {_names(editor, name)} "
        f"FOREIGN KEY (tenant_id, {_names(editor, field.column)}) "
        f"REFERENCES {_names(editor, field.remote_field.model._meta.db_table)} (tenant_id, id) "
        "DEFERRABLE INITIALLY DEFERRED"
    )
