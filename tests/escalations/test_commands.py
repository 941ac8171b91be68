"""The command, the scheduled task and the fact give what scripts and rules rely on."""

import json
from io import StringIO

import pytest
from django.core.management import call_command

from accounts.models import Account
from core import facts
from core.models import ProcessVersion, Tenant
from core.tenancy import tenant_context
from escalations.contributions import publish_policy
from escalations.models import Escalation
from escalations.tasks import sweep
from tests.factories import motions as make
from tests.factories.motions import ACTOR, NOW, TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def book(kestrel: Tenant) -> Tenant:
    with tenant_context(kestrel.pk):
        publish_policy(kestrel, ACTOR, NOW)
        make.account("Alder")
    return kestrel


def test_the_command_prints_what_it_looked_at_and_wrote(book: Tenant) -> None:
    out = StringIO()
    call_command("sweep_escalations", "--tenant", "kestrel", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {"evaluated": 1, "opened": 0, "closed": 0}
    assert sweep(tenant_id=book.pk) == {"evaluated": 1, "opened": 0, "closed": 0}


def test_open_escalations_are_a_fact_about_an_account(book: Tenant) -> None:
    with tenant_context(book.pk):
        quiet, loud = Account.objects.get(), make.account("Birch")
        version = ProcessVersion.objects.get(kind="escalation_policy")
        for key, state in (("a", "open"), ("b", "open"), ("c", "closed")):
            Escalation.objects.create(
                account=loud, policy_version=version, policy_key=key, state=state, opened_at=NOW, closed_at=NOW
            )
        found = facts.annotate_facts(Account.objects.all(), ["escalations.open"], TODAY)
        assert dict(found.values_list("pk", "fact_escalations_open")) == {quiet.pk: 0, loud.pk: 2}
