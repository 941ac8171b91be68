"""Cells for files that somebody opens in a spreadsheet."""

import re
from typing import Final

_DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER: Final = re.compile(r"[+-]\d[\d ,.]*(?:[eE][+-]?\d+)?", re.ASCII)


def harmless(cell: object) -> str:
    """The cell as text that no spreadsheet runs as a formula, not even after it was saved and opened again.

    What would be one gets an apostrophe in front. Numbers with a sign stay numbers, and nothing is an empty cell.
    """
    text = "" if cell is None else str(cell).replace("\x00", "\ufffd")
    return f"'{text}" if text.startswith(_DANGEROUS) and not _NUMBER.fullmatch(text) else text
