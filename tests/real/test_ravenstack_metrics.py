"""Revenue metrics of the RavenStack file: the figures of its README."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from core.actions import create_tenant
from core.actors import Actor
from tests.real.data import real_data

YEARLY_CENTS = 12 * 100


def run(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command(*arguments, "--json", stdout=out)
    printed: dict[str, Any] = json.loads(out.getvalue())
    return printed


@pytest.mark.django_db
@pytest.mark.slow
@pytest.mark.capability("C10")
def test_retention_between_two_dates_and_the_two_ends_compared(tmp_path: Path, actor: Actor, now: Any) -> None:
    data = real_data("ravenstack")
    create_tenant(slug="raven", name="Raven", currency="USD", timezone="UTC", actor=actor, now=now)
    rejects = ["--tenant", "raven", "--rejects", str(tmp_path / "rejected.csv")]
    run("import_data", "accounts", str(data / "ravenstack_accounts.csv"), *rejects)
    run("import_data", "contracts", str(data / "ravenstack_subscriptions.csv"), *rejects)

    printed = run("metrics", "--tenant", "raven", "--from", "2024-09-30", "--to", "2024-12-31")
    metrics = printed["metrics"]
    assert round(metrics["grr_cohort"]["value"], 6) == 0.974229
    assert round(metrics["nrr_cohort"]["value"], 6) == 1.403284
    assert round(metrics["nrr_cohort_including_zero_base"]["value"], 6) == 1.404925
    assert "ARR > 0" in metrics["nrr_cohort"]["variant"]
    assert "ARR = 0 included" in metrics["nrr_cohort_including_zero_base"]["variant"]

    cohort = {name: value // YEARLY_CENTS for name, value in printed["cohort"].items()}
    assert cohort["start_minor"] == 6_035_345
    assert cohort["churn_minor"] == 0
    assert cohort["contraction_minor"] == 155_538
    assert cohort["expansion_minor"] == 2_589_496
    assert cohort["new_minor"] == 1_690_305
    assert cohort["returned_minor"] == 9_943
    assert cohort["end_minor"] == 10_159_608

    assert metrics["arr_start"]["value"] + sum(printed["movements"].values()) == metrics["arr_end"]["value"]
