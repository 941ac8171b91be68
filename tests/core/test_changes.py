"""Changed accounts wait in rows until a consumer has answered for them."""

import pytest
from django.db import transaction

from core import registry
from core.changes import changes_waiting, mark_changed, mark_changed_where, take_changes
from core.models import Change, Tenant
from core.registry import AlreadyRegistered, Consumer
from core.tenancy import tenant_context

CONSUMER = "health"


def test_an_account_marked_twice_is_taken_once(in_kestrel: Tenant) -> None:
    mark_changed([7, 5, 7])
    mark_changed([5])
    assert take_changes(CONSUMER, limit=100) == [5, 7]
    assert not changes_waiting(CONSUMER)


def test_what_a_failed_consumer_took_waits_again(in_kestrel: Tenant) -> None:
    mark_changed([5])
    with transaction.atomic():
        take_changes(CONSUMER, limit=100)
        transaction.set_rollback(True)
    assert take_changes(CONSUMER, limit=100) == [5]


def test_a_statement_marks_the_accounts_that_it_selects(in_kestrel: Tenant) -> None:
    mark_changed_where("SELECT generate_series(%s::bigint, %s::bigint)", [1, 3])
    assert take_changes(CONSUMER, limit=100) == [1, 2, 3]


def test_a_limit_leaves_the_rest_waiting(in_kestrel: Tenant) -> None:
    mark_changed([1, 2, 3])
    assert take_changes(CONSUMER, limit=2) == [1, 2]
    assert changes_waiting(CONSUMER)


def test_changes_of_another_workspace_are_not_seen(kestrel: Tenant, heron: Tenant) -> None:
    with tenant_context(heron.pk):
        mark_changed([99])
    with tenant_context(kestrel.pk):
        assert take_changes(CONSUMER, limit=100) == []
    with tenant_context(heron.pk):
        assert Change.objects.filter(consumer=CONSUMER).count() == 1


def test_two_consumers_cannot_share_a_name() -> None:
    with pytest.raises(AlreadyRegistered):
        registry.add_consumer(Consumer(name=CONSUMER, task="x"))
