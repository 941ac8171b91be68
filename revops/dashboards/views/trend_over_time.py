"""Health over time, in depth: bands and coverage week by week, split by segment, owner, stage or model version."""

from datetime import date
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core import clock
from core.formatting import percent
from core.http import WorkspaceRequest
from core.keeping import kept
from core.permissions import Permission, may, requires
from health.choices import Band
from health.queries import Trend, TrendPoint, portfolio_trend
from health.queries.trend import DIMENSIONS, Part, breakdown
from revops.dashboards.queries.book import book, stamp
from revops.dashboards.trend_filters import SEGMENTS, TABS, TrendFilter, chips, read_day, read_filter
from revops.dashboards.views.trend import BANDS, bands_chart, finding, linked

WEEKS: Final = 53
PARTS: Final = 50
BY_WORDS: Final = {"segment": "Segment", "owner": "Owner", "stage": "Stage", "version": "Model version"}


@requires(Permission.VIEW_TRENDS)
@require_GET
def portfolio_trend_page(request: WorkspaceRequest) -> HttpResponse:
    """A year of stored days up to any day. The roll-up is all that is read, but for the split by stage."""
    now = clock.now()
    today = request.tenant.today(now)
    with_money = may(request.membership.role, Permission.VIEW_MONEY)
    wanted = read_filter(request.GET, with_money=with_money)
    everybody = book(None)
    last = everybody.as_of or today
    until = min(read_day(request.GET.get("until", "")) or last, last)
    by = request.GET.get("by", "")
    by = by if by in DIMENSIONS else "segment"
    shown = portfolio_trend(
        until=until,
        weeks=WEEKS,
        segment=wanted.segment or "",
        owner_id=wanted.owner_id,
        version_id=wanted.version_id,
    )
    day = shown.points[-1].day if shown.points else until
    parts = kept(
        f"breakdown:{by}:{day}:{wanted.slice.key}:{wanted.version_id}:{everybody.changed_at}",
        lambda: breakdown(
            by, day=day, segment=wanted.segment or "", owner_id=wanted.owner_id, version_id=wanted.version_id
        ),
        size=everybody.accounts,
    )
    currency = request.tenant.currency
    context: dict[str, Any] = {
        "tabs": TABS,
        "tab": "portfolio_trend",
        "segment": wanted.segment,
        "segments": [(key, label) for key, label in SEGMENTS.items() if key],
        "wanted": wanted,
        "chips": chips(wanted, without=("stage",)),
        "unit": wanted.unit,
        "may_see_money": with_money,
        "currency": currency,
        "until": until,
        "last": last,
        "is_past": until < last,
        "day": day,
        "freshness": stamp(everybody, request.tenant, now),
        "trend": shown,
        "weeks": max(len(shown.points) - 1, 0),
        "chart": linked(bands_chart(shown, wanted.unit, currency), shown, wanted),
        "finding": finding(shown, wanted.unit, currency),
        "coverage": _coverage_chart(shown, wanted, with_money=with_money),
        "coverage_words": _coverage_words(shown),
        "by": by,
        "by_word": BY_WORDS[by],
        "dimensions": [(key, BY_WORDS[key]) for key in BY_WORDS],
        "lines": [_line(part, by, day, wanted) for part in parts[:PARTS]],
        "cut": max(len(parts) - PARTS, 0),
    }
    return render(request, "dashboards/trend_over_time.html", context)


def _list_address(wanted: TrendFilter, day: date, band: str | None) -> str:
    return wanted.address("trend_accounts", day=day, band=band)


def _coverage_chart(shown: Trend, wanted: TrendFilter, *, with_money: bool) -> dict[str, Any] | None:
    """Shares of accounts (and of ARR) that had enough data for a score."""
    if len(shown.points) < 2:
        return None
    none = [_list_address(wanted, point.day, Band.NONE) for point in shown.points]
    series = [{"name": "Accounts", "tone": "accent", "values": [_share(p, p.accounts) for p in shown.points]}]
    if with_money:
        series.append({"name": "ARR", "tone": "second", "values": [_share(p, p.arr_minor) for p in shown.points]})
    for row in series:
        row["links"] = none
        row["label"] = f"{row['values'][-1]:.0f} %" if row["values"][-1] is not None else ""
    return {
        "kind": "lines",
        "x": [point.week.isoformat() for point in shown.points],
        "xname": "Week",
        "series": series,
        "range": [0, 115],
        "suffix": " %",
        "format": ".1f",
        "tickformat": "%b",
    }


def _share(_point: TrendPoint, sums: dict[str, int]) -> float | None:
    whole = sum(sums.values())
    return round((whole - sums[Band.NONE]) / whole * 100, 1) if whole else None


def _coverage_words(shown: Trend) -> str:
    if not shown.points:
        return ""
    first, last = shown.points[0], shown.points[-1]
    whole = sum(last.accounts.values())
    if not whole:
        return "No account on that day."
    words = f"{percent(last.scored / whole, 1)} of accounts have a score, {last.scored:,} of {whole:,}."
    before = sum(first.accounts.values())
    return f"{words} {percent(first.scored / before, 1)} in the first week." if before and first is not last else words


def _line(part: Part, by: str, day: date, wanted: TrendFilter) -> dict[str, Any]:
    """A line of the breakdown: the accounts behind each number, and the trend of this part alone."""
    names = {"segment": SEGMENTS.get(part.key) or "No segment", "owner": part.name or "Nobody",
             "stage": part.name or "No stage"}  # fmt: skip
    inside = {by: part.key}
    total = part.total
    # The split by stage is that of now, so its accounts are those of now; accounts without a stage have no filter.
    has_list = not (by == "stage" and part.key == "0")
    return {
        "name": names.get(by, part.name),
        "part": part,
        "url": wanted.address("portfolio_trend", by=by, **inside) if by in {"segment", "owner", "version"} else "",
        "share": part.scored / total if total else None,
        "bands": [
            (
                str(dict(Band.choices)[band]), part.accounts[band], part.arr_minor[band], tone,
                wanted.address("trend_accounts", day=day, band=band, **inside) if has_list else "",
            )
            for band, tone in BANDS
        ],
    }  # fmt: skip
