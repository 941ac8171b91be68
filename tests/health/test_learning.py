"""The statistics of proof, against scikit-learn, planted truths and pure noise. No database."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from health.learning.arrays import Rows, span
from health.learning.edges import Edges, edges
from health.learning.leaks import leak
from health.learning.mappings import apply, bands, linear
from health.learning.report import figures
from health.learning.separation import Alarm, Share, alarm, area, auc, lift
from health.learning.teaching import Lesson, Taught, teach, train_until
from health.learning.weights import fit, rounded, weighted
from health.rules import Learn, Missing, sub_score
from health.rules.minimums import enough
from health.rules.proposal import proposal


def taught(key: str, values: np.ndarray, learn: str | None, missing: Missing = Missing.EXCLUDE) -> Taught:
    subs = np.full(len(values), np.nan) if learn else values
    return Taught(key, key, missing, Learn(learn) if learn else None, values, ~np.isnan(values), subs)


def lesson(columns: dict[str, np.ndarray], lost: np.ndarray, learn: str | None, random: np.random.Generator) -> Lesson:
    day = random.integers(0, 730, len(lost))
    until = train_until(day, lost)
    assert until is not None
    inputs = [taught(key, column, learn) for key, column in columns.items()]
    return teach(inputs, day=day, lost=lost, account=np.arange(len(lost)), until=until)


@pytest.mark.capability("K8")
@pytest.mark.parametrize("seed", range(5))
def test_the_auc_is_that_of_scikit_learn_with_ties(seed: int) -> None:
    random = np.random.default_rng(seed)
    score = random.integers(0, 20, 400).astype(float)
    lost = random.random(400) < 1 / (1 + np.exp(score / 5 - 1))
    assert auc(score, lost) == pytest.approx(roc_auc_score(~lost, score), abs=1e-12)
    found = area(score, lost, np.arange(400))
    assert found.low is not None
    assert found.high is not None
    assert found.low < roc_auc_score(~lost, score) < found.high
    assert area(score, lost, np.arange(400)) == found


def test_accounts_with_many_outcomes_widen_the_interval() -> None:
    random = np.random.default_rng(1)
    score = random.normal(size=300)
    lost = random.random(300) < 1 / (1 + np.exp(score + 1))
    alone = area(np.tile(score, 4), np.tile(lost, 4), np.arange(1200))
    together = area(np.tile(score, 4), np.tile(lost, 4), np.tile(np.arange(300), 4))
    assert together.high - together.low > 1.5 * (alone.high - alone.low)  # type: ignore[operator]  # -- the test has made sure that it is there


@pytest.mark.capability("K8")
def test_vector_v9_recall_and_false_alarms() -> None:
    found = Alarm(red=63, caught=9, kept=41, lost=41)
    assert found.recall == pytest.approx(0.2195, abs=5e-5)
    assert found.false_alarm_share == pytest.approx(0.6508, abs=5e-5)


def test_red_lift_and_shares_by_hand() -> None:
    band = np.array(["red", "red", "yellow", "green", "green"])
    lost = np.array([True, False, True, False, False])
    found = alarm(band, lost)
    assert (found.precision, found.recall) == (0.5, 0.5)
    score = np.arange(20.0)
    gone = np.isin(np.arange(20), [0, 1, 10, 15])
    assert lift(score, gone) == pytest.approx(5.0)
    assert lift(np.zeros(20), gone) == pytest.approx(1.0)
    low, high = Share(5, 50).interval
    assert (low, high) == (pytest.approx(0.0435, abs=1e-3), pytest.approx(0.2136, abs=1e-3))


def test_learned_mappings_give_what_the_engine_gives() -> None:
    random = np.random.default_rng(2)
    values = random.normal(size=800).round(2)
    lost = random.random(800) < np.where(np.abs(values) > 1, 0.5, 0.1)
    steps = bands(values, lost)
    assert [sub_score(steps, float(value)) for value in values] == apply(steps, values).tolist()
    points = [point for _, point in steps.steps]
    assert min(points) == 0
    assert max(points) == 100
    assert points.index(100) not in (0, len(points) - 1)  # the middle is best: not monotone
    scale = linear(values, random.random(800) < 1 / (1 + np.exp(2 * values)))
    assert scale.best > scale.worst


@pytest.mark.capability("H2")
def test_the_order_of_planted_weights_is_found_and_noise_gets_none() -> None:
    hits = 0
    for seed in range(10):
        random = np.random.default_rng(seed)
        columns = {name: random.normal(size=2500) for name in ("first", "second", "third", "noise")}
        odds = -1.5 - 1.5 * columns["first"] - 0.9 * columns["second"] - 0.4 * columns["third"]
        found = lesson(columns, random.random(2500) < 1 / (1 + np.exp(-odds)), "linear", random)
        assert found.verdict == "predictive"
        one, two, three, noise = (found.exact[name] for name in columns)
        hits += one > two > three > noise
        assert sum(found.weights.values()) == 100
    assert hits >= 9


@pytest.mark.capability("H2")
def test_pure_noise_proposes_nothing_in_95_of_100_seeds() -> None:
    proposed = 0
    for seed in range(100):
        random = np.random.default_rng(seed)
        columns = {name: random.normal(size=400) for name in ("a", "b", "c", "d")}
        found = lesson(columns, random.random(400) < 0.25, "linear" if seed % 2 else "bands", random)
        proposed += found.proposes
    assert proposed <= 5


def test_missing_values_are_weighed_as_the_model_weighs_them() -> None:
    random = np.random.default_rng(4)
    subs = 100 * random.random((3000, 2))
    lost = random.random(3000) < 1 / (1 + np.exp(0.06 * subs[:, 0] + 0.03 * subs[:, 1] - 3))
    subs[random.random((3000, 2)) < 0.05] = np.nan
    shares = fit(subs, lost)
    assert shares[0] > shares[1] > 0
    one = weighted(np.array([[80.0, np.nan], [np.nan, np.nan], [80.0, 40.0]]), np.array([30.0, 10.0]))
    assert one[0] == 80
    assert np.isnan(one[1])
    assert one[2] == 70


def test_rounding_adds_up_to_100_and_keeps_zeros() -> None:
    assert rounded(np.array([0.5, 0.3, 0.2, 0.0])) == [50, 30, 20, 0]
    assert rounded(np.array([1 / 3, 1 / 3, 1 / 3])) == [35, 35, 30]
    assert rounded(np.zeros(3)) == [0, 0, 0]
    steady = np.column_stack([100 * np.random.default_rng(0).random(500), np.full(500, 50.0), np.full(500, 40.0)])
    found = rounded(np.array([0.5, 0.26, 0.24]), steady)
    assert (found[0], sum(found)) == (50, 100)


def test_leaks_are_named() -> None:
    random = np.random.default_rng(5)
    lost = random.random(500) < 0.3
    honest = random.normal(size=500) - lost
    assert leak("x", "X", honest, lost) is None
    assert leak("x", "X", lost + 0.01 * honest, lost).code == "predicts_too_well"  # type: ignore[union-attr]  # -- the test has made sure that it is there
    survey = np.where(lost, 1.0, np.nan)
    assert leak("x", "X", survey, lost).code == "follows_from_outcome"  # type: ignore[union-attr]  # -- the test has made sure that it is there
    nothing = np.full(500, np.nan)
    assert leak("x", "X", nothing, lost, seen_after=0.9).code == "dated_after_outcome"  # type: ignore[union-attr]  # -- the test has made sure that it is there


def test_figures_of_a_report_add_up() -> None:
    random = np.random.default_rng(6)
    score = 100 * random.random(600)
    lost = random.random(600) < 1 / (1 + np.exp(score / 12 - 2))
    band = np.where(score < 50, "red", np.where(score < 70, "yellow", "green"))
    rows = Rows(
        account=np.arange(600),
        day=random.integers(0, 400, 600),
        lost=lost,
        segment=np.where(np.arange(600) % 50 == 0, "enterprise", "small"),
        arr=np.full(600, 100.0),
        score=np.where(np.arange(600) < 30, np.nan, score),
        band=band,
        coverage=np.ones(600),
        subs=np.column_stack([score, 100 * random.random(600)]),
    )
    found = figures(rows, keys=["a", "b"], labels=["A", "B"])
    assert (found["n"], found["outcomes"], found["verdict"]) == (570, 600, "predictive")
    assert sum(one["n"] for one in found["bands"]) == 570
    assert sum(one["lost"] for one in found["reliability"]) == found["events"]
    assert found["monotone"] is True
    assert {one["segment"]: one["reason"] for one in found["segments"]} == {"enterprise": "too few", "small": ""}
    assert found["baselines"]["best_single_input"]["input"] == "a"
    assert found["inputs"][0]["adjusted"]["low"] > 1


def test_a_handful_of_kept_accounts_is_not_enough_and_one_early_outcome_is_no_half_year() -> None:
    assert (enough(100, 99), enough(100, 85), enough(100, 15), enough(100, 14)) == (False, True, True, False)
    assert span(np.concatenate([[0], np.arange(300, 400)])) < 182 < span(np.arange(0, 300))


def test_edges_of_bands_follow_the_losses_and_only_where_nobody_chose_them() -> None:
    score = np.repeat(np.arange(0.0, 100.0, 0.5), 20)
    random = np.random.default_rng(9)
    lost = random.random(len(score)) < np.where(score < 30, 0.6, np.where(score < 60, 0.2, 0.02))
    found = edges(score, lost)
    assert found.yellow is not None
    assert found.green is not None
    assert 30 <= found.yellow < found.green <= 60
    base = lost.mean()
    assert lost[score < found.yellow].mean() >= 1.5 * base
    assert lost[score >= found.green].mean() <= 0.5 * base
    assert edges(score, random.random(len(score)) < 0.2) == Edges(None, None)
    usual = {"inputs": [], "bands": {"yellow": 50, "green": 70}}
    assert proposal(usual, weights={}, learned={}, yellow=35, green=None)["bands"] == {
        "red": 0,
        "yellow": 35,
        "green": 70,
    }
    chosen = {"inputs": [], "bands": {"yellow": 45, "green": 70}}
    assert proposal(chosen, weights={}, learned={}, yellow=35, green=60)["bands"] == chosen["bands"]
