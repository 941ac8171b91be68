"""Reports: only what was known by the lead date, kept for good, readable as page, PDF and by jobs."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from sklearn.metrics import roc_auc_score

import health.tasks  # noqa: F401 -- registers the jobs, as a worker does
from accounts.models import Account, Contract, ContractLine, Measure, Outcome
from accounts.queries.lost import first_losses
from core import clock
from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.jobs import run_job
from core.models import Membership, ProcessVersion, Tenant
from core.tenancy import tenant_context
from core.versioning import publish
from health.actions.calibration import calibrate, start_calibration
from health.actions.validation import start_validation, validate
from health.models import Calibration, ScoreHistory, ValidationReport
from health.queries.live import model_of
from health.queries.outcomes import known_outcomes
from health.queries.proof_panel import proof_panel
from health.queries.validation import gate, trained_until
from health.queries.wording import without_money
from tests.health.proof_world import Table, document, drafted, run

pytestmark = pytest.mark.django_db
TODAY = date(2025, 6, 1)


@pytest.fixture
def member(kestrel: Tenant, actor: Actor) -> Membership:
    return add_member(
        tenant=kestrel, email="lead@kestrel.example", name="Lea", role=Role.LEADER, password=None, actor=actor,
        now=clock.now(),
    )  # fmt: skip


def fixed(key: str) -> dict[str, Any]:
    made = document(key, {"usage": "linear"})
    made["inputs"][0]["mapping"] = {"linear": {"worst": 0, "best": 100}}
    return made


def usage_table(rows: int = 400) -> Table:
    table = Table(rows, 11)
    table.columns = {"usage": np.clip(50 + 20 * table.normal(), 0, 100)}
    table.losses(1.5 - table.columns["usage"] / 20)
    return table


def stored(account_id: int, version: ProcessVersion, day: date, score: float, at: datetime, **more: Any) -> None:
    ScoreHistory.objects.create(
        account_id=account_id, model_version=version, as_of=day, computed_at=at, score=score, band="green",
        coverage=1, values=[score], sub_scores=[score], ages=[1], readings=[0], **more,
    )  # fmt: skip


@pytest.mark.capability("K8")
@pytest.mark.capability("H4")
def test_scores_stored_by_the_lead_date_count_and_later_ones_never(kestrel: Tenant, actor: Actor, now: Any) -> None:
    random = np.random.default_rng(2)
    version = drafted(kestrel, fixed("asis"), actor, now)
    said, lost = [], []
    with tenant_context(kestrel.pk):
        Measure.objects.create(key="usage", name="Usage")
        publish(version=version, actor=actor, now=now, reason="test", waiver="test")
        for at in range(120):
            account = Account.objects.create(name=f"C{at}", name_key=f"c{at}", external_id=f"C{at}")
            day = date(2024, 1, 1) + timedelta(days=3 * at)
            lead = day - timedelta(days=90)
            score = float(100 * random.random())
            gone = bool(random.random() < (0.6 if score < 50 else 0.1))
            Outcome.objects.create(account=account, day=day, kind="churned" if gone else "renewed")
            early = datetime.combine(lead - timedelta(days=4), datetime.min.time(), tzinfo=UTC)
            stored(account.pk, version, lead - timedelta(days=4), score, early)
            perfect = 0.0 if gone else 100.0
            late = datetime.combine(day, datetime.min.time(), tzinfo=UTC)
            stored(account.pk, version, day - timedelta(days=60), perfect, late)  # of a day after the lead date
            stored(
                account.pk, version, lead - timedelta(days=2), perfect, late + timedelta(hours=1)
            )  # dated before, known after
            stored(account.pk, version, lead, perfect, early + timedelta(hours=1), imported=True)  # never said live
            said.append(score)
            lost.append(gone)
        report = validate(version=version, actor=actor, now=now, today=TODAY, leads=[90])[0]
    assert (report.n, report.reconstructed) == (120, False)
    assert report.auc == pytest.approx(roc_auc_score(~np.array(lost), said), abs=1e-12)
    assert report.figures["stored_by_version"] == {"1": 120}


@pytest.mark.capability("H4")
def test_a_test_of_less_than_six_months_is_marked_and_shuts_the_gate(
    kestrel: Tenant, actor: Actor, now: Any, tmp_path: Path
) -> None:
    table = usage_table()
    table.day = np.sort(table.random.integers(0, 120, table.size))
    table.load(tmp_path, kestrel.slug)
    version = drafted(kestrel, fixed("short"), actor, now)
    with tenant_context(kestrel.pk):
        report = validate(version=version, actor=actor, now=now, today=TODAY, leads=[90])[0]
        lines = {line.text: line.ok for line in gate(version).lines}
    assert report.verdict == "predictive"
    assert next(flag["code"] for flag in report.figures["flags"]) == "short_test_window"
    assert lines["Tested outcomes span at least six months"] is False


def test_one_row_per_account_and_day_and_loss_wins(kestrel: Tenant, actor: Actor, now: Any) -> None:
    with tenant_context(kestrel.pk):
        account = Account.objects.create(name="A", name_key="a", external_id="A")
        other = Account.objects.create(name="B", name_key="b", external_id="B")
        for at in range(15):  # as many kept as make a comparison
            kept = Account.objects.create(name=f"K{at}", name_key=f"k{at}", external_id=f"K{at}")
            Outcome.objects.create(account=kept, day=date(2025, 1, 2), kind="renewed")
        for kind in ("renewed", "contracted"):
            Outcome.objects.create(account=account, day=date(2025, 1, 1), kind=kind)
        model = model_of(drafted(kestrel, fixed("one"), actor, now))
        rows = [row for part in known_outcomes(model, lead_days=90, today=TODAY) for row in part]
        assert [(row.account_id, row.lost) for row in rows if row.day < date(2025, 1, 2)] == [(account.pk, True)]
        assert len(rows) == 16
        Outcome.objects.filter(kind="renewed").delete()  # now only losses are known: who is active was kept
        rows = [row for part in known_outcomes(model, lead_days=90, today=TODAY) for row in part]
        assert {(row.account_id, row.lost) for row in rows} >= {(account.pk, True), (other.pk, False)}


@pytest.mark.capability("A9")
def test_the_report_is_a_page_and_a_pdf_with_n_period_method_and_lineage(
    kestrel: Tenant, member: Membership, client: Client, actor: Actor, now: Any, tmp_path: Path
) -> None:
    usage_table().load(tmp_path, kestrel.slug)
    version = drafted(kestrel, fixed("paper"), actor, now)
    with tenant_context(kestrel.pk):
        report = validate(version=version, actor=actor, now=now, today=TODAY)[2]
    client.force_login(member.user)
    page = client.get(f"/health/reports/{report.pk}/")
    text = page.content.decode()
    assert page.status_code == 200
    for words in (
        "Paper v1: predictive",
        "Period and method",
        "Reconstructed",
        "bootstrap",
        "weights by judgement",
        "400",
    ):
        assert words in text, words
    pdf = client.get(f"/health/reports/{report.pk}/?format=pdf")
    assert pdf["Content-Type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-")
    assert client.get("/health/reports/999999999/").status_code == 404
    assert client.get("/health/sentiment/").status_code == 200


def test_jobs_validate_and_calibrate_and_asking_twice_does_it_once(
    kestrel: Tenant, actor: Actor, now: Any, tmp_path: Path
) -> None:
    usage_table(800).load(tmp_path, kestrel.slug)
    version = drafted(kestrel, document("jobs", {"usage": "linear"}), actor, now)
    with tenant_context(kestrel.pk):
        job = start_calibration(version=version, actor=actor, now=now, today=TODAY)
        assert start_calibration(version=version, actor=actor, now=now, today=TODAY).pk == job.pk
    assert run_job(tenant_id=kestrel.pk, job_id=job.pk) == "done"
    with tenant_context(kestrel.pk):
        made = Calibration.objects.get()
        assert made.draft is not None
        assert made.draft.state == "draft"
        proof = start_validation(version=made.draft, actor=actor, now=now, today=TODAY)
    assert run_job(tenant_id=kestrel.pk, job_id=proof.pk) == "done"
    with tenant_context(kestrel.pk):
        assert ValidationReport.objects.filter(model_version=made.draft, lead_days=180).count() == 1
        refused = start_validation(version=version, actor=actor, now=now, today=TODAY)
    assert run_job(tenant_id=kestrel.pk, job_id=refused.pk) == "failed"


@pytest.mark.capability("N2")
def test_sentiment_is_set_against_outcomes_with_an_interval(
    kestrel: Tenant, member: Membership, client: Client, actor: Actor, now: Any, tmp_path: Path
) -> None:
    table = usage_table(700)
    table.columns = {"nps": table.columns["usage"]}
    table.load(tmp_path, kestrel.slug)
    made = fixed("voice")
    made["inputs"][0] |= {"key": "nps", "measure": "nps"}
    version = drafted(kestrel, made, actor, now)
    with tenant_context(kestrel.pk):
        publish(version=version, actor=actor, now=now, reason="test", waiver="test")
    run("validate_health", "--tenant", kestrel.slug, "--as-of", str(TODAY), "--model", "voice")
    client.force_login(member.user)
    text = client.get("/health/sentiment/").content.decode()
    assert "times the odds of being lost" in text
    assert "Correlation, not cause" in text


def contracted(name: str, before: int, after: int) -> int:
    """An account that contracted on 1 March, and what its contract lines say of how much."""
    day = date(2025, 3, 1)
    account = Account.objects.create(name=name, name_key=name.lower(), external_id=name)
    Outcome.objects.create(account=account, day=day, kind="contracted")
    if before:
        contract = Contract.objects.create(
            account=account, external_id=name, starts_on=date(2024, 3, 1), currency="EUR"
        )
        for arr, start, end in ((before, date(2024, 3, 1), day), (after, day, None)):
            ContractLine.objects.create(
                account=account, contract=contract, external_id=f"{name}{start}", starts_on=start, ends_on=end,
                arr_minor=arr, kind="recurring",
            )  # fmt: skip
    return account.pk


def test_a_contraction_is_a_loss_unless_contract_lines_show_that_it_was_small(kestrel: Tenant) -> None:
    with tenant_context(kestrel.pk):
        small, large = contracted("S", 100_00, 95_00), contracted("L", 100_00, 80_00)
        unseen, unknown = contracted("U", 100_00, 100_00), contracted("N", 0, 0)
        found = first_losses(date(2025, 1, 1), date(2026, 1, 1))
    assert (small in found, large in found, unseen in found, unknown in found) == (False, True, True, True)


def test_the_gate_asks_for_a_lead_of_30_days_and_for_the_live_version_beside(
    kestrel: Tenant, actor: Actor, now: Any, tmp_path: Path
) -> None:
    usage_table().load(tmp_path, kestrel.slug)
    live = drafted(kestrel, fixed("beside"), actor, now)
    with tenant_context(kestrel.pk):
        publish(version=live, actor=actor, now=now, reason="test", waiver="test")
    other = fixed("beside")
    other["bands"] = {"red": 0, "yellow": 40, "green": 60}
    version = drafted(kestrel, other, actor, now)
    with tenant_context(kestrel.pk):
        validate(version=version, actor=actor, now=now, today=TODAY, leads=[0])
        assert gate(version).report_id is None
        report = validate(version=version, actor=actor, now=now, today=TODAY, leads=[0, 60])[1]
        assert gate(version).report_id == report.pk
        lines = {line.text: line.value for line in gate(version).lines}
        assert lines["Not worse than live by more than 0.02"] == "+0.00"
        panel = proof_panel(version)
    recall = next(one for one in panel.alarm if one.label == "Recall")
    assert recall.live is not None
    assert recall.this is not None
    assert recall.live > recall.this  # red reaches less far
    assert recall.change.startswith("−")


def test_a_proposal_that_a_file_brings_back_is_not_tested_on_what_taught_it(
    kestrel: Tenant, actor: Actor, now: Any, tmp_path: Path
) -> None:
    usage_table(800).load(tmp_path, kestrel.slug)
    version = drafted(kestrel, document("copied", {"usage": "linear"}), actor, now)
    with tenant_context(kestrel.pk):
        later = now + timedelta(hours=1)
        made = calibrate(version=version, actor=actor, now=later, today=TODAY)
        assert made.draft is not None
        assert made.draft.definition["bands"] != version.definition["bands"]
        until = made.calibration.train_until
        again = drafted(kestrel, made.draft.definition, actor, later)
        edited = drafted(kestrel, {**made.draft.definition, "name": "Mine"}, actor, later + timedelta(hours=1))
        assert (trained_until(again), trained_until(edited), trained_until(version)) == (until, until, None)


def test_amounts_are_left_out_of_figures_however_deep() -> None:
    figures = {"auc": 0.7, "red": {"red": 3, "arr_lost": 5.0}, "inputs": [{"key": "a", "thirds": [{"n": 1, "arr": 2}]}]}
    assert without_money(figures) == {
        "auc": 0.7,
        "red": {"red": 3},
        "inputs": [{"key": "a", "thirds": [{"n": 1}]}],
    }
