"""Scores of an imported book whose data ended: looked at from its last day, and explained to the last tenth."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from core.actions import create_tenant
from core.actors import Actor
from core.tenancy import tenant_context
from health.models import Score
from health.queries import explain
from health.queries.checks import CHECKS
from tests.real.data import real_data

FILES = {
    "accounts": "accounts",
    "contracts": "subscriptions",
    "usage": "feature_usage",
    "tickets": "support_tickets",
    "outcomes": "churn_events",
}


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*arguments, "--json", stdout=out, stderr=StringIO())
    printed: dict[str, Any] = json.loads(out.getvalue())
    return printed


@pytest.mark.django_db
@pytest.mark.slow
@pytest.mark.capability("C6")
def test_a_closed_year_is_scored_as_of_its_last_day_with_parts_that_add_up(
    tmp_path: Path, actor: Actor, now: Any
) -> None:
    data = real_data("ravenstack")
    raven = create_tenant(slug="raven", name="Raven", currency="USD", timezone="UTC", actor=actor, now=now)
    rejects = ["--tenant", "raven", "--rejects", str(tmp_path / "rejected.csv")]
    for kind, name in FILES.items():
        run("import_data", kind, str(data / f"ravenstack_{name}.csv"), *rejects)

    done = run("recompute_health", "--tenant", "raven")
    assert (done["as_of"], done["accounts"], done["scored"]) == ("2024-12-31", 500, 400)
    again = run("recompute_health", "--tenant", "raven")
    assert (again["changed"], again["history_rows"]) == (0, 0)

    with tenant_context(raven.pk):
        assert {key: count(raven, now) for key, _, count in CHECKS if key != "health.future"} == {
            key: 0 for key, _, _ in CHECKS if key != "health.future"
        }
        for account_id in Score.objects.filter(score__isnull=False).values_list("account_id", flat=True)[:50]:
            explanation = explain(account_id)
            assert explanation is not None
            assert explanation.score is not None
            assert sum(one.points for one in explanation.inputs) == pytest.approx(explanation.score, abs=0.01)
            shown = sum(one.shown_points or 0 for one in explanation.inputs)
            assert float(shown) == pytest.approx(explanation.score, abs=0.0501)


@pytest.mark.django_db
@pytest.mark.slow
@pytest.mark.capability("K8")
def test_a_churn_flag_that_is_noise_is_called_not_predictive(tmp_path: Path, actor: Actor, now: Any) -> None:
    """Only losses are recorded here, so the accounts still active on the last day of data are the ones kept."""
    data = real_data("ravenstack")
    create_tenant(slug="raven", name="Raven", currency="USD", timezone="UTC", actor=actor, now=now)
    rejects = ["--tenant", "raven", "--rejects", str(tmp_path / "rejected.csv")]
    for kind, name in FILES.items():
        run("import_data", kind, str(data / f"ravenstack_{name}.csv"), *rejects)

    found = run("validate_health", "--tenant", "raven")
    assert (found["verdict"], found["reconstructed"]) == ("not_predictive", True)
    assert found["auc_low"] <= 0.5
    assert found["n"] >= 50
