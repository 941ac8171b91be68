"""The validation report as a PDF: the same lines as the page, in the same order. Loaded only when one is asked for."""

from typing import Any

from django.utils.timezone import localtime

from core import formatting as f
from core.pdf import Paper
from health.queries.proof_page import ProofPage


def as_pdf(page: ProofPage, *, workspace: str, currency: str) -> bytes:
    """The report on A4. Without a currency there are no amounts."""
    report, version = page.report, page.version
    paper = Paper(f"{workspace} · {version.name} v{version.number} · report {report.pk}")
    paper.set_title(f"Validation of {version.name} v{version.number}")
    made = f.day(localtime(report.made_at).date())
    paper.line_of(f"Validation report, {made}, made by {report.made_by}", size=8.5, soft=True)
    paper.line_of(f"{version.name} v{version.number}: {page.verdict.lower()}", size=18, bold=True, gap=2)
    paper.line_of(page.sentence, size=10.5, gap=2)
    for note in page.notes:
        paper.line_of(note, soft=True)
    _evidence(paper, page)
    _tables(paper, page, currency)
    paper.head("Period and method")
    for line in page.method:
        paper.line_of(line)
    paper.head("Versions")
    for line in page.lineage:
        paper.line_of(line)
    return bytes(paper.output())


def _evidence(paper: Paper, page: ProofPage) -> None:
    paper.head("Separates lost from kept")
    paper.rows(
        ["", "AUC", "95 % interval"],
        [[bar.label, f.number(bar.auc, 3), _span(bar.low, bar.high)] for bar in page.bars],
        (90, 30, 50),
    )
    paper.head("At risk as an alarm, by lead time")
    paper.rows(
        ["Days before", "n", "Lost", "AUC", "Precision", "Recall", "Lift in the worst tenth"],
        [
            [
                str(one.lead_days),
                f.number(one.n),
                f.number(one.events),
                f.number(one.auc, 2),
                f.percent(one.precision, 0),
                f.percent(one.recall, 0),
                f.number(one.lift, 1),
            ]
            for one in page.leads
        ],
        (26, 20, 20, 20, 26, 22, 36),
    )
    if page.alarm:
        paper.head("At risk against live, on the same outcomes")
        paper.rows(
            ["", "Live", "This version", "Change"],
            [[one.label, f.percent(one.live, 0), f.percent(one.this, 0), one.change or f.DASH] for one in page.alarm],
            (60, 30, 34, 30),
        )


def _tables(paper: Paper, page: ProofPage, currency: str) -> None:
    paper.head("Lost by band")
    money = ["ARR", "ARR lost"] if currency else []
    paper.rows(
        ["Band", "Accounts", "Lost", "Share lost", "95 % interval", *money],
        [_band(one, currency) for one in page.bands],
        (30, 26, 20, 26, 34, 30, 24)[: 5 + len(money)],
    )
    if page.segments:
        paper.head("By segment")
        paper.rows(
            ["Segment", "n", "Lost", "AUC", "95 % interval"],
            [
                [
                    one["label"] or "No segment",
                    f.number(one["n"]),
                    f.number(one["events"]),
                    one["reason"] or f.number(one["auc"], 2),
                    _span(one["auc_low"], one["auc_high"]),
                ]
                for one in page.segments
            ],
            (60, 24, 24, 30, 40),
        )
    paper.head("Weights")
    paper.rows(["Input", "Weight"], [[label, f.percent(share, 0)] for label, share in page.weights], (120, 40))


def _band(one: dict[str, Any], currency: str) -> list[str]:
    cells = [
        one["label"],
        f.number(one["n"]),
        f.number(one["lost"]),
        f.percent(one["loss_rate"], 0),
        _span(one["low"], one["high"], percent=True),
    ]
    if currency:
        cells += [f.money_short(int(one["arr"]), currency), f.percent(one["arr_loss_rate"], 0)]
    return cells


def _span(low: float | None, high: float | None, *, percent: bool = False) -> str:
    if low is None or high is None:
        return f.DASH
    if percent:
        return f"{f.percent(low, 0)} to {f.percent(high, 0)}"
    return f"{low:.2f} to {high:.2f}"
