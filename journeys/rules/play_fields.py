"""Whole numbers in the forms over a playbook's document. Pure."""

from typing import Final

MOST_DAYS: Final = 730


def whole(text: str, low: int, high: int) -> int:
    """The number that was typed. Raises `ValueError` with what would be right."""
    cleaned = text.strip()
    if not (cleaned.isascii() and cleaned.isdecimal() and len(cleaned) < 6) or not low <= int(cleaned) <= high:
        raise ValueError(f"Write a whole number from {low} to {high}.")
    return int(cleaned)
