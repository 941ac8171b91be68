"""The last day on which a measure was observed at all, however far before the windows of the models."""

from collections.abc import Iterable
from typing import Final

from health.engine.sources import AS_OF, SIGNALS, SOURCES, Source

_ZONE: Final = "(SELECT timezone FROM core_tenant WHERE id = %(tenant)s)"
_SIGNAL: Final = f"""(SELECT s.day FROM accounts_signal s
    WHERE s.tenant_id = %(tenant)s AND s.account_id = w.account_id AND s.measure_id = m.id AND {SIGNALS.until()}
      AND (s.value IS NOT NULL OR s.category <> '') ORDER BY s.day DESC LIMIT 1)"""
# What an account's contracts say is known up to the day before the last line ends.
_CONTRACTS: Final = f"""(SELECT max(LEAST(l.ends_on - 1, {AS_OF})) AS day FROM accounts_contractline l
    WHERE w.measure LIKE 'contracts.%%' AND l.tenant_id = %(tenant)s AND l.account_id = w.account_id
      AND l.kind = 'recurring' AND l.starts_on <= {AS_OF})"""


def last_days_sql(measures: Iterable[str]) -> str:
    """Rows of (account, measure, last day) for the triples in `%(accounts)s`, `%(measures)s` and `%(days)s`.

    Days after the triple's own do not count; a triple without any day has no row. One index look-up per triple.
    """
    built_in = [SOURCES[key] for key in sorted(set(measures)) if key in SOURCES]
    parts = [_SIGNAL, *(_of_source(one) for one in built_in if one.table), _CONTRACTS]
    sql = f"""SELECT w.account_id, w.measure, max(found.day)
    FROM unnest(%(accounts)s::bigint[], %(measures)s::text[], %(days)s::date[]) AS w(account_id, measure, as_of)
    LEFT JOIN accounts_measure m ON m.tenant_id = %(tenant)s AND m.key = w.measure
    CROSS JOIN LATERAL ({" UNION ALL ".join(parts)}) AS found
    WHERE found.day IS NOT NULL GROUP BY 1, 2"""
    return sql.replace(AS_OF, "w.as_of").replace("%(zone)s", _ZONE)


def _of_source(source: Source) -> str:
    table = source.table
    assert table is not None  # noqa: S101 -- only contracts have no table
    clauses = [f"w.measure = '{source.key}'", table.until(), source.where, f"{source.value} IS NOT NULL"]
    return f"""(SELECT {table.business_day} AS day FROM {table.name} {table.alias}
        WHERE {table.alias}.tenant_id = %(tenant)s AND {table.alias}.account_id = w.account_id
          AND {" AND ".join(one for one in clauses if one)} ORDER BY {table.day} DESC LIMIT 1)"""
