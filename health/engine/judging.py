"""Scores as common table expressions that end in `judged`: of everybody as of one day, or of moments.

A moment is an account as of a day of its own; `moments(n, account_id, as_of)` numbers them. Nothing here writes.
"""

from typing import Final

from health.engine.compiler import Plan
from health.engine.levels import judged
from health.engine.scans import as_of_moments
from health.engine.sources import AS_OF, Table, midnight

CUSTOMER: Final = "a.status = 'customer'"
ARR: Final = "a.arr_minor"
# Then: who paid on that day, and those whose contracts are not known but who were customers already.
CUSTOMER_THEN: Final = f"""(EXISTS (
            SELECT FROM accounts_contractline o
            WHERE o.tenant_id = a.tenant_id AND o.account_id = a.id AND o.kind = 'recurring' AND o.arr_minor > 0
              AND o.starts_on <= {AS_OF} AND (o.ends_on IS NULL OR o.ends_on > {AS_OF})
        ) OR (a.status = 'customer' AND a.customer_since <= {AS_OF} AND NOT EXISTS (
            SELECT FROM accounts_contractline o WHERE o.tenant_id = a.tenant_id AND o.account_id = a.id
        )))"""
ARR_THEN: Final = f"""COALESCE((
                SELECT sum(o.arr_minor) FROM accounts_contractline o
                WHERE o.tenant_id = a.tenant_id AND o.account_id = a.id AND o.kind = 'recurring'
                  AND o.starts_on <= {AS_OF} AND (o.ends_on IS NULL OR o.ends_on > {AS_OF})
            ), 0)::bigint"""
_MOMENTS: Final = """moments AS MATERIALIZED (SELECT one.n, one.account_id, one.as_of
    FROM unnest(%(accounts)s::bigint[], %(days)s::date[]) WITH ORDINALITY AS one(account_id, as_of, n))"""
_ACCOUNT: Final = "account_id, owner_id, segment, arr_minor"


def judged_ctes(plan: Plan, *, eligible: str = CUSTOMER, arr: str = ARR, restricted: bool = False) -> str:
    """Every account of the model as of `as_of`, or with `restricted` those in `ids`; ends in the CTE `judged`."""
    joins = "".join(f"\n        LEFT JOIN {one.name} ON {one.name}.account_id = a.id" for one in plan.scans)
    only = " AND a.id = ANY(%(ids)s)" if restricted else ""
    facts = (
        f"SELECT a.id AS account_id, COALESCE(a.owner_id, 0) AS owner_id, a.segment, {arr} AS arr_minor, "
        f"{AS_OF} AS as_of,\n"
        f"            {_readings(plan, {one.alias: _known_by_day(one) for one in plan.silences})}\n"
        f"        FROM accounts_account a{joins}\n"
        f"        WHERE a.tenant_id = %(tenant)s AND {eligible}{plan.segment}{only}\n"
        "        OFFSET 0"
    )
    ctes = [f"{one.name} AS ({one.per_account(restricted=restricted)})" for one in plan.scans]
    return ",\n".join([*ctes, f"judged AS MATERIALIZED (\n    {judged(plan.model, plan.rows, facts, _ACCOUNT)}\n)"])


def moments_sql(plan: Plan) -> str:
    """Judges the accounts in `accounts`, each as of its own day in `days`, in that order; one row for each.

    Whether the model is for the account, and whether it was a customer then, is not asked.
    """
    joins = "".join(f"\n        LEFT JOIN {one.name} ON {one.name}.n = m.n" for one in plan.scans)
    known = {one.alias: f"((SELECT at FROM known_{one.alias}) < {_day_after(one)})" for one in plan.silences}
    facts = as_of_moments(
        f"SELECT m.n, m.account_id, m.as_of,\n            {_readings(plan, known)}\n"
        f"        FROM moments m\n"
        f"        LEFT JOIN accounts_account a ON a.tenant_id = %(tenant)s AND a.id = m.account_id{joins}\n"
        "        OFFSET 0"
    )
    ctes = [
        _MOMENTS,
        *(
            f"known_{one.alias} AS MATERIALIZED (SELECT min({one.day}) AS at FROM {one.name} {one.alias} "
            f"WHERE {one.alias}.tenant_id = %(tenant)s)"
            for one in plan.silences
        ),
        *(f"{one.name} AS MATERIALIZED ({one.per_moment()})" for one in plan.scans),
    ]
    return "WITH " + ",\n".join(ctes) + f"\n{judged(plan.model, plan.rows, facts, 'n, account_id')} ORDER BY n"


def _readings(plan: Plan, known: dict[str, str]) -> str:
    text = ",\n            ".join(column for row in plan.rows for column in row.facts)
    for alias, condition in known.items():
        text = text.replace(f"{{known_{alias}}}", condition)
    return text


def _known_by_day(table: Table) -> str:
    """Whether the workspace had such rows by the as-of day.

    Ordered as the index is, so that the first row is found without walking through other workspaces' rows.
    """
    return (
        f"(SELECT true FROM {table.name} {table.alias} WHERE {table.alias}.tenant_id = %(tenant)s "
        f"AND {table.until()} ORDER BY {table.alias}.tenant_id, {table.alias}.account_id LIMIT 1)"
    )


def _day_after(table: Table) -> str:
    return midnight(-1) if table.is_instant else f"{AS_OF} + 1"
