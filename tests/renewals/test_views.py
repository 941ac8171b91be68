"""Pages of renewals."""

import pytest
from django.test import Client
from django.urls import reverse

from core import clock
from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.models import Tenant
from core.tenancy import tenant_context
from journeys.models import Task
from renewals.actions import sweep_renewals
from renewals.models import Renewal
from tests.factories import motions as make
from tests.factories.motions import ACTOR

pytestmark = pytest.mark.django_db


@pytest.fixture
def today(kestrel: Tenant) -> object:

    return kestrel.today(clock.now())


@pytest.fixture
def renewal(kestrel: Tenant, today: object) -> Renewal:

    with tenant_context(kestrel.pk):
        make.publish_renewal_timeline(kestrel)
        account = make.account("Brightwater Energy", owner=make.person())
        make.contract(account, ends_on=make.ends_in(66, today), arr_minor=41_200_000, name="C-2024-118", notice_days=60)
        sweep_renewals(tenant=kestrel, actor=ACTOR, today=today, now=clock.now())
        return Renewal.objects.get()


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


def test_the_list_shows_what_is_due_with_its_figures(kestrel: Tenant, renewal: Renewal) -> None:
    page = client_of(kestrel, Role.CSM).get(reverse("renewals:list"))
    text = page.content.decode()
    assert page.status_code == 200
    assert "Brightwater Energy" in text
    assert "€412,000" in text
    assert "No renewal of the period is won yet." not in text


def test_an_absurd_address_shows_the_first_page(kestrel: Tenant, renewal: Renewal) -> None:
    client = client_of(kestrel, Role.CSM)
    for query in ("?after=x", "?after=2026-13-01.5", "?month=soon", "?after=9999-12-31.99999999999999999999999"):
        assert client.get(reverse("renewals:list") + query).status_code == 200


def test_the_list_is_a_constant_number_of_queries(
    kestrel: Tenant, renewal: Renewal, today: object, django_assert_max_num_queries: object
) -> None:

    client = client_of(kestrel, Role.CSM)
    with tenant_context(kestrel.pk):
        for n in range(60):
            make.contract(make.account(f"A{n}"), ends_on=make.ends_in(30 + n, today))
        sweep_renewals(tenant=kestrel, actor=ACTOR, today=today, now=clock.now())
    with django_assert_max_num_queries(20):  # type: ignore[operator]  # -- untyped fixture; with the statements of the tenant context
        page = client.get(reverse("renewals:list"))
    assert page.content.decode().count("data-row") == 50
    after = page.context["page"].after
    assert client.get(reverse("renewals:list") + f"?after={after}").content.decode().count("data-row") == 11


def test_a_renewal_leads_to_its_contract_and_account(kestrel: Tenant, renewal: Renewal) -> None:
    text = client_of(kestrel, Role.CSM).get(reverse("renewals:detail", args=[renewal.pk])).content.decode()
    assert 'id="contract"' in text
    assert "C-2024-118" in text
    assert reverse("dashboards:account", args=[renewal.account_id]) in text
    assert "Renewal timeline v1" in text


def test_a_renewal_is_closed_on_its_page(kestrel: Tenant, renewal: Renewal) -> None:
    client = client_of(kestrel, Role.CSM)
    url = reverse("renewals:decide", args=[renewal.pk])
    refused = client.post(url, {"decision": "lost", "reason": " "})
    assert (refused.status_code, "Say why it was lost." in refused.content.decode()) == (422, True)
    done = client.post(url, {"decision": "won", "amount": "450000", "reason": ""})
    assert (done.status_code, done["Location"]) == (302, reverse("renewals:detail", args=[renewal.pk]))
    with tenant_context(kestrel.pk):
        renewal.refresh_from_db()
        assert (renewal.state, renewal.final_minor) == ("won", 45_000_000)
        assert set(Task.objects.values_list("state", flat=True)) == {"obsolete"}
    assert client.post(url, {"decision": "won", "amount": "1"}).status_code == 409
    assert "€450,000" in client.get(done["Location"]).content.decode()


def test_the_forecast_is_set_on_the_page(kestrel: Tenant, renewal: Renewal) -> None:
    client = client_of(kestrel, Role.CSM)
    url = reverse("renewals:forecast", args=[renewal.pk])
    assert client.post(url, {"forecast": "at_risk"}).status_code == 302
    assert client.post(url, {"forecast": "won"}).status_code == 422
    with tenant_context(kestrel.pk):
        renewal.refresh_from_db()
        assert renewal.forecast == "at_risk"


def test_a_leader_reads_and_changes_nothing(kestrel: Tenant, renewal: Renewal) -> None:
    client = client_of(kestrel, Role.LEADER)
    text = client.get(reverse("renewals:detail", args=[renewal.pk])).content.decode()
    assert "Close the renewal" not in text
    assert client.post(reverse("renewals:decide", args=[renewal.pk]), {"decision": "won"}).status_code == 403
