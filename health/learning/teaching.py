"""Calibration: what outcomes before a day teach, tested on those after it."""

from dataclasses import dataclass, field, replace

import numpy as np

from health.learning import mappings
from health.learning.arrays import Flags, Floats, Ints
from health.learning.edges import Edges, edges
from health.learning.leaks import Flag, leak
from health.learning.separation import SEED, Area, area, auc
from health.learning.weights import by_correlation, fit, rounded, weighted
from health.rules import Bands, Categories, Learn, Linear, Missing
from health.rules.minimums import NEEDED, enough

TRAIN_SHARE = 0.6
FOLDS = 5
_FILLED = {Missing.NEUTRAL: 50.0, Missing.WORST: 0.0}


@dataclass(frozen=True)
class Taught:
    """An input as calibration sees it. `learn` None: its mapping stands, and `subs` are final."""

    key: str
    label: str
    missing: Missing
    learn: Learn | None
    values: Floats
    fresh: Flags
    subs: Floats
    seen_after: float = 0.0
    known_only_now: bool = False


@dataclass(frozen=True)
class Lesson:
    """What was found. `weights` in whole percents by key; refused inputs have none. Figures are of the test part."""

    verdict: str
    area: Area
    train_n: int
    train_events: int
    test_n: int
    test_events: int
    weights: dict[str, int] = field(default_factory=dict)
    exact: dict[str, float] = field(default_factory=dict)
    correlation: dict[str, float] = field(default_factory=dict)
    learned: dict[str, Linear | Bands | Categories] = field(default_factory=dict)
    equal_auc: float | None = None
    correlation_auc: float | None = None
    single_auc: float | None = None
    single_input: str | None = None
    unrounded_auc: float | None = None
    train_auc: float | None = None
    edges: Edges = field(default_factory=Edges)
    flags: tuple[Flag, ...] = ()
    reason: str = ""

    @property
    def proposes(self) -> bool:
        return self.verdict == "predictive"


def train_until(day: Ints, lost: Flags, share: float = TRAIN_SHARE) -> int | None:
    """The day before which about that share of the losses lies; None without losses."""
    if not lost.any():
        return None
    days = np.sort(day[lost])
    return int(days[min(round(share * len(days)), len(days) - 1)])


def teach(
    inputs: list[Taught], *, day: Ints, lost: Flags, account: Ints, until: int, min_coverage: float = 0.0
) -> Lesson:
    """Learns from outcomes before `until`, tests on the others. Proposes only what the test part confirms."""
    train, test = day < until, day >= until
    inputs, empty = _with_data(inputs, train)
    learned = {one.key: _mapping(one, lost, train & ~np.isnan(one.values)) for one in inputs if one.learn}
    subs = _subs(inputs, learned)
    usable = ~np.isnan(subs).all(axis=1) if inputs else np.zeros(len(day), bool)
    train, test = train & usable, test & usable
    bare = Lesson(
        "not_enough_data",
        Area(None),
        int(train.sum()),
        int((train & lost).sum()),
        int(test.sum()),
        int((test & lost).sum()),
    )
    refused = [one for one in (_leak(one, lost, train) for one in inputs) if one is not None] + empty
    for part, n, events in (
        ("before", bare.train_n, bare.train_events),
        ("after", bare.test_n, bare.test_events),
    ):
        if not enough(n, events):
            return replace(bare, flags=tuple(refused), reason=_too_few(part, n, events))
    names = {flag.input for flag in refused}
    places = [at for at, one in enumerate(inputs) if one.key not in names]
    if not places:
        reason = "Every input was refused, so there is nothing to weigh."
        return replace(bare, verdict="not_predictive", flags=tuple(refused), reason=reason)
    left = [inputs[at] for at in places]
    crossed = _crossed(left, lost, train, account)
    return _weigh(
        replace(bare, flags=tuple(refused), learned={one.key: learned[one.key] for one in left if one.key in learned}),
        left,
        subs[:, places],
        crossed,
        train=train,
        test=test,
        day=day,
        lost=lost,
        account=account,
        min_coverage=min_coverage,
    )


def _weigh(
    bare: Lesson,
    inputs: list[Taught],
    subs: Floats,
    crossed: Floats,
    *,
    train: Flags,
    test: Flags,
    day: Ints,
    lost: Flags,
    account: Ints,
    min_coverage: float,
) -> Lesson:
    keys = [one.key for one in inputs]
    exact = fit(crossed[train], lost[train])
    whole = np.array(rounded(exact, subs[train]), dtype=np.float64)
    flags = bare.flags + tuple(_uninformative(one) for one, share in zip(inputs, whole, strict=True) if not share)
    if not whole.sum():
        reason = "No input points to the outcome in its own direction."
        return replace(bare, verdict="not_predictive", flags=flags, reason=reason)
    fresh = np.column_stack([one.fresh for one in inputs]) @ (whole / whole.sum())
    scored = test & (fresh + 1e-9 >= min_coverage) & ~np.isnan(weighted(subs, whole))
    if not enough(int(scored.sum()), int((scored & lost).sum())):
        n, events = int(scored.sum()), int((scored & lost).sum())
        return replace(bare, test_n=n, test_events=events, flags=flags, reason=_too_few("after", n, events))

    def tested(weights: Floats) -> float | None:
        score = weighted(subs[scored], weights)
        return auc(np.where(np.isnan(score), 50.0, score), lost[scored])

    found = area(weighted(subs[scored], whole), lost[scored], account[scored])
    confirmed = _confirmed(crossed[train], lost[train], day[train])
    correlation = by_correlation(crossed[train], lost[train])
    singles = [_one(crossed[train, at], lost[train]) for at in range(len(keys))]
    best = int(np.argmax(singles))
    return replace(
        bare,
        verdict="predictive" if found.is_above_chance and confirmed else "not_predictive",
        area=found,
        test_n=int(scored.sum()),
        test_events=int((scored & lost).sum()),
        weights=dict(zip(keys, [int(one) for one in whole], strict=True)),
        exact=dict(zip(keys, [float(one) for one in exact], strict=True)),
        correlation=dict(zip(keys, [float(one) for one in correlation], strict=True)),
        equal_auc=tested(np.ones(len(keys))),
        correlation_auc=tested(correlation) if correlation.any() else None,
        single_auc=tested(np.eye(len(keys))[best]),
        single_input=keys[best],
        unrounded_auc=tested(exact),
        edges=edges(weighted(crossed[train], whole), lost[train]),
        train_auc=auc(np.nan_to_num(weighted(subs[train], whole), nan=50.0), lost[train]),
        flags=flags,
        reason=_why_not(found, confirmed=confirmed),
    )


def _why_not(found: Area, *, confirmed: bool) -> str:
    if not found.is_above_chance:
        return "The interval of the AUC on the test part contains 0.5: it could be chance."
    if not confirmed:
        return "What the first half of the training part teaches does not hold in its second half."
    return ""


def _mapping(one: Taught, lost: Flags, known: Flags) -> Linear | Bands | Categories:
    assert one.learn is not None  # noqa: S101 -- asked only for inputs that learn
    if one.learn.kind == "linear":
        return mappings.linear(one.values[known], lost[known])
    if one.learn.kind == "bands":
        return mappings.bands(one.values[known], lost[known])
    return mappings.categories(one.values[known], lost[known], one.learn.names)


def _subs(inputs: list[Taught], learned: dict[str, Linear | Bands | Categories]) -> Floats:
    if not inputs:
        return np.empty((0, 0))
    columns = []
    for one in inputs:
        column = one.subs
        if one.learn is not None:
            mapping = learned.get(one.key)
            column = mappings.apply(mapping, one.values) if mapping else np.full(len(one.values), np.nan)
            column = np.where(np.isnan(column), _FILLED.get(one.missing, np.nan), column)
        columns.append(column)
    return np.column_stack(columns)


def _crossed(inputs: list[Taught], lost: Flags, train: Flags, account: Ints) -> Floats:
    """Sub-scores of the training part by mappings that never saw the account: else noise would earn a weight."""
    names, place = np.unique(account, return_inverse=True)
    fold = (np.random.default_rng(SEED).permutation(len(names)) % FOLDS)[place]
    out = _subs(inputs, {one.key: _mapping(one, lost, train & ~np.isnan(one.values)) for one in inputs if one.learn})
    for at, one in enumerate(inputs):
        if one.learn is None:
            continue
        for number in range(FOLDS):
            taught = train & (fold != number) & ~np.isnan(one.values)
            told = train & (fold == number)
            column = mappings.apply(_mapping(one, lost, taught), one.values[told])
            out[told, at] = np.where(np.isnan(column), _FILLED.get(one.missing, np.nan), column)
    return out


def _with_data(inputs: list[Taught], train: Flags) -> tuple[list[Taught], list[Flag]]:
    """Without the inputs whose mapping is to be learned from nothing."""
    empty = [one for one in inputs if one.learn and np.isnan(one.values[train]).all()]
    flags = []
    for one in empty:
        text = (
            f"'{one.label}' has no value at any lead date before the split, so nothing can be learned of it. Left out."
        )
        late = leak(one.key, one.label, one.values, np.zeros(len(one.values), bool), seen_after=one.seen_after)
        flags.append(late or Flag("no_data", text, one.key))
    return [one for one in inputs if all(one is not other for other in empty)], flags


def _leak(one: Taught, lost: Flags, train: Flags) -> Flag | None:
    if one.known_only_now:
        text = (
            f"'{one.label}' is known only as it stands now, after the outcomes, and not as it stood before. Left out."
        )
        return Flag("known_only_now", text, one.key)
    return leak(one.key, one.label, one.values[train], lost[train], seen_after=one.seen_after)


def _confirmed(subs: Floats, lost: Flags, day: Ints) -> bool:
    """The same lesson inside the training part alone, out of time: a second look that luck does not pass twice."""
    middle = train_until(day, lost)
    if middle is None:
        return False
    early, late = day < middle, day >= middle
    if not (lost[early].any() and (~lost[early]).any() and lost[late].any() and (~lost[late]).any()):
        return True  # all on one day: there is no second look to take
    shares = fit(subs[early], lost[early])
    if not shares.any():
        return False
    score = weighted(subs[late], shares)
    found = auc(np.where(np.isnan(score), 50.0, score), lost[late])
    return found is not None and found > 0.5


def _one(column: Floats, lost: Flags) -> float:
    there = ~np.isnan(column)
    return (auc(column[there], lost[there]) or 0.0) if there.any() else 0.0


def _uninformative(one: Taught) -> Flag:
    return Flag("no_information", f"'{one.label}' adds nothing to the others on these outcomes: weight 0.", one.key)


def _too_few(part: str, n: int, events: int) -> str:
    return (
        f"{n} outcomes with {events} losses lie {part} the split and have data at their lead date; "
        f"{NEEDED} are needed on each side."
    )
