"""Rows of accounts that went into another one are history: figures leave them out by this condition."""

from typing import Final

# Not in any figure: `column` names the account. Uncorrelated, so that it is asked once however many rows there are.
_GONE: Final = "NOT IN (SELECT merged.gone_id FROM accounts_accountmerge AS merged WHERE merged.tenant_id = %(tenant)s)"


def not_gone(column: str) -> str:
    """SQL that holds for rows of accounts that were never merged into another one; knows %(tenant)s."""
    return f"{column} {_GONE}"
