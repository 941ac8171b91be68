"""What an additive score gives away to a boosted tree, on tables whose truth is known."""

import pytest

from bench.learning import run


@pytest.mark.capability("H2")
@pytest.mark.parametrize("seed", [0, 1])
def test_the_calibrated_score_keeps_up_with_a_boosted_tree(seed: int) -> None:
    linear, bent = run(seed)
    assert linear.share_of_tree >= 0.97
    assert bent.share_of_tree >= 0.92
    for one in (linear, bent):
        assert one.auc >= one.equal + 0.01
        assert one.rounding <= 0.003
