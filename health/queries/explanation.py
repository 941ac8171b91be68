"""Why an account has its score, and what changed since a day."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

from core.formatting import DASH, largest_remainder, number
from health.models import Score, ScoreFacts, ScoreHistory
from health.queries.live import model_of
from health.queries.overrides import InForce, all_overrides, ended_by_hand, in_force
from health.queries.scores import stored_on
from health.queries.wording import category_name, in_words, is_money, source_name, value_in_words
from health.rules import (
    Contribution,
    Moment,
    Split,
    contributions,
    exception,
    split_change,
)
from health.rules.overrides import with_override


@dataclass(frozen=True)
class Explained:
    """One input of a score. `shown_points` add up to the shown score; `then_*` are those of the compared moment."""

    key: str
    label: str
    reads: str
    source: str
    value: float | None
    value_name: str
    shown_value: str
    sub_score: float | None
    weight: float
    effective_weight: float
    shown_points: Decimal | None
    points: float
    group: str
    age: int | None
    limit_days: int
    if_missing: str
    then_value: float | None = None
    shown_then: str = "–"
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


@dataclass(frozen=True)
class Then:
    """The moment that is compared with: the day that was asked for, and the day of the row that held on it."""

    day: date
    stored_on: date
    score: float | None
    band: str
    model_number: int
    imported: bool = False
    override: InForce | None = None


@dataclass(frozen=True)
class Limited:
    """What caps and floors did. `points` with those of the inputs add up to the shown score."""

    checked: int
    points: Decimal | None = None
    words: str = ""


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
    override: InForce | None = None
    cleared_today: InForce | None = None
    limited: Limited | None = None
    version_id: int = 0

    @property
    def left_out(self) -> list[Explained]:
        return [one for one in self.inputs if one.is_left_out]


@dataclass(frozen=True)
class SeriesPoint:
    day: date
    score: float | None
    band: str
    model_number: int
    imported: bool = False


def explain(
    account_id: int,
    *,
    since: date | None = None,
    since_days: int | None = None,
    on: date | None = None,
    known: datetime | None = None,
    today: date | None = None,
) -> Explanation | None:
    """The current score taken apart, or with `on` the one that was stored on that day; None before the first.

    With `since`, the change from what was stored on that day, split into parts that add up. `since_days` counts from
    the day that the score looks back from, which lies in the past where data ended. With `known`, only what had been
    written before that instant. `today` is the day on which an override must be in force, else that of the score.
    """
    facts: Score | ScoreHistory | None = (
        Score.objects.filter(account_id=account_id)
        .select_related("model_version")
        .annotate(overrides=all_overrides())
        .first()
        if on is None
        else stored_on(account_id, on, known=known, with_overrides=True)
    )
    if facts is None:
        return None
    moment = _moment(facts)
    model = moment.model
    if since_days is not None:
        since = facts.as_of - timedelta(days=since_days)
    earlier = stored_on(account_id, since, known=known) if since is not None else None
    before = _moment(earlier) if earlier is not None else None
    told: list[dict[str, object]] = facts.overrides  # type: ignore[union-attr]  # -- annotated by all_overrides
    override = in_force(told, on or today or facts.as_of, known=known, edges=(model.yellow, model.green))
    then = None
    if before is not None and earlier is not None and since is not None:
        edges = before.model.yellow, before.model.green
        then = _then(earlier, since, in_force(told, since, known=known, edges=edges))
    split = _split(before, moment, then, facts.score, override)
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
        inputs=_inputs(facts, moment, before, split),
        then=then,
        split=split,
        override=override,
        cleared_today=ended_by_hand(told, today) if today and on is None else None,
        version_id=facts.model_version.pk,
        limited=_exception(facts, moment),
    )


def _split(
    before: Moment | None, after: Moment, then: Then | None, score: float | None, override: InForce | None
) -> Split | None:
    """The change with the part of overrides; None where one of the two moments has no score."""
    if before is None or then is None or then.score is None or score is None:
        return None
    split = split_change(before, after)
    if split is None:
        return None
    return with_override(
        split,
        before=then.override.score if then.override else None,
        after=override.score if override else None,
        old=then.score,
        new=score,
    )


def score_series(account_id: int, *, since: date, until: date, known: datetime | None = None) -> list[SeriesPoint]:
    """What was stored of one account between two days, one point a day at most, oldest first, with the row before."""
    rows = ScoreHistory.objects.filter(account_id=account_id)
    if known is not None:
        rows = rows.filter(computed_at__lt=known, imported=False)
    columns = ("as_of", "score", "band", "model_version__number", "imported")
    inside = rows.filter(as_of__lte=until, as_of__gt=since).order_by("as_of", "-computed_at").distinct("as_of")
    before = rows.filter(as_of__lte=since).order_by("-as_of", "-computed_at").values_list(*columns).first()
    points = [SeriesPoint(*row) for row in inside.values_list(*columns)]
    if before is not None:
        points.insert(0, SeriesPoint(since, *before[1:]))
    return points


def _then(earlier: ScoreHistory, day: date, override: InForce | None) -> Then:
    version = earlier.model_version.number
    return Then(day, earlier.as_of, earlier.score, earlier.band, version, earlier.imported, override)


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


def _inputs(facts: ScoreFacts, moment: Moment, before: Moment | None, split: Split | None) -> list[Explained]:
    model = moment.model
    parts = contributions(model, moment.sub_scores, moment.values, facts.ages, moment.readings)
    exceeded = exception(model, moment.sub_scores) if facts.score is not None else None
    shown = largest_remainder([*(part.points for part in parts), exceeded.points if exceeded else 0.0], 1)
    place = {one.key: index for index, one in enumerate(before.model.inputs)} if before else {}
    by_input = dict(split.by_input) if split else {}
    groups = {group.key: group.label for group in model.groups}
    explained = []
    for part, points in zip(parts, shown, strict=False):  # the exception's own points come last and stand elsewhere
        there = place.get(part.input.key)
        group = groups.get(part.input.group, "")
        explained.append(_explained(part, points, group, before, there, by_input.get(part.input.key)))
    return explained


def _exception(facts: ScoreFacts, moment: Moment) -> Limited:
    model = moment.model
    exceeded = exception(model, moment.sub_scores) if facts.score is not None else None
    if exceeded is None:
        return Limited(len(model.limits))
    parts = contributions(model, moment.sub_scores)
    points = largest_remainder([*(part.points for part in parts), exceeded.points], 1)[-1]
    limit = exceeded.limit
    label = next(one.label for one in model.inputs if one.key == limit.input)
    act, side = ("capped", "below") if limit.is_cap else ("lifted", "at or above")
    words = f"{act} at {number(limit.score)} because {label} is {side} {number(limit.edge)}"
    return Limited(len(model.limits), points, words)


def _explained(
    part: Contribution, shown: Decimal, group: str, before: Moment | None, there: int | None, change: float | None
) -> Explained:
    one = part.input
    reading = one.readings[part.reading or 0]
    then_value = before.values[there] if before and there is not None else None
    return Explained(
        key=one.key,
        label=one.label,
        reads=in_words(reading),
        source=source_name(reading),
        value=part.value,
        value_name=category_name(reading, part.value),
        shown_value=value_in_words(reading, part.value),
        sub_score=part.sub_score,
        weight=one.weight,
        effective_weight=part.effective_weight,
        shown_points=shown if part.sub_score is not None else None,
        points=part.points,
        group=group,
        age=part.age,
        limit_days=reading.window_days,
        if_missing=in_words(one),
        then_value=then_value,
        shown_then=_as_read_then(before, there, then_value),
        then_sub_score=before.sub_scores[there] if before and there is not None else None,
        then_weight=before.model.inputs[there].weight if before and there is not None else None,
        part=change,
        is_money=is_money(reading),
    )


def _as_read_then(before: Moment | None, there: int | None, value: float | None) -> str:
    """The earlier value by the reading that gave it, which may be another than today's."""
    if before is None or there is None:
        return DASH
    return value_in_words(before.model.inputs[there].readings[before.readings[there] or 0], value)
