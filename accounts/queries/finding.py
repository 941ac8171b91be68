"""The account that a person means by what they typed."""

from accounts.choices import AccountStatus
from accounts.models import Account


def find_accounts(text: str, *, limit: int = 6) -> list[Account]:
    """The accounts that a person may mean: by number, by the whole name, else by a part of it."""
    words = " ".join(text.lower().split())[:200]
    if not words:
        return []
    if words.isascii() and words.isdecimal() and len(words) < 19:
        return list(Account.objects.filter(pk=int(words)))
    known = Account.objects.exclude(status=AccountStatus.MERGED)
    exact = list(known.filter(name_key=words)[:limit])
    return exact or list(known.filter(name_key__contains=words).order_by("name_key")[:limit])
