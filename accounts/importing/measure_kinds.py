"""What was observed day by day: usage and signals. Each further column of the file is a measure.

A row of the file becomes one signal per measure that has a value. A feed whose rows have ids (`usage_id`) keeps them in
`row_key`, so that many rows of one account and day stand side by side; a feed with one row per account, day and feature
gets `account|day|feature` as its `row_key`; a daily feed leaves it empty and is keyed by account, measure and day.
The feature's name, where there is one, stands in the signal's `category` beside the value.
"""

from typing import Final

from accounts.importing import signals
from accounts.importing.fact_kinds import ACCOUNT_ALIASES
from accounts.importing.kinds import Field, ImportKind
from accounts.importing.stage import Stage

_DAY: Final = Field(
    "day", "Day", "date", required=True,
    aliases=("usage date", "date", "day", "observed on", "event date", "timestamp", "observed at", "snapshot date",
             "period", "activity date", "as of"),
)  # fmt: skip


def _prepare(stage: Stage) -> None:
    """The account of rows that name only a contract."""
    if stage.has("contract"):
        stage.execute(
            "UPDATE import_row AS r SET account_id = c.account_id FROM accounts_contract AS c WHERE r.state IS NULL "
            "AND r.account_id IS NULL AND c.tenant_id = %(tenant)s AND c.id = r.contract_id"
        )
        stage.reject(
            "r.account_id IS NULL", code="missing_account", message="'the row names no account and no contract'"
        )
    else:
        stage.reject("r.account_id IS NULL", code="missing_account", message="'the row names no account'")


def _check(stage: Stage) -> None:
    future = stage.count("r.day > %(today)s")
    stage.warn("day_in_future", future, f"{future:,} rows lie after today.")
    if stage.has("contract"):
        early = int(
            stage.scalar(
                "SELECT count(*) FROM import_row AS r JOIN accounts_contract AS c ON c.tenant_id = %(tenant)s "
                "AND c.id = r.contract_id WHERE r.day < c.starts_on"
            )
        )
        stage.warn("usage_before_start", early, f"{early:,} usage rows lie before their subscription starts.")
        late = int(
            stage.scalar(
                "SELECT count(*) FROM import_row AS r JOIN accounts_contract AS c ON c.tenant_id = %(tenant)s "
                "AND c.id = r.contract_id WHERE r.day >= c.ends_on"
            )
        )
        stage.warn("usage_after_end", late, f"{late:,} usage rows lie after their subscription ended.")


USAGE: Final = ImportKind(
    key="usage",
    label="Product usage",
    order=40,
    hints=("usage", "active", "login", "event"),
    signature=("feature", "row_id", "contract"),
    header_words=("active", "users", "logins", "login", "sessions", "events", "usage", "api", "minutes", "clicks"),
    needs_one_of=(("account", "contract"),),
    fields=(
        Field(
            "row_id", "Row id", "text", max_length=120, aliases=("usage id", "event id", "row id", "record id", "id")
        ),
        Field("account", "Account", "account", aliases=ACCOUNT_ALIASES),
        Field("contract", "Subscription", "contract", aliases=("subscription id", "contract id", "subscription")),
        _DAY,
        Field("feature", "Feature", "text", max_length=80, aliases=("feature name", "feature", "module", "event name")),
    ),
    row_key=(("row_id",), ("account_id", "day", "feature"), ("account_id", "day")),
    prepare=_prepare,
    check=_check,
    write=signals.write_usage,
    spreads_extra=True,
)

SIGNALS: Final = ImportKind(
    key="signals",
    label="Signals",
    order=45,
    hints=("signal", "survey", "nps", "csat", "snapshot", "score"),
    fields=(
        Field("row_id", "Row id", "text", max_length=120, aliases=(
            "signal id", "row id", "response id", "event id", "survey id", "id")),
        Field("account", "Account", "account", required=True, aliases=ACCOUNT_ALIASES),
        _DAY,
    ),
    row_key=(("row_id",), ("account_id", "day")),
    prepare=_prepare,
    check=_check,
    write=signals.write_signals,
    spreads_extra=True,
)  # fmt: skip
