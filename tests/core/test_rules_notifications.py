"""When a notification leaves and what it says: pure rules."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.rules import body, due_at, subject, wait_after

BERLIN = ZoneInfo("Europe/Berlin")


def moment(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    """A time on the wall in Berlin."""
    return datetime(2026, month, day, hour, minute, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("now", "quiet", "due"),
    [
        (moment(2, 10), (20, 7), moment(2, 10)),
        (moment(2, 20), (20, 7), moment(3, 7)),
        (moment(2, 23, 59), (20, 7), moment(3, 7)),
        (moment(3, 6, 59), (20, 7), moment(3, 7)),
        (moment(3, 7), (20, 7), moment(3, 7)),
        (moment(2, 13), (12, 14), moment(2, 14)),
        (moment(2, 14), (12, 14), moment(2, 14)),
        (moment(2, 3), (9, 9), moment(2, 3)),
    ],
)
def test_quiet_hours_are_half_open_and_may_pass_midnight(now: datetime, quiet: tuple[int, int], due: datetime) -> None:
    assert due_at(now.astimezone(UTC), zone=BERLIN, digest_hour=None, quiet_from=quiet[0], quiet_until=quiet[1]) == due


@pytest.mark.parametrize(
    ("now", "due"), [(moment(2, 7), moment(2, 8)), (moment(2, 8), moment(3, 8)), (moment(2, 21), moment(3, 8))]
)
def test_a_digest_leaves_at_its_next_hour_in_the_zone_of_the_workspace(now: datetime, due: datetime) -> None:
    assert due_at(now.astimezone(UTC), zone=BERLIN, digest_hour=8, quiet_from=20, quiet_until=7) == due


def test_the_night_on_which_the_clock_changes_ends_by_the_clock_on_the_wall() -> None:
    due = due_at(moment(28, 22), zone=BERLIN, digest_hour=None, quiet_from=20, quiet_until=7)
    assert due.astimezone(UTC) == datetime(2026, 3, 29, 5, tzinfo=UTC)


def test_waiting_doubles_up_to_six_hours() -> None:
    assert [wait_after(n) for n in (1, 2, 3, 40)] == [
        timedelta(minutes=1),
        timedelta(minutes=2),
        timedelta(minutes=4),
        timedelta(hours=6),
    ]


def test_a_subject_is_one_line_whatever_a_customer_is_called() -> None:
    assert (
        subject(["Acme\r\nBcc: all@x.example: Low"], "Kestrel\nCloud") == "[Kestrel Cloud] Acme Bcc: all@x.example: Low"
    )
    assert subject(["a", "b"], "Kestrel") == "[Kestrel] 2 notices"


def test_a_body_holds_fifty_notices_and_counts_the_rest() -> None:
    text = body([(f"Notice {n}", f"https://x.example/{n}") for n in range(53)])
    assert text.startswith("Notice 0\nhttps://x.example/0\n\nNotice 1\n")
    assert text.endswith("\n\nand 3 more\n")
