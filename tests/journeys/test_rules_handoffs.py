"""When an answer to a hand-off is due."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys.rules.calendar import is_business_day
from journeys.rules.handoffs import due_at

BERLIN = ZoneInfo("Europe/Berlin")


def berlin(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("hours", "opened", "due"),
    [
        (48, berlin(3, 2, 10), berlin(3, 4, 10)),  # Monday to Wednesday
        (48, berlin(3, 6, 15), berlin(3, 10, 15)),  # Friday: the weekend stands still
        (24, berlin(3, 7, 12), berlin(3, 10)),  # Saturday: it begins on Monday
        (9, berlin(3, 6, 15), berlin(3, 9)),  # to the very end of Friday: when Monday begins
        (8, berlin(3, 6, 15), berlin(3, 6, 23)),
        (240, berlin(3, 2, 10), berlin(3, 16, 10)),  # ten business days are two weeks
        (24, berlin(3, 27, 10), berlin(3, 30, 10)),  # the clocks change on the weekend
        (1, datetime(2026, 3, 6, 23, 30, tzinfo=UTC), berlin(3, 9, 1)),  # in Berlin it is Saturday already
    ],
)
def test_hours_count_around_the_clock_on_business_days(hours: int, opened: datetime, due: datetime) -> None:
    assert due_at(hours, opened, zone=BERLIN) == due


def test_holidays_stand_still_like_weekends() -> None:
    off = {date(2026, 4, 3), date(2026, 4, 6)}
    assert due_at(48, berlin(4, 2, 9), zone=BERLIN, holidays=off) == berlin(4, 8, 9)


@given(
    hours=st.integers(1, 1440),
    opened=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    off=st.sets(st.dates(date(2026, 1, 1), date(2027, 3, 31)), max_size=12),
)
def test_it_is_due_on_a_business_day_and_never_before_the_hours_are_over(
    hours: int, opened: datetime, off: set[date]
) -> None:
    due = due_at(hours, opened, zone=BERLIN, holidays=off)
    assert is_business_day(due.astimezone(BERLIN).date(), off)
    assert due >= opened + timedelta(hours=hours)
    assert due_at(hours + 1, opened, zone=BERLIN, holidays=off) >= due + timedelta(hours=1)
