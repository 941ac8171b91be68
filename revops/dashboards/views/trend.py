"""Health trend: is the base getting healthier, and what does it earn or cost."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts.choices import Segment
from core import clock
from core.formatting import MINUS, money_short, number, percent
from core.http import WorkspaceRequest
from core.keeping import kept
from core.money import SYMBOLS, digits
from core.permissions import Permission, may, requires
from escalations.choices import Tier
from health.choices import Band
from health.queries import Trend, TrendPoint, portfolio_trend
from journeys.choices import ForecastCategory
from revops.dashboards.addresses import page_address
from revops.dashboards.queries.book import book, stamp
from revops.dashboards.queries.leadership import MONTHS_AHEAD, Leadership, Retention, Share, add_months, snapshot
from revops.dashboards.trend_filters import TABS, TrendFilter

BANDS: Final = (("red", "risk"), ("yellow", "warn"), ("green", "ok"), ("none", "none"))
_WORDS: Final = dict(Band.choices)
_SEGMENTS: Final = dict(Segment.choices)
_FORECASTS: Final = (
    ("won", "Won", "dark", False),
    ("commit", "Commit", "accent", False),
    ("best_case", "Best case", "third", False),
    ("not_yet", "Not yet", "second", False),
    ("at_risk", "At risk", "risk", True),
    ("lost", "Lost", "none", True),
)


@dataclass(frozen=True)
class Figure:
    """One of the six. `change` is points or units on last year; `why_none` stands where there is no change."""

    label: str
    key: str
    value: str
    change: float | None
    unit: str
    decimals: int
    good: str
    note: str
    tone: str
    url: str
    why_none: str = "first year"


@requires(Permission.VIEW_TRENDS)
@require_GET
def trend(request: WorkspaceRequest) -> HttpResponse:
    """The page for all segments or one. Scores come from the roll-up, sums from one GROUP BY each."""
    now = clock.now()
    today = request.tenant.today(now)
    segment = request.GET.get("segment", "")
    segment = segment if segment in _SEGMENTS else ""
    with_money = may(request.membership.role, Permission.VIEW_MONEY)
    unit = "arr" if with_money and request.GET.get("unit") != "accounts" else "accounts"
    everybody = book(None)
    until = everybody.as_of or today
    shown: Trend = portfolio_trend(until=until, weeks=53, segment=segment)
    found = kept(
        f"leadership:2:{until}:{today}",
        lambda: snapshot(today=until, now=now, zone=request.tenant.timezone),
        size=everybody.accounts,
    ).of(segment or None)
    currency = request.tenant.currency
    context: dict[str, Any] = {
        "segment": segment,
        "segments": [(key, label) for key, label in _SEGMENTS.items() if key],
        "unit": unit,
        "may_see_money": with_money,
        "currency": currency,
        "today": until,
        "freshness": stamp(everybody, request.tenant, now),
        "figures": _figures(found, shown, segment),
        "chart": linked(bands_chart(shown, unit, currency), shown, TrendFilter(segment=segment or None)),
        "finding": finding(shown, unit, currency),
        "trend": shown,
        "tabs": TABS,
        "tab": "trend",
        "weeks": max(len(shown.points) - 1, 0),
        "found": found,
        "bridge": _bridge(found, currency),
        "due_chart": _due_chart(found, until, currency),
        "due_total": sum(sum(by.values()) for by in found.due.values()),
        "lines": _segment_lines(found),
        "overlap": _overlap(found.segments),
        "tiers": [(str(Tier(line.tier).label), line) for line in found.tiers],
        "renewals_url": page_address("renewals:list"),
        "escalations_url": page_address("escalations:list"),
        "qbrs_url": page_address("qbr:list"),
        "is_empty": everybody.accounts == 0 and not shown.points,
        "may_import": may(request.membership.role, Permission.IMPORT_DATA),
    }
    return render(request, "dashboards/trend.html", context)


def _figures(found: Leadership, shown: Trend, segment: str) -> list[Figure]:
    now, before = found.retention, found.before
    metrics = reverse("dashboards:metrics")
    open_now = sum(line.open for line in found.tiers)
    over = sum(line.over for line in found.tiers)
    points = shown.points
    score = points[-1].arr_weighted_score if points else None
    year_ago = points[0].arr_weighted_score if len(points) > 51 else None
    base = f"{now.accounts:,} accounts at the start" if now.accounts else "no ARR a year ago"
    return [
        Figure("Gross retention", "grr_cohort", percent(now.grr), _less(now.grr, before.grr), "pt", 1, "up", base, "",
               f"{metrics}?metric=grr_cohort"),
        Figure("Net retention", "nrr_cohort", percent(now.nrr), _less(now.nrr, before.nrr), "pt", 1, "up", base, "",
               f"{metrics}?metric=nrr_cohort"),
        Figure("Health, ARR-weighted", "health", number(score, 1) if score is not None else "n/a",
               _less(score, year_ago), "", 1, "up", _scored(points), "",
               f"{reverse('dashboards:portfolio')}?view=all" + (f"&segment={segment}" if segment else "")),
        _rate("Renewed on time", "on_time", found.on_time, found.on_time_before, page_address("renewals:list"), 0.9),
        _rate("QBRs held", "qbrs_held", found.reviews, found.reviews_before, page_address("qbr:list"), 0.9),
        Figure("Open escalations", "escalations", number(open_now), float(open_now - found.escalated_before), "", 0,
               "down", f"{over:,} past the reply target" if over else "none past the reply target",
               "risk" if over else "ok", page_address("escalations:list"), "as last year"),
    ]  # fmt: skip


def _rate(label: str, key: str, now: Share, before: Share, url: str, target: float) -> Figure:
    value = percent(now.rate) if now.rate is not None else ("too few" if now.whole else "n/a")
    tone = "" if now.rate is None else "ok" if now.rate >= target else "warn"
    return Figure(label, key, value, _less(now.rate, before.rate), "pt", 1, "up",
                  f"target {target:.0%}, {now.part:,} of {now.whole:,}".replace("%", " %"), tone, url)  # fmt: skip


def _less(now: float | None, before: float | None) -> float | None:
    return now - before if now is not None and before is not None else None


def _scored(points: list[TrendPoint]) -> str:
    if not points:
        return "no scores yet"
    return f"{points[-1].scored:,} of {sum(points[-1].accounts.values()):,} scored"


def _size(point: TrendPoint, unit: str, band: str) -> int:
    return point.arr_minor[band] if unit == "arr" else point.accounts[band]


def linked(chart: dict[str, Any] | None, shown: Trend, wanted: TrendFilter) -> dict[str, Any] | None:
    """The chart with an address behind every point: the accounts of that band as of that day."""
    for row in chart["series"] if chart else []:
        row["links"] = [wanted.address("trend_accounts", day=point.day, band=row["key"]) for point in shown.points]
    return chart


def bands_chart(shown: Trend, unit: str, currency: str) -> dict[str, Any] | None:
    if len(shown.points) < 2:
        return None
    last = shown.points[-1]
    scale = 10 ** digits(currency) if unit == "arr" else 1
    series = [
        {
            "key": band,
            "name": str(_WORDS[band]),
            "tone": tone,
            "dash": band == "none",
            "values": [round(_size(point, unit, band) / scale) for point in shown.points],
            "label": _amount(_size(last, unit, band), unit, currency) if _size(last, unit, band) else "",
        }
        for band, tone in BANDS
        if any(_size(point, unit, band) for point in shown.points)
    ]
    return {
        "kind": "stack",
        "x": [point.week.isoformat() for point in shown.points],
        "xname": "Week",
        "series": series,
        "markers": [{"x": marker.day.isoformat(), "text": f"v{marker.number}"} for marker in shown.markers],
        "prefix": SYMBOLS.get(currency, "") if unit == "arr" else "",
        "ticks": "~s",
        "format": ",.0f",
        "tickformat": "%b",
    }


def _amount(value: int, unit: str, currency: str) -> str:
    return money_short(value, currency) if unit == "arr" else f"{value:,}"


def finding(shown: Trend, unit: str, currency: str) -> tuple[str, str]:
    """One sentence with the number, and one that says when it came about."""
    if len(shown.points) < 2:
        return "", ""
    first, last = shown.points[0], shown.points[-1]
    change = _size(last, unit, "red") - _size(first, unit, "red")
    what = "at risk" if unit == "arr" else "accounts at risk"
    weeks = len(shown.points) - 1
    since = "a year ago" if weeks >= 51 else f"{weeks} weeks ago"
    if change == 0:
        return f"As {'much' if unit == 'arr' else 'many'} {what} as {since}.", ""
    less = "less" if unit == "arr" else "fewer"
    words = f"{_amount(abs(change), unit, currency)} {'more' if change > 0 else less} {what} than {since}."
    quarter = shown.points[-14] if len(shown.points) > 14 else None
    if quarter is None:
        return words, ""
    part = (_size(last, unit, "red") - _size(quarter, unit, "red")) / change
    return words, f"{percent(part, 0)} of it since {quarter.week:%B}." if 0 < part <= 1 else ""


def _bridge(found: Leadership, currency: str) -> dict[str, Any] | None:
    """The movement in millions or thousands, so that its rounded steps are read without counting noughts."""
    start, end = found.retention.start_minor, found.retention.end_minor
    if not end and not found.movements:
        return None
    scale, word = _scale(max(start, end), currency)
    rows: list[dict[str, Any]] = [
        {"name": "Start", "second": f"{found.start:%b %y}", "value": start / scale, "tone": "total"}
    ]
    for move in found.movements:
        tone = "gain" if move.amount_minor > 0 else "loss"
        rows.append(
            {"name": move.label, "second": f"{move.accounts:,}", "value": move.amount_minor / scale, "tone": tone}
        )
    if found.unexplained_minor:
        rows.append(
            {"name": "Not explained", "second": "!", "value": found.unexplained_minor / scale, "tone": "config"}
        )
    rows.append({"name": "Now", "second": f"{found.end:%b %y}", "value": end / scale, "tone": "total"})
    steps = ", ".join(
        f"{move.label.lower()} {money_short(move.amount_minor, currency, plus=True)}" for move in found.movements
    )
    return {
        "rows": rows,
        "word": word,
        "decimals": 2 if word.startswith("million") else 0,
        "sentence": f"From {money_short(start, currency)} to {money_short(end, currency)}: {steps or 'no movement'}.",
        "top": max([abs(move.amount_minor) for move in found.movements], default=1),
    }


def _scale(minor: int, currency: str) -> tuple[int, str]:
    one = 10 ** digits(currency)
    return (10**6 * one, "million") if minor >= 10**6 * one else (10**3 * one, "thousand")


def _due_chart(found: Leadership, today: date, currency: str) -> dict[str, Any] | None:
    if not found.due:
        return None
    months = [add_months(today.replace(day=1), ahead) for ahead in range(MONTHS_AHEAD)]
    scale = 10 ** digits(currency)
    series = [
        {
            "name": name,
            "tone": tone,
            "hatch": hatch,
            "values": [found.due.get(month, {}).get(key, 0) / scale for month in months],
        }
        for key, name, tone, hatch in _FORECASTS
        if any(key in by for by in found.due.values())
    ]
    return {
        "kind": "bars",
        "x": [f"{month:%b}" for month in months],
        "xname": "Month",
        "series": series,
        "prefix": SYMBOLS.get(currency, ""),
        "ticks": "~s",
        "format": ",.0f",
    }


@dataclass(frozen=True)
class SegmentLine:
    key: str
    name: str
    retention: Retention
    interval: str


def _segment_lines(found: Leadership) -> list[SegmentLine]:
    lines = []
    for one in sorted(found.segments, key=lambda row: -row.base_minor):
        between = one.interval
        words = f"{between[0] * 100:.1f} to {between[1] * 100:.1f}" if between else "too few"
        key = one.segment or ""
        lines.append(SegmentLine(key, str(_SEGMENTS.get(key, key) or "No segment"), one, words.replace("-", MINUS)))
    return lines


def _overlap(rows: list[Retention]) -> str:
    """Says which segments may not be ranked against each other; empty when none overlap."""
    known = [(row, row.interval) for row in rows if row.interval]
    names = [
        (str(_SEGMENTS.get(one.segment or "", "")), str(_SEGMENTS.get(other.segment or "", "")))
        for place, (one, first) in enumerate(known)
        for other, second in known[place + 1 :]
        if first and second and first[0] <= second[1] and second[0] <= first[1]
    ]
    if not names:
        return ""
    if len(names) > 1:
        return "The intervals overlap, so the segments are not ranked."
    return f"The intervals of {names[0][0]} and {names[0][1]} overlap, so they are not ranked."


FORECAST_WORDS: Final = dict(ForecastCategory.choices)
