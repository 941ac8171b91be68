"""Opportunities by stage, and the journey, as pages."""

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.choices import Role
from core.tenancy import tenant_context
from journeys.models import Opportunity, PipelineStage
from tests.factories.world import World, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


@pytest.fixture
def client(world: World) -> Client:
    signed_in = Client()
    signed_in.force_login(world.members[Role.SALES_REP].user)
    return signed_in


def fill(world: World, deals: int) -> PipelineStage:
    with tenant_context(world.tenant.pk):
        stage = PipelineStage.objects.get(key="proposal")
        Opportunity.objects.bulk_create(
            Opportunity(
                tenant=world.tenant, pipeline_id=stage.pipeline_id, stage=stage, name=f"Deal {n}", currency="EUR",
                amount_minor=n * 100 if n % 2 else None, opened_on=date(2026, 1, 1),
            )
            for n in range(1, deals + 1)
        )  # fmt: skip
    return stage


def test_the_number_of_queries_does_not_grow_with_the_deals(world: World, client: Client) -> None:
    client.get(reverse("journeys:opportunities"))  # the first request of a session writes it
    counts = []
    for deals in (3, 60):
        fill(world, deals)
        with CaptureQueriesContext(connection) as queries:
            response = client.get(reverse("journeys:opportunities"))
        assert response.status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 20


def test_an_unknown_pipeline_is_not_found(client: Client) -> None:
    assert client.get(reverse("journeys:opportunities") + "?pipeline=nope").status_code == 404


def test_the_journey_counts_accounts_by_stage(world: World, client: Client) -> None:
    response = client.get(reverse("journeys:journey"))
    assert response.status_code == 200
    for name in ("Awareness", "Adoption", "Advocacy"):
        assert name in response.content.decode()


def test_an_empty_workspace_offers_the_import(world: World, client: Client) -> None:
    with tenant_context(world.tenant.pk):
        Opportunity.objects.all().delete()
    page = client.get(reverse("journeys:opportunities")).content.decode()
    assert "No opportunities yet" in page
    assert reverse("accounts:import_new") in page
