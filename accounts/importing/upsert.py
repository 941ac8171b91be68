"""New, changed or same, and writing what is new or changed: set-based, for any `Target`."""

from accounts.importing import changes
from accounts.importing.kinds import Column, Target
from accounts.importing.stage import Stage


def find(stage: Stage, target: Target) -> None:
    """Fills `target_id` with the row that a staged row stands for. Several rows of one name refuse the staged row."""
    keyed = bool(target.key) and (not target.key_fields or stage.has(*target.key_fields))
    if keyed:
        condition = f"AND t.{target.key_where}" if target.key_where else ""
        stage.execute(
            f"UPDATE import_row AS r SET target_id = t.id FROM {target.table} AS t WHERE r.state IS NULL "
            f"AND t.tenant_id = %(tenant)s {condition} AND {_same_key(target, target.key)}"
        )
    if target.other_key:
        where = f"AND {target.other_where}" if keyed and target.other_where else ""
        where += f" AND {target.alive}" if target.alive else ""
        names = ", ".join(f"t.{name}" for name in target.other_key)
        stage.execute(
            "UPDATE import_row AS r SET target_id = CASE WHEN t.n = 1 THEN t.id END, "
            "state = CASE WHEN t.n > 1 THEN 'reject' END, refusal = CASE WHEN t.n > 1 THEN 'ambiguous' END, "
            "detail = CASE WHEN t.n > 1 THEN 'several rows have this name: give their id' END "
            f"FROM (SELECT {names}, min(t.id) AS id, count(*) AS n FROM {target.table} AS t "
            f"WHERE t.tenant_id = %(tenant)s {where} GROUP BY {names}) AS t "
            f"WHERE r.state IS NULL AND r.target_id IS NULL AND {_same_key(target, target.other_key)}"
        )


def _same_key(target: Target, names: tuple[str, ...]) -> str:
    sql = {column.name: column.sql for column in target.columns}
    return " AND ".join(f"t.{name} = {sql[name]}" for name in names)


def written(stage: Stage, target: Target) -> list[Column]:
    """The columns that this file has a say in."""
    return [column for column in target.columns if not column.fields or stage.mapped & set(column.fields)]


def compare(stage: Stage, target: Target) -> None:
    """Sets `state` of every row still in to create, update or same."""
    columns = [column for column in written(stage, target) if not column.insert_only]
    old = [f"t.{column.name}" for column in columns]
    new = [f"({column.sql})" for column in columns]
    if target.merge and stage.extra_headers:
        old.append(f"t.{target.merge}")
        new.append(f"(t.{target.merge} || r.extra)")
    differs = f"({', '.join(old)}) IS DISTINCT FROM ({', '.join(new)})" if old else "false"
    stage.execute("UPDATE import_row AS r SET state = 'create' WHERE r.state IS NULL AND r.target_id IS NULL")
    stage.execute(
        f"UPDATE import_row AS r SET state = CASE WHEN {differs} THEN 'update' ELSE 'same' END FROM {target.table} "
        "AS t WHERE r.state IS NULL AND t.tenant_id = %(tenant)s AND t.id = r.target_id"
    )
    stage.changes += changes.collect(stage, target.table, {column.name: column.sql for column in columns})


def save(stage: Stage, target: Target) -> None:
    """Writes the rows in state create and update."""
    mine = written(stage, target)
    names = ["tenant_id", *(column.name for column in target.columns)]
    values = ["%(tenant)s", *(column.sql if column in mine else column.default for column in target.columns)]
    if target.merge:
        names.append(target.merge)
        values.append("r.extra")
    if target.touch:
        names.append(target.touch)
        values.append("%(now)s")
    stage.execute(
        f"INSERT INTO {target.table} ({', '.join(names)}) SELECT {', '.join(values)} FROM import_row AS r "
        "WHERE r.state = 'create' ORDER BY r.line"
    )
    changed = [f"{column.name} = {column.sql}" for column in mine if not column.insert_only]
    if target.merge and stage.extra_headers:
        changed.append(f"{target.merge} = t.{target.merge} || r.extra")
    if target.touch:
        changed.append(f"{target.touch} = %(now)s")
    if any(column.name == "account_id" for column in mine):
        stage.execute(
            f"INSERT INTO import_touched SELECT t.account_id FROM {target.table} AS t, import_row AS r "
            "WHERE r.state = 'update' AND t.tenant_id = %(tenant)s AND t.id = r.target_id "
            "AND t.account_id IS DISTINCT FROM r.account_id AND t.account_id IS NOT NULL"
        )
    if changed:
        stage.execute(
            f"UPDATE {target.table} AS t SET {', '.join(changed)} FROM import_row AS r "
            "WHERE r.state = 'update' AND t.tenant_id = %(tenant)s AND t.id = r.target_id"
        )


def apply(stage: Stage, target: Target) -> None:
    """The whole of it; a dry run stops before writing."""
    find(stage, target)
    compare(stage, target)
    if stage.writes:
        save(stage, target)
