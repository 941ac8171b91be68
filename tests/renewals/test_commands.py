"""The command and the scheduled task give what scripts rely on."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from core.models import Tenant
from core.tenancy import tenant_context
from renewals.models import Renewal
from renewals.tasks import sweep
from tests.factories import motions as make
from tests.factories.motions import TODAY

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("sweep_renewals", "--tenant", "kestrel", "--json", *arguments, stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


@pytest.fixture
def book(kestrel: Tenant) -> Tenant:
    with tenant_context(kestrel.pk):
        make.publish_renewal_timeline(kestrel)
        make.contract(make.account(), ends_on=make.ends_in(200), learnt_on=TODAY)
    return kestrel


def test_the_command_prints_what_it_wrote_and_nothing_the_second_time(book: Tenant) -> None:
    names = ("renewals_opened", "tasks_created", "tasks_moved", "tasks_closed")
    first, second = run("--as-of", TODAY.isoformat()), run("--as-of", TODAY.isoformat())
    assert [first[name] for name in names] == [1, 4, 0, 0]
    assert set(second.values()) == {0}


def test_as_of_a_day_before_the_contract_there_is_nothing_to_renew(book: Tenant) -> None:
    assert run("--as-of", "2024-01-01")["renewals_opened"] == 0


def test_the_scheduled_task_sweeps_its_workspace(book: Tenant) -> None:
    sweep(tenant_id=book.pk)
    with tenant_context(book.pk):
        assert Renewal.objects.count() in {0, 1}  # the contract of the test may be over by the real clock
    assert set(sweep(tenant_id=book.pk).values()) == {0}
