"""How numbers, money, dates and scores are written."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import formatting as f

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("minor", "full", "short"),
    [
        (486_630_000, "€4,866,300", "€4.87M"),
        (79_440_000, "€794,400", "€794k"),
        (150_000_000, "€1,500,000", "€1.50M"),
        (94_050, "€941", "€941"),
        (420_000, "€4,200", "€4.2k"),
        (99_960_000, "€999,600", "€1.00M"),
        (-54_000_000, "−€540,000", "−€540k"),
        (0, "€0", "€0"),
    ],
)
def test_money_is_full_in_rows_and_short_in_figures(minor: int, full: str, short: str) -> None:
    assert (f.money(minor, "EUR"), f.money_short(minor, "EUR")) == (full, short)


def test_money_knows_currencies_without_cents_and_without_a_symbol() -> None:
    assert f.money(412_000, "JPY") == "¥412,000"
    assert f.money(41_200_000, "CHF") == "CHF\u00a0412,000"
    assert f.money(None, "EUR") == "–"
    assert f.money(123_456, "USD", cents=True) == "$1,234.56"
    assert f.money_short(41_200_000, "EUR", plus=True) == "+€412k"


def test_signs_are_a_true_minus_and_a_plus_on_gains() -> None:
    assert f.number(-19.5, 1) == "−19.5"
    assert f.number(4, plus=True) == "+4"
    assert f.number(0, 1, plus=True) == "0.0"
    assert f.number(-0.04, 1, plus=True) == "0.0"
    assert f.number(1204) == "1,204"


def test_rates_have_a_gap_before_the_percent_sign_and_their_changes_are_points() -> None:
    assert f.percent(0.924) == "92.4\u00a0%"
    assert f.percent(Decimal(12) / 13, 1) == "92.3\u00a0%"
    assert f.percent(None) == "n/a"
    assert f.points(-0.008) == "−0.8\u00a0pt"


@pytest.mark.parametrize(
    ("score", "shown"),
    [(49.6, "49"), (50.0, "50"), (69.99, "69"), (70.0, "70"), (47.5, "48"), (0.0, "0"), (100.0, "100")],
)
def test_a_rounded_score_never_crosses_a_band(score: float, shown: str) -> None:
    assert f.score(score) == shown


def test_one_decimal_keeps_the_band_too() -> None:
    assert f.score(49.96, 1) == "49.9"
    assert f.score(48.3, 0, edges=(48.2,)) == "49"


@given(st.floats(min_value=0, max_value=100), st.integers(min_value=0, max_value=1))
def test_every_shown_score_is_in_the_band_of_the_exact_one(score: float, decimals: int) -> None:
    def band(value: float) -> int:
        return sum(value >= edge for edge in f.BAND_EDGES)

    assert band(float(f.score(score, decimals))) == band(score)


def test_dates_carry_the_year_except_in_the_current_one_and_the_weekday_when_near() -> None:
    assert f.day(date(2027, 1, 28)) == "28\u00a0Jan\u00a02027"
    assert f.day(date(2026, 11, 26), TODAY) == "Thu\u00a026\u00a0Nov"
    assert f.day(date(2026, 12, 14), TODAY) == "14\u00a0Dec\u00a02026"
    assert f.day_short(date(2026, 11, 3), TODAY) == "3\u00a0Nov"
    assert f.day_short(date(2025, 11, 3), TODAY) == "3\u00a0Nov\u00a02025"
    assert f.long_day(TODAY) == "Monday 23 November"


@pytest.mark.parametrize(
    ("target", "words", "tone"),
    [
        (date(2027, 1, 28), "66\u00a0d", ""),
        (date(2026, 12, 14), "21\u00a0d", "warn"),
        (date(2026, 11, 23), "today", "warn"),
        (date(2026, 11, 22), "1 day late", "risk"),
        (date(2026, 11, 14), "9 days late", "risk"),
    ],
)
def test_a_deadline_says_how_far_it_is(target: date, words: str, tone: str) -> None:
    assert (f.days_left(target, TODAY), f.days_tone(target, TODAY)) == (words, tone)


def test_ages_clocks_and_sizes_are_short() -> None:
    assert [f.age(s) for s in (30, 720, 14_400, 11_404_800)] == ["0\u00a0min", "12\u00a0min", "4\u00a0h", "132\u00a0d"]
    assert f.clock_left(6120) == "1\u00a0h\u00a042\u00a0m left"
    assert f.clock_left(-1500) == "25\u00a0min over"
    assert f.clock_left(252_000) == "2\u00a0d\u00a022\u00a0h left"
    assert f.duration_left(20) == "about 20 s left"
    assert f.duration_left(180) == "about 3 min left"
    assert f.file_size(412_300) == "412\u00a0KB"


def test_counts_stop_at_ten_thousand() -> None:
    assert (f.count(10_000), f.count(10_001)) == ("10,000", "10,000+")
    assert (f.plural(1, "account"), f.plural(2, "entry", "entries")) == ("1 account", "2 entries")


def test_initials_take_the_first_and_the_last_word() -> None:
    names = ("Brightwater Energy", "Vantage", "Juniper & Lane", "", "José María Díaz")
    assert [f.initials(name) for name in names] == ["BE", "VA", "JL", "?", "JD"]


@given(st.lists(st.floats(min_value=0, max_value=50), min_size=1, max_size=8))
def test_rounded_parts_add_up_to_the_rounded_total(parts: list[float]) -> None:
    exact = sum((Decimal(str(part)) for part in parts), Decimal(0))
    assert float(sum(f.largest_remainder(parts))) == pytest.approx(float(exact), abs=0.0501)
