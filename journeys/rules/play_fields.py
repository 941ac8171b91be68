"""What forms over a playbook's document share: how faults are told, and whole numbers. Pure."""

from typing import Final

MOST_DAYS: Final = 730


class BadFields(ValueError):
    """What is wrong, field by field, with the remedy. The document was left as it was."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(problems.values()))
        self.problems = problems


def whole(text: str, low: int, high: int) -> int:
    """The number that was typed. Raises `ValueError` with what would be right."""
    cleaned = text.strip()
    if not (cleaned.isascii() and cleaned.isdecimal() and len(cleaned) < 6) or not low <= int(cleaned) <= high:
        raise ValueError(f"Write a whole number from {low} to {high}.")
    return int(cleaned)
