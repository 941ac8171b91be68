"""Billing exports with one row per month: read as they are, every month would be a contract that ends, a churn."""

from accounts.importing.stage import Stage


def join_periods(stage: Stage) -> None:
    """Rows without ids of their own that follow each other without a gap become the lines of one contract.

    Runs on rows that have their `ends`; sets `contract_key` to that of the first row of the unbroken run. A run that
    continues a contract of the workspace joins it.
    """
    if stage.has("external_id") or stage.has("contract_ref"):
        return
    stage.execute(
        "WITH seen AS (SELECT r.line, r.account_id, COALESCE(r.product, '') AS product, r.starts_on, r.contract_key, "
        "max(COALESCE(r.ends, 'infinity'::date)) OVER (PARTITION BY r.account_id, COALESCE(r.product, '') "
        "ORDER BY r.starts_on, r.line ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS until "
        "FROM import_row AS r WHERE r.state IS NULL), "
        "run AS (SELECT *, count(*) FILTER (WHERE until IS NULL OR starts_on > until) OVER (PARTITION BY account_id, "
        "product ORDER BY starts_on, line) AS number FROM seen), "
        "named AS (SELECT line, first_value(contract_key) OVER (PARTITION BY account_id, product, number "
        "ORDER BY starts_on, line) AS contract_key FROM run) "
        "UPDATE import_row AS r SET contract_key = named.contract_key FROM named "
        "WHERE named.line = r.line AND named.contract_key <> r.contract_key"
    )
    stage.execute(
        "UPDATE import_row AS r SET contract_key = c.external_id FROM accounts_contractline AS l "
        "JOIN accounts_contract AS c ON c.tenant_id = %(tenant)s AND c.id = l.contract_id, "
        "(SELECT contract_key, account_id, product_id, min(starts_on) AS starts_on FROM import_row "
        "WHERE state IS NULL GROUP BY contract_key, account_id, product_id) AS run "
        "WHERE r.state IS NULL AND run.contract_key = r.contract_key AND l.tenant_id = %(tenant)s "
        "AND l.account_id = run.account_id AND l.product_id IS NOT DISTINCT FROM run.product_id "
        "AND c.external_id LIKE 'row|%%' AND l.starts_on <= run.starts_on AND l.ends_on >= run.starts_on"
    )
    _tell(stage)


def close_open_periods(stage: Stage) -> bool:
    """Gives rows of a file without end dates their end: one billing period after their start.

    Only for files without ids in which an account has several rows of one product: open ends would count every month
    on top of the last. Returns whether the file is of that kind.
    """
    if stage.has("external_id") or stage.has("contract_ref") or stage.has("ends_on"):
        return False
    repeats = stage.scalar(
        "SELECT EXISTS (SELECT FROM import_row WHERE state IS NULL GROUP BY account_id, COALESCE(product, '') "
        "HAVING count(DISTINCT starts_on) > 1)"
    )
    if not repeats:
        return False
    stage.execute(
        "UPDATE import_row AS r SET months = COALESCE(r.months, 1), "
        "ends = (r.starts_on + make_interval(months => COALESCE(r.months, 1)))::date, "
        "arr_minor = COALESCE(r.arr, r.mrr * 12, r.amount * 12 / COALESCE(r.months, 1), 0) WHERE r.state IS NULL"
    )
    return True


def _tell(stage: Stage) -> None:
    rows, contracts = stage.rows(
        "SELECT COALESCE(sum(n), 0), count(*) FROM (SELECT count(*) AS n FROM import_row WHERE state IS NULL "
        "GROUP BY contract_key HAVING count(*) > 1) AS joined"
    )[0]
    stage.warn(
        "periods_joined",
        int(rows),
        f"{int(rows):,} rows are billing periods that follow each other: they are read as {int(contracts):,} "
        "continuous contracts.",
    )
