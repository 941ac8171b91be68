"""Pages of QBRs."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Account, Goal
from core import clock
from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.models import Tenant
from core.tenancy import tenant_context
from qbr.contributions import publish_defaults
from qbr.models import QBR, QBRPackage
from tests.factories import motions as make
from tests.factories.motions import ACTOR, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(kestrel: Tenant) -> Account:
    with tenant_context(kestrel.pk):
        publish_defaults(kestrel, ACTOR, NOW)
        found = make.account("Fjordline Shipping")
        make.contract(found, arr_minor=39_800_000)
        Goal.objects.create(account=found, title="Shorter turnaround", unit="hours per call", baseline=31.2, target=26,
                            actual=24.6, actual_on=NOW.date(), source="terminal feed")  # fmt: skip
        return found


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


def prepared(client: Client, account: Account) -> str:
    return str(client.post(reverse("qbr:prepare", args=[account.pk]))["Location"])


@pytest.mark.capability("Q5")
def test_a_prepared_review_shows_goals_figures_sources_and_its_hash(kestrel: Tenant, account: Account) -> None:
    client = client_of(kestrel, Role.CSM)
    url = prepared(client, account)
    assert prepared(client, account) == url
    text = client.get(url).content.decode()
    with tenant_context(kestrel.pk):
        package = QBRPackage.objects.get()
    for words in (
        "The goal is reached",
        "31.2",
        "24.6",
        "€398,000",
        "Contracts",
        package.sha256,
        "Package 1",
        "no data",
    ):
        assert words in text, words
    assert "Fjordline Shipping" in client.get(reverse("qbr:list")).content.decode()


def test_internal_figures_never_stand_on_the_customers_page(kestrel: Tenant, account: Account) -> None:
    client = client_of(kestrel, Role.CSM)
    text = client.get(prepared(client, account)).content.decode()
    paper = text[text.index('<article class="paper"') : text.index("</article>")]
    assert "Health score" not in paper
    assert "Health score" in text


@pytest.mark.capability("A8")
def test_an_account_without_any_data_has_a_page_in_which_every_section_says_so(
    kestrel: Tenant, account: Account
) -> None:
    with tenant_context(kestrel.pk):
        empty = make.account("Empty")
    client = client_of(kestrel, Role.CSM)
    text = client.get(prepared(client, empty)).content.decode()
    for words in (
        "No goals are agreed",
        "No recurring contract line.",
        "No tickets are imported.",
        "No decision is asked",
    ):
        assert words in text, words


def test_the_review_moves_to_sent_and_is_held_with_people_and_outcome(kestrel: Tenant, account: Account) -> None:
    client = client_of(kestrel, Role.CSM)
    url = prepared(client, account)
    with tenant_context(kestrel.pk):
        qbr = QBR.objects.get()
    for _ in range(2):
        assert client.post(reverse("qbr:move", args=[qbr.pk])).status_code == 302
    assert client.post(reverse("qbr:move", args=[qbr.pk])).status_code == 409
    assert client.post(reverse("qbr:renew", args=[qbr.pk])).status_code == 409
    hold = reverse("qbr:hold", args=[qbr.pk])
    assert client.post(hold, {"held_on": "2026-13-01", "attendees": "COO", "outcome": ""}).status_code == 422
    assert client.post(hold, {"held_on": "2999-01-01", "attendees": "COO", "outcome": "Yes"}).status_code == 422
    assert (
        client.post(hold, {"held_on": "2026-03-02", "attendees": "COO", "outcome": "Rollout agreed"}).status_code == 302
    )
    assert "Rollout agreed" in client.get(url).content.decode()
    assert client.post(reverse("qbr:cancel", args=[qbr.pk]), {"reason": "x"}).status_code == 409


def test_a_leader_reads_and_prepares_nothing(kestrel: Tenant, account: Account) -> None:
    url = prepared(client_of(kestrel, Role.CSM), account)
    leader = client_of(kestrel, Role.LEADER)
    assert leader.get(url).status_code == 200
    assert leader.post(reverse("qbr:prepare", args=[account.pk])).status_code == 403


def test_a_missing_account_is_not_found(kestrel: Tenant, account: Account) -> None:
    assert client_of(kestrel, Role.CSM).post(reverse("qbr:prepare", args=[10**15])).status_code == 404
