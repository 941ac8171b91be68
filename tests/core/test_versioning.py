"""Versions: numbered, one live at a time, the old ones kept."""

from datetime import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
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


def _gated(version: ProcessVersion) -> list[str]:
    return [] if version.definition["steps"] < 10 else ["No report passes for 10 steps or more."]


def _unfit(definition: dict[str, object]) -> None:
    if definition["steps"] == 13:
        raise ValueError("steps: 13 is for drafts only. Take another number.")


_told: list[tuple[str, int]] = []


def _tell(version: ProcessVersion, actor: Actor, now: datetime) -> None:
    _told.append((version.key, version.number))


if "test.gated" not in {kind.kind for kind in registry.process_kinds()}:
    registry.add_process_kind(
        ProcessKind("test.gated", "Gated process", _parse, publish_check=_unfit, gate=_gated, after_publish=_tell)
    )


def gated(actor: Actor, now: datetime, steps: int, **values: int) -> ProcessVersion:
    definition = {"steps": steps}
    return versioning.draft(
        kind="test.gated", key="g", name="Gated", definition=definition, actor=actor, now=now, **values
    )


def test_a_shut_gate_refuses_and_leaves_the_live_version_alone(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    live = versioning.publish(version=gated(actor, now, 1), actor=actor, now=now, reason="start")
    with pytest.raises(versioning.PublishRefused) as refused:
        versioning.publish(version=gated(actor, now, 10), actor=actor, now=now, reason="more")
    assert (refused.value.lines, refused.value.waivable) == (["No report passes for 10 steps or more."], True)
    live.refresh_from_db()
    assert live.state == "published"


def test_a_signed_waiver_passes_a_shut_gate_and_is_kept(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    version = versioning.publish(
        version=gated(actor, now, 10), actor=actor, now=now, reason="more", waiver="The board asked for it."
    )
    version.refresh_from_db()
    assert (version.waived_by, version.waiver_reason) == ("test", "The board asked for it.")
    entry = AuditEntry.objects.get(verb="published")
    assert entry.after == {"waived": ["No report passes for 10 steps or more."], "waiver": "The board asked for it."}


def test_an_open_gate_needs_no_waiver_and_stores_none(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    version = versioning.publish(version=gated(actor, now, 1), actor=actor, now=now, reason="r", waiver="just in case")
    assert (version.waived_by, version.waiver_reason) == ("", "")


def test_no_waiver_helps_content_that_may_not_be_live(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    with pytest.raises(versioning.PublishRefused) as refused:
        versioning.publish(version=gated(actor, now, 13), actor=actor, now=now, reason="r", waiver="I insist.")
    assert (refused.value.lines, refused.value.waivable) == (
        ["steps: 13 is for drafts only. Take another number."],
        False,
    )


def test_a_default_passes_a_shut_gate_with_a_waiver_that_says_so(
    in_kestrel: Tenant, actor: Actor, now: datetime
) -> None:
    live = versioning.ensure_published(
        kind="test.gated", key="g", name="G", definition={"steps": 12}, actor=actor, now=now
    )
    assert (live.state, live.waiver_reason) == ("published", "Default of a new workspace.")


def test_every_publishing_tells_the_kind(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    _told.clear()
    for steps in (1, 2):
        versioning.publish(version=gated(actor, now, steps), actor=actor, now=now, reason="r")
    versioning.rollback(kind="test.gated", key="g", actor=actor, now=now, reason="worse")
    assert _told == [("g", 1), ("g", 2), ("g", 3)]


def test_rolling_back_walks_further_back_each_time(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    for steps in (1, 10, 3):
        versioning.publish(version=gated(actor, now, steps), actor=actor, now=now, reason="r", waiver="w")
    once = versioning.rollback(kind="test.gated", key="g", actor=actor, now=now, reason="worse")
    twice = versioning.rollback(kind="test.gated", key="g", actor=actor, now=now, reason="still worse")
    assert [(v.number, v.definition["steps"], v.based_on, v.waiver_reason) for v in (once, twice)] == [
        (4, 10, 2, "worse"),
        (5, 1, 1, ""),
    ]
    with pytest.raises(versioning.NothingBefore):
        versioning.rollback(kind="test.gated", key="g", actor=actor, now=now, reason="again")


def test_a_discarded_draft_stays_and_cannot_be_published(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    version = versioning.discard(version=gated(actor, now, 1), actor=actor, now=now, reason="not needed")
    version.refresh_from_db()
    assert (version.state, version.published_at) == ("retired", None)
    with pytest.raises(versioning.NotADraft):
        versioning.publish(version=version, actor=actor, now=now, reason="r")


def test_a_draft_saved_by_somebody_else_is_not_overwritten(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    version = gated(actor, now, 1)
    seen = version.content_hash
    saved = {"name": "Gated", "actor": actor, "now": now, "seen_hash": seen}
    versioning.save_draft(version=version, definition={"steps": 2}, **saved)
    with pytest.raises(versioning.DraftMoved):
        versioning.save_draft(version=version, definition={"steps": 3}, **saved)
    version.refresh_from_db()
    assert version.definition == {"steps": 2}


def test_a_draft_knows_what_it_was_drafted_from(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    versioning.publish(version=gated(actor, now, 1), actor=actor, now=now, reason="r")
    assert (gated(actor, now, 2).based_on, gated(actor, now, 3, based_on=2).based_on) == (1, 2)


def test_a_difference_is_told_in_words_without_any_from_the_kind(
    in_kestrel: Tenant, actor: Actor, now: datetime
) -> None:
    first, second = gated(actor, now, 1), gated(actor, now, 2)
    assert [change.text for change in versioning.diff(first, second)] == ["steps 1 → 2"]


def test_rows_of_the_workspace_are_written_while_somebody_drafts(in_kestrel: Tenant) -> None:
    with CaptureQueriesContext(connection) as asked:
        versioning.take_turns()
    (query,) = asked.captured_queries
    assert query["sql"].endswith("FOR NO KEY UPDATE")  # a foreign key's FOR KEY SHARE waits for FOR UPDATE only


def test_a_document_with_a_key_of_its_own_is_not_stored_under_another(
    in_kestrel: Tenant, actor: Actor, now: datetime
) -> None:
    registry.add_process_kind(ProcessKind(kind="test.headed", label="Headed", parse=_parse, headed=True))
    try:
        definition = {"kind": "test.headed", "key": "a", "name": "A", "steps": 1}
        made = versioning.draft(kind="test.headed", key="a", name="A", definition=definition, actor=actor, now=now)
        for wrong in ({"key": "b"}, {"kind": "test.process"}):
            with pytest.raises(ValueError, match=next(iter(wrong))):
                versioning.save_draft(version=made, definition=definition | wrong, name="A", actor=actor, now=now)
        with pytest.raises(ValueError, match="Write b"):
            versioning.draft(kind="test.headed", key="b", name="A", definition=definition, actor=actor, now=now)
    finally:
        registry._registry.process_kinds.pop("test.headed", None)
