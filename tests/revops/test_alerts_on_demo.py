"""The rules of a new workspace against the planted truth of a demo: who leaves was named months before."""

import io
import json
from datetime import date
from pathlib import Path

import pytest
from django.core.management import call_command

from core.models import Tenant
from core.tenancy import tenant_context
from health.models import Alert
from revops.demo import actions, seed

AS_OF = date(2026, 3, 2)
pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.mark.capability("C12")
def test_at_least_six_of_ten_lost_accounts_had_an_alert_ninety_days_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From facts alone, without scores: every fourth week of the past year, as it would have been seen then."""
    monkeypatch.setattr(actions, "DEMO_FILE", tmp_path / "demo.json")
    monkeypatch.setattr(seed, "VAR", tmp_path)
    call_command(
        "seed_demo", tenant="demo", accounts=120, as_of=AS_OF, score_days=0, stdout=io.StringIO(), stderr=io.StringIO()
    )
    out = io.StringIO()
    call_command("try_alerts", tenant="demo", as_of=AS_OF, every=28, json=True, stdout=out)
    early = json.loads(out.getvalue())["early"]
    assert early["lost"] >= 5
    assert early["share"] >= 0.6
    # Nothing was written, and not everybody was named.
    with tenant_context(Tenant.objects.get(slug="demo").pk):
        assert not Alert.objects.exists()
    assert early["stayed_alerted"] < early["stayed"]
