"""The command: one JSON object, the day it is asked for, a refusal that says what to do."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from core.management.base import CommandRefused
from core.models import Tenant
from core.tenancy import tenant_context
from tests.factories.health import NOW, TODAY, account, one_input, publish_model, signals

pytestmark = pytest.mark.django_db


def ask(*options: str) -> dict[str, Any]:
    out = StringIO()
    with time_machine.travel(NOW, tick=False):
        call_command("recompute_health", "--tenant", "kestrel", "--json", *options, stdout=out, stderr=StringIO())
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_it_reports_what_it_did_and_nothing_the_second_time(kestrel: Tenant) -> None:
    with tenant_context(kestrel.pk):
        signals(account("One"), "usage", [60.0])
        account("Two")
        publish_model(kestrel, one_input())
    first = ask()
    assert first.pop("statement_ms") > 0
    assert first == {
        "as_of": TODAY.isoformat(),
        "accounts": 2,
        "scored": 1,
        "changed": 1,
        "not_enough_data": 1,
        "model_versions": {"standard": 1},
        "history_rows": 0,
    }
    assert ask()["changed"] == 0


def test_it_scores_as_of_the_day_it_is_asked_for(kestrel: Tenant) -> None:
    with tenant_context(kestrel.pk):
        signals(account(), "usage", [60.0] * 60)
        publish_model(kestrel, one_input())
    day = TODAY - timedelta(days=20)
    assert ask("--as-of", day.isoformat())["as_of"] == day.isoformat()


def test_without_a_day_it_takes_the_last_day_of_data_that_ended(kestrel: Tenant) -> None:
    last = TODAY - timedelta(days=300)
    with tenant_context(kestrel.pk):
        signals(account(), "usage", [60.0], until=last)
        publish_model(kestrel, one_input())
    assert ask()["as_of"] == last.isoformat()


def test_an_unknown_model_is_refused_with_the_names_that_there_are(kestrel: Tenant) -> None:
    with tenant_context(kestrel.pk):
        publish_model(kestrel, one_input())
    with pytest.raises(CommandRefused) as refusal:
        ask("--model", "gold")
    assert str(refusal.value) == "No published score model 'gold'. Published: standard."
