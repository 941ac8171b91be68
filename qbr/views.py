"""Pages of QBRs."""

from django.http import HttpRequest

from accounts.models import Account


def account_section(request: HttpRequest, account: Account) -> str:
    return ""
