"""Criteria over many rows: one statement that says of each deal or account which of them are met.

Each fact is worked out once per row, in a relation of its own; the criteria are conditions over its columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from core.choices import VersionState
from core.facts import annotate_facts, conditions, to_sql
from core.models import ProcessVersion
from core.registry import Subject
from core.tenancy import require_tenant_id
from journeys.rules.criteria import ENTRY, Criterion, StageGates, criteria_of, stage_gates

OPPORTUNITY: Final = "opportunity"
ACCOUNT: Final = "account"


@dataclass(frozen=True)
class Placed:
    """A criterion where it stands: at the entry or the exit of the stage at a position."""

    stage_key: str
    part: str
    position: int
    criterion: Criterion
    required: tuple[str, ...] = ()  # the questions of a framework that must be answered
    is_end: bool = False  # a closed stage, which nobody passes through


@dataclass(frozen=True)
class Judged:
    """One row on its way: for each criterion True, False, or None where it is not asked on this way."""

    id: int
    met: tuple[bool | None, ...]

    @property
    def missing(self) -> tuple[int, ...]:
        """The places of the criteria that are asked and not met."""
        return tuple(place for place, met in enumerate(self.met) if met is False)


def check_rules(definition: Mapping[str, Any], subject: Subject) -> None:
    """Raises `ValueError` for a rule that names a fact which cannot be asked of these rows."""
    for index, stage in enumerate(stage_gates(definition)):
        for part, criteria in ((ENTRY, stage.entry), ("exit", stage.exit)):
            for place, one in enumerate(criteria):
                if one.rule is not None:
                    conditions(dict(one.rule), f"stages[{index}].{part}[{place}].rule", subject=subject)


def check_questions(definition: Mapping[str, Any]) -> None:
    """Raises `ValueError` for a framework or a question that no live framework has."""
    asked = [one for _, _, one in criteria_of(stage_gates(definition)) if one.answer or one.framework]
    known = _questions({one.framework or one.answer.partition(".")[0] for one in asked})
    for one in asked:
        framework, _, question = one.answer.partition(".")
        framework = framework or one.framework
        if framework not in known:
            raise ValueError(
                f"criterion {one.key}: no live framework has the key '{framework}'. Publish it first, or name another."
            )
        if question and question not in known[framework]:
            names = ", ".join(known[framework])
            raise ValueError(f"criterion {one.key}: '{framework}' asks no '{question}'. It asks: {names}.")


def placed_criteria(stages: Sequence[StageGates], positions: Mapping[str, int]) -> tuple[Placed, ...]:
    """The criteria with the positions of their stages. Stages that have no row are left out."""
    ends = {stage.key for stage in stages if stage.is_end}
    found = [
        Placed(key, part, positions[key], criterion, is_end=key in ends)
        for key, part, criterion in criteria_of(stages)
        if key in positions
    ]
    asked = {one.criterion.framework for one in found if one.criterion.framework}
    known = _questions(asked) if asked else {}
    return tuple(
        replace(one, required=tuple(key for key, is_required in known[one.criterion.framework].items() if is_required))
        if one.criterion.framework in known
        else one
        for one in found
    )


def _questions(frameworks: set[str]) -> dict[str, dict[str, bool]]:
    """By live framework, its questions and whether each must be answered. One statement."""
    rows = ProcessVersion.objects.filter(kind="qualification", state=VersionState.PUBLISHED, key__in=frameworks)
    return {
        key: {str(one["key"]): bool(one.get("required", True)) for one in definition.get("questions", ())}
        for key, definition in rows.values_list("key", "definition")
    }


@dataclass(frozen=True)
class Ways:
    """Where rows come from and where they want to go: a SELECT of id, origin, target, to_lost, since.

    It reads the rows as `account` or `deal` and ends with its conditions: `judge` adds which rows are asked about.
    `origin` is the position they come from: 0 before the first stage, −1 for one that is placed and asked only for
    what its stage asks on entry. `since` is the day of the current stay.
    """

    sql: str
    params: tuple[Any, ...] = ()


def judge(
    rows: QuerySet[Any],
    ways: Ways,
    placed: Sequence[Placed],
    *,
    subject: Subject,
    as_of: date,
    only_missing: bool = False,
) -> list[Judged]:
    """Which criteria are asked of each row on its way, and met. One statement, whatever the number of rows.

    With `only_missing`, rows whose gates are open are left out.
    """
    if not placed:
        return []
    facts, fact_params = _facts_sql(rows, placed, subject, as_of)
    met, met_params = _met_sql(placed, subject)
    where = "WHERE false = ANY(judged.met)" if only_missing else ""
    # Told in both places which rows are meant: six accounts of a page must not cost the ways of a hundred thousand.
    only = f"AND {'account' if subject == ACCOUNT else 'deal'}.id IN (SELECT id FROM facts)"  # noqa: S608 -- two words
    sql = (
        f"WITH facts AS MATERIALIZED ({facts}), ways AS MATERIALIZED ({ways.sql} {only}) "  # noqa: S608 -- our own parts; values are parameters
        f"SELECT judged.id, judged.met FROM (SELECT ways.id, ARRAY[{met}]::boolean[] AS met "
        f"FROM ways JOIN facts ON facts.id = ways.id) AS judged {where} ORDER BY judged.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*fact_params, *ways.params, *met_params])
        return [Judged(int(pk), tuple(flags)) for pk, flags in cursor.fetchall()]


def _facts_sql(rows: QuerySet[Any], placed: Sequence[Placed], subject: Subject, as_of: date) -> tuple[str, list[Any]]:
    keys = [
        leaf.fact
        for one in placed
        if one.criterion.rule is not None
        for leaf in conditions(dict(one.criterion.rule), subject=subject)
    ]
    asked = annotate_facts(rows.order_by(), keys, as_of, subject=subject)
    columns = [f"fact_{key.replace('.', '_')}" for key in dict.fromkeys(keys)]
    sql, params = asked.values_list("pk", *columns).query.sql_with_params()
    names = ", ".join(f'"{name}"' for name in ("id", *columns))
    return f"SELECT * FROM ({sql}) AS asked ({names})", list(params)  # noqa: S608 -- a statement of the ORM


def _met_sql(placed: Sequence[Placed], subject: Subject) -> tuple[str, list[Any]]:
    parts, params = [], []
    for one in placed:
        asked, asked_params = _is_asked(one)
        met, met_params = _is_met(one, subject)
        parts.append(f"CASE WHEN {asked} THEN COALESCE({met}, false) END")
        params += [*asked_params, *met_params]
    return ", ".join(parts), params


def _is_asked(one: Placed) -> tuple[str, list[Any]]:
    """Exit criteria of every stage from the origin up to the target; entry criteria of every stage behind the origin
    up to and with the target. None on a way back.

    On the way to a lost stage, for one that is placed, and of closed stages, only the target's own entry criteria.
    """
    if one.part == ENTRY:
        return (_TARGET, [one.position]) if one.is_end else (f"({_TARGET} OR {_PASSED})", [one.position] * 3)
    return _LEFT, [one.position, one.position]


_TARGET: Final = "(ways.target = %s AND (ways.to_lost OR ways.origin < ways.target))"
_PASSED: Final = "(NOT ways.to_lost AND ways.origin >= 0 AND ways.origin < %s AND ways.target > %s)"
_LEFT: Final = "(NOT ways.to_lost AND ways.origin BETWEEN 0 AND %s AND ways.target > %s)"


_EVIDENCE: Final = """EXISTS (SELECT FROM journeys_evidence AS given WHERE given.tenant_id = %s
AND given.{subject}_id = ways.id AND given.criterion_key = %s AND given.taken_back_at IS NULL
AND (ways.since IS NULL OR given.given_on >= ways.since))"""
_ANSWER: Final = """EXISTS (SELECT FROM journeys_answer AS said WHERE said.tenant_id = %s
AND said.opportunity_id = ways.id AND said.framework = %s AND said.question = %s AND said.is_complete)"""
_FRAMEWORK: Final = """(SELECT count(*) FROM journeys_answer AS said WHERE said.tenant_id = %s
AND said.opportunity_id = ways.id AND said.framework = %s AND said.question = ANY(%s) AND said.is_complete) = %s"""


def _is_met(one: Placed, subject: Subject) -> tuple[str, list[Any]]:
    criterion, tenant_id = one.criterion, require_tenant_id()
    if criterion.rule is not None:
        return to_sql(criterion.rule, "facts.")
    if criterion.evidence:
        return _EVIDENCE.format(subject=subject), [tenant_id, criterion.key]
    if criterion.answer and subject == OPPORTUNITY:
        framework, _, question = criterion.answer.partition(".")
        return _ANSWER, [tenant_id, framework, question]
    if one.required and subject == OPPORTUNITY:
        return _FRAMEWORK, [tenant_id, criterion.framework, list(one.required), len(one.required)]
    return "false", []
