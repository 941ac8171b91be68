"""Pure decisions about facts."""

from accounts.rules.names import name_key

__all__ = ["name_key"]
