"""The gallery: every part of a page with example data, drawn by the same templates as the real pages."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import sin
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core import clock
from core.permissions import Permission, requires

TODAY: Final = date(2026, 11, 23)
_WEEKS: Final = 26


@dataclass(frozen=True)
class SampleJob:
    """A job that is never saved: only what its progress row reads."""

    pk: int
    state: str
    step: str
    done: int
    total: int
    started_at: datetime
    error: str = ""
    cancel_requested: bool = False

    @property
    def is_over(self) -> bool:
        return self.state not in {"queued", "running"}


class SampleForm(forms.Form):
    name = forms.CharField(label="Name", help_text="As the customer writes it.")
    stage = forms.ChoiceField(label="Stage", choices=[("adoption", "Adoption"), ("renewal", "Renewal")])
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 3}))


def _line(start: float, end: float) -> list[float]:
    return [start + (end - start) * week / (_WEEKS - 1) + sin(week * 2.1) * 1.4 for week in range(_WEEKS)]


def _accounts() -> list[dict[str, Any]]:
    rows = [
        ("Larkfield Foods", "Mid-market", "red", 39.2, -6, 9_640_000, "Adoption", date(2027, 3, 2), 70),
        ("Corvid Robotics", "Enterprise", "red", 44.0, -11, 28_600_000, "Renewal", date(2026, 12, 14), 100),
        ("Brightwater Energy", "Enterprise", "red", 49.6, -19, 41_200_000, "Adoption", date(2027, 1, 28), 90),
        ("Dunmore Health", "Enterprise", "yellow", 57.3, -8, 31_850_000, "Adoption", date(2026, 11, 14), 85),
        ("Vantage Rail", "Enterprise", "green", 79.1, 0, 24_100_000, "Adoption", date(2027, 9, 16), 100),
        ("Kitebridge Media", "Small", "", None, None, 8_430_000, "Onboarding", None, 35),
    ]
    names = ("name", "segment", "band", "score", "change", "arr", "stage", "renewal", "coverage")
    return [
        dict(zip(names, row, strict=True)) | {"line": _line((row[3] or 0) - (row[4] or 0), row[3]) if row[3] else []}
        for row in rows
    ]


def _strip() -> dict[str, Any]:
    steps = [
        (date(2026, 8, 1), "180 days", "Plan agreed, 1 Aug", "done"),
        (date(2026, 11, 3), "90 days", "Value review, 4 days late", "done_late"),
        (date(2026, 11, 29), "60 days", "Quote, due Sun 29 Nov", "next"),
        (date(2026, 12, 29), "30 days", "Signature, 29 Dec", "ahead"),
    ]
    return {
        "start": date(2026, 8, 1),
        "end": date(2027, 1, 28),
        "today": TODAY,
        "notice": date(2026, 11, 29),
        "steps": [dict(zip(("on", "title", "text", "state"), step, strict=True)) for step in steps],
    }


def _charts() -> dict[str, Any]:
    days = [(TODAY - timedelta(days=7 * (52 - week))).isoformat() for week in range(53)]
    grow = [week / 52 for week in range(53)]
    return {
        "score_chart": {
            "kind": "lines",
            "x": days,
            "range": [30, 90],
            "bands": [50, 70],
            "format": ".1f",
            "markers": [{"x": days[30], "text": "v6"}, {"x": days[50], "text": "v7"}],
            "series": [{"name": "Score", "values": [72 - 24.5 * g**3 + sin(g * 40) for g in grow]}],
        },
        "band_chart": {
            "kind": "stack",
            "x": days,
            "prefix": "€",
            "ticks": "~s",
            "format": ".3s",
            "markers": [{"x": days[30], "text": "v6"}],
            "series": [
                {"name": "At risk", "tone": "risk", "label": "€2.28M", "values": [1.21e6 + 1.07e6 * g for g in grow]},
                {"name": "Watch", "tone": "warn", "label": "€4.61M", "values": [4.4e6 + 0.21e6 * g for g in grow]},
                {"name": "Healthy", "tone": "ok", "label": "€13.64M", "values": [12e6 + 1.64e6 * g for g in grow]},
                {"name": "No score", "tone": "none", "dash": True, "label": "€0.77M", "values": [0.8e6] * 53},
            ],
        },
        "renewal_chart": {
            "kind": "bars",
            "x": ["Nov", "Dec", "Jan", "Feb"],
            "prefix": "€",
            "ticks": "~s",
            "format": ".3s",
            "series": [
                {"name": "Won", "tone": "dark", "values": [620e3, 180e3, 40e3, 0]},
                {"name": "Commit", "tone": "accent", "values": [210e3, 750e3, 670e3, 480e3]},
                {"name": "Best case", "tone": "third", "values": [0, 150e3, 220e3, 380e3]},
                {"name": "At risk", "tone": "risk", "hatch": True, "values": [100e3, 290e3, 410e3, 130e3]},
            ],
        },
        "movement_chart": {
            "kind": "waterfall",
            "x": ["Start", "New", "Expansion", "Price", "Contraction", "Churn", "Today"],
            "base": [16, 18.42, 20.73, 22.44, 22.16, 21.30, 16],
            "values": [2.42, 2.31, 1.71, 0.26, 0.54, 0.86, 5.30],
            "labels": ["18.42", "+2.31", "+1.71", "+0.26", "−0.54", "−0.86", "21.30"],
            "tones": ["dark", "ok", "ok", "ok", "risk", "risk", "dark"],
            "range": [16, 24],
        },
    }


def sample_context(now: datetime) -> dict[str, Any]:
    """Everything the gallery shows; tests draw it without a database."""
    form = SampleForm({"name": "", "stage": "adoption"})
    form.is_valid()
    parts = [
        ("Product usage", 38.9, 45, 17.5),
        ("Engagement", 22.2, 54, 12.0),
        ("Contract signals", 22.2, 54, 12.0),
        ("Support experience", 16.7, 36, 6.0),
    ]
    return {
        "today": TODAY,
        "now": now,
        "accounts": _accounts(),
        "form": form,
        "parts": [dict(zip(("label", "weight", "score", "points"), row, strict=True)) for row in parts],
        "running": SampleJob(0, "running", "Dry run, checking stage gates", 1612, 2148, now - timedelta(seconds=60)),
        "finished": SampleJob(1, "done", "", 2148, 2148, now),
        "broken": SampleJob(2, "failed", "", 12, 2148, now, error="Row 13 could not be read: NUL byte in column 4."),
        "falling": _line(67, 47.5),
        "steady": _line(62, 64),
        "strip": _strip(),
        "fall": [
            {"name": "1 Nov", "second": "v6", "value": 67.0, "tone": "total"},
            {"name": "Product usage", "value": -7.5, "tone": "value"},
            {"name": "Support experience", "value": -6.8, "tone": "value"},
            {"name": "Contract signals", "value": -2.2, "tone": "value"},
            {"name": "Engagement", "value": -1.2, "tone": "value"},
            {"name": "Coverage", "second": "survey", "value": -2.3, "tone": "cover"},
            {"name": "Model", "second": "v6 to v7", "value": 0.5, "tone": "config"},
            {"name": "Today", "second": "v7", "value": 47.5, "tone": "total"},
        ],
        **_charts(),
    }


@requires(Permission.VIEW_ACCOUNTS)
@require_GET
def gallery(request: HttpRequest) -> HttpResponse:
    return render(request, "gallery/index.html", sample_context(clock.now()))
