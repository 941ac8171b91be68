"""The pages ask the database as often with many accounts as with few, and never more than the baseline says.

`UPDATE_QUERY_COUNTS=1 pytest tests/revops/test_query_counts.py` writes the baseline anew; a page without one fails.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Person
from core.choices import Role
from core.models import Membership, Tenant
from core.tenancy import tenant_context
from escalations.models import Escalation
from journeys.models import Task
from tests.factories.book import make_book
from tests.factories.world import make_world

BASELINE = Path(__file__).with_name("query_counts.json")
LIMITS = {"portfolio": 12, "account": 15}
PAGES = {
    "my_day": "/",
    "my_team": "/?scope=team",
    "handoffs": "/handoffs/?view=all",
    "portfolio": "/accounts/",
    "portfolio_by_name": "/accounts/?view=all&sort=name",
    "account": "/accounts/{account}/",
    "explained": "/accounts/{account}/health/",
    "trend": "/trend/",
    "trend_over_time": "/trend/portfolio/?segment=small&by=owner",
    "movements": "/trend/movements/",
    "movement_accounts": "/trend/accounts/?then=red&now=red&since=2020-01-01",
    "gaps": "/trend/gaps/",
    "sources": "/trend/sources/",
    "metrics": "/metrics/?metric=grr_cohort",
    "board": "/opportunities/?who=all",
    "deals_table": "/opportunities/?view=table&who=all",
    "deals_forecast": "/opportunities/?view=forecast&who=all",
    "stages": "/stages/",
    "waivers": "/waivers/",
    "waiver_report": "/waivers/report/",
    "playbooks": "/playbooks/",
    "playbook": "/playbooks/low_usage/",
    "plays": "/playbooks/low_usage/plays/?state=over",
    "ramp": "/playbooks/ramp/",
    "analysis": "/pipeline/",
    "analysis_deals": "/pipeline/deals/?which=all",
    "recurring": "/pipeline/recurring/",
    "journey": "/journey/?stage=awareness",
    "journey_now": "/journey/?view=now&stage=awareness",
    "journey_stage": "/journey/stages/awareness/?show=stuck",
    "journey_missing": "/journey/stages/awareness/?show=missing",
    "journey_outside": "/journey/outside/",
    "checkpoints": "/journey/checkpoints/",
    "first_value": "/journey/value/",
    "account_stage": "/accounts/{account}/stage/panel/",
    "journey_editor": "/stages/journeys/standard/",
}
# What opens and closes a request's transaction is no question to the database.
FRAME = ("SAVEPOINT", "RELEASE SAVEPOINT", "BEGIN", "COMMIT")
pytestmark = pytest.mark.django_db


def counted(client: Client, url: str) -> int:
    client.get(url)
    with CaptureQueriesContext(connection) as asked:
        assert client.get(url).status_code == 200
    return sum(not query["sql"].startswith(FRAME) for query in asked.captured_queries)


def counts_at(size: int, role: Role, slug: str) -> dict[str, int]:
    world = make_world(slug, canary=slug)
    tenant: Tenant = world.tenant
    member: Membership = world.members[role]
    now = datetime.now(tz=UTC)
    with tenant_context(tenant.pk):
        owner = Person.objects.get(membership=world.members[Role.CSM])
        Task.objects.update(state="done")
        Escalation.objects.update(state="closed")
        make_book(tenant, owner=owner, size=size, now=now)
        account = Account.objects.get(external_id="B1").pk
    client = Client()
    client.force_login(member.user)
    return {name: counted(client, url.format(account=account)) for name, url in PAGES.items()}


@pytest.mark.capability("N43")
@pytest.mark.parametrize("role", [Role.CSM, Role.REVOPS_ADMIN])
def test_a_page_costs_the_same_number_of_queries_at_any_size(role: Role) -> None:
    small = counts_at(210, role, "few")
    large = counts_at(630, role, "many")
    assert large == small, "A page asks more often when there are more accounts."
    known = json.loads(BASELINE.read_text()) if BASELINE.exists() else {}
    if os.environ.get("UPDATE_QUERY_COUNTS"):
        BASELINE.write_text(json.dumps(known | {str(role): small}, indent=2, sort_keys=True) + "\n")
        return
    assert set(known.get(str(role), {})) == set(PAGES), "No baseline: run with UPDATE_QUERY_COUNTS=1 and look at it."
    grown = {name: (known[str(role)][name], count) for name, count in small.items() if count > known[str(role)][name]}
    assert grown == {}, "More queries than the baseline (was, is)."
    over = {name: count for name, count in small.items() if count > LIMITS.get(name, 20)}
    assert over == {}
