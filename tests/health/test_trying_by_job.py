"""Trying a draft where it takes long: a job with progress shows the same figures as the page."""

import pytest
from django.utils import timezone

from core.jobs import run_job
from core.models import Job, Tenant
from core.tenancy import tenant_context
from health import tasks  # noqa: F401 -- registers the job handlers, as in a worker
from health.queries import impact
from tests.health.test_model_pages import URL, Client, admin, begun, book, edit, fresh, workspace

__all__ = ["admin", "workspace"]

pytestmark = pytest.mark.django_db


def done(workspace: Tenant, kind: str) -> Job:
    with tenant_context(workspace.pk):
        job = Job.objects.get(kind=kind)
    assert run_job(tenant_id=workspace.pk, job_id=job.pk) == "done"
    with tenant_context(workspace.pk):
        job.refresh_from_db()
    return job


@pytest.mark.capability("C6")
def test_the_impact_on_very_many_accounts_is_a_job_with_the_same_figures(
    admin: Client, workspace: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    edit(admin, draft, weight__usage="20", weight__nps="80")
    fresh(draft)
    monkeypatch.setattr(impact, "AT_ONCE", 0)
    assert "Waiting for a worker" in admin.get(f"{URL}impact/").content.decode()
    job = done(workspace, "health.impact")
    with tenant_context(workspace.pk):
        directly = impact.impact(draft, today=workspace.today(timezone.now()))
    assert job.result["impact"]["changed"] == directly.changed > 0
    shown = admin.get(f"{URL}impact/").content.decode()
    assert directly.flips[0].name in shown
    assert directly.flips[0].reason in shown


@pytest.mark.capability("C6")
def test_alert_rules_are_replayed_with_the_scores_of_the_draft(admin: Client, workspace: Tenant) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    edit(admin, draft, weight__usage="20", weight__nps="80")
    assert "Replay the alert rules" in admin.get(f"{URL}alerts/").content.decode()
    started = admin.post(f"{URL}alerts/run/", headers={"HX-Request": "true"})
    assert "Waiting for a worker" in started.content.decode()
    rules = done(workspace, "health.replay").result["rules"]
    assert rules
    for one in rules:
        assert one["difference"] == one["draft"] - one["live"]
    assert rules[0]["name"] in admin.get(f"{URL}alerts/").content.decode()
