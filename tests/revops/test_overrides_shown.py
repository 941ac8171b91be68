"""An override stands beside the computed score wherever a score is shown."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from accounts.models import Person
from core.choices import Role
from core.tenancy import tenant_context
from escalations.models import Escalation
from health.actions.overrides import set_override
from health.models import Score
from journeys.models import Task
from renewals.models import Renewal
from tests.factories.book import make_book
from tests.factories.health import ACTOR
from tests.factories.world import make_world

pytestmark = pytest.mark.django_db
MARK = '<span class="visually-hidden">override </span>93</span>'


@pytest.mark.capability("H6")
def test_lists_and_pages_show_the_override_beside_the_score() -> None:
    now = datetime.now(tz=UTC)
    world = make_world("kestrel", canary="KESTREL")
    today = world.tenant.today(now)
    with tenant_context(world.tenant.pk):
        Task.objects.update(state="done")
        owner = Person.objects.get(membership=world.members[Role.CSM])
        make_book(world.tenant, owner=owner, size=12, now=now)
        chosen = Escalation.objects.exclude(account__name__contains="KESTREL").order_by("pk")[0].account
        assert Score.objects.filter(account=chosen).exists()
        assert Renewal.objects.filter(account=chosen, state="open").exists()
        set_override(account_id=chosen.pk, score=93.2, reason="They signed", until=today + timedelta(days=9),
                     actor=ACTOR, now=now, today=today)  # fmt: skip
        escalation = Escalation.objects.get(account=chosen).pk
    client = Client()
    client.force_login(world.members[Role.CSM].user)
    pages = {
        url: client.get(url).content.decode().count(MARK)
        for url in (
            "/",
            "/accounts/?view=all",
            "/renewals/?who=all",
            "/escalations/?who=all",
            f"/escalations/{escalation}/",
        )
    }
    assert {url: count > 0 for url, count in pages.items()} == dict.fromkeys(pages, True)
    assert pages["/accounts/?view=all"] == 1
    for url in (f"/accounts/{chosen.pk}/", f"/accounts/{chosen.pk}/health/panel/"):
        text = client.get(url).content.decode()
        assert "93.2</b> until" in text
        assert "They signed" in text
