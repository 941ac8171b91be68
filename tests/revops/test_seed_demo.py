"""The demo workspace: the same seed gives the same world, and the world follows its planted truth."""

import io
import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import Account, Outcome
from core.choices import Role
from core.management.base import CommandRefused
from core.models import Membership, Tenant, User
from core.tenancy import tenant_context
from health.models import Score
from revops.demo import actions, seed, truth
from revops.demo.names import COMPANY_FIRST, COMPANY_SECOND, STAFF

AS_OF = date(2026, 3, 2)
pytestmark = pytest.mark.django_db

# Business rows by their own keys: serial numbers differ from run to run, and nothing else may.
WORLD = {
    "accounts": "SELECT external_id, name, segment, industry, country, seats, status, customer_since, arr_minor, "
    "last_contact_on FROM accounts_account",
    "contacts": "SELECT external_id, name, email_key, title, role, left_on, last_touch_on FROM accounts_contact",
    "lines": "SELECT external_id, kind, starts_on, ends_on, arr_minor, quantity FROM accounts_contractline",
    "signals": "SELECT a.external_id, m.key, s.day, s.value FROM accounts_signal s "
    "JOIN accounts_account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id "
    "JOIN accounts_measure m ON m.tenant_id = s.tenant_id AND m.id = s.measure_id",
    "tickets": "SELECT external_id, subject, status, opened_at, closed_at, satisfaction FROM accounts_ticket",
    "activities": "SELECT external_id, kind, occurred_at, subject, body FROM accounts_activity",
    "outcomes": "SELECT a.external_id, o.day, o.kind, o.reason, o.amount_minor FROM accounts_outcome o "
    "JOIN accounts_account a ON a.tenant_id = o.tenant_id AND a.id = o.account_id",
    "opportunities": "SELECT external_id, amount_minor, opened_on, closed_on FROM journeys_opportunity",
    "stays": "SELECT a.external_id, v.entered_on, v.left_on FROM journeys_stagevisit v "
    "JOIN accounts_account a ON a.tenant_id = v.tenant_id AND a.id = v.account_id",
    "history": "SELECT a.external_id, h.as_of, h.score, h.coverage FROM health_scorehistory h "
    "JOIN accounts_account a ON a.tenant_id = h.tenant_id AND a.id = h.account_id",
}


def checksums(slug: str) -> dict[str, tuple[int, str]]:
    """Rows and a checksum per kind of row of a workspace."""
    found = {}
    with tenant_context(Tenant.objects.get(slug=slug).pk), connection.cursor() as cursor:
        for kind, sql in WORLD.items():
            cursor.execute(
                "SELECT count(*), md5(string_agg(line, ';' ORDER BY line)) "
                f"FROM (SELECT row::text AS line FROM ({sql}) row) x"
            )
            found[kind] = cursor.fetchone()
    return found


@pytest.fixture(autouse=True)
def _files_of_the_test(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkout's own demo.json and truth files stay as they are."""
    monkeypatch.setattr(actions, "DEMO_FILE", tmp_path / "demo.json")
    monkeypatch.setattr(seed, "VAR", tmp_path)


@pytest.fixture
def seed_demo() -> Callable[..., dict[str, Any]]:
    def run(slug: str = "demo", accounts: int = 40, score_days: int = 14, **options: Any) -> dict[str, Any]:
        out = io.StringIO()
        call_command(
            "seed_demo",
            tenant=slug,
            accounts=accounts,
            as_of=AS_OF,
            score_days=score_days,
            json=True,
            stdout=out,
            stderr=io.StringIO(),
            **options,
        )
        report: dict[str, Any] = json.loads(out.getvalue())
        return report

    return run


def test_the_same_seed_gives_the_same_world_and_another_seed_another(seed_demo: Callable[..., dict[str, Any]]) -> None:
    for slug, number in (("one", 7), ("two", 7), ("three", 8)):
        seed_demo(slug, seed=number)
    one, two, three = map(checksums, ("one", "two", "three"))
    assert one == two
    assert {kind for kind in one if one[kind] == three[kind]} == set()
    assert min(rows for rows, _ in one.values()) > 20


def test_a_second_run_keeps_the_workspace_and_its_sign_ins(seed_demo: Callable[..., dict[str, Any]]) -> None:
    first = seed_demo()
    before = checksums("demo")
    second = seed_demo()
    assert (first["created"], second["created"]) == (True, False)
    assert second["sign_ins"] == first["sign_ins"]
    assert (second["accounts"], second["truth_file"]) == (40, first["truth_file"])
    assert checksums("demo") == before


def test_there_is_one_sign_in_per_role_and_each_password_opens(seed_demo: Callable[..., dict[str, Any]]) -> None:
    sign_ins = seed_demo(accounts=20)["sign_ins"]
    roles = Membership.objects.filter(tenant__slug="demo").values_list("role", flat=True)
    assert sorted(roles) == sorted(Role.values)
    assert [one["role"] for one in sign_ins] == [title for _, role, title in STAFF if role]
    user = User.objects.get(email=sign_ins[0]["email"])
    assert user.check_password(sign_ins[0]["password"])


def test_a_workspace_that_is_no_demo_is_never_replaced(
    seed_demo: Callable[..., dict[str, Any]], kestrel: Tenant
) -> None:
    with pytest.raises(CommandRefused, match="'kestrel' is not a demo workspace"):
        seed_demo("kestrel", fresh=True)


def test_an_unfinished_demo_is_named(seed_demo: Callable[..., dict[str, Any]]) -> None:
    Tenant.objects.create(slug="half", name="Half", currency="EUR", timezone="UTC", is_demo=True)
    with pytest.raises(CommandRefused, match="never finished"):
        seed_demo("half")


def test_the_truth_file_names_the_rules_and_the_companies_that_a_cause_struck(
    seed_demo: Callable[..., dict[str, Any]],
) -> None:
    report = seed_demo(accounts=150)
    planted = json.loads(Path(report["truth_file"]).read_text())
    assert planted["churn"]["order_of_importance"] == [driver.key for driver in truth.DRIVERS]
    assert planted["noise_measures"] == ["newsletter_opens", "webinar_signups"]
    with tenant_context(Tenant.objects.get(slug="demo").pk):
        churned = set(Account.objects.filter(status="churned").values_list("external_id", flat=True))
        outcomes = Outcome.objects.filter(kind="churned").count()
    told = {one["account"]: one["terms"] for one in planted["companies"]}
    assert {key for key, terms in told.items() if any(term["outcome"] == "churned" for term in terms)} == churned
    assert len(churned) == outcomes >= 15
    explained = sum(bool(terms[-1]["causes"]) for key, terms in told.items() if key in churned)
    assert explained / len(churned) > 0.8


@pytest.mark.capability("A5")
def test_the_main_job_runs_on_the_demo_and_those_who_leave_were_warned(
    seed_demo: Callable[..., dict[str, Any]],
) -> None:
    seed_demo(accounts=150, score_days=364)
    call_command("recompute_health", tenant="demo", as_of=AS_OF, json=True, stdout=io.StringIO())
    with tenant_context(Tenant.objects.get(slug="demo").pk), connection.cursor() as cursor:
        assert Score.objects.count() == Account.objects.filter(status="customer").count()
        assert Score.objects.filter(band="green").count() > Score.objects.filter(band="red").count() > 0
        cursor.execute(
            "SELECT outcome.kind = 'churned', avg(history.score) FROM accounts_outcome AS outcome "
            "JOIN health_scorehistory AS history ON history.tenant_id = outcome.tenant_id "
            "AND history.account_id = outcome.account_id "
            "AND history.as_of BETWEEN outcome.day - 97 AND outcome.day - 90 GROUP BY 1"
        )
        score = dict(cursor.fetchall())
        cursor.execute("SELECT max(day) FROM accounts_signal")
        assert cursor.fetchone() == (AS_OF - timedelta(days=1),)
    assert score[True] < score[False] - 10, "ninety days before the end"


def test_names_cross_into_companies_that_are_all_different() -> None:
    assert len(set(COMPANY_FIRST)) == len(COMPANY_FIRST)
    words = [word for word, _ in COMPANY_SECOND]
    assert len(set(words)) == len(words)
