"""What the page "Health, explained" shows: the explanation in words, point by point, and over time."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from accounts.models import Account
from core import formatting as f
from health.choices import Band
from health.models import Score, ScoreHistory
from health.queries.explanation import Explanation, SeriesPoint, explain, score_series
from health.rules import Split

RANGES = {30: "30 d", 180: "6 months", 730: "2 years"}
DEFAULT_RANGE = 180
_WORDS = {band: str(Band(band).label).lower() for band in Band.values}


@dataclass(frozen=True)
class HealthPage:
    """`health` is None before the first score. `since` is the day that is compared with, asked for or chosen."""

    account: Account
    health: Explanation | None
    finding: str = ""
    meaning: str = ""
    since: date | None = None
    first_day: date | None = None
    steps: tuple[dict[str, Any], ...] = ()
    steps_sentence: str = ""
    chart: dict[str, Any] | None = None
    chart_sentence: str = ""
    days: int = DEFAULT_RANGE

    @property
    def moved(self) -> int:
        """Inputs whose own value moved the score."""
        return len([one for one in self.health.inputs if one.part and abs(one.part) >= 0.05]) if self.health else 0

    @property
    def longest(self) -> float:
        """The longest step, which the bars of the phone are measured by."""
        return max((abs(step["value"]) for step in self.steps if step["tone"] != "total"), default=1.0) or 1.0


def health_page(
    account_id: int, *, today: date, since: date | None = None, on: date | None = None, days: int = DEFAULT_RANGE
) -> HealthPage | None:
    """Everything on the page of an account; None when there is no such account. `on` shows what was stored that day."""
    account = Account.objects.select_related("owner").filter(pk=account_id).first()
    if account is None:
        return None
    until = on or _as_of(account_id) or today
    compared = since or until - timedelta(days=30)
    health = explain(account_id, since=compared, on=on)
    if health is None:
        return HealthPage(account, None, since=compared, days=days)
    series = score_series(account_id, since=health.as_of - timedelta(days=days), until=health.as_of)
    steps = _steps(health)
    return HealthPage(
        account=account,
        health=health,
        finding=_finding(health, today),
        meaning=_meaning(health),
        since=compared,
        first_day=_first_day(account_id),
        steps=steps,
        steps_sentence=", ".join(f"{step['name']} {f.number(step['value'], 1)}" for step in steps),
        chart=_chart(series, health) if len(series) > 1 else None,
        chart_sentence=_chart_sentence(series),
        days=days,
    )


def _as_of(account_id: int) -> date | None:
    return Score.objects.filter(account_id=account_id).values_list("as_of", flat=True).first()


def _first_day(account_id: int) -> date | None:
    first = ScoreHistory.objects.filter(account_id=account_id, score__isnull=False).order_by("as_of")
    return first.values_list("as_of", flat=True).first()


def _shown(health: Explanation, score: float) -> str:
    return f.score(score, 1, (health.yellow, health.green))


def _finding(health: Explanation, today: date) -> str:
    """One sentence: `47.5, at risk. Down 19.5 points since 1 Nov.`"""
    if health.score is None:
        return f"No score. Coverage is {f.percent(health.coverage, 0)}, {f.percent(health.min_coverage, 0)} are needed."
    standing = f"{_shown(health, health.score)}, {_WORDS[health.band]}."
    if health.split is None or health.then is None:
        return standing
    change = round(health.split.total, 1)
    when = f.day_short(health.then.day, today)
    if change == 0:
        return f"{standing} As on {when}."
    points = f.number(abs(change), 1)
    return f"{standing} {'Up' if change > 0 else 'Down'} {points} points since {when}."


def _meaning(health: Explanation) -> str:
    """What the change is made of, in words."""
    if health.score is None:
        missing = ", ".join(one.label.lower() for one in health.left_out)
        return f"Nothing current is known about {missing}." if missing else ""
    split = health.split
    if split is None or health.then is None or abs(split.total) < 0.05:
        return ""
    sentences = [_drivers(health, split)]
    if abs(split.configuration) >= 0.05:
        without = f.number(health.score - split.configuration, 1)
        sentences.append(f"Without the change of the model the score would be {without}.")
    return " ".join(sentence for sentence in sentences if sentence)


def _drivers(health: Explanation, split: Split) -> str:
    down = split.total < 0
    moved = [one for one in health.inputs if one.part and (one.part < 0) == down and abs(one.part) >= 0.05]
    moved.sort(key=lambda one: abs(one.part or 0), reverse=True)
    if not moved:
        return "The change comes from coverage, not from the customer." if abs(split.coverage) >= 0.05 else ""
    names = " and ".join(one.label.lower() for one in moved[:2])
    share = abs(split.values) / max(abs(split.values) + abs(split.coverage) + abs(split.configuration), 1e-9)
    verb = "fell" if down else "rose"
    if share >= 0.75:
        return f"Nearly all of it is the customer, not the model: {names} {verb}."
    return f"{names[0].upper()}{names[1:]} {verb}."


def _steps(health: Explanation) -> tuple[dict[str, Any], ...]:
    """The waterfall: from the score then, input by input, coverage and configuration, to the score now."""
    split, then = health.split, health.then
    if split is None or then is None or then.score is None or health.score is None:
        return ()
    labels = {one.key: one.label for one in health.inputs}
    moved = [(key, change) for key, change in split.by_input if abs(change) >= 0.05]
    parts = [(labels.get(key, key.capitalize()), "", change, "value") for key, change in moved]
    parts.sort(key=lambda part: part[2])
    if abs(split.coverage) >= 0.05:
        parts.append(("Coverage", "", split.coverage, "cover"))
    if abs(split.configuration) >= 0.05:
        parts.append(("Model", f"v{then.model_number} to v{health.model_number}", split.configuration, "config"))
    rest = split.total - sum(part[2] for part in parts)
    if abs(rest) >= 0.05:
        parts.append(("Smaller changes", "", rest, "value"))
    shown = f.largest_remainder([part[2] for part in parts], 1) if parts else []
    start = {"name": f.day(then.day), "second": f"v{then.model_number}", "value": round(then.score, 1), "tone": "total"}
    end = {"name": f.day(health.as_of), "second": f"v{health.model_number}", "tone": "total"}
    middle = [
        {"name": name, "second": second, "value": float(value), "tone": tone}
        for (name, second, _, tone), value in zip(parts, shown, strict=True)
    ]
    return (start, *middle, end | {"value": round(health.score, 1)})


def _chart(series: list[SeriesPoint], health: Explanation) -> dict[str, Any]:
    """Numbers for the browser; the line holds until the next stored score, markers stand where the version changed."""
    scores = [point.score for point in series if point.score is not None]
    low = 10 * int(min([*scores, health.yellow]) // 10) - 10
    high = min(10 * int(max([*scores, health.green]) // 10) + 20, 100)
    days = [point.day.isoformat() for point in series]
    values = [None if point.score is None else round(point.score, 1) for point in series]
    if days[-1] != health.as_of.isoformat():
        days.append(health.as_of.isoformat())
        values.append(None if health.score is None else round(health.score, 1))
    markers = [
        {"x": after.day.isoformat(), "text": f"v{after.model_number}"}
        for before, after in pairwise(series)
        if before.model_number != after.model_number
    ]
    return {
        "kind": "lines",
        "x": days,
        "series": [{"name": "Score", "values": values, "tone": "accent", "step": True}],
        "range": [max(low, 0), high],
        "bands": [health.yellow, health.green],
        "markers": markers,
    }


def _chart_sentence(series: list[SeriesPoint]) -> str:
    known = [point for point in series if point.score is not None]
    if len(known) < 2:
        return ""
    first, last = known[0], known[-1]
    return f"Score from {f.number(first.score, 1)} on {f.day(first.day)} to {f.number(last.score, 1)}."
