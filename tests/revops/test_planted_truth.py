"""The demo's causes can be seen where a score looks, and calibration finds them again."""

import io
import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command

from accounts.models import Account
from bench.truth import MODEL
from core import versioning
from core.actors import Actor
from core.models import Tenant
from core.tenancy import tenant_context
from health.actions.calibration import study
from health.queries.evidence import gather
from health.queries.live import model_of
from health.queries.moments import with_names
from revops.demo import actions, seed

AS_OF = date(2026, 3, 2)
EPOCH = date(2000, 1, 1)
CAUSES = [one["key"] for one in MODEL["inputs"][:4]]
pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def planted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(actions, "DEMO_FILE", tmp_path / "demo.json")
    monkeypatch.setattr(seed, "VAR", tmp_path)

    def make(number: int, accounts: int) -> tuple[Tenant, dict[str, Any]]:
        out = io.StringIO()
        call_command(
            "seed_demo", tenant="truth", accounts=accounts, seed=number, as_of=AS_OF, score_days=0, json=True,
            stdout=out, stderr=io.StringIO(),
        )  # fmt: skip
        return Tenant.objects.get(slug="truth"), json.loads(Path(json.loads(out.getvalue())["truth_file"]).read_text())

    return make


@pytest.mark.capability("H2")
@pytest.mark.parametrize("number", [1, 2])
def test_causes_show_ninety_days_before_the_end_and_outweigh_noise(
    planted: Any, number: int, actor: Actor, now: datetime
) -> None:
    tenant, truth = planted(number, 250)
    struck = {(c["account"], t["term_end"]): set(t["causes"]) for c in truth["companies"] for t in c["terms"]}
    with tenant_context(tenant.pk):
        draft = versioning.draft(
            kind="score_model", key="causes", name="Causes", definition=MODEL, actor=actor, now=now
        )
        rows = gather(with_names(model_of(draft)), lead_days=90, today=AS_OF).rows
        names = dict(Account.objects.values_list("pk", "external_id"))
        figures, _ = study(draft, lead_days=90, today=AS_OF)
    days = [(EPOCH + timedelta(days=int(day))).isoformat() for day in rows.day]
    causes = [struck.get((names[int(at)], day), set()) for at, day in zip(rows.account, days, strict=True)]
    for at, key in enumerate(CAUSES):
        there = np.array([key in one for one in causes])
        assert not np.isnan(rows.subs[:, at]).any(), key
        assert (rows.subs[there, at] < 75).mean() >= 0.95, key
        assert (rows.subs[~there, at] < 75).mean() <= 0.05, key
    weights = figures["exact_weights"]
    assert max(weights, key=weights.__getitem__) == truth["churn"]["order_of_importance"][0]
    assert weights["newsletter_opens"] < min(weights[key] for key in CAUSES[:3])
