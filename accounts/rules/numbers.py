"""Numbers and amounts as people print them. Which sign is the decimal one is decided by the whole column."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Final

from core.money import CURRENCIES

INTEGER_MAX: Final = 2_147_483_647
MONEY_MAX: Final = Decimal(10) ** 15
_BLANK: Final = frozenset({"", "-", "–", "—", "n/a", "#n/a", "na", "nan", "null", "none", "nil"})
_GAPS: Final = re.compile(r"[\s'’\u00a0\u2009\u202f]")
_MONEY_WORDS: Final = re.compile(r"[$€£¥₹]|(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])|%")
# The currencies that write their amounts with a sign.
_SIGNS: Final = {
    "$": "USD AUD CAD NZD SGD HKD TWD MXN ARS CLP COP BRL JMD TTD BBD BSD BZD FJD NAD XCD",
    "€": "EUR",
    "£": "GBP GIP FKP SHP EGP LBP SYP",
    "¥": "JPY CNY",
    "₹": "INR",
}
_CODE: Final = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])")
_PLAIN: Final = re.compile(r"\d+(\.\d+)?([eE][+-]?\d{1,3})?|\.\d+([eE][+-]?\d{1,3})?", re.ASCII)


class Decimals(StrEnum):
    """The decimal sign of a column. UNDECIDED: every value reads either way (`1,234`)."""

    POINT = "point"
    COMMA = "comma"
    UNDECIDED = "undecided"


class Unreadable(ValueError):
    """The text is no such value. The message says why, for the person who repairs the file."""


class OtherCurrency(Unreadable):
    """An amount that says it is in another currency than the one it would be kept in."""


def is_blank(text: str) -> bool:
    """Whether a cell of a number or date column says "no value": empty, a dash, `#N/A`, `NaN`, `null`."""
    return text.strip().casefold() in _BLANK


def _bare(text: str) -> tuple[str, bool]:
    """Digits and separators only, and whether the value is negative."""
    cleaned = _MONEY_WORDS.sub("", text).strip()
    negative = False
    if cleaned.startswith("(") and cleaned.endswith(")"):
        cleaned, negative = cleaned[1:-1], True
    cleaned = _GAPS.sub("", cleaned).replace("\u2212", "-")
    if cleaned.endswith("-"):
        cleaned, negative = cleaned[:-1], True
    if cleaned[:1] in {"-", "+"}:
        negative, cleaned = negative != cleaned.startswith("-"), cleaned[1:]
    return cleaned, negative


@dataclass
class DecimalEvidence:
    """What the values of a column say about their decimal sign; feed it with distinct values."""

    point: int = 0
    comma: int = 0
    open_point: int = 0
    open_comma: int = 0

    def add(self, text: str) -> None:
        bare, _ = _bare(text)
        points, commas = bare.count("."), bare.count(",")
        if points and commas:
            self._vote("." if bare.rfind(".") > bare.rfind(",") else ",")
        elif points > 1:
            self._vote(",")
        elif commas > 1:
            self._vote(".")
        elif points or commas:
            self._single(bare, "." if points else ",")

    def _single(self, bare: str, sign: str) -> None:
        head, tail = bare.split(sign)
        thousands = len(tail) == 3 and tail.isdigit() and 1 <= len(head) <= 3 and not head.startswith("0")
        if not thousands:
            self._vote(sign)
        elif sign == ".":
            self.open_point += 1
        else:
            self.open_comma += 1

    def _vote(self, sign: str) -> None:
        if sign == ".":
            self.point += 1
        else:
            self.comma += 1

    def decide(self) -> Decimals:
        """The sign that the values prove; the majority where they contradict each other (the rest is refused)."""
        if self.point or self.comma:
            return Decimals.POINT if self.point >= self.comma else Decimals.COMMA
        return Decimals.UNDECIDED if self.open_point or self.open_comma else Decimals.POINT


def decimal_evidence(values: Iterable[str]) -> DecimalEvidence:
    """The evidence of all values of a column."""
    evidence = DecimalEvidence()
    for value in values:
        evidence.add(value)
    return evidence


def _well_grouped(whole: str, sign: str) -> bool:
    head, *groups = whole.split(sign)
    if not groups:
        return True
    middle_ok = all(len(group) in {2, 3} for group in groups[:-1])
    return 1 <= len(head) <= 3 and middle_ok and len(groups[-1]) == 3


def parse_number(text: str, decimals: Decimals) -> Decimal:
    """The exact value; raises `Unreadable`. The column's decimal sign is given: `1,234` alone cannot tell."""
    bare, negative = _bare(text)
    sign, grouping = (",", ".") if decimals is Decimals.COMMA else (".", ",")
    whole, _, rest = bare.partition(sign)
    if grouping in rest or not _well_grouped(whole, grouping):
        raise Unreadable(f"“{text[:40]}” is not a number with a decimal {decimals}")
    plain = whole.replace(grouping, "") + ("." + rest if rest else "")
    if not _PLAIN.fullmatch(plain):
        raise Unreadable(f"“{text[:40]}” is not a number")
    try:
        value = Decimal(plain)
    except InvalidOperation as error:
        raise Unreadable(f"“{text[:40]}” is not a number") from error
    if value.adjusted() > 30:
        raise Unreadable(f"“{text[:40]}” is too large")
    return -value if negative and value else value


def parse_integer(text: str, decimals: Decimals) -> int:
    """A whole number that fits a count; raises `Unreadable`. `12.0` is 12."""
    value = parse_number(text, decimals)
    if value != value.to_integral_value():
        raise Unreadable(f"“{text[:40]}” is not a whole number")
    if abs(value) > INTEGER_MAX:
        raise Unreadable(f"“{text[:40]}” is too large for a count")
    return int(value)


def parse_amount(text: str, decimals: Decimals, currency: str = "") -> Decimal:
    """An amount in whole units of currency, exact; raises `Unreadable`.

    With `currency`, an amount that prints another one raises `OtherCurrency`. Nothing of any currency is nothing; a
    sign that several currencies share, such as $, is taken for the one of them that is kept.
    """
    value = parse_number(text, decimals)
    if abs(value) > MONEY_MAX:
        raise Unreadable(f"“{text[:40]}” is too large for an amount")
    if currency and value and (other := _other_currency(text, currency)):
        raise OtherCurrency(f"“{text[:40]}” is in {other}, this workspace keeps {currency}: convert it first")
    return value


def _other_currency(text: str, currency: str) -> str:
    """The code or sign of another currency that the text prints, or ""."""
    signs = (sign for sign, kept in _SIGNS.items() if sign in text and currency not in kept)
    codes = (code for code in _CODE.findall(text) if code != currency and code in CURRENCIES)
    return next(codes, "") or next(signs, "")
