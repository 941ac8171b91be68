"""Exports of other systems in their own field names: none is an error, and those that say enough are taken."""

from datetime import date, datetime
from pathlib import Path

import pytest

from accounts.actions.imports import import_file
from accounts.importing.engine import Request
from accounts.importing.errors import ImportRefused
from accounts.importing.maps import parse_map
from core.actors import Actor
from core.models import Tenant
from tests.real.data import real_data


@pytest.mark.parametrize("kind", ["", "accounts", "contacts", "contracts", "tickets", "opportunities", "signals"])
def test_no_sample_is_an_error(in_kestrel: Tenant, actor: Actor, now: datetime, tmp_path: Path, kind: str) -> None:
    outcomes = []
    for path in sorted(real_data("connector_samples").glob("*.csv")):
        request = Request(
            path=path, import_map=parse_map({"create_accounts": True}), kind=kind, rejects_path=tmp_path / "r.csv"
        )
        try:
            report = import_file(
                tenant=in_kestrel, request=request, actor=actor, now=now, today=date(2026, 3, 2), writes=True
            )
        except ImportRefused as refusal:
            outcomes.append(bool(refusal.message))
        else:
            outcomes.append(report.read == report.created + report.updated + report.unchanged + report.rejected)
    assert outcomes == [True] * 16


@pytest.mark.parametrize(
    ("file", "kind", "created", "refused"),
    [
        ("zendesk_organization_data.csv", "accounts", 10, {}),
        ("zendesk_ticket_data.csv", "tickets", 9, {"missing_account": 1}),
        ("salesforce_sf_account_data.csv", "accounts", 9, {"duplicate_key": 1}),
        ("salesforce_sf_opportunity_data.csv", "opportunities", 10, {}),
    ],
)
def test_what_says_enough_is_taken(
    in_kestrel: Tenant, actor: Actor, now: datetime, tmp_path: Path, file: str, kind: str, created: int,
    refused: dict[str, int],
) -> None:  # fmt: skip
    request = Request(
        path=real_data("connector_samples") / file,
        import_map=parse_map({"create_accounts": True}),
        kind=kind,
        rejects_path=tmp_path / "r.csv",
    )
    report = import_file(tenant=in_kestrel, request=request, actor=actor, now=now, today=date(2026, 3, 2), writes=True)
    found = {refusal.code: refusal.count for refusal in report.refusals}
    assert (report.kind, report.created, found) == (kind, created, refused)
