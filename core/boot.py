"""Checked when a process starts: row-level security must hold for the database role that it uses."""

from django.db import connection


class UnsafeDatabaseRole(RuntimeError):
    """The role could see every workspace."""


def database_role_problem() -> str:
    """Why row-level security would not hold for the current role; empty when it does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_user, r.rolsuper, r.rolbypassrls, "
            "EXISTS (SELECT FROM pg_class c WHERE c.relname = 'core_job' AND c.relowner = r.oid) "
            "FROM pg_roles r WHERE r.rolname = current_user"
        )
        name, is_super, bypasses, owns = cursor.fetchone()
    for wrong, why in ((is_super, "is a superuser"), (bypasses, "bypasses row security"), (owns, "owns the tables")):
        if wrong:
            return f"The database role '{name}' {why}."
    return ""


def refuse_unsafe_database_role() -> None:
    """Raises `UnsafeDatabaseRole` with the remedy; called by web, worker and scheduler before they serve."""
    problem = database_role_problem()
    if problem:
        raise UnsafeDatabaseRole(f"{problem} Point DATABASE_URL at rv_app (see docs/operations.md).")
