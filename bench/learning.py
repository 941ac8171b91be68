"""How much an additive score that explains itself gives away to a boosted tree that does not, out of time.

    python -m bench.learning [SEEDS]

Two made-up tables of 6,000 customers: relations near linear, and relations with a best middle and steps. Prints one
line per table and seed: AUC of the calibrated score and of the tree on the same rows, what equal weights reach, and
what rounding to 5 % cost. `tests/health/test_learning_figures.py` holds the figures.
"""

import sys
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from health.learning.arrays import Flags, Floats
from health.learning.teaching import Taught, teach, train_until
from health.rules import Learn, Missing

ROWS = 6_000


@dataclass(frozen=True)
class Found:
    table: str
    auc: float
    tree: float
    equal: float
    rounding: float

    @property
    def share_of_tree(self) -> float:
        return self.auc / self.tree


def near_linear(random: np.random.Generator) -> tuple[Floats, Flags]:
    columns = random.normal(size=(ROWS, 6))
    columns[random.random((ROWS, 6)) < 0.03] = np.nan
    odds = np.nan_to_num(columns) @ np.array([-1.3, -0.8, 0.6, -0.4, 0.0, 0.2]) - 1.6
    return columns, random.random(ROWS) < 1 / (1 + np.exp(-odds))


def with_bends(random: np.random.Generator) -> tuple[Floats, Flags]:
    columns = random.normal(size=(ROWS, 6))
    first, second, third = columns[:, 0], columns[:, 1], columns[:, 2]
    odds = 1.2 * first**2 - 1.4 * (np.abs(second) < 0.7) - 1.2 * (third > 0.4) - 0.5 * columns[:, 3] - 1.8
    return columns, random.random(ROWS) < 1 / (1 + np.exp(-odds))


def compare(table: str, columns: Floats, lost: Flags, learn: str, random: np.random.Generator) -> Found:
    """Both models on the same rows, split in time."""
    day = random.integers(0, 730, len(lost))
    until = train_until(day, lost)
    assert until is not None
    inputs = [
        Taught(f"x{at}", f"X{at}", Missing.EXCLUDE, Learn(learn), column, ~np.isnan(column), np.full(len(lost), np.nan))
        for at, column in enumerate(columns.T)
    ]
    lesson = teach(inputs, day=day, lost=lost, account=np.arange(len(lost)), until=until)
    train = day < until
    with threadpool_limits(1):
        tree = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.06, random_state=0)
        tree.fit(columns[train], lost[train])
        told = tree.predict_proba(columns[~train])[:, 1]
    auc, equal, exact = lesson.area.auc, lesson.equal_auc, lesson.unrounded_auc
    assert auc is not None
    assert equal is not None
    assert exact is not None
    return Found(table, auc, float(roc_auc_score(lost[~train], told)), equal, exact - auc)


def run(seed: int) -> list[Found]:
    random = np.random.default_rng(seed)
    return [
        compare("near linear", *near_linear(random), "linear", random),
        compare("with bends", *with_bends(random), "bands", random),
    ]


def main() -> None:
    for seed in range(int(sys.argv[1]) if len(sys.argv) > 1 else 3):
        for one in run(seed):
            print(
                f"{one.table:12} seed {seed}: AUC {one.auc:.3f}, tree {one.tree:.3f} ({one.share_of_tree:.1%}), "
                f"equal weights {one.equal:.3f}, rounding cost {one.rounding:+.4f}"
            )


if __name__ == "__main__":
    main()
