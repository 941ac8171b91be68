"""Conditions of a playbook as the rows of its editor, what facts are called there, and how many accounts match."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from accounts.choices import AccountStatus, Segment
from core import facts, registry
from journeys.queries.play_fields import Field, Typed
from journeys.queries.plays.facts import living, said
from journeys.rules import condition_rows as rows
from journeys.rules.condition_rows import Tree, Vocabulary

YES_NO: Final = [("yes", "yes"), ("no", "no")]


@dataclass(frozen=True)
class ConditionRow:
    """One condition; without `op` it is nested, and `label` says all of it in words."""

    number: int
    label: str
    help: str = ""
    op: Field | None = None
    operators: list[tuple[str, str]] = field(default_factory=list)
    value: Field | None = None
    choices: list[tuple[str, str]] = field(default_factory=list)
    unit: str = ""


@dataclass(frozen=True)
class Conditions:
    """The tree at one place of a playbook, to be edited. `was`: what the live version says, where that differs."""

    place: str
    rows: list[ConditionRow]
    join: Field
    was: str
    new_fact: Field
    new_op: Field
    new_value: Field

    @property
    def id(self) -> str:
        return self.join.id.removesuffix("-join")


def vocabulary(currency: str) -> Vocabulary:
    """What the facts of accounts are, and the values of those whose values are few and fixed."""
    return Vocabulary(
        types={key: fact.type for key, fact in registry.facts().items()},
        currency=currency,
        choices={
            "accounts.segment": {str(key): str(label) for key, label in Segment.choices if key},
            "accounts.status": {str(key): str(label) for key, label in AccountStatus.choices},
        },
    )


def conditions(place: str, tree: Tree | None, live: Tree | None, form: Typed, known: Vocabulary) -> Conditions:
    """The rows of a tree with what was typed and what is wrong."""
    base = f"cond:{place}"
    shown = rows.rows_of(tree)
    # What the language refuses of a condition that was to be added has no row yet.
    refused = form.problems.get(f"{base}:{len(shown)}:value", "")
    new_value = form.field(f"{base}:new_value", "")
    return Conditions(
        place=place,
        rows=[_row(number, row, base, form, known) for number, row in enumerate(shown)],
        join=form.field(f"{base}:join", rows.join_of(tree)),
        was=(said(live) or "nothing") if form.compares and live != tree else "",
        new_fact=form.field(f"{base}:new_fact", ""),
        new_op=form.field(f"{base}:new_op", "eq"),
        new_value=Field(new_value.name, new_value.value, new_value.error or refused),
    )


def _row(number: int, row: rows.Row, base: str, form: Typed, known: Vocabulary) -> ConditionRow:
    if not row.fact:
        return ConditionRow(number, said(row.tree))
    fact = registry.facts().get(row.fact)
    op = form.field(f"{base}:{number}:op", row.op)
    kind = known.types.get(row.fact)
    value = form.field(f"{base}:{number}:value", rows.value_text(row, known))
    listed = YES_NO if kind == "boolean" else list(known.choices.get(row.fact, {}).items())
    return ConditionRow(
        number=number,
        label=fact.label if fact else row.fact,
        help=fact.help if fact else "",
        op=op,
        operators=known.operators(row.fact),
        value=None if op.value in rows.WITHOUT_VALUE else value,
        choices=listed if op.value in {"eq", "ne"} else [],
        unit=known.currency if kind == "money" else "",
    )


def audience_size(definition: Mapping[str, Any], day: date) -> int | None:
    """How many accounts the audience of a playbook matches, without former ones; None where it cannot be asked.

    One statement, whatever the audience.
    """
    tree = definition.get("audience")
    try:
        found = living() if tree is None else facts.matching(living(), dict(tree), day)
    except facts.BadRule:  # a fact that was known when the version was written
        return None
    return found.order_by().count()
