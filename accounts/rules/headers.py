"""Headers as files print them, and how far two of them mean the same."""

import re
from typing import Final

_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_OTHER: Final = re.compile(r"[^\w]+|_+")
_SLUG: Final = re.compile(r"[^a-z0-9]+")


def normal_header(text: str) -> str:
    """Lower case words with single spaces: `CloseDate`, `close_date` and `Close  Date` are one header."""
    spaced = _CAMEL.sub(" ", text.strip().lstrip("\ufeff"))
    return " ".join(_OTHER.sub(" ", spaced).casefold().split())


def slug(text: str) -> str:
    """A short key for a header: `csat_score` from `CSAT Score`. Never empty."""
    ascii_words = _SLUG.sub("_", normal_header(text)).strip("_")
    return ascii_words[:80] or "column"


def compact(text: str) -> str:
    """Letters and digits only, for "did you mean": `GTXPro` and `GTX Pro` are alike."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())
