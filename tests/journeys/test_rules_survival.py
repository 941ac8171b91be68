"""The Kaplan–Meier curve: known figures, and what must hold for all inputs."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys.rules.survival import curve_of_counts, kaplan_meier

# Freireich's 6-MP group: weeks of remission, the textbook example of the method (Cox 1972).
REMISSION = [
    *[(float(week), True) for week in (6, 6, 6, 7, 10, 13, 16, 22, 23)],
    *[(float(week), False) for week in (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)],
]


def test_the_textbook_example_gives_its_published_curve() -> None:
    curve = kaplan_meier(REMISSION)
    assert curve.median == 23
    assert [(step.duration, step.at_risk, round(step.share, 3)) for step in curve.steps] == [
        (6, 21, 0.857),
        (7, 17, 0.807),
        (10, 15, 0.753),
        (13, 12, 0.690),
        (16, 11, 0.627),
        (22, 7, 0.538),
        (23, 6, 0.448),
    ]
    assert (curve.arrived, curve.censored, curve.watched) == (9, 12, 21)
    assert curve.at_risk(12) == 12


def test_while_fewer_than_half_arrived_there_is_no_median() -> None:
    curve = kaplan_meier([(3, True), (10, False), (11, False), (12, False)])
    assert curve.median is None
    assert curve.quantile(0.25) == 3
    assert kaplan_meier([]).median is None


def test_without_the_ones_still_on_the_way_the_median_would_be_shorter() -> None:
    done = [(float(days), True) for days in range(1, 11)]
    waiting = [(30.0, False)] * 6
    assert kaplan_meier(done).median == 5.5
    assert kaplan_meier(done + waiting).median == 8.5


@given(st.lists(st.integers(0, 400), min_size=1, max_size=60))
def test_when_all_arrived_it_is_the_plain_median(days: list[int]) -> None:
    assert kaplan_meier([(float(day), True) for day in days]).median == statistics.median(days)


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=60), st.floats(0.01, 0.99))
def test_the_share_never_rises_and_nobody_is_lost(durations: list[tuple[int, bool]], p: float) -> None:
    curve = kaplan_meier([(float(days), arrived) for days, arrived in durations])
    shares = [step.share for step in curve.steps]
    assert shares == sorted(shares, reverse=True)
    assert curve.watched == len(durations)
    assert sum(step.arrived for step in curve.steps) == curve.arrived
    quantile = curve.quantile(p)
    assert quantile is None or curve.share_on_the_way(quantile) <= 1 - p + 1e-9


@pytest.mark.parametrize("p", [0.5, 0.9])
def test_counts_give_the_same_curve_as_single_durations(p: float) -> None:
    counted: dict[float, list[int]] = {}
    for week, arrived in REMISSION:
        counted.setdefault(week, [0, 0])[0 if arrived else 1] += 1
    curve = curve_of_counts((week, came, waiting) for week, (came, waiting) in counted.items())
    assert curve == kaplan_meier(REMISSION)
    assert curve.quantile(p) == kaplan_meier(REMISSION).quantile(p)
