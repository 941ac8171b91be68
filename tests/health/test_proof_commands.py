"""From two CSV files to a calibrated, validated draft, by commands alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.actors import Actor
from core.models import ProcessVersion, Tenant
from core.tenancy import tenant_context
from health.models import Calibration, ScoreHistory, ValidationReport
from health.queries.evidence import gather
from health.queries.live import model_of
from health.queries.validation import gate
from health.rules import unlearned
from tests.health.proof_world import AS_OF, Table, document, drafted, run

pytestmark = pytest.mark.django_db


def near_linear(rows: int = 1200, seed: int = 1) -> Table:
    table = Table(rows, seed)
    table.columns = {"usage": 50 + 15 * table.normal(), "nps": 20 + 30 * table.normal(), "luck": table.normal()}
    usage, nps = (table.columns["usage"] - 50) / 15, (table.columns["nps"] - 20) / 30
    table.losses(-1.4 - 1.6 * usage - 0.8 * nps)
    return table


@pytest.mark.capability("H2")
@pytest.mark.capability("K8")
def test_two_files_become_a_calibrated_draft_with_its_report(
    kestrel: Tenant, actor: Actor, now: Any, tmp_path: Path
) -> None:
    near_linear().load(tmp_path, kestrel.slug)
    drafted(kestrel, document("proof", {"usage": "linear", "nps": "bands", "luck": "linear"}), actor, now)
    options = ["--tenant", kestrel.slug, "--as-of", AS_OF, "--model", "proof"]

    found = run("calibrate_health", *options)
    assert (found["verdict"], found["reconstructed"], found["lead_days"]) == ("predictive", True, 90)
    assert sum(found["weights"].values()) == pytest.approx(1)
    assert found["weights"]["usage"] > found["weights"]["nps"] > found["weights"]["luck"]
    assert found["auc"] > found["baselines"]["equal_weights"]["auc"] + 0.01
    assert abs(found["rounding_cost"]) <= 0.003
    assert found["split"]["train_n"] + found["split"]["test_n"] == 1200

    checked = run("validate_health", *options)
    assert checked["version"] == found["draft"]
    assert {name: checked[name] for name in ("verdict", "n", "events", "reconstructed")} == {
        name: found[name] for name in ("verdict", "n", "events", "reconstructed")
    }
    assert checked["auc"] == pytest.approx(found["auc"], abs=1e-9)
    assert [one["lead_days"] for one in checked["leads"]] == [30, 60, 90, 180]
    with tenant_context(kestrel.pk):
        version = ProcessVersion.objects.get(kind="score_model", key="proof", number=found["draft"])
        assert unlearned(model_of(version)) == []
        assert version.based_on == 1
        rows = gather(model_of(version), lead_days=90, today=now.date().replace(2025, 6, 1)).rows
        tested = rows.day >= rows.day.min() + 0
        assert tested.all()
        report = ValidationReport.objects.get(pk=checked["report"])
        late = rows.where(rows.day >= (report.from_day - type(report.from_day)(2000, 1, 1)).days)  # type: ignore[operator]  # -- the test has made sure that it is there
        assert report.auc == pytest.approx(roc_auc_score(~late.lost, late.score), abs=1e-12)
        assert Calibration.objects.count() == 1
        assert gate(version).passed == all(line.ok for line in gate(version).lines)
        assert ScoreHistory.objects.count() == 0

    again = run("calibrate_health", *options)
    assert (again["draft"], again["weights"]) == (found["draft"], found["weights"])


def test_noise_proposes_nothing(kestrel: Tenant, actor: Actor, now: Any, tmp_path: Path) -> None:
    table = Table(600, seed=3)
    table.columns = {name: table.normal() for name in ("usage", "nps", "luck")}
    table.losses(np.full(600, -1.0))
    table.load(tmp_path, kestrel.slug)
    drafted(kestrel, document("noise", {"usage": "bands", "nps": "linear", "luck": "bands"}), actor, now)
    found = run("calibrate_health", "--tenant", kestrel.slug, "--as-of", AS_OF, "--model", "noise")
    assert (found["verdict"], found["weights"], found["draft"]) == ("not_predictive", {}, None)


def test_inputs_that_know_the_outcome_are_flagged_and_left_out(
    kestrel: Tenant, actor: Actor, now: Any, tmp_path: Path
) -> None:
    table = near_linear(900, seed=5)
    table.columns["exit_survey"] = np.where(table.lost, 1.0, np.nan)
    table.columns["oracle"] = table.lost + 0.05 * table.normal()
    table.columns["final_bill"] = table.normal()
    table.load(tmp_path, kestrel.slug, late=("final_bill",))
    names = ("usage", "nps", "exit_survey", "oracle", "final_bill")
    drafted(kestrel, document("leaky", dict.fromkeys(names, "linear"), min_coverage=0.2), actor, now)
    found = run("calibrate_health", "--tenant", kestrel.slug, "--as-of", AS_OF, "--model", "leaky")
    codes = {flag["input"]: flag["code"] for flag in found["flags"] if flag["input"]}
    assert codes == {
        "exit_survey": "follows_from_outcome",
        "oracle": "predicts_too_well",
        "final_bill": "dated_after_outcome",
    }
    assert set(found["weights"]) == {"usage", "nps"}


def test_too_few_losses_is_an_answer(kestrel: Tenant, actor: Actor, now: Any, tmp_path: Path) -> None:
    table = near_linear(80, seed=2)
    table.load(tmp_path, kestrel.slug)
    drafted(kestrel, document("few", {"usage": "linear", "nps": "linear"}), actor, now)
    found = run("calibrate_health", "--tenant", kestrel.slug, "--as-of", AS_OF, "--model", "few")
    assert (found["verdict"], found["weights"]) == ("not_enough_data", {})
    assert "50 with 15 losses" in found["reason"]


def test_categories_are_learned_by_name(kestrel: Tenant, actor: Actor, now: Any, tmp_path: Path) -> None:
    table = near_linear(1000, seed=8)
    plans = np.array(["Basic", "Plus", "Pro"])
    which = table.random.integers(0, 3, table.size)
    table.columns["plan"] = plans[which].tolist()
    table.losses(-1 - 0.8 * (table.columns["usage"] - 50) / 15 + np.array([1.2, 0.0, -1.2])[which])
    table.load(tmp_path, kestrel.slug)
    drafted(kestrel, document("plans", {"usage": "linear", "plan": "categories"}), actor, now)
    found = run("calibrate_health", "--tenant", kestrel.slug, "--as-of", AS_OF, "--model", "plans")
    assert found["verdict"] == "predictive"
    with tenant_context(kestrel.pk):
        version = ProcessVersion.objects.get(kind="score_model", key="plans", number=found["draft"])
        points = version.definition["inputs"][1]["mapping"]["categories"]
    assert points["Basic"] == 0
    assert points["Pro"] == 100
    assert 20 < points["Plus"] < 80
