"""Pages of escalations."""

import pytest
from django.test import Client
from django.urls import reverse

from core import clock
from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.models import ProcessVersion, Tenant
from core.tenancy import tenant_context
from escalations.contributions import publish_policy
from escalations.models import Escalation
from tests.factories import motions as make
from tests.factories.motions import ACTOR, NOW

pytestmark = pytest.mark.django_db

TRACE = [
    {"fact": "health.band", "label": "Health band", "op": "in", "value": ["red"], "saw": "red"},
    {"fact": "renewals.days_to_renewal", "label": "Days to renewal", "op": "lte", "value": 90, "saw": 60},
]


@pytest.fixture
def escalation(kestrel: Tenant) -> Escalation:
    with tenant_context(kestrel.pk):
        publish_policy(kestrel, ACTOR, NOW)
        return Escalation.objects.create(
            account=make.account("Corvid Robotics"),
            policy_version=ProcessVersion.objects.get(kind="escalation_policy"),
            policy_key="at_risk_near_renewal",
            arr_at_risk_minor=28_600_000,
            facts={"conditions": TRACE},
            opened_at=NOW,
            respond_by=NOW,
        )


def client_of(tenant: Tenant, role: Role) -> Client:
    member = add_member(
        tenant=tenant,
        email=f"{role}@k.example",
        name="Maya",
        role=role,
        password=None,
        actor=Actor.system("test"),
        now=clock.now(),
    )
    client = Client()
    client.force_login(member.user)
    return client


@pytest.mark.capability("E3")
def test_the_list_says_why_and_adds_up(kestrel: Tenant, escalation: Escalation) -> None:
    text = client_of(kestrel, Role.CSM).get(reverse("escalations:list")).content.decode()
    assert "At risk, 60 days to renewal" in text
    assert "1 open, €286k at risk" in text
    assert text.count("€286,000") == 2  # the row and the sum


def test_without_the_right_to_money_the_amounts_are_hidden(kestrel: Tenant, escalation: Escalation) -> None:
    client = client_of(kestrel, Role.SUPPORT_AGENT)
    pages = [client.get(reverse("escalations:list")), client.get(reverse("escalations:detail", args=[escalation.pk]))]
    assert [page.status_code for page in pages] == [200, 200]
    assert ["€" in page.content.decode() for page in pages] == [False, False]
    assert "Hidden" in pages[1].content.decode()


def test_the_page_shows_rule_version_and_what_was_seen_and_closes_with_a_reason(
    kestrel: Tenant, escalation: Escalation
) -> None:
    client = client_of(kestrel, Role.CSM)
    url = reverse("escalations:detail", args=[escalation.pk])
    text = client.get(url).content.decode()
    assert "At risk and close to renewal v1" in text
    assert "is at most 90" in text
    close = reverse("escalations:close", args=[escalation.pk])
    assert client.post(close, {"reason": ""}).status_code == 422
    assert client.post(close, {"reason": "Sponsor agreed"})["Location"] == url
    assert "Sponsor agreed" in client.get(url).content.decode()
    assert "No account is escalated" in client.get(reverse("escalations:list")).content.decode()
    assert "Corvid Robotics" in client.get(reverse("escalations:list") + "?state=closed").content.decode()
