"""Amounts of another currency than the workspace's: refused, never taken for its own."""

from typing import Final

from accounts.importing.cells import OTHER_CURRENCY
from accounts.importing.kinds import Field
from accounts.importing.stage import Stage
from core.money import SYMBOLS

CURRENCY: Final = Field(
    "currency_word", "Currency", "text", max_length=60,
    aliases=("currency", "currency code", "iso currency", "currency iso code", "deal currency", "deal currency code",
             "amount currency", "opportunity currency"),
)  # fmt: skip


def refuse_other_currency(stage: Stage, amounts: str) -> None:
    """Refuses the rows with an amount, as the SQL condition over `r` says, whose currency is named and is another."""
    stage.reject(
        f"({amounts}) AND upper(btrim(r.currency_word)) <> ALL(%(own)s)",
        code=OTHER_CURRENCY,
        message="'the amount is in ' || upper(r.currency_word) || ', this workspace keeps ' || %(currency)s "
        "|| ': convert it first'",
        own=[stage.currency, SYMBOLS.get(stage.currency, stage.currency)],
    )
