"""Numbers, dates, booleans and headers as people print them: properties that hold for all of them."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.rules.dates import DateOrder, order_evidence, order_of_format, parse_moment
from accounts.rules.headers import compact, normal_header, slug
from accounts.rules.numbers import (
    Decimals,
    Unreadable,
    decimal_evidence,
    is_blank,
    parse_amount,
    parse_integer,
    parse_number,
)
from accounts.rules.words import parse_boolean
from core.money import from_minor, to_minor

AMOUNTS = st.decimals(min_value=-(10**12), max_value=10**12, places=2, allow_nan=False, allow_infinity=False)
DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2199, 12, 31))
BERLIN = ZoneInfo("Europe/Berlin")


def printed(amount: Decimal, *, comma: bool) -> str:
    text = f"{amount:,.2f}"
    return text.translate(str.maketrans(",.", ".,")) if comma else text


class TestNumbers:
    @given(AMOUNTS, st.booleans())
    def test_an_amount_printed_either_way_reads_back_to_the_cent(self, amount: Decimal, comma: bool) -> None:
        decimals = Decimals.COMMA if comma else Decimals.POINT
        assert parse_amount(printed(amount, comma=comma), decimals) == amount
        assert from_minor(to_minor(parse_amount(printed(amount, comma=comma), decimals), "EUR"), "EUR") == amount

    @given(st.lists(AMOUNTS, min_size=1, max_size=20), st.booleans())
    def test_a_column_with_cents_tells_its_decimal_sign(self, amounts: list[Decimal], comma: bool) -> None:
        expected = Decimals.COMMA if comma else Decimals.POINT
        assert decimal_evidence(printed(amount, comma=comma) for amount in amounts).decide() == expected

    @given(st.text(max_size=40))
    def test_any_text_is_a_number_or_unreadable_and_nothing_else(self, text: str) -> None:
        for decimals in (Decimals.POINT, Decimals.COMMA):
            for parse in (parse_number, parse_amount, parse_integer):
                try:
                    value = parse(text, decimals)
                except Unreadable:
                    continue
                assert Decimal(value).is_finite()

    @pytest.mark.parametrize(
        ("text", "decimals", "value"),
        [
            ("1,234", Decimals.POINT, "1234"), ("1,234", Decimals.COMMA, "1.234"),
            ("(1,234.50)", Decimals.POINT, "-1234.50"),
            ("12-", Decimals.POINT, "-12"), ("−5", Decimals.POINT, "-5"), ("1e3", Decimals.POINT, "1000"),
            ("$ 1 234.5", Decimals.POINT, "1234.5"), ("EUR 7,5", Decimals.COMMA, "7.5"),
            ("12,34,567", Decimals.POINT, "1234567"),
            ("45 %", Decimals.POINT, "45"), (".5", Decimals.POINT, "0.5"), ("007", Decimals.POINT, "7"),
        ],
    )  # fmt: skip
    def test_usual_spellings(self, text: str, decimals: Decimals, value: str) -> None:
        assert parse_number(text, decimals) == Decimal(value)

    @pytest.mark.parametrize(
        "text", ["", "abc", "1,23,4", "12,34.5,6", "1..2", "--1", "1e400", "Infinity", "0x10", "1/2", "\u0661"]
    )
    def test_what_is_no_number_is_unreadable(self, text: str) -> None:
        with pytest.raises(Unreadable):
            parse_number(text, Decimals.POINT)

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (["1,234", "5,678"], Decimals.UNDECIDED), (["1.234"], Decimals.UNDECIDED), (["1", "2"], Decimals.POINT),
            (["1,234", "5,6"], Decimals.COMMA), (["1.234.567"], Decimals.COMMA), (["1,234,567"], Decimals.POINT),
            (["0,125"], Decimals.COMMA), (["1234.567"], Decimals.POINT),
        ],
    )  # fmt: skip
    def test_a_column_is_undecided_only_when_every_value_reads_both_ways(
        self, values: list[str], expected: Decimals
    ) -> None:
        assert decimal_evidence(values).decide() == expected

    @pytest.mark.parametrize("text", ["", "  ", "-", "n/a", "N/A", "#N/A", "NaN", "null", "None"])
    def test_words_for_no_value(self, text: str) -> None:
        assert is_blank(text)


class TestDates:
    @given(DAYS, st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d %b %Y", "%B %d, %Y", "%d-%b-%Y"]))
    def test_a_date_with_year_first_or_a_month_by_name_reads_back(self, day: date, form: str) -> None:
        assert parse_moment(day.strftime(form), DateOrder.UNDECIDED).day == day

    @given(DAYS, st.booleans(), st.sampled_from("/-."))
    def test_a_date_reads_back_when_the_order_is_known(self, day: date, day_first: bool, sign: str) -> None:
        first, second = (day.day, day.month) if day_first else (day.month, day.day)
        order = DateOrder.DAY_FIRST if day_first else DateOrder.MONTH_FIRST
        assert parse_moment(f"{first}{sign}{second}{sign}{day.year}", order).day == day

    @given(st.lists(DAYS, min_size=1, max_size=40), st.booleans())
    def test_a_column_never_decides_for_the_wrong_order(self, days: list[date], day_first: bool) -> None:
        texts = [f"{d.day}/{d.month}/{d.year}" if day_first else f"{d.month}/{d.day}/{d.year}" for d in days]
        wrong = DateOrder.MONTH_FIRST if day_first else DateOrder.DAY_FIRST
        assert order_evidence(texts).decide() not in {wrong, DateOrder.MIXED}

    @given(st.text(max_size=30))
    def test_any_text_is_a_date_or_unreadable_and_nothing_else(self, text: str) -> None:
        for order in DateOrder:
            try:
                moment = parse_moment(text, order)
            except Unreadable:
                continue
            assert 1900 <= moment.day.year <= 2199

    @given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))
    def test_an_instant_reads_back_to_the_microsecond(self, instant: datetime) -> None:
        assert parse_moment(instant.isoformat(), DateOrder.NONE).at(BERLIN) == instant

    def test_a_printed_midnight_is_a_date_and_does_not_shift(self) -> None:
        moment = parse_moment("2024-03-01T00:00:00.000Z", DateOrder.NONE)
        assert moment.on(ZoneInfo("America/New_York")) == date(2024, 3, 1)
        assert parse_moment("2024-03-01T02:00:00Z", DateOrder.NONE).on(ZoneInfo("America/New_York")) == date(
            2024, 2, 29
        )

    def test_a_time_without_a_zone_is_one_in_the_workspace(self) -> None:
        moment = parse_moment("2024-07-01 09:30", DateOrder.NONE)
        assert (moment.clock, moment.at(BERLIN)) == (time(9, 30), datetime(2024, 7, 1, 7, 30, tzinfo=UTC))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2024-1-5 3:05:07", datetime(2024, 1, 5, 3, 5, 7, tzinfo=UTC)),
            ("1/5/2024 4:05 PM", datetime(2024, 1, 5, 16, 5, tzinfo=UTC)),
            ("1/5/2024 12:05 am", datetime(2024, 1, 5, 0, 5, tzinfo=UTC)),
            ("2024-01-05T04:05:06+02:00", datetime(2024, 1, 5, 2, 5, 6, tzinfo=UTC)),
            ("1704427506", datetime(2024, 1, 5, 4, 5, 6, tzinfo=UTC)),
        ],
    )
    def test_usual_spellings_of_a_time(self, text: str, expected: datetime) -> None:
        assert parse_moment(text, DateOrder.MONTH_FIRST).at(UTC) == expected

    @pytest.mark.parametrize(
        "text", ["31/02/2024", "2024-13-01", "2023-02-29", "0000-00-00", "9999-12-31", "1/5/2024 25:00", ""]
    )
    def test_impossible_dates_are_unreadable(self, text: str) -> None:
        with pytest.raises(Unreadable):
            parse_moment(text, DateOrder.DAY_FIRST)

    def test_one_typing_mistake_among_many_dates_does_not_make_the_column_mixed(self) -> None:
        texts = [f"{1 + n % 12}/{13 + n % 15}/2024" for n in range(60)]
        assert order_evidence([*texts, "31/12/2024"]).decide() == DateOrder.MONTH_FIRST
        assert order_evidence([*texts[:3], "31/12/2024"]).decide() == DateOrder.MIXED

    @pytest.mark.parametrize(
        ("form", "order"),
        [("%d/%m/%Y", DateOrder.DAY_FIRST), ("%m-%d-%Y", DateOrder.MONTH_FIRST), ("%Y-%m-%d", DateOrder.NONE)],
    )
    def test_a_format_says_its_order(self, form: str, order: DateOrder) -> None:
        assert order_of_format(form) == order

    def test_a_format_reads_what_no_pattern_knows(self) -> None:
        assert parse_moment("20240105 0930", DateOrder.NONE, "%Y%m%d %H%M").at(UTC) == datetime(
            2024, 1, 5, 9, 30, tzinfo=UTC
        )

    @given(DAYS, st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=23, minutes=59)))
    def test_the_day_in_the_workspace_never_lies_more_than_a_day_away(self, day: date, clock: timedelta) -> None:
        moment = parse_moment((datetime.combine(day, time(0), UTC) + clock).isoformat(), DateOrder.NONE)
        assert abs((moment.on(BERLIN) - day).days) <= 1


class TestWordsAndHeaders:
    @pytest.mark.parametrize("text", ["True", "yes", "1", "J", "x", "on"])
    def test_yes(self, text: str) -> None:
        assert parse_boolean(text) is True

    @pytest.mark.parametrize("text", ["FALSE", "no", "0", "nein", "off"])
    def test_no(self, text: str) -> None:
        assert parse_boolean(text) is False

    def test_neither(self) -> None:
        with pytest.raises(Unreadable):
            parse_boolean("perhaps")

    @pytest.mark.parametrize(
        "text", ["CloseDate", "close_date", " Close   Date ", "\ufeffclose-date", "CLOSE DATE", "Close_ Date"]
    )
    def test_spellings_of_one_header_are_one(self, text: str) -> None:
        assert normal_header(text) == "close date"

    @given(st.text(max_size=200))
    def test_a_slug_is_a_key_of_at_most_80_letters(self, text: str) -> None:
        found = slug(text)
        assert 1 <= len(found) <= 80
        assert slug(found) == found

    def test_names_that_differ_in_spelling_only_are_alike(self) -> None:
        assert compact("GTX Pro") == compact("GTXPro") == "gtxpro"
