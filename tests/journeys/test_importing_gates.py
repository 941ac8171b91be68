"""Files before gates: what counts as history, and which stages a file may bring."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import call_command

from core.models import ProcessVersion, Tenant
from core.tenancy import tenant_context
from journeys.actions.pipelines import add_stages
from journeys.models import Opportunity, Pipeline, PipelineStage
from journeys.rules.pipelines import PipelineSpec, StageSpec
from tests.factories import gates
from tests.factories.gates import ACTOR, AMOUNT, NOW, TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def tenant(db: None) -> Tenant:
    made = gates.workspace()
    with tenant_context(made.pk):
        ProcessVersion.objects.filter(kind="pipeline").update(published_at=NOW - timedelta(days=400))
    return made


def refused(tmp_path: Path, tenant: Tenant, row: str) -> list[tuple[str, str]]:
    """Code and words for each refused row, the same in the dry run and in the import."""
    file = tmp_path / "deals.csv"
    file.write_text("Opportunity ID,Pipeline,Stage,Close date\n" + row)
    said = []
    for more in (["--dry-run"], []):
        out = StringIO()
        with time_machine.travel(NOW, tick=False):
            call_command(
                "import_data", "opportunities", str(file), "--tenant", tenant.slug, *more, "--json", stdout=out
            )
        said.append([(one["code"], one["example"]) for one in json.loads(out.getvalue())["refusals"]])
    assert said[0] == said[1]
    return said[1]


def codes(tmp_path: Path, tenant: Tenant, row: str) -> list[str]:
    return [code for code, _ in refused(tmp_path, tenant, row)]


def gated(days_ago: int = 0, **criteria: object) -> ProcessVersion:
    """Publishes Sales with these criteria, so many days ago."""
    version = gates.publish(gates.gated(**(criteria or {"discovery": {"exit": [AMOUNT]}})))  # type: ignore[arg-type]  # -- names of stages
    ProcessVersion.objects.filter(pk=version.pk).update(published_at=NOW - timedelta(days=days_ago))
    return version


def test_publishing_gates_again_makes_no_history_of_what_closed_while_they_held(tenant: Tenant, tmp_path: Path) -> None:
    with tenant_context(tenant.pk):
        gated(60)
        gated(20, demo={"entry": [AMOUNT]})
        gated(0)
    assert codes(tmp_path, tenant, f"a,Sales,Closed won,{TODAY - timedelta(days=1)}\n") == ["gate"]
    assert codes(tmp_path, tenant, f"b,Sales,Closed won,{TODAY - timedelta(days=60)}\n") == ["gate"]
    assert codes(tmp_path, tenant, f"c,Sales,Closed won,{TODAY - timedelta(days=61)}\n") == []


def test_a_time_without_any_criterion_begins_history_anew(tenant: Tenant, tmp_path: Path) -> None:
    with tenant_context(tenant.pk):
        gated(60)
        gated(20, demo={})
        gated(10)
    assert codes(tmp_path, tenant, f"a,Sales,Closed won,{TODAY - timedelta(days=10)}\n") == ["gate"]
    assert codes(tmp_path, tenant, f"b,Sales,Closed won,{TODAY - timedelta(days=11)}\n") == []


def test_the_day_of_the_gates_is_the_workspaces_own(tenant: Tenant, tmp_path: Path) -> None:
    with tenant_context(tenant.pk):
        version = gated()
        # 1 March in UTC, already 2 March in Auckland.
        ProcessVersion.objects.filter(pk=version.pk).update(published_at=datetime(2026, 3, 1, 20, 0, tzinfo=UTC))
    Tenant.objects.filter(pk=tenant.pk).update(timezone="Pacific/Auckland")
    assert codes(tmp_path, tenant, "a,Sales,Closed won,2026-03-01\n") == []
    assert codes(tmp_path, tenant, "b,Sales,Closed won,2026-03-02\n") == ["gate"]


def test_a_file_brings_no_stage_into_a_live_pipeline_where_processes_need_approval(
    tenant: Tenant, tmp_path: Path
) -> None:
    assert codes(tmp_path, tenant, "a,Sales,Pilot,\n") == []
    Tenant.objects.filter(pk=tenant.pk).update(needs_approval=True)
    [(code, words)] = refused(tmp_path, tenant, "b,Sales,Backdoor,\n")
    assert code == "stage"
    assert "Sales changes only with a second person’s approval and knows no stage “Backdoor”" in words
    assert codes(tmp_path, tenant, "a,Sales,Demo,\n") == []
    with tenant_context(tenant.pk):
        assert not PipelineStage.objects.filter(name="Backdoor").exists()
        spec = PipelineSpec((StageSpec("backdoor", "Backdoor", "open", 10, "not_yet"),))
        with pytest.raises(ValueError, match="approval"):
            add_stages(pipeline=Pipeline.objects.get(key="sales"), spec=spec, actor=ACTOR, now=NOW)


def test_a_pipeline_that_the_workspace_does_not_have_is_made_also_where_processes_need_approval(
    tenant: Tenant, tmp_path: Path
) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(needs_approval=True)
    assert codes(tmp_path, tenant, "a,Partners,Referred,\n") == []
    assert codes(tmp_path, tenant, "b,Partners,Courted,\n") == ["stage"]
    with tenant_context(tenant.pk):
        assert list(Opportunity.objects.values_list("pipeline__name", "stage__name")) == [("Partners", "Referred")]
