"""Nobody approves what they cannot see: every value of every kind's default document shows in the difference."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from core import registry, versioning
from core.actions import create_tenant
from core.actors import Actor
from core.differences import Line, compare
from core.models import ProcessVersion, Tenant
from core.tenancy import tenant_context
from journeys.rules.handoffs import handoff_document, handoffs_of

pytestmark = pytest.mark.django_db
Place = tuple[str | int, ...]
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
# Blocks that may stay empty in the defaults and say something where they do not.
FILLED: dict[str, dict[str, Any]] = {
    "journey": {
        "hubspot_kept": ["kept_by_hand"],
        "stuck_after": "expected",
        "teams": [{"name": "Sales", "roles": ["sales_rep"]}],
    },
    "pipeline": {"reassign": {"former": "discovery"}},
}


@pytest.fixture
def tenant(db: None) -> Iterator[Tenant]:
    made = create_tenant(
        slug="k", name="K", currency="EUR", timezone="Europe/Berlin", actor=Actor.system("test"), now=NOW
    )
    with tenant_context(made.pk):
        yield made


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*place, step))
    else:
        yield place, value


def put(document: dict[str, Any], place: Place, value: Any) -> dict[str, Any]:
    changed = deepcopy(document)
    block: Any = changed
    for step in place[:-1]:
        block = block[step]
    block[place[-1]] = value
    return changed


def others(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value - 1]
    return [f"{value} x", f"{value}_x"] if isinstance(value, str) else []


def filled(version: ProcessVersion) -> dict[str, Any]:
    """The default with what is usually left out."""
    document = {**deepcopy(version.definition), **FILLED.get(version.kind, {})}
    if version.kind == "journey":
        document["handoffs"] = [handoff_document(one) for one in handoffs_of(document)]
    for stage in document["stages"] if version.kind in {"journey", "pipeline"} else []:
        for criterion in (*stage.get("entry", []), *stage.get("exit", [])):
            criterion.setdefault("help", "Ask them.")
    return document


def mutations(kind: registry.ProcessKind, document: dict[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The document with one value another one, for every value that can be."""
    for place, value in leaves(document):
        if place[0] in {"kind", "key", "name"}:
            continue
        for other in others(value):
            changed = put(document, place, other)
            try:
                kind.parse(changed)
            except ValueError:
                continue
            yield place, changed
            break


def version_of(like: ProcessVersion, document: dict[str, Any], name: str = "") -> ProcessVersion:
    return ProcessVersion(kind=like.kind, key=like.key, name=name or like.name, definition=document)


def test_every_value_of_every_default_shows_in_the_difference_alone_and_beside_another(tenant: Tenant) -> None:
    hidden, tried, kinds = [], 0, set()
    for live in ProcessVersion.objects.filter(state="published").order_by("kind", "key"):
        kind, document = registry.process_kind(live.kind), filled(live)
        if kind.describe is None or (live.kind == "playbook" and live.key not in {"renewal", "low_usage"}):
            continue  # the other playbooks say nothing in another way
        was, spoken = version_of(live, document), versioning.described(live.kind, live.name, document)
        for place, changed in mutations(kind, document):
            tried += 1
            kinds.add(live.kind)
            told = compare(spoken, versioning.described(live.kind, live.name, changed))
            beside = versioning.diff(was, version_of(live, changed, "Another name"))
            if not told or beside[0].label != "name" or beside[1:] != told:
                hidden.append((live.kind, live.key, place, [one.text for one in told]))
    assert hidden == []
    assert tried > 400
    assert kinds == {one.kind for one in registry.process_kinds() if one.describe is not None}


def test_what_an_approver_signs_is_said_in_the_language_of_the_work(tenant: Tenant) -> None:
    live = ProcessVersion.objects.get(kind="journey", key="standard", state="published")
    document = filled(live)
    changed = deepcopy(document)
    changed["stages"][0]["expected_days"] = 35
    sold = changed["handoffs"][1]
    sold.update(needs_expectation=False, on_won=False, from_stage="consideration", to_stage="adoption")
    changed["stages"][0]["exit"][0]["name"] = "Anything at all"
    assert [one.text for one in versioning.diff(version_of(live, document), version_of(live, changed))] == [
        "expected time in stage Awareness 30 days → 35 days",
        "name of exit criterion problem of Awareness They name their problem → Anything at all",
        "stages of hand-off Sales to CS Decision to Onboarding → Consideration to Adoption",
        "hand-off Sales to CS asks for the expectation yes → no",
        "hand-off Sales to CS opens with a won deal yes → no",
    ]


def test_what_the_words_of_a_kind_pass_over_is_said_by_its_field(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = ProcessVersion.objects.get(kind="journey", key="standard", state="published")
    kind = registry.process_kind("journey")
    values, words = {name: getattr(kind, name) for name in kind.__dataclass_fields__}, kind.describe
    assert words is not None

    def terse(definition: dict[str, Any]) -> list[Line]:
        return [line for line in words(definition) if line.path.endswith("expected_days")]

    monkeypatch.setitem(
        registry._registry.process_kinds, "journey", registry.ProcessKind(**values | {"describe": terse})
    )
    document = filled(live)
    changed = deepcopy(document)
    changed["stages"][0]["expected_days"] = 99
    changed["stages"][1]["success"] = "They say so."
    changed["handoffs"][1]["on_won"] = False
    order = [one["key"] for one in document["handoffs"]]
    changed["handoffs"].reverse()
    changed["stages"][2]["exit"] = []
    assert [one.text for one in versioning.diff(version_of(live, document), version_of(live, changed))] == [
        "expected time in stage Awareness 30 days → 99 days",
        f"success of stages consideration {document['stages'][1]['success']} → They say so.",
        f"order of handoffs {', '.join(order)} → {', '.join(reversed(order))}",
        "on won of handoffs sales_to_cs yes → no",
        "key of stages decision, signed removed: signed",
        "name of stages decision, signed removed: Contract signed",
        "rule op of stages decision, signed removed: eq",
        "rule fact of stages decision, signed removed: journeys.signed",
        "rule value of stages decision, signed removed: yes",
        "help of stages decision, signed removed: Ask them.",
    ]
    assert versioning.diff(version_of(live, changed), version_of(live, deepcopy(changed))) == []
