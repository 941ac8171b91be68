"""How people come in."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedSignUp(DefaultAccountAdapter):  # type: ignore[misc]  # -- allauth ships no types
    """Accounts are made by an administrator of a workspace; nobody can register from outside."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
