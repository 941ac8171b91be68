"""RavenStack as it comes: the counts and contradictions of its README, and a second import that changes nothing."""

from pathlib import Path
from typing import Any

import pytest

from accounts.models import Account, ContractLine, Measure, Outcome, Signal, Ticket
from core.actions import create_tenant
from core.actors import Actor
from core.models import Tenant
from core.tenancy import tenant_context
from tests.real.data import real_data
from tests.real.test_crm_sales import run

FILES = (
    ("accounts", "ravenstack_accounts.csv"),
    ("contracts", "ravenstack_subscriptions.csv"),
    ("usage", "ravenstack_feature_usage.csv"),
    ("tickets", "ravenstack_support_tickets.csv"),
    ("outcomes", "ravenstack_churn_events.csv"),
)


@pytest.fixture
def raven(db: None, actor: Actor, now: Any) -> Tenant:
    return create_tenant(slug="raven", name="RavenStack", currency="USD", timezone="UTC", actor=actor, now=now)


def load(folder: Path, tmp_path: Path, *, kinds: bool = True) -> dict[str, dict[str, Any]]:
    options = ["--tenant", "raven", "--as-of", "2024-12-31", "--rejects", str(tmp_path / "rejected.csv")]
    return {kind: run("import_data", kind if kinds else "auto", str(folder / name), *options) for kind, name in FILES}


def counts(reports: dict[str, dict[str, Any]]) -> dict[str, tuple[int, ...]]:
    keys = ("read", "created", "updated", "unchanged", "rejected")
    return {kind: tuple(report[key] for key in keys) for kind, report in reports.items()}


@pytest.mark.slow
def test_every_row_arrives_or_is_refused_with_its_reason(raven: Tenant, tmp_path: Path) -> None:
    reports = load(real_data("ravenstack"), tmp_path)
    assert counts(reports) == {
        "accounts": (500, 500, 0, 0, 0),
        "contracts": (5000, 5000, 0, 0, 0),
        "usage": (25_000, 24_979, 0, 0, 21),
        "tickets": (2000, 2000, 0, 0, 0),
        "outcomes": (600, 600, 0, 0, 0),
    }
    warnings = {kind: {w["code"]: w["count"] for w in report["warnings"]} for kind, report in reports.items()}
    assert warnings == {
        "accounts": {"churn_flags": 110},
        "contracts": {"churn_ended": 486, "zero_length": 13},
        "usage": {"duplicate_key": 21, "usage_before_start": 19_142, "usage_after_end": 292},
        "tickets": {"ticket_before_signup": 1077, "satisfaction_missing": 825},
        "outcomes": {"churn_events": 352},
    }
    message = reports["outcomes"]["warnings"][0]["message"]
    assert message.startswith(
        "110 accounts are flagged as churned, 352 accounts have a churn event, 486 subscriptions ended."
    )
    with tenant_context(raven.pk):
        assert (Account.objects.count(), ContractLine.objects.filter(kind="trial").count()) == (500, 778)
        assert (Ticket.objects.filter(satisfaction=None).count(), Outcome.objects.count()) == (825, 600)
        assert sorted(Measure.objects.values_list("key", flat=True)) == [
            "error_count", "usage_count", "usage_duration_secs",
        ]  # fmt: skip
        assert Signal.objects.count() == 3 * 24_979


@pytest.mark.slow
def test_a_second_import_with_recognised_kinds_changes_nothing(raven: Tenant, tmp_path: Path) -> None:
    folder = real_data("ravenstack")
    load(folder, tmp_path)
    again = load(folder, tmp_path, kinds=False)
    assert {kind: report["kind"] for kind, report in again.items()} == {kind: kind for kind, _ in FILES}
    assert counts(again) == {
        "accounts": (500, 0, 0, 500, 0),
        "contracts": (5000, 0, 0, 5000, 0),
        "usage": (25_000, 0, 0, 24_979, 21),
        "tickets": (2000, 0, 0, 2000, 0),
        "outcomes": (600, 0, 0, 600, 0),
    }
