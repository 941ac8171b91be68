"""Versions: numbered, one live at a time, the old ones kept."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import registry, versioning
from core.actors import Actor
from core.models import AuditEntry, ProcessVersion, Tenant
from core.registry import ProcessKind


def _parse(definition: dict[str, object]) -> None:
    if "steps" not in definition:
        raise ValueError("steps: missing. Add a list of steps.")


if "test.process" not in {kind.kind for kind in registry.process_kinds()}:
    registry.add_process_kind(ProcessKind(kind="test.process", label="Test process", parse=_parse))


def drafted(actor: Actor, now: datetime, steps: int) -> ProcessVersion:
    return versioning.draft(
        kind="test.process", key="p", name="Process", definition={"steps": steps}, actor=actor, now=now
    )


def test_publishing_retires_the_version_before_and_keeps_it(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    first = versioning.publish(version=drafted(actor, now, 1), actor=actor, now=now, reason="start")
    versioning.publish(version=drafted(actor, now, 2), actor=actor, now=now, reason="better")
    states = list(
        ProcessVersion.objects.filter(kind="test.process")
        .order_by("number")
        .values_list("number", "state", "definition")
    )
    assert states == [(1, "retired", {"steps": 1}), (2, "published", {"steps": 2})]
    first.refresh_from_db()
    assert first.reason == "start"


def test_a_definition_that_the_kind_refuses_leaves_nothing_behind(
    in_kestrel: Tenant, actor: Actor, now: datetime
) -> None:
    with pytest.raises(ValueError, match="Add a list of steps"):
        versioning.draft(kind="test.process", key="p", name="P", definition={}, actor=actor, now=now)
    assert ProcessVersion.objects.filter(kind="test.process").count() == 0


def test_a_default_is_published_once(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    for steps in (1, 2):
        live = versioning.ensure_published(
            kind="test.process", key="p", name="P", definition={"steps": steps}, actor=actor, now=now
        )
    assert (live.number, live.definition) == (1, {"steps": 1})


def test_publishing_is_in_the_audit_trail_with_its_reason(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    versioning.publish(version=drafted(actor, now, 1), actor=actor, now=now, reason="start")
    assert list(AuditEntry.objects.order_by("pk").values_list("actor_label", "verb", "reason")) == [
        ("test", "drafted", ""),
        ("test", "published", "start"),
    ]


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=6))
def test_the_hash_does_not_depend_on_the_order_of_keys(definition: dict[str, object]) -> None:
    turned = dict(reversed(list(definition.items())))
    assert versioning.content_hash(turned) == versioning.content_hash(definition)
