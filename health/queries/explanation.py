"""Why an account has its score, and what changed since a day."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from core.formatting import DASH, NO_BREAK, largest_remainder, number
from health.engine import SOURCES
from health.models import Score, ScoreFacts, ScoreHistory
from health.queries.live import model_of
from health.queries.scores import stored_on
from health.rules import (
    Categories,
    Contribution,
    Input,
    Missing,
    Moment,
    Reading,
    ScoreModel,
    Split,
    contributions,
    split_change,
)

# Measures whose value is an amount, for readers who see none.
MONEY = frozenset({"contracts.arr"})


@dataclass(frozen=True)
class Explained:
    """One input of a score. `shown_points` add up to the shown score; `then_*` are those of the compared moment."""

    key: str
    label: str
    reads: str
    source: str
    unit: str
    value: float | None
    value_name: str
    sub_score: float | None
    weight: float
    effective_weight: float
    shown_points: Decimal | None
    points: float
    age: int | None
    limit_days: int
    if_missing: str
    is_fraction: bool
    then_value: float | None = None
    then_sub_score: float | None = None
    then_weight: float | None = None
    part: float | None = None
    is_money: bool = False

    @property
    def is_left_out(self) -> bool:
        return self.sub_score is None

    @property
    def is_stale(self) -> bool:
        """Whether something was observed once, but too long ago to count."""
        return self.is_left_out and self.age is not None and self.age > self.limit_days

    @property
    def shown_value(self) -> str:
        """The value as it is read aloud: `−12 %`, `34`, `12 d`; a dash where nothing was observed."""
        return self.value_name or self._shown(self.value)

    @property
    def shown_then(self) -> str:
        return self._shown(self.then_value)

    def _shown(self, value: float | None) -> str:
        if value is None:
            return DASH
        if self.is_fraction:
            return f"{number(value * 100, 0, plus=True)}{NO_BREAK}%"
        text = number(value, 0 if float(value).is_integer() or abs(value) >= 100 else 1)
        return f"{text}{NO_BREAK}{self.unit}" if self.unit in _SHORT_UNITS else text


_SHORT_UNITS = frozenset({"d", "h", "min"})


@dataclass(frozen=True)
class Then:
    """The moment that is compared with: the day that was asked for, and the day of the row that held on it."""

    day: date
    stored_on: date
    score: float | None
    band: str
    model_number: int


@dataclass(frozen=True)
class Explanation:
    """Everything behind one score. `score` None: below `min_coverage`; `inputs` say what is there and what is not."""

    account_id: int
    as_of: date
    computed_at: datetime
    imported: bool
    score: float | None
    band: str
    coverage: float
    min_coverage: float
    yellow: float
    green: float
    model_name: str
    model_number: int
    inputs: list[Explained] = field(default_factory=list)
    then: Then | None = None
    split: Split | None = None

    @property
    def left_out(self) -> list[Explained]:
        return [one for one in self.inputs if one.is_left_out]


@dataclass(frozen=True)
class SeriesPoint:
    day: date
    score: float | None
    band: str
    model_number: int


def explain(
    account_id: int, *, since: date | None = None, since_days: int | None = None, on: date | None = None
) -> Explanation | None:
    """The current score taken apart, or with `on` the one that was stored on that day; None before the first.

    With `since`, the change from what was stored on that day, split into parts that add up. `since_days` counts from
    the day that the score looks back from, which lies in the past where data ended.
    """
    facts: Score | ScoreHistory | None = (
        Score.objects.filter(account_id=account_id).select_related("model_version").first()
        if on is None
        else stored_on(account_id, on)
    )
    if facts is None:
        return None
    model = model_of(facts.model_version)
    if since_days is not None:
        since = facts.as_of - timedelta(days=since_days)
    earlier = stored_on(account_id, since) if since is not None else None
    before = _moment(earlier) if earlier is not None else None
    split = split_change(before, _moment(facts)) if before is not None else None
    if facts.score is None or (earlier is not None and earlier.score is None):
        split = None
    return Explanation(
        account_id=account_id,
        as_of=facts.as_of,
        computed_at=facts.computed_at,
        imported=isinstance(facts, ScoreHistory) and facts.imported,
        score=facts.score,
        band=facts.band,
        coverage=facts.coverage,
        min_coverage=model.min_coverage,
        yellow=model.yellow,
        green=model.green,
        model_name=facts.model_version.name,
        model_number=facts.model_version.number,
        inputs=_inputs(facts, model, before, split),
        then=_then(earlier, since) if earlier is not None and since is not None else None,
        split=split,
    )


def score_series(account_id: int, *, since: date, until: date) -> list[SeriesPoint]:
    """What was stored of one account between two days, one point a day at most, oldest first, with the row before."""
    rows = (
        ScoreHistory.objects.filter(account_id=account_id, as_of__lte=until, as_of__gt=since)
        .order_by("as_of", "-computed_at")
        .distinct("as_of")
        .values_list("as_of", "score", "band", "model_version__number")
    )
    points = [SeriesPoint(*row) for row in rows]
    first = stored_on(account_id, since)
    if first is not None:
        points.insert(0, SeriesPoint(since, first.score, first.band, first.model_version.number))
    return points


def _then(earlier: ScoreHistory, day: date) -> Then:
    return Then(day, earlier.as_of, earlier.score, earlier.band, earlier.model_version.number)


def _moment(facts: ScoreFacts) -> Moment:
    model = model_of(facts.model_version)
    size = len(model.inputs)
    none: list[None] = [None] * size
    return Moment(
        model=model,
        sub_scores=facts.sub_scores or none,
        values=facts.values or none,
        readings=facts.readings or none,
    )


def _inputs(facts: ScoreFacts, model: ScoreModel, before: Moment | None, split: Split | None) -> list[Explained]:
    moment = _moment(facts)
    parts = contributions(model, moment.sub_scores, moment.values, facts.ages, moment.readings)
    shown = largest_remainder([part.points for part in parts], 1)
    place = {one.key: index for index, one in enumerate(before.model.inputs)} if before else {}
    by_input = dict(split.by_input) if split else {}
    explained = []
    for part, points in zip(parts, shown, strict=True):
        there = place.get(part.input.key)
        explained.append(_explained(part, points, before, there, by_input.get(part.input.key)))
    return explained


def _explained(
    part: Contribution, shown: Decimal, before: Moment | None, there: int | None, change: float | None
) -> Explained:
    one = part.input
    reading = one.readings[part.reading or 0]
    source = SOURCES.get(reading.measure)
    return Explained(
        key=one.key,
        label=one.label,
        reads=in_words(reading),
        source=source.label if source else reading.measure.replace("_", " ").capitalize(),
        unit="d" if reading.aggregate == "days_since" else source.unit if source else "",
        value=part.value,
        value_name=_name(reading, part.value),
        sub_score=part.sub_score,
        weight=one.weight,
        effective_weight=part.effective_weight,
        shown_points=shown if part.sub_score is not None else None,
        points=part.points,
        age=part.age,
        limit_days=reading.window_days,
        if_missing=in_words(one),
        is_fraction=reading.aggregate == "trend",
        then_value=before.values[there] if before and there is not None else None,
        then_sub_score=before.sub_scores[there] if before and there is not None else None,
        then_weight=before.model.inputs[there].weight if before and there is not None else None,
        part=change,
        is_money=reading.measure in MONEY,
    )


_WORDS = {
    "sum": "sum of {days} days",
    "mean": "mean of {days} days",
    "max": "highest of {days} days",
    "last": "last of {days} days",
    "count": "in {days} days",
    "distinct_days": "active days in {days}",
    "trend": "{days} days against before",
    "days_since": "since the last, up to {days}",
}


def in_words(what: Reading | Input) -> str:
    """How a reading makes its value; of an input, what counts when nothing was observed."""
    if isinstance(what, Reading):
        return _WORDS[what.aggregate].format(days=what.window_days)
    return {
        Missing.EXCLUDE: "Leave out",
        Missing.NEUTRAL: "Neutral 50",
        Missing.WORST: "Worst 0",
        Missing.CARRY: f"Carry {what.carry_days} days",
    }[what.missing]


def _name(reading: Reading, value: float | None) -> str:
    if value is None or not isinstance(reading.mapping, Categories):
        return ""
    return reading.mapping.points[int(value)][0]
