"""What they pay: a subscription or billing file → one contract with one line per row."""

from typing import Final

from accounts.importing import billing, changes
from accounts.importing.churn_sources import warn_churn_sources
from accounts.importing.currencies import CURRENCY, refuse_other_currency
from accounts.importing.errors import ImportRefused
from accounts.importing.kinds import Field, ImportKind
from accounts.importing.stage import Stage
from accounts.rules.headers import normal_header

BILLING_WORDS: Final = {
    "monthly": "1", "month": "1", "m": "1", "quarterly": "3", "quarter": "3", "q": "3", "half yearly": "6",
    "semi annual": "6", "annual": "12", "annually": "12", "yearly": "12", "year": "12", "y": "12", "a": "12",
    "biennial": "24", "1": "1", "3": "3", "6": "6", "12": "12", "24": "24", "36": "36",
}  # fmt: skip
KIND_WORDS: Final = {
    "recurring": "recurring", "subscription": "recurring", "active": "recurring", "past due": "recurring",
    "trial": "trial", "trialing": "trial", "trialling": "trial", "one off": "one_off", "one time": "one_off",
    "services": "one_off", "setup": "one_off", "canceled": "recurring", "cancelled": "recurring", "unpaid": "recurring",
    "ended": "recurring", "expired": "recurring", "churned": "recurring",
}  # fmt: skip
_LAST_DAY_HEADERS: Final = ("last day", "term end", "end of term", "through", "valid until", "last date")


def _prepare(stage: Stage) -> None:
    """Keys, the exclusive end and the yearly amount of every row."""
    if not stage.has("mrr") and not stage.has("arr") and not stage.has("amount"):
        raise ImportRefused(
            "missing_column",
            "No column says what is paid. Map one: `columns: {mrr: HEADER}`, `{arr: HEADER}` or `{amount: HEADER}`.",
        )
    inclusive = end_is_last_day(stage)
    stage.execute(
        "ALTER TABLE import_row ADD COLUMN line_key text, ADD COLUMN contract_key text, ADD COLUMN ends date, "
        "ADD COLUMN arr_minor bigint, ADD COLUMN line_kind text, ADD COLUMN contract_id bigint, "
        "ADD COLUMN months int"
    )
    stage.execute(
        "UPDATE import_row AS r SET "
        "line_key = COALESCE(r.external_id, left(concat_ws('|', 'row', r.contract_ref, r.account, r.product, "
        "r.starts_on::text), 120)), "
        "contract_key = COALESCE(r.contract_ref, r.external_id, left(concat_ws('|', 'row', r.account, r.product, "
        "r.starts_on::text), 120)), "
        "ends = r.ends_on + %(days)s, months = r.billing::int, "
        "arr_minor = COALESCE(r.arr, r.mrr * 12, r.amount * 12 / COALESCE(r.billing::int, 12), 0), "
        "line_kind = CASE WHEN r.is_trial THEN 'trial' ELSE COALESCE(r.line_kind_word, 'recurring') END "
        "WHERE r.state IS NULL",
        days=1 if inclusive else 0,
    )
    billing.close_open_periods(stage)
    stage.options["end_date_is"] = "last_day" if inclusive else "first_day_without"


def end_is_last_day(stage: Stage) -> bool:
    """The map decides, else the header, else the end is the first day without service."""
    chosen = stage.options.get("end_date_is")
    if chosen:
        return bool(chosen == "last_day")
    column = stage.plan.column_of("ends_on")
    return column is not None and any(words in normal_header(column.header) for words in _LAST_DAY_HEADERS)


def _check(stage: Stage) -> None:
    refuse_other_currency(stage, "true")
    stage.reject(
        "r.ends < r.starts_on",
        code="ends_before_start",
        message="'it ends on ' || r.ends_on || ', before it starts on ' || r.starts_on",
    )
    billing.join_periods(stage)
    if stage.has("ends_on"):
        value = str(stage.options["end_date_is"])
        stage.choices.append({"code": "end_date_is", "column": _header(stage, "ends_on"), "value": value})
        ended = stage.count("r.ends_on IS NOT NULL")
        warn_churn_sources(stage, source="ended", count=ended)
    empty = stage.count("r.ends = r.starts_on")
    stage.warn("zero_length", empty, f"{empty:,} subscriptions end on the day they start: they never count as revenue.")
    if stage.has("mrr", "arr"):
        differ = stage.count("r.arr <> r.mrr * 12")
        stage.warn("arr_differs", differ, f"{differ:,} rows have an ARR that is not 12 × MRR; the ARR is taken.")
    early = stage.scalar(
        "SELECT count(*) FROM import_row AS r JOIN accounts_account AS a ON a.tenant_id = %(tenant)s "
        "AND a.id = r.account_id WHERE r.starts_on < a.customer_since"
    )
    stage.warn("starts_before_signup", int(early), f"{early:,} subscriptions start before their account signed up.")
    negative = stage.count("r.arr_minor < 0")
    stage.warn("negative_amount", negative, f"{negative:,} rows have a negative amount.")


def _header(stage: Stage, field: str) -> str:
    column = stage.plan.column_of(field)
    return column.header if column is not None else field


def _write(stage: Stage) -> None:
    """Contracts first, then lines. A row is new when its line is, changed when its line or its contract is."""
    stage.execute("DROP TABLE IF EXISTS import_contract")
    stage.execute(
        "CREATE TEMP TABLE import_contract ON COMMIT DROP AS SELECT r.contract_key, max(r.account_id) AS account_id, "
        "min(r.starts_on) AS starts_on, CASE WHEN bool_or(r.ends IS NULL) THEN NULL ELSE max(r.ends) END AS ends_on, "
        "max(r.months) AS months, bool_or(COALESCE(r.auto_renew, false)) AS auto_renew, "
        "max(r.notice_days) AS notice_days, max(COALESCE(r.name, '')) AS name, NULL::bigint AS id, false AS changed "
        "FROM import_row AS r WHERE r.state IS NULL GROUP BY r.contract_key"
    )
    stage.execute(
        "UPDATE import_contract AS c SET id = t.id FROM accounts_contract AS t "
        "WHERE t.tenant_id = %(tenant)s AND t.external_id = c.contract_key"
    )
    _widen(stage)
    columns = _contract_columns(stage)
    old = ", ".join(f"t.{name}" for name in columns)
    new = ", ".join(f"c.{name}" for name in columns.values())
    stage.execute(
        f"UPDATE import_contract AS c SET changed = ({old}) IS DISTINCT FROM ({new}) "
        "FROM accounts_contract AS t WHERE t.tenant_id = %(tenant)s AND t.id = c.id"
    )
    _compare_lines(stage)
    stage.changes += changes.collect(stage, "accounts_contractline", _line_columns(stage))
    told = {"billing_months": "r.months", "auto_renew": "r.auto_renew", "notice_days": "r.notice_days"}
    mine = {name: sql for name, sql in told.items() if name in columns}
    stage.changes += changes.collect(stage, "accounts_contract", mine, join="t.external_id = r.contract_key")
    if stage.writes:
        _save_contracts(stage, columns)
        _save_lines(stage)


def _widen(stage: Stage) -> None:
    """A contract also spans its lines that this file does not name."""
    stage.execute(
        "UPDATE import_contract AS c SET starts_on = LEAST(c.starts_on, o.starts_on), "
        "ends_on = CASE WHEN c.ends_on IS NOT NULL AND NOT o.open THEN GREATEST(c.ends_on, o.ends_on) END "
        "FROM (SELECT l.contract_id, min(l.starts_on) AS starts_on, max(l.ends_on) AS ends_on, "
        "bool_or(l.ends_on IS NULL) AS open FROM accounts_contractline AS l WHERE l.tenant_id = %(tenant)s "
        "AND NOT EXISTS (SELECT FROM import_row AS r WHERE r.state IS NULL AND r.line_key = l.external_id) "
        "GROUP BY l.contract_id) AS o WHERE o.contract_id = c.id"
    )


def _contract_columns(stage: Stage) -> dict[str, str]:
    """Column of the table → column of `import_contract`, for what the file says."""
    columns = {"account_id": "account_id", "starts_on": "starts_on", "ends_on": "ends_on"}
    for field, name, source in (
        ("billing", "billing_months", "months"),
        ("auto_renew", "auto_renew", "auto_renew"),
        ("notice_days", "notice_days", "notice_days"),
        ("name", "name", "name"),
    ):
        columns |= {name: source} if stage.has(field) else {}
    return columns


def _line_columns(stage: Stage) -> dict[str, str]:
    columns = {
        "account_id": "r.account_id",
        "kind": "r.line_kind",
        "starts_on": "r.starts_on",
        "ends_on": "r.ends",
        "arr_minor": "r.arr_minor",
    }
    if stage.has("ends_on"):
        columns["end_date_is"] = "%(end_date_is)s"
    if stage.has("product"):
        columns["product_id"] = "r.product_id"
    if stage.has("quantity"):
        columns["quantity"] = "r.quantity"
    return columns


def _compare_lines(stage: Stage) -> None:
    columns = _line_columns(stage)
    old = ", ".join(f"t.{name}" for name in columns)
    new = ", ".join(columns.values())
    stage.execute(
        "UPDATE import_row AS r SET target_id = t.id, state = CASE WHEN c.changed OR c.id IS NULL "
        f"OR ({old}, t.contract_id) IS DISTINCT FROM ({new}, c.id) THEN 'update' ELSE 'same' END "
        "FROM accounts_contractline AS t, import_contract AS c WHERE r.state IS NULL AND t.tenant_id = %(tenant)s "
        "AND t.external_id = r.line_key AND c.contract_key = r.contract_key",
        end_date_is=stage.options["end_date_is"],
    )
    stage.execute("UPDATE import_row SET state = 'create' WHERE state IS NULL")


def _save_contracts(stage: Stage, columns: dict[str, str]) -> None:
    stage.execute(
        "INSERT INTO accounts_contract (tenant_id, account_id, external_id, name, starts_on, ends_on, billing_months, "
        "auto_renew, notice_days, currency) SELECT %(tenant)s, c.account_id, c.contract_key, c.name, "
        "c.starts_on, c.ends_on, c.months, c.auto_renew, c.notice_days, %(currency)s FROM import_contract AS c "
        "WHERE c.id IS NULL ORDER BY c.contract_key"
    )
    assignments = ", ".join(f"{name} = c.{source}" for name, source in columns.items())
    stage.execute(
        f"UPDATE accounts_contract AS t SET {assignments} FROM import_contract AS c "
        "WHERE c.changed AND t.tenant_id = %(tenant)s AND t.id = c.id"
    )
    stage.execute(
        "UPDATE import_row AS r SET contract_id = t.id FROM accounts_contract AS t WHERE t.tenant_id = %(tenant)s "
        "AND t.external_id = r.contract_key AND r.state IN ('create', 'update')"
    )


def _save_lines(stage: Stage) -> None:
    chosen = stage.options["end_date_is"]
    stage.execute(
        "INSERT INTO accounts_contractline (tenant_id, contract_id, account_id, product_id, external_id, kind, "
        "starts_on, ends_on, end_date_is, arr_minor, quantity) SELECT %(tenant)s, r.contract_id, r.account_id, "
        "r.product_id, r.line_key, r.line_kind, r.starts_on, r.ends, %(end_date_is)s, r.arr_minor, r.quantity "
        "FROM import_row AS r WHERE r.state = 'create' ORDER BY r.account_id, r.starts_on",
        end_date_is=chosen,
    )
    stage.execute(
        "INSERT INTO import_touched SELECT t.account_id FROM accounts_contractline AS t, import_row AS r "
        "WHERE r.state = 'update' AND t.tenant_id = %(tenant)s AND t.id = r.target_id AND t.account_id <> r.account_id"
    )
    assignments = ", ".join(f"{name} = {sql}" for name, sql in _line_columns(stage).items())
    stage.execute(
        f"UPDATE accounts_contractline AS t SET {assignments}, contract_id = r.contract_id FROM import_row AS r "
        "WHERE r.state = 'update' AND t.tenant_id = %(tenant)s AND t.id = r.target_id",
        end_date_is=chosen,
    )


CONTRACTS: Final = ImportKind(
    key="contracts",
    label="Contracts and subscriptions",
    order=30,
    hints=("subscription", "contract", "billing"),
    signature=("mrr", "arr", "amount"),
    needs_one_of=(("mrr", "arr", "amount"),),
    fields=(
        Field("external_id", "Subscription id", "text", max_length=120, aliases=(
            "subscription id", "line id", "contract line id", "contract id", "subscription", "id")),
        Field("contract_ref", "Contract id", "text", max_length=120, aliases=(
            "contract id", "contract number", "agreement id")),
        Field("name", "Contract name", "text", max_length=160, cuts=True, aliases=(
            "contract name", "subscription name")),
        Field("account", "Account", "account", required=True, aliases=(
            "account id", "customer id", "company id", "client id", "organization id", "account", "customer",
            "account name", "customer name", "company name", "company", "client")),
        Field("starts_on", "Starts on", "date", required=True, aliases=(
            "start date", "starts on", "started at", "start", "subscription start date", "contract start",
            "contract start date", "effective date", "period start", "current period start", "created")),
        Field("ends_on", "Ends on", "date", open_end=True, aliases=(
            "end date", "ends on", "ended at", "end", "subscription end date", "contract end", "contract end date",
            "last day", "last day of service", "term end", "term end date", "renewal date", "renews on", "period end",
            "cancelled on", "expiry date")),
        Field("product", "Product", "product", max_length=160, aliases=(
            "product", "product name", "plan", "plan tier", "plan name", "sku", "item")),
        Field("mrr", "Monthly amount (MRR)", "money", aliases=(
            "mrr", "mrr amount", "monthly recurring revenue", "monthly amount", "monthly fee", "monthly price")),
        Field("arr", "Yearly amount (ARR)", "money", aliases=(
            "arr", "arr amount", "acv", "annual recurring revenue", "annual amount", "annual value",
            "annual contract value", "yearly amount")),
        Field("amount", "Amount per billing period", "money", aliases=(
            "amount", "price", "fee", "recurring amount", "value")),
        Field("quantity", "Seats", "integer", aliases=("seats", "quantity", "licences", "licenses", "units")),
        Field("is_trial", "Trial", "boolean", aliases=("is trial", "trial")),
        Field("line_kind_word", "Kind", "choice", choices=KIND_WORDS, aliases=("kind", "line kind", "type", "status")),
        Field("billing", "Billing period", "choice", choices=BILLING_WORDS, aliases=(
            "billing frequency", "billing period", "billing interval", "billing cycle", "interval", "billing months")),
        Field("auto_renew", "Renews by itself", "boolean", aliases=("auto renew flag", "auto renew", "auto renewal")),
        Field("notice_days", "Notice (days)", "integer", aliases=(
            "notice days", "notice period", "notice period days")),
        CURRENCY,
    ),
    row_key=(("line_key",),),
    prepare=_prepare,
    check=_check,
    write=_write,
    options=("end_date_is", "amounts_in"),
)  # fmt: skip
