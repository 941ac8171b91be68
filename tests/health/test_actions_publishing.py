"""A model that goes live gives everybody a new score, whatever the path."""

from datetime import datetime

import pytest

from core.actors import Actor
from core.models import Job, ProcessVersion, Tenant
from core.versioning import DraftMoved, rollback
from health.actions import drafts
from tests.factories.health import account, one_input, publish_model


def test_publishing_and_rolling_back_start_a_full_run(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    account()
    publish_model(in_kestrel, one_input(weight=1))
    publish_model(in_kestrel, one_input(weight=1), one_input("other"))
    rollback(kind="score_model", key="standard", actor=actor, now=now, reason="worse")
    last = list(Job.objects.filter(kind="health.recompute").order_by("pk").values_list("key", flat=True))[-3:]
    assert len(last) == 3
    assert last[-1].startswith("published standard v")


def test_a_draft_saved_while_somebody_publishes_it_does_not_go_live(
    in_kestrel: Tenant, actor: Actor, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_model(in_kestrel, one_input())
    read = drafts.begin_draft(key="standard", actor=actor, now=now)
    seen = read.content_hash
    monkeypatch.setattr(
        "core.drafts.current", lambda _kind, _key: read
    )  # read before the lock, changed before it is had
    ProcessVersion.objects.filter(pk=read.pk).update(content_hash="0" * 64)
    with pytest.raises(DraftMoved):
        drafts.publish_draft(key="standard", reason="go", waiver="Pilot", seen_hash=seen, actor=actor, now=now)


def test_a_workspace_without_accounts_has_nothing_to_score(in_kestrel: Tenant) -> None:
    publish_model(in_kestrel, one_input())
    assert Job.objects.filter(kind="health.recompute").count() == 0
