"""A frozen package as the page shows it: sections of the template filled with figures, nothing looked up anew."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from core import formatting
from qbr.models import QBRPackage
from qbr.rules import parse_template

# Which groups of figures a section shows. Goals, risks, plan and decisions have their own form.
GROUPS: Final = {
    "summary": (),
    "commercial": ("commercial",),
    "support": ("support", "contact"),
    "usage": ("usage",),
}
_BANDS: Final = {"green": "Healthy", "yellow": "Watch", "red": "At risk"}


@dataclass(frozen=True)
class PaperFigure:
    """A figure ready to be read. `text` is empty without a value; `why_not` says why."""

    label: str
    text: str
    unit: str
    source: str
    definition: str
    as_of: date | None
    why_not: str
    before: str


@dataclass(frozen=True)
class PaperSection:
    """A section of the page with its figures."""

    key: str
    title: str
    figures: list[PaperFigure] = field(default_factory=list)
    stamps: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Paper:
    """The customer's pages, the appendix, and beside them what is internal and what is missing."""

    headline: str
    account: str
    account_id: int | None
    period: tuple[date | None, date | None]
    observed_to: date | None
    goals: list[dict[str, Any]]
    sections: list[PaperSection]
    appendix: list[PaperSection]
    internal: list[PaperFigure]
    missing: list[PaperFigure]
    count: int


def paper_of(package: QBRPackage) -> Paper:
    """The page of a package. Everything on it comes from the frozen data and the template's version."""
    data = package.data
    template = parse_template(package.template_version.definition)
    figures = data.get("figures", [])
    shown = [figure for figure in figures if not figure["internal"]]
    period, account = data.get("period", {}), data.get("account", {})
    return Paper(
        headline=data.get("headline", ""),
        account=account.get("name", ""),
        account_id=account.get("id"),
        period=(_day(period.get("from")), _day(period.get("to"))),
        observed_to=_day(data.get("observed", {}).get("to")),
        goals=[_goal(goal) for goal in data.get("goals", [])],
        sections=[_section(section.key, section.title, shown) for section in template.sections],
        appendix=[_section(section.key, section.title, shown) for section in template.appendix],
        internal=[_figure(figure) for figure in figures if figure["internal"]],
        missing=[_figure(figure) for figure in shown if figure["value"] is None],
        count=len(shown),
    )


def _section(key: str, title: str, figures: list[dict[str, Any]]) -> PaperSection:
    mine = [_figure(figure) for figure in figures if figure["group"] in GROUPS.get(key, ())]
    stamps = dict.fromkeys(
        f"{figure.source}, {formatting.day(figure.as_of)}" for figure in mine if figure.as_of is not None
    )
    return PaperSection(key, title, mine, list(stamps))


def _figure(raw: Mapping[str, Any]) -> PaperFigure:
    unit = str(raw["unit"])
    return PaperFigure(
        label=raw["label"],
        text=_text(raw["value"], unit),
        unit="" if (len(unit) == 3 and unit.isupper()) or unit in {"date", "band", "share"} else unit,
        source=raw["source"],
        definition=raw["definition"],
        as_of=_day(raw["as_of"]),
        why_not=raw["why_not"],
        before=_text(raw.get("before"), unit),
    )


def _text(value: Any, unit: str) -> str:
    if value is None:
        return ""
    if unit == "date":
        return formatting.day(_day(value))
    if unit == "band":
        return _BANDS.get(value, "No score")
    if unit == "share":
        return formatting.percent(value, 0)
    if len(unit) == 3 and unit.isupper():
        return formatting.money(value, unit)
    if unit == "of 100":
        return formatting.score(value, 1)
    return formatting.number(value, 0 if isinstance(value, int) else 1)


def _goal(goal: Mapping[str, Any]) -> dict[str, Any]:
    def shown(name: str) -> str:
        value = goal[name]
        return "" if value is None else formatting.number(value, 0 if isinstance(value, int) else 1)

    progress = goal["progress"]
    return {
        "title": goal["title"],
        "unit": goal["unit"],
        "baseline": shown("baseline"),
        "target": shown("target"),
        "actual": shown("actual"),
        "reached": goal["reached"],
        "percent": None if progress is None else progress * 100,
        "as_of": _day(goal["as_of"]),
        "source": goal["source"],
    }


def _day(text: Any) -> date | None:
    return date.fromisoformat(text) if text else None
