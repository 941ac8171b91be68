"""How people come in."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedSignUp(DefaultAccountAdapter):  # type: ignore[misc]  # -- allauth ships no types
    """Accounts are made by an administrator of a workspace; nobody can register from outside."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": "This sign-in is switched off.",
        "email_password_mismatch": "E-mail and password do not match.",
        "too_many_login_attempts": "Too many tries. Wait five minutes, or set a new password.",
        "incorrect_password": "This is not your current password.",
        "unknown_email": "No workspace knows this address.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
