"""From two CSV files to a published, calibrated model and its report, by commands alone."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.management import call_command

from core.choices import VersionState
from core.models import ProcessVersion, Tenant
from core.tenancy import tenant_context
from health.models import Score, ValidationReport
from tests.factories.health import NOW, TODAY
from tests.factories.proof_files import proof_files

pytestmark = pytest.mark.django_db(transaction=True)


def command(*words: str) -> dict[str, Any]:
    out = StringIO()
    with time_machine.travel(NOW, tick=True):
        call_command(*words, "--tenant", "kestrel", "--json", stdout=out, stderr=StringIO())
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


@pytest.mark.capability("H2")
def test_two_files_become_a_published_calibrated_model_with_a_report(tmp_path: Path) -> None:
    call_command("tenant", "create", "kestrel", "--currency", "EUR", stdout=StringIO())
    signals, outcomes, model = proof_files(tmp_path, today=TODAY)
    how = tmp_path / "map.yaml"
    how.write_text("kind: signals\ncreate_accounts: true\n")

    read = command("import_data", "signals", str(signals), "--map", str(how))
    assert (read["rejected"], read["created"]) == (0, read["read"])
    read = command("import_data", "outcomes", str(outcomes))
    assert (read["rejected"], read["created"]) == (0, read["read"])

    drafted = command("process", "apply", str(model))
    assert [one["outcome"] for one in drafted["files"]] == ["drafted"]

    proposed = command("calibrate_health", "--model", "standard")
    assert proposed["verdict"] == "predictive"
    assert proposed["auc_low"] > 0.5
    assert proposed["auc"] > proposed["baselines"]["equal_weights"]["auc"] + 0.01
    assert proposed["weights"].get("colour", 0) <= 0.05
    assert sum(proposed["weights"].values()) == pytest.approx(1)
    assert proposed["split"]["train_n"] > proposed["split"]["test_n"] > 50

    proof = command("validate_health", "--model", "standard")
    assert proof["verdict"] == "predictive"
    assert proof["lead_days"] == 90

    files = tmp_path / "out"
    command("process", "export", str(files), "--drafts")
    accepted = files / "score_model" / "standard.yaml"
    (files / "score_model" / "standard.draft.yaml").replace(accepted)  # a file of a draft stays a draft
    applied = command("process", "apply", str(accepted), "--publish", "--reason", "Learned from two years of outcomes")
    assert [(one["outcome"], one["waived"]) for one in applied["files"]] == [("published", [])]

    scored = command("recompute_health")
    assert scored["scored"] > 200
    tenant = Tenant.objects.get(slug="kestrel")
    with tenant_context(tenant.pk):
        live = ProcessVersion.objects.get(kind="score_model", key="standard", state=VersionState.PUBLISHED)
        assert live.reason == "Learned from two years of outcomes"
        assert live.number == scored["model_versions"]["standard"]
        assert Score.objects.filter(model_version=live).count() > 200
        report = ValidationReport.objects.get(pk=proof["report"])
        assert report.figures["content_hash"] == live.content_hash, "The report is about what went live."
        assert live.waived_by == "", "The gate was passed, so nothing was waived."
