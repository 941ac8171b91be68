"""Money is a whole number of minor units (cents) and an ISO currency."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

# ISO 4217: the currencies whose minor unit is not a hundredth.
_DIGITS: Final = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "XOF": 0, "XAF": 0, "PYG": 0, "UGX": 0,
                  "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3, "JOD": 3, "IQD": 3, "LYD": 3}  # fmt: skip
SYMBOLS: Final = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}


def digits(currency: str) -> int:
    """The number of decimals of a currency."""
    return _DIGITS.get(currency, 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """Exact minor units; half a unit goes to the even neighbour."""
    return int((amount * 10 ** digits(currency)).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


def from_minor(minor: int, currency: str) -> Decimal:
    """The amount in whole units, exact."""
    return Decimal(minor).scaleb(-digits(currency))
