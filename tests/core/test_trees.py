"""Trees judged for known values: a day is compared with days, however many are named."""

from datetime import date
from typing import Any

import pytest

from core.trees import judge, judge_leaf

DAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("op", "value", "met"),
    [
        ("eq", "2026-03-02", True),
        ("lt", "2026-03-03", True),
        ("in", ["2026-03-02"], True),
        ("in", ["2026-03-01", "2026-03-02"], True),
        ("in", ["2026-03-01"], False),
        ("in", [], False),
    ],
)
def test_a_day_is_compared_with_days(op: str, value: Any, met: bool) -> None:
    assert judge_leaf({"fact": "x", "op": op, "value": value}, DAY) is met


def test_a_day_that_nobody_knows_is_in_no_list() -> None:
    assert judge({"fact": "x", "op": "in", "value": ["2026-03-02"]}, {"x": None}) is None
