"""Yes and no as people print them."""

from typing import Final

from accounts.rules.numbers import Unreadable

_YES: Final = frozenset(
    {"true", "t", "yes", "y", "1", "1.0", "x", "on", "ja", "j", "oui", "o", "si", "sí", "wahr", "vrai"}
)
_NO: Final = frozenset({"false", "f", "no", "n", "0", "0.0", "off", "nein", "non", "falsch", "faux"})


def parse_boolean(text: str) -> bool:
    """Yes or no; raises `Unreadable` for anything that is neither."""
    word = text.strip().casefold()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise Unreadable(f"“{text[:40]}” is neither yes nor no")
