"""What an import changes, value by value, for the first changed rows: a person wants to see before pressing Import."""

from collections.abc import Mapping
from typing import Any, Final

from accounts.importing.stage import Change, Stage
from core.formatting import money

ROWS: Final = 20
_NAMED: Final = {
    "account_id": ("accounts_account", "account"),
    "owner_id": ("accounts_person", "owner"),
    "deputy_id": ("accounts_person", "deputy"),
    "person_id": ("accounts_person", "person"),
    "product_id": ("accounts_product", "product"),
}
_HIDDEN: Final = frozenset({"name_key", "domain_key", "email_key", "pipeline_id", "stage_id"})
_LABELS: Final = ("name", "subject", "external_id", "account")


def collect(stage: Stage, table: str, columns: Mapping[str, str], *, join: str = "t.id = r.target_id") -> list[Change]:
    """The changes of the first rows in state update. `columns` is column of the table → SQL over `r`."""
    if not columns:
        return []
    shown = {name: sql for name, sql in columns.items() if name not in _HIDDEN}
    names = [field.name for field in stage.kind.fields]
    label = ", ".join(f"r.{name}" for name in _LABELS if name in names) or "r.line::text"
    pairs = [part for name, sql in shown.items() for part in _pair(name, sql, names)]
    old, new = ", ".join(f"t.{name}" for name in shown), ", ".join(f"({sql})" for sql in shown.values())
    found = stage.rows(
        f"SELECT r.line, COALESCE({label}), {', '.join(pairs)} FROM import_row AS r JOIN {table} AS t "
        f"ON t.tenant_id = %(tenant)s AND {join} WHERE r.state = 'update' "
        f"AND ({old}) IS DISTINCT FROM ({new}) ORDER BY r.line LIMIT {ROWS}",
        **stage.options,
    )
    return [change for row in found for change in _changes(stage, row, list(shown))]


def _pair(name: str, sql: str, fields: list[str]) -> tuple[str, str]:
    """Old and new as a person reads them: names for references."""
    if name in _NAMED and _NAMED[name][1] in fields:
        source, field = _NAMED[name]
        old = f"(SELECT n.name FROM {source} AS n WHERE n.tenant_id = %(tenant)s AND n.id = t.{name})"
        return (
            old,
            f"CASE WHEN t.{name} IS NOT DISTINCT FROM ({sql}) THEN {old} ELSE r.{field} END",
        )
    return f"t.{name}::text", f"({sql})::text"


def _changes(stage: Stage, row: tuple[Any, ...], names: list[str]) -> list[Change]:
    line, label, *values = row
    found = []
    for place, name in enumerate(names):
        before, after = values[2 * place], values[2 * place + 1]
        if (before or "") != (after or ""):
            words = name.removesuffix("_id").removesuffix("_minor").replace("_", " ")
            found.append(Change(int(line), str(label), words, _shown(stage, name, before), _shown(stage, name, after)))
    return found


def _shown(stage: Stage, name: str, value: str | None) -> str:
    if value is None:
        return ""
    return money(int(value), stage.currency, cents=True) if name.endswith("_minor") else str(value)[:120]
