"""Deals with a history, made by hand."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from accounts.models import Account, Person
from core.actors import Actor
from core.models import Tenant
from journeys.actions.pipelines import ensure_default_pipeline
from journeys.models import Opportunity, OpportunityStageVisit, PipelineStage

START = date(2026, 1, 1)
Maker = Callable[..., Opportunity]


@pytest.fixture
def stages(in_kestrel: Tenant, actor: Actor, now: datetime) -> dict[str, PipelineStage]:
    pipeline = ensure_default_pipeline(actor=actor, now=now)
    return {stage.key: stage for stage in pipeline.stages.all()}


@pytest.fixture
def deal(stages: dict[str, PipelineStage]) -> Maker:
    """Makes a deal that went through the stages in this order, a day in each, and is in the last one."""

    def make(*path: str, days: int | None = None, amount: int = 0, opened: date = START, **fields: Any) -> Opportunity:
        last = stages[path[-1]]
        made = Opportunity.objects.create(
            pipeline=last.pipeline,
            stage=last,
            name=" ".join(path),
            amount_minor=amount,
            currency="EUR",
            opened_on=opened,
            closed_on=None if days is None else opened + timedelta(days),
            **fields,
        )
        for place, key in enumerate(path):
            left = None if place == len(path) - 1 else opened + timedelta(place + 1)
            OpportunityStageVisit.objects.create(
                opportunity=made, stage=stages[key], entered_on=opened + timedelta(place), left_on=left
            )
        return made

    return make


@pytest.fixture
def maya(in_kestrel: Tenant) -> Person:
    return Person.objects.create(name="Maya", name_key="maya")


@pytest.fixture
def brightwater(in_kestrel: Tenant) -> Account:
    return Account.objects.create(name="Brightwater", name_key="brightwater", segment="enterprise")
