"""The command and the scheduled task give what scripts rely on."""

import json
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from core.models import Tenant
from core.tenancy import tenant_context
from qbr.contributions import publish_defaults
from qbr.tasks import assemble
from tests.factories import motions as make
from tests.factories.motions import ACTOR, NOW, TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def book(kestrel: Tenant) -> Tenant:
    with tenant_context(kestrel.pk):
        publish_defaults(kestrel, ACTOR, NOW - timedelta(days=300))
        make.account("Alder", segment="enterprise", customer_since=date(2025, 3, 10), created_at=NOW)
    return kestrel


def test_the_command_prints_what_it_assembled_and_what_was_there(book: Tenant) -> None:
    results = []
    for _ in range(2):
        out = StringIO()
        call_command("assemble_qbrs", "--tenant", "kestrel", "--as-of", TODAY.isoformat(), "--json", stdout=out)
        results.append(json.loads(out.getvalue()))
    assert results == [{"assembled": 1, "unchanged": 0}, {"assembled": 0, "unchanged": 1}]


def test_the_scheduled_task_assembles_once(book: Tenant) -> None:
    first, second = assemble(tenant_id=book.pk), assemble(tenant_id=book.pk)
    assert second == {"assembled": 0, "unchanged": first["assembled"]}
