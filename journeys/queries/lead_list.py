"""The list of leads: prospects with their grade, what it is made of, where they stand and who has them."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from accounts.models import Account
from core.spreadsheets import harmless
from journeys.queries.lead_grades import Graded, Grading, Matrix, graded, live_grading, matrix, prospects
from journeys.queries.lead_words import ReasonLine, reasons
from journeys.queries.stages import with_current_stage
from journeys.rules.lead_grading import ENGAGEMENT, FIGURES, FIT, LETTERS

PAGE: Final = 50
LARGEST_FILE: Final = 20_000
GRADES: Final = (*(letter + figure for letter in LETTERS for figure in FIGURES), *LETTERS, *FIGURES)
_HEAD: Final = ("account_id", "external_id", "account", "grade", "fit_points", "engagement_points", "stage", "owner",
                "why", "version")  # fmt: skip
_LONGEST_ID: Final = 18


@dataclass(frozen=True)
class Reader:
    """For whom the reasons are written: money of which workspace, and whether they see it."""

    currency: str
    today: date
    sees_money: bool


@dataclass(frozen=True)
class Lead:
    """A prospect with its grade. `lines` has every rule; those that hold add up to the points of their part."""

    account_id: int
    external_id: str
    name: str
    grade: str
    fit: int
    engagement: int
    lines: tuple[ReasonLine, ...]
    stage: str
    owner_id: int | None
    owner: str
    version: int

    @property
    def why(self) -> list[ReasonLine]:
        """The rules that hold."""
        return [line for line in self.lines if line.holds]

    @property
    def parts(self) -> list[tuple[str, str, int, list[ReasonLine]]]:
        """(part, mark, points, lines) of fit and of engagement."""
        return [
            (FIT, self.grade[0], self.fit, [line for line in self.lines if line.part == FIT]),
            (ENGAGEMENT, self.grade[1], self.engagement, [line for line in self.lines if line.part == ENGAGEMENT]),
        ]

    @property
    def place(self) -> tuple[int, int]:
        """Where the list goes on behind it."""
        return self.fit + self.engagement, self.account_id


@dataclass(frozen=True)
class LeadPage:
    """A page of leads, and where the next one starts ("" at the end)."""

    rows: Sequence[Lead]
    after: str


def lead_matrix(grading: Grading, *, owner_id: int | None, today: date) -> Matrix:
    """How many prospects have each grade. One statement."""
    return matrix(prospects(owner_id), grading.spec, today)


def leads(
    grading: Grading,
    reader: Reader,
    *,
    grade: str = "",
    owner_id: int | None = None,
    after: tuple[int, int] | None = None,
    most: int,
) -> list[Lead]:
    """Prospects, those with the most points first. Two statements."""
    found = graded(prospects(owner_id), grading.spec, reader.today, grade=grade, after=after, most=most)
    return list(_named(found, grading, reader))


def lead_page(
    grading: Grading, reader: Reader, *, grade: str = "", owner_id: int | None = None, after: str = ""
) -> LeadPage:
    """A page of them; what cannot be a place in the list is its beginning."""
    rows = leads(grading, reader, grade=grade, owner_id=owner_id, after=read_after(after), most=PAGE + 1)
    last = rows[PAGE - 1] if len(rows) > PAGE else None
    return LeadPage(rows[:PAGE], "{}_{}".format(*last.place) if last else "")


def lead_of(account_id: int, grading: Grading, reader: Reader) -> Lead | None:
    """One prospect, or None for an account that is none. Two statements."""
    found = graded(prospects().filter(pk=account_id), grading.spec, reader.today)
    return next(_named(found, grading, reader), None)


def lead_reader(*, currency: str, today: date, sees_money: bool) -> tuple[Grading | None, Reader]:
    """The live grading and for whom it is read. One statement."""
    return live_grading(), Reader(currency, today, sees_money)


def read_after(text: str) -> tuple[int, int] | None:
    """Where an earlier page ended; nonsense starts from the beginning."""
    points, _, pk = text.partition("_")
    digits = points.removeprefix("-")
    are_numbers = all(one.isascii() and one.isdigit() and len(one) <= _LONGEST_ID for one in (digits, pk))
    return (int(points), int(pk)) if are_numbers and len(digits) <= 6 else None


def leads_csv(rows: Sequence[Lead]) -> str:
    """The list as a file; the reasons in one cell, with their points."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(_HEAD)
    for one in rows:
        why = "; ".join(f"{line.name} ({line.points:+d})" for line in one.why)
        cells = (one.account_id, one.external_id, one.name, one.grade, one.fit, one.engagement, one.stage, one.owner,
                 why, one.version)  # fmt: skip
        out.writerow([harmless(cell) for cell in cells])
    return text.getvalue()


def _named(found: Sequence[Graded], grading: Grading, reader: Reader) -> Iterator[Lead]:
    ids = [one.account_id for one in found]
    accounts = with_current_stage(Account.objects.filter(pk__in=ids).select_related("owner")) if ids else ()
    by_id = {one.pk: one for one in accounts}
    for one in found:
        account = by_id.get(one.account_id)
        if account is None:
            continue
        lines = reasons(one, grading.spec, currency=reader.currency, today=reader.today, sees_money=reader.sees_money)
        yield Lead(
            account_id=one.account_id,
            external_id=account.external_id,
            name=account.name,
            grade=one.grade,
            fit=one.fit,
            engagement=one.engagement,
            lines=tuple(lines),
            stage=account.stage_name or "",  # type: ignore[attr-defined]  # -- annotated by with_current_stage
            owner_id=account.owner_id,
            owner=account.owner.name if account.owner else "",
            version=grading.number,
        )
