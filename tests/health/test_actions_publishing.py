"""A model that goes live gives everybody a new score, whatever the path."""

from datetime import datetime

from core.actors import Actor
from core.models import Job, Tenant
from core.versioning import rollback
from tests.factories.health import account, one_input, publish_model


def test_publishing_and_rolling_back_start_a_full_run(in_kestrel: Tenant, actor: Actor, now: datetime) -> None:
    account()
    publish_model(in_kestrel, one_input(weight=1))
    publish_model(in_kestrel, one_input(weight=1), one_input("other"))
    rollback(kind="score_model", key="standard", actor=actor, now=now, reason="worse")
    last = list(Job.objects.filter(kind="health.recompute").order_by("pk").values_list("key", flat=True))[-3:]
    assert len(last) == 3
    assert last[-1].startswith("published standard v")


def test_a_workspace_without_accounts_has_nothing_to_score(in_kestrel: Tenant) -> None:
    publish_model(in_kestrel, one_input())
    assert Job.objects.filter(kind="health.recompute").count() == 0
