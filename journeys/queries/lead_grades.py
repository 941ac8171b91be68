"""Grades of leads: points for fit and engagement of any accounts, worked out when they are read, in one statement.

Each fact is worked out once per account, in a relation of its own; the rules are conditions over its columns.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Exists, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from accounts.choices import AccountStatus
from accounts.models import Account, Activity, Person
from accounts.queries.early_warning import day_begins
from core.choices import VersionState
from core.facts import annotate_facts, conditions, fact_column, to_sql
from core.models import ProcessVersion
from journeys.rules.lead_grading import (
    ENGAGEMENT,
    FIGURES,
    FIT,
    LETTERS,
    MARKS,
    GradeRule,
    GradingSpec,
    Window,
    parse_lead_grading,
)

KIND: Final = "lead_grading"
STANDARD: Final = "standard"


@dataclass(frozen=True)
class Grading:
    """The live grading."""

    name: str
    number: int
    spec: GradingSpec


@dataclass(frozen=True)
class Graded:
    """One account. `met` says of each rule whether it holds, fit first; `values` has the facts and counts it saw."""

    account_id: int
    fit: int
    engagement: int
    grade: str
    met: tuple[bool, ...]
    values: Mapping[str, Any]

    @property
    def points(self) -> int:
        """What the list is ordered by."""
        return self.fit + self.engagement


@dataclass(frozen=True)
class Cell:
    """One grade of the matrix, or a sum: `grade` is `B2`, `B` or `2`."""

    grade: str
    count: int


@dataclass(frozen=True)
class Matrix:
    """A row per letter with its four cells and their sum, and the sums of the columns."""

    rows: Sequence[tuple[str, Sequence[Cell], Cell]]
    columns: Sequence[Cell]
    total: int


def live_grading(key: str = STANDARD) -> Grading | None:
    """The grading that is live under the key, or None. One statement."""
    found = ProcessVersion.objects.filter(kind=KIND, key=key, state=VersionState.PUBLISHED).first()
    return Grading(found.name, found.number, parse_lead_grading(found.definition)) if found else None


def prospects(owner_id: int | None = None) -> QuerySet[Account]:
    """The accounts that are graded: those that have not bought yet."""
    found = Account.objects.filter(status=AccountStatus.PROSPECT)
    return found if owner_id is None else found.filter(owner_id=owner_id)


def owners() -> QuerySet[Person]:
    """Those who own a prospect, by name."""
    return Person.objects.filter(Exists(prospects().filter(owner_id=OuterRef("pk")))).order_by("name_key", "pk")


def graded(
    accounts: QuerySet[Account],
    spec: GradingSpec,
    today: date,
    *,
    grade: str = "",
    after: tuple[int, int] | None = None,
    most: int | None = None,
) -> list[Graded]:
    """Each account with its points and its grade, those with the most points first. One statement.

    `grade` narrows to `B2`, to a letter or to a figure. `after` is (points, id) of the last row of the page before.
    """
    sql, params, columns = _marked(accounts, spec, today)
    where, more = _narrowed(grade)
    if after is not None:
        where += " AND (fit + engagement < %s OR (fit + engagement = %s AND id > %s))"
        more += [after[0], after[0], after[1]]
    limit = "" if most is None else "LIMIT %s"
    seen = "".join(f', "{name}"' for name in columns.values())
    sql += (
        f"SELECT id, fit, engagement, letter || figure, met{seen} FROM marked WHERE {where} "  # noqa: S608 -- our own parts; values are parameters
        f"ORDER BY fit + engagement DESC, id {limit}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*params, *more, *([] if most is None else [most])])
        return [
            Graded(pk, fit, engagement, said, tuple(met), dict(zip(columns, values, strict=True)))
            for pk, fit, engagement, said, met, *values in cursor.fetchall()
        ]


def matrix(accounts: QuerySet[Account], spec: GradingSpec, today: date) -> Matrix:
    """How many accounts have each grade. One statement, with the same parts as `graded`."""
    sql, params, _ = _marked(accounts, spec, today)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} SELECT letter, figure, count(*) FROM marked GROUP BY 1, 2", params)  # noqa: S608 -- our own parts; values are parameters
        found = {(letter, figure): int(count) for letter, figure, count in cursor.fetchall()}
    rows = []
    for letter in LETTERS:
        cells = [Cell(letter + figure, found.get((letter, figure), 0)) for figure in FIGURES]
        rows.append((letter, cells, Cell(letter, sum(one.count for one in cells))))
    columns = [Cell(figure, sum(found.get((letter, figure), 0) for letter in LETTERS)) for figure in FIGURES]
    return Matrix(rows, columns, sum(found.values()))


def every_rule(spec: GradingSpec) -> tuple[tuple[str, GradeRule], ...]:
    """Each rule with its part, in the order of `Graded.met`."""
    return tuple((part, one) for part in (FIT, ENGAGEMENT) for one in spec.rules(part))


def count_key(one: Window) -> str:
    """Under which `Graded.values` has the count."""
    return f"count:{'+'.join(sorted(one.of))}:{one.days}"


def _narrowed(grade: str) -> tuple[str, list[Any]]:
    letter, figure = grade[:1] if grade[:1] in LETTERS else "", grade[-1:] if grade[-1:] in FIGURES else ""
    parts = [("letter = %s", letter), ("figure = %s", figure)]
    asked = [(words, value) for words, value in parts if value]
    return " AND ".join(words for words, _ in asked) or "true", [value for _, value in asked]


def _marked(accounts: QuerySet[Account], spec: GradingSpec, today: date) -> tuple[str, list[Any], dict[str, str]]:
    """The beginning of a statement whose relation `marked` has a row per account; and the columns of what was seen."""
    facts, params, columns = _facts(accounts, spec, today)
    rules = every_rule(spec)
    met = []
    for _, one in rules:
        words, values = _holds(one, columns)
        met.append(f"COALESCE({words}, false)")
        params += values
    sums = {
        part: " + ".join(f"CASE WHEN met[{n}] THEN {one.points} ELSE 0 END" for n, one in _placed(rules, part))
        for part in MARKS
    }
    sql = (
        f"WITH facts AS MATERIALIZED ({facts}), "  # noqa: S608 -- our own parts; values are parameters
        f"judged AS MATERIALIZED (SELECT facts.*, ARRAY[{', '.join(met)}]::boolean[] AS met FROM facts), "
        f"summed AS (SELECT judged.*, {sums[FIT]} AS fit, {sums[ENGAGEMENT]} AS engagement FROM judged), "
        f"marked AS (SELECT summed.*, {_mark(spec, FIT)} AS letter, {_mark(spec, ENGAGEMENT)} AS figure FROM summed) "
    )
    return sql, params, columns


def _placed(rules: Sequence[tuple[str, GradeRule]], part: str) -> Iterator[tuple[int, GradeRule]]:
    return ((place, one) for place, (of, one) in enumerate(rules, 1) if of == part)


def _mark(spec: GradingSpec, part: str) -> str:
    """The same as `rules.lead_grading.mark`, in SQL. Whole numbers and marks of our own, nothing of a person's."""
    marks = MARKS[part]
    cases = " ".join(f"WHEN {part} >= {start} THEN '{one}'" for one, start in zip(marks, spec.starts(part)))  # noqa: B905 -- the last mark has no start
    return f"CASE {cases} ELSE '{marks[-1]}' END"


def _facts(accounts: QuerySet[Account], spec: GradingSpec, today: date) -> tuple[str, list[Any], dict[str, str]]:
    rules = [one for _, one in every_rule(spec)]
    keys = [leaf.fact for one in rules if one.rule is not None for leaf in conditions(dict(one.rule))]
    columns = {key: fact_column(key) for key in keys}
    asked = annotate_facts(accounts.order_by(), keys, today)
    windows = {count_key(one.count): one.count for one in rules if one.count is not None}
    for place, (key, window) in enumerate(windows.items()):
        columns[key] = f"window_{place}"
        asked = asked.annotate(**{columns[key]: _activities(window, today)})
    sql, params = asked.values_list("pk", *columns.values()).query.sql_with_params()
    names = ", ".join(f'"{name}"' for name in ("id", *columns.values()))
    return f"SELECT * FROM ({sql}) AS asked ({names})", list(params), columns  # noqa: S608 -- a statement of the ORM


def _activities(window: Window, today: date) -> Any:
    rows = Activity.objects.filter(
        account_id=OuterRef("pk"),
        kind__in=window.of,
        occurred_at__gte=day_begins(today - timedelta(days=window.days - 1)),
        occurred_at__lt=day_begins(today + timedelta(days=1)),
    )
    counted = rows.order_by().values("account_id").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def _holds(one: GradeRule, columns: Mapping[str, str]) -> tuple[str, list[Any]]:
    if one.count is not None:
        return f'facts."{columns[count_key(one.count)]}" >= %s', [one.count.at_least]
    return to_sql(one.rule or {}, "facts.")
