"""The worker's door of the process."""

import pytest

from accounts.models import Account
from core.actors import Actor
from core.changes import changes_waiting, mark_changed
from core.models import Tenant
from core.tenancy import tenant_context
from journeys.actions.journeys import ensure_default_journey
from journeys.models import StageVisit
from journeys.tasks import place_accounts
from tests.conftest import NOW


@pytest.mark.django_db
def test_new_accounts_among_the_changed_ones_get_their_first_stage_once(kestrel: Tenant, actor: Actor) -> None:
    with tenant_context(kestrel.pk):
        ensure_default_journey(actor=actor, now=NOW)
        changed = Account.objects.create(name="A", name_key="a")
        Account.objects.create(name="B", name_key="b")
        mark_changed([changed.pk])
    assert place_accounts(tenant_id=kestrel.pk) == 1
    assert place_accounts(tenant_id=kestrel.pk) == 0
    with tenant_context(kestrel.pk):
        assert list(StageVisit.objects.values_list("account__name", "stage__key")) == [("A", "adoption")]
        assert not changes_waiting("journeys")
