"""Accounts that can be written to: those that went into another one are history."""

from accounts.models import Account
from core.conflicts import Conflict


class AccountMerged(Conflict):
    """The account has gone into another one, which has everything now; the message names it."""

    code = "account_merged"

    def __init__(self, gone: str, kept: str, kept_id: int) -> None:
        super().__init__(f"{gone} was merged into {kept} (account {kept_id}). Nothing was written: do it there.")
        self.kept_id = kept_id


def living_account(account_id: int, *, lock: bool = True) -> Account:
    """The account of that id. Raises `AccountMerged` where it has gone into another one, `DoesNotExist` for a stranger.

    Its row is locked until the transaction ends, so that no merge comes in between: take it before rows that belong
    to the account, as a merge does. Within a statement that reads only, `lock=False`.
    """
    rows = Account.objects.select_for_update(no_key=True, of=("self",)) if lock else Account.objects.all()
    account = rows.get(pk=account_id)
    if account.merged_into_id is not None:
        kept = Account.objects.only("name").get(pk=account.merged_into_id)
        raise AccountMerged(account.name, kept.name, kept.pk)
    return account
