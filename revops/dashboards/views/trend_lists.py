"""Movements between two days, and the accounts behind every point and cell of the trend pages."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from accounts.actions.accounts import record_export
from core import clock
from core.actors import Actor
from core.http import WorkspaceRequest
from core.keeping import is_ready, kept
from core.money import from_minor
from core.permissions import Permission, may, requires
from core.spreadsheets import harmless
from health.choices import Band
from health.queries.standing import (
    ABSENT,
    ORDER,
    Cell,
    Line,
    Moves,
    last_stored,
    lines_of,
    merged,
    moves,
    standing,
    stretch,
    without_amounts,
)
from revops.dashboards.queries.book import Book, book, stamp
from revops.dashboards.trend_filters import SEGMENTS, TABS, TrendFilter, chips, read_day, read_filter
from revops.dashboards.views.portfolio import EXPORT_LIMIT

MONTH: Final = timedelta(days=30)
THEN_WORDS: Final = {**{key: str(word) for key, word in Band.choices}, ABSENT: "Not there"}
NOW_WORDS: Final = {**THEN_WORDS, ABSENT: "Left"}
TONES: Final = {"red": "risk", "yellow": "warn", "green": "ok", "none": "none", ABSENT: "none"}


@dataclass(frozen=True)
class Days:
    """Two stored days, the earlier first. `asked` is set where another day than the asked one had to be taken."""

    since: date
    until: date
    moved: bool


def _days(asked: Mapping[str, str], everybody: Book, today: date) -> Days | None:
    """The stored days at or before the asked ones; by default the last one and a month before. None without any."""
    until_asked = read_day(asked.get("until", "")) or everybody.as_of or today
    until = last_stored(until_asked)
    if until is None:
        return None
    since_asked = min(read_day(asked.get("since", "")) or until - MONTH, until)
    since = last_stored(since_asked) or until
    return Days(since, until, moved=(since, until) != (since_asked, until_asked) and "since" in asked)


def _moves_name(days: Days, wanted: TrendFilter, everybody: Book) -> str:
    return f"moves:{days.since}:{days.until}:{wanted.slice.key}:{everybody.changed_at}"


def _moves(days: Days, wanted: TrendFilter, everybody: Book) -> Moves:
    return kept(
        _moves_name(days, wanted, everybody),
        lambda: moves(since=days.since, until=days.until, wanted=wanted.slice),
        size=everybody.accounts,
    )


@requires(Permission.VIEW_TRENDS)
@require_GET
def movements(request: WorkspaceRequest) -> HttpResponse:
    """The matrix band → band. A large workspace gets the frame first and the sums, kept from then on, after it."""
    now = clock.now()
    today = request.tenant.today(now)
    with_money = may(request.membership.role, Permission.VIEW_MONEY)
    wanted = read_filter(request.GET, with_money=with_money)
    everybody = book(None)
    days = _days(request.GET, everybody, today)
    context: dict[str, Any] = {
        "tabs": TABS,
        "tab": "movements",
        "segment": wanted.segment,
        "segments": [(key, label) for key, label in SEGMENTS.items() if key],
        "chips": chips(wanted, without=("version",)),
        "unit": wanted.unit,
        "may_see_money": with_money,
        "currency": request.tenant.currency,
        "freshness": stamp(everybody, request.tenant, now),
        "days": days,
        "wanted": wanted,
    }
    if days is not None:
        part = bool(request.htmx)
        context["is_late"] = not part and not is_ready(_moves_name(days, wanted, everybody), size=everybody.accounts)
        if not context["is_late"]:
            context |= _matrix(_moves(days, wanted, everybody), days, wanted)
        if part:
            return render(request, "dashboards/_movements.html", context)
    return render(request, "dashboards/movements.html", context)


def _matrix(found: Moves, days: Days, wanted: TrendFilter) -> dict[str, Any]:
    def url(then: str | None, now: str | None) -> str:
        return wanted.address("trend_accounts", since=days.since, until=days.until, then=then, now=now)

    rows = []
    for then in ORDER:
        cells = [found.cell(then, now) for now in ORDER]
        if any(cell.accounts for cell in cells):
            rows.append(
                {
                    "key": then,
                    "name": THEN_WORDS[then],
                    "tone": TONES[then],
                    "cells": [
                        {"cell": cell, "url": url(then, cell.now), "tone": _tone(cell), "name": NOW_WORDS[cell.now]}
                        for cell in cells
                    ],
                    "accounts": sum(cell.accounts for cell in cells),
                    "arr_minor": sum(cell.arr_then for cell in cells),
                    "url": url(then, None),
                }
            )
    columns = [
        {
            "key": now,
            "name": NOW_WORDS[now],
            "tone": TONES[now],
            "accounts": sum(cell.accounts for cell in found.cells if cell.now == now),
            "arr_minor": sum(cell.at_stake for cell in found.cells if cell.now == now),
            "url": url(None, now),
        }
        for now in ORDER
    ]
    worst = found.worst_first()
    return {
        "rows": rows,
        "columns": columns,
        "worst": [
            {
                "cell": cell, "then": THEN_WORDS[cell.then], "now": NOW_WORDS[cell.now],
                "url": url(cell.then, cell.now), "tone": _tone(cell),
                "then_tone": TONES[cell.then], "now_tone": TONES[cell.now],
            }
            for cell in worst
        ],
        "fell": [sum(c.accounts for c in worst if c.fall > 0), sum(c.at_stake for c in worst if c.fall > 0)],
        "rose": [sum(c.accounts for c in worst if c.fall < 0), sum(c.at_stake for c in worst if c.fall < 0)],
        "stayed": sum(cell.accounts for cell in found.cells if cell.then == cell.now),
    }  # fmt: skip


def _tone(cell: Cell) -> str:
    if cell.then == cell.now or not cell.accounts:
        return "still"
    return "worse" if cell.fall > 0 else "better" if cell.fall < 0 else ""


@dataclass(frozen=True)
class Chosen:
    """A list of accounts: what it is in words, which accounts, and the two days that its rows compare."""

    title: str
    cell: Cell
    since: date
    until: date


def _chosen(request: WorkspaceRequest, everybody: Book, today: date, *, with_money: bool) -> Chosen | None:
    """The accounts that the address names: of one day by band and version, or of a movement. None without scores."""
    wanted = read_filter(request.GET, with_money=with_money)
    day = read_day(request.GET.get("day", ""))
    if day is not None:
        found = _of_a_day(day, request.GET.get("band", ""), wanted, everybody)
    else:
        days = _days(request.GET, everybody, today)
        found = _of_a_movement(days, request.GET, wanted, everybody) if days else None
    if found is None or with_money:
        return found
    return Chosen(found.title, without_amounts(found.cell), found.since, found.until)


def _of_a_day(day: date, band: str, wanted: TrendFilter, everybody: Book) -> Chosen | None:
    stored = last_stored(day)
    if stored is None:
        return None
    cells = kept(
        f"standing:{stored}:{wanted.slice.key}:{everybody.changed_at}",
        lambda: standing(day=stored, wanted=wanted.slice),
        size=everybody.accounts,
    )
    chosen = [
        cell for (one, version), cell in cells.items() if band in {"", one} and wanted.version_id in {None, version}
    ]
    return Chosen(THEN_WORDS.get(band, "All accounts"), merged(chosen), stored, everybody.as_of or stored)


def _of_a_movement(days: Days, asked: Mapping[str, str], wanted: TrendFilter, everybody: Book) -> Chosen:
    then, now = asked.get("then", ""), asked.get("now", "")
    cells = [one for one in _moves(days, wanted, everybody).cells if then in {"", one.then} and now in {"", one.now}]
    words = f"{THEN_WORDS.get(then, 'Any')} → {NOW_WORDS.get(now, 'any')}"
    return Chosen(words, merged(cells), days.since, days.until)


@requires(Permission.VIEW_TRENDS)
@require_GET
def trend_accounts(request: WorkspaceRequest) -> HttpResponse:
    """Fifty of them at a time, the highest ARR first."""
    now = clock.now()
    with_money = may(request.membership.role, Permission.VIEW_MONEY)
    everybody = book(None)
    chosen = _chosen(request, everybody, request.tenant.today(now), with_money=with_money)
    wanted = read_filter(request.GET, with_money=with_money)
    context: dict[str, Any] = {
        "chosen": chosen,
        "chips": chips(wanted),
        "segment_word": "" if wanted.segment is None else SEGMENTS[wanted.segment],
        "may_see_money": with_money,
        "currency": request.tenant.currency,
        "freshness": stamp(everybody, request.tenant, now),
        "query": request.GET.urlencode(),
        "is_movement": "day" not in request.GET,
    }
    if chosen is not None:
        place = stretch(chosen.cell, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
        context |= {
            "place": place,
            "lines": [
                (line, SEGMENTS.get(line.segment, line.segment))
                for line in lines_of(place.ids, since=chosen.since, until=chosen.until)
            ],
        }
    return render(request, "dashboards/trend_accounts.html", context)


@requires(Permission.VIEW_TRENDS)
@require_POST
def trend_export(request: WorkspaceRequest) -> HttpResponse:
    """The whole list of the address as CSV that a spreadsheet opens without running anything in it."""
    now = clock.now()
    with_money = may(request.membership.role, Permission.VIEW_MONEY)
    chosen = _chosen(request, book(None), request.tenant.today(now), with_money=with_money)
    ids = list(chosen.cell.ids) if chosen else []
    lines = lines_of(ids[:EXPORT_LIMIT], since=chosen.since, until=chosen.until) if chosen else []
    currency = request.tenant.currency
    days = (f"{chosen.since}", f"{chosen.until}") if chosen else ("then", "now")
    text = io.StringIO()
    writer = csv.writer(text)
    head = ["id", "account", "segment", "owner", "stage_now", *(f"{what}_{day}" for day in days for what in _ON_A_DAY)]
    writer.writerow(head + ([f"arr_{day}_{currency.lower()}" for day in days] if with_money else []))
    writer.writerows([*_cells(line), *(_amounts(line, currency) if with_money else [])] for line in lines)
    record_export(rows=len(lines), cut=len(ids) > EXPORT_LIMIT, actor=Actor.person(request.membership), now=now)
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="accounts.csv"'
    return response


_ON_A_DAY: Final = ("band", "score")


def _cells(line: Line) -> list[str]:
    then = (line.band_then, "" if line.score_then is None else f"{line.score_then:.1f}")
    after = (line.band_now, "" if line.score_now is None else f"{line.score_now:.1f}")
    facts = (line.external_id, line.name, line.segment, line.owner, line.stage)
    return [*(harmless(one) for one in facts), *then, *after]


def _amounts(line: Line, currency: str) -> list[str]:
    return [str(from_minor(line.arr_then, currency)), str(from_minor(line.arr_now, currency))]
