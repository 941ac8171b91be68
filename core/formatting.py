"""How numbers, money, dates and scores are written, in one place for pages, files and messages.

Thousands separators always, a true minus (−), a thin gap before %, full amounts in rows and short ones in figures,
weekday where somebody must act soon, and a rounded score that never crosses its band.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import Final

from core.money import SYMBOLS, from_minor

MINUS: Final = "\u2212"
DASH: Final = "\u2013"
NO_BREAK: Final = "\u00a0"
BAND_EDGES: Final = (50.0, 70.0)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_STEPS: Final = ((Decimal(10) ** 3, "k"), (Decimal(10) ** 6, "M"), (Decimal(10) ** 9, "B"))

Number = int | float | Decimal


def _rounded(value: Number, decimals: int) -> Decimal:
    exact = value if isinstance(value, Decimal) else Decimal(str(value))
    return exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def _sign(value: Decimal, *, plus: bool) -> str:
    if value < 0:
        return MINUS
    return "+" if plus and value > 0 else ""


def number(value: Number | None, decimals: int = 0, *, plus: bool = False) -> str:
    """`1,204` or `−19.5`; with `plus` gains carry their sign. A missing value is a dash."""
    if value is None:
        return DASH
    shown = _rounded(value, decimals)
    return f"{_sign(shown, plus=plus)}{abs(shown):,}"


def percent(fraction: Number | None, decimals: int = 1) -> str:
    """`92.4 %` from 0.924. A missing rate is "n/a": the reason stands beside it on the page."""
    if fraction is None:
        return "n/a"
    exact = fraction if isinstance(fraction, Decimal) else Decimal(str(fraction))
    return f"{number(exact * 100, decimals)}{NO_BREAK}%"


def points(difference: Number | None, decimals: int = 1) -> str:
    """A change of a rate is in points: `−0.8 pt` from −0.008."""
    if difference is None:
        return DASH
    exact = difference if isinstance(difference, Decimal) else Decimal(str(difference))
    return f"{number(exact * 100, decimals, plus=True)}{NO_BREAK}pt"


def _symbol(currency: str) -> str:
    return SYMBOLS.get(currency) or f"{currency}{NO_BREAK}"


def money(minor: int | None, currency: str, *, cents: bool = False, plus: bool = False) -> str:
    """The full amount for rows: `€412,000`; with `cents` to the last minor unit."""
    if minor is None:
        return DASH
    exact = from_minor(int(minor), currency)
    shown = exact if cents else _rounded(exact, 0)
    return f"{_sign(shown, plus=plus)}{_symbol(currency)}{abs(shown):,}"


def money_short(minor: int | None, currency: str, *, plus: bool = False) -> str:
    """The short amount for figures and charts: `€4.87M`, `€794k`, `€940`."""
    if minor is None:
        return DASH
    exact = from_minor(int(minor), currency)
    if abs(_rounded(exact, 0)) < _STEPS[0][0]:
        return money(minor, currency, plus=plus)
    for size, letter in _STEPS:
        decimals = 2 if letter != "k" else 0 if abs(exact) >= 10 * size else 1
        shown = _rounded(exact / size, decimals)
        # 999,600 rounds to 1,000k: the next letter says it better.
        if abs(shown) < 1000 or letter == _STEPS[-1][1]:
            break
    return f"{_sign(shown, plus=plus)}{_symbol(currency)}{abs(shown):,}{letter}"


def _band(value: Decimal, edges: Sequence[float]) -> int:
    return sum(value >= Decimal(str(edge)) for edge in edges)


def score(value: Number | None, decimals: int = 0, edges: Sequence[float] = BAND_EDGES) -> str:
    """A score rounded so that it stays in its band: 49.6 is shown as 49, because it is at risk."""
    if value is None:
        return DASH
    exact = Decimal(str(value))
    if decimals == 0 and exact == exact.to_integral_value():
        return str(int(exact))
    step = Decimal(1).scaleb(-decimals)
    low = exact.quantize(step, rounding=ROUND_FLOOR)
    for shown in (_rounded(exact, decimals), low, low + step):
        if _band(shown, edges) == _band(exact, edges):
            return str(shown)
    return str(exact)


def day(value: date | None, today: date | None = None) -> str:
    """`28 Jan 2027`, always with the year; within a week of `today` with the weekday and without the year."""
    if value is None:
        return DASH
    plain = value.date() if isinstance(value, datetime) else value
    text = f"{plain.day}{NO_BREAK}{_MONTHS[plain.month - 1]}"
    if today is not None and abs((plain - today).days) <= 7:
        return f"{_DAYS[plain.weekday()]}{NO_BREAK}{text}"
    return f"{text}{NO_BREAK}{plain.year}"


def day_short(value: date | None, today: date) -> str:
    """`3 Nov`; the year stands only when it is not the current one."""
    if value is None:
        return DASH
    plain = value.date() if isinstance(value, datetime) else value
    text = f"{plain.day}{NO_BREAK}{_MONTHS[plain.month - 1]}"
    return text if plain.year == today.year else f"{text}{NO_BREAK}{plain.year}"


def long_day(value: date) -> str:
    """`Monday 23 November`, for the head of a day's page."""
    return f"{value:%A} {value.day} {value:%B}"


def days_left(target: date, today: date) -> str:
    """`66 d` before the date, `today` on it, `9 days late` after it."""
    left = (target - today).days
    if left > 0:
        return f"{left:,}{NO_BREAK}d"
    if left == 0:
        return "today"
    return "1 day late" if left == -1 else f"{-left:,} days late"


def days_tone(target: date, today: date) -> str:
    """`risk` when overdue, `warn` under 30 days, else quiet."""
    left = (target - today).days
    return "risk" if left < 0 else "warn" if left < 30 else ""


def age(seconds: Number | None) -> str:
    """How old something is: `12 min`, `4 h`, `132 d`."""
    if seconds is None:
        return DASH
    minutes = max(int(seconds) // 60, 0)
    if minutes < 60:
        return f"{minutes}{NO_BREAK}min"
    if minutes < 48 * 60:
        return f"{minutes // 60}{NO_BREAK}h"
    return f"{minutes // (24 * 60):,}{NO_BREAK}d"


def clock_left(seconds: Number) -> str:
    """A running clock in words: `2 d 22 h left`, `1 h 42 m left`, `25 min over`."""
    minutes = abs(int(seconds)) // 60
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    if days:
        text = f"{days} d {hours} h"
    elif hours:
        text = f"{hours} h {minutes} m"
    else:
        text = f"{minutes} min"
    return f"{text.replace(' ', NO_BREAK)} {'over' if seconds < 0 else 'left'}"


def duration_left(seconds: Number | None) -> str:
    """What a job still needs: `about 20 s left`, `about 3 min left`; nothing while it is unknown."""
    if seconds is None:
        return ""
    whole = max(int(seconds), 1)
    return f"about {whole} s left" if whole < 90 else f"about {_rounded(whole / 60, 0)} min left"


def file_size(size: int) -> str:
    """`412 KB`, `3.4 MB`."""
    if size < 1000:
        return f"{size}{NO_BREAK}B"
    if size < 1_000_000:
        return f"{_rounded(size / 1000, 0)}{NO_BREAK}KB"
    return f"{_rounded(size / 1_000_000, 1)}{NO_BREAK}MB"


def count(value: int, limit: int = 10_000) -> str:
    """Exact to the limit, `10,000+` beyond it."""
    return f"{limit:,}+" if value > limit else f"{value:,}"


def plural(value: int, one: str, many: str = "") -> str:
    """`1 account`, `24 accounts`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def initials(name: str) -> str:
    """Two letters for a tile: `Brightwater Energy` → BE, `Vantage` → VA."""
    words = [word for word in name.replace("&", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    letters = words[0][0] + words[-1][0] if len(words) > 1 else words[0][:2]
    return letters.upper()


def largest_remainder(parts: Sequence[Number], decimals: int = 1) -> list[Decimal]:
    """Rounds the parts so that they add up to the rounded total; the largest remainders are rounded up."""
    step = Decimal(1).scaleb(-decimals)
    exact = [Decimal(str(part)) for part in parts]
    low = [part.quantize(step, rounding=ROUND_FLOOR) for part in exact]
    missing = int((_rounded(sum(exact, Decimal(0)), decimals) - sum(low, Decimal(0))) / step)
    order = sorted(range(len(exact)), key=lambda index: low[index] - exact[index])
    for index in order[: max(missing, 0)]:
        low[index] += step
    return low
