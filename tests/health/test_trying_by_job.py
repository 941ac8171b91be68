"""Trying a draft where it takes long: a job with progress shows the same figures as the page."""

import re
import weakref
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from core.choices import Role
from core.jobs import cancel_job, run_job
from core.models import AuditEntry, Job, ProcessVersion, Tenant
from core.tenancy import tenant_context
from health import tasks  # noqa: F401 -- registers the job handlers, as in a worker
from health.models import ScoreHistory, ShadowRun, ShadowScore
from health.queries import impact, tried
from health.queries.alert_trials import DraftScore, DraftScores, would_fire
from health.queries.band_stats import band_stats
from health.queries.draft_alerts import replay
from health.queries.shadow import shadow_of
from health.rules.alerts import parse_alert_rule
from tests.factories.api import make_key
from tests.factories.health import ACTOR, account
from tests.health.test_model_pages import URL, Client, admin, begun, book, edit, fresh, member, workspace

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
    assert "Work it out" in admin.get(f"{URL}impact/").content.decode()
    started = admin.post(f"{URL}impact/run/", headers={"HX-Request": "true"})
    assert "Waiting for a worker" in started.content.decode()
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


@pytest.fixture
def many(admin: Client, workspace: Tenant, monkeypatch: pytest.MonkeyPatch) -> ProcessVersion:
    """A draft in a workspace that is too large to be judged while a page is asked."""
    book(workspace, size=9)
    draft = begun(admin, workspace)
    edit(admin, draft, weight__usage="20", weight__nps="80")
    fresh(draft)
    monkeypatch.setattr(impact, "AT_ONCE", 0)
    return draft


PARTS = (
    "impact/",
    "changes/",
    "changes.csv",
    "bands/?input=usage",
    "bands/?input=usage&view=live",
    "publish/?reason=x",
)


def test_no_page_judges_very_many_accounts_while_it_is_asked_and_none_starts_a_job(
    admin: Client, workspace: Tenant, many: ProcessVersion
) -> None:
    for part in PARTS:
        with CaptureQueriesContext(connection) as asked:
            assert admin.get(f"{URL}{part}").status_code in {200, 302}, part
        assert [one["sql"] for one in asked if "judged AS" in one["sql"]] == [], part
    with tenant_context(workspace.pk):
        assert not Job.objects.filter(kind="health.impact").exists()


def test_a_job_that_was_cancelled_stays_so_until_somebody_starts_it_again(
    admin: Client, workspace: Tenant, many: ProcessVersion
) -> None:
    admin.post(f"{URL}impact/run/")
    with tenant_context(workspace.pk):
        job = Job.objects.get(kind="health.impact")
        cancel_job(job_id=job.pk, actor=ACTOR, now=timezone.now())
    text = admin.get(f"{URL}impact/").content.decode()
    with tenant_context(workspace.pk):
        assert Job.objects.get(pk=job.pk).state == "cancelled"
    assert "Work it out" in text
    admin.post(f"{URL}impact/run/")
    with tenant_context(workspace.pk):
        assert Job.objects.get(pk=job.pk).state == "queued"


@pytest.mark.parametrize("role", [Role.LEADER, Role.SUPPORT_AGENT])
def test_lists_and_bands_from_the_job_are_those_of_the_page(
    admin: Client, workspace: Tenant, many: ProcessVersion, monkeypatch: pytest.MonkeyPatch, role: Role
) -> None:
    money = role == Role.LEADER
    admin.post(f"{URL}impact/run/")
    found = done(workspace, "health.impact").result
    today = workspace.today(timezone.now())
    walked: list[impact.Flip] = []
    with tenant_context(workspace.pk):
        directly, _ = impact.flips(many, today=today, money=money, limit=100)
        page, after = tried.page_of_flips(found, money=money, limit=2)
        walked += page
        while after:
            page, after = tried.page_of_flips(found, money=money, after=after, limit=2)
            walked += page
        assert tried.kept_bands(found, "usage", 0) == band_stats(many, "usage", 0, as_of=today)
    assert [(one.account_id, one.words, one.new_score) for one in walked] == [
        (one.account_id, one.words, one.new_score) for one in directly
    ]
    reader = member(workspace, role)
    files = ("changes.csv", "bands/?input=usage&named=1")
    heads = {"HX-Request": "true"}
    from_job = [reader.get(f"{URL}{part}", headers=heads).content for part in files]
    monkeypatch.setattr(impact, "AT_ONCE", 20_000)
    assert [reader.get(f"{URL}{part}", headers=heads).content for part in files] == from_job


def test_of_very_many_changes_the_largest_are_kept_and_the_list_says_so(
    admin: Client, workspace: Tenant, many: ProcessVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tried, "KEPT", 2)
    admin.post(f"{URL}impact/run/")
    more = done(workspace, "health.impact").result["impact"]["changed"] - 2
    assert more > 0
    assert re.search(rf"{more}\s+more accounts change", admin.get(f"{URL}changes/").content.decode())
    assert f"Cut: {more} more" in admin.get(f"{URL}changes.csv").content.decode().splitlines()[-1]
    with tenant_context(workspace.pk):
        assert AuditEntry.objects.get(verb="exported").after == {"rows": 2, "cut": True}


def changed(reader: Client) -> list[str]:
    """The accounts of the file, in its order."""
    return [line.split(",")[0] for line in reader.get(f"{URL}changes.csv").content.decode().splitlines()[1:]]


def test_whoever_sees_no_money_learns_no_amount_from_order_or_cursor(admin: Client, workspace: Tenant) -> None:
    book(workspace, size=9)
    draft = begun(admin, workspace)
    edit(admin, draft, weight__usage="20", weight__nps="80")
    fresh(draft)
    agent = member(workspace, Role.SUPPORT_AGENT)
    today = workspace.today(timezone.now())
    with tenant_context(workspace.pk):
        ids = dict(Account.objects.values_list("name", "pk"))
        page, following = impact.flips(draft, today=today, money=False, limit=2)
        rest, _ = impact.flips(draft, today=today, money=False, after=following, limit=100)
    assert following == str(page[-1].account_id)
    by_id = sorted(changed(admin), key=lambda name: ids[name])
    assert [one.name for one in [*page, *rest]] == changed(agent) == by_id
    assert changed(admin) != by_id
    assert "largest first" not in agent.get(f"{URL}changes/").content.decode()


def test_the_result_of_a_job_with_amounts_is_for_those_who_see_money(
    admin: Client, workspace: Tenant, many: ProcessVersion
) -> None:
    admin.post(f"{URL}impact/run/")
    url = f"/api/v1/jobs/{done(workspace, 'health.impact').pk}/"
    leader, agent = make_key(workspace, Role.LEADER)[1], make_key(workspace, Role.SUPPORT_AGENT)[1]
    assert leader.get(url).json()["result"]["impact"]["total"]["arr_minor"] > 0
    assert agent.get(url).json()["result"] is None


def test_a_replay_judges_each_day_once_for_all_rules(admin: Client, workspace: Tenant) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    today = workspace.today(timezone.now())
    with tenant_context(workspace.pk):
        Account.objects.update(customer_since=today - timedelta(days=400))
        with CaptureQueriesContext(connection) as asked:
            assert len(replay(draft, today=today)) > 1
    judged = [one["sql"] for one in asked if "judged AS" in one["sql"]]
    assert len(judged) == len(set(judged)) > 26


def test_a_trial_holds_the_scores_of_two_days(admin: Client, workspace: Tenant) -> None:
    book(workspace)
    today = workspace.today(timezone.now())
    held: list[int] = []
    given: list[weakref.ref[Scores]] = []

    def judge(day: date) -> dict[int, DraftScore]:
        held.append(sum(one() is not None for one in given))
        scores = Scores({1: DraftScore(40.0, "red")})
        given.append(weakref.ref(scores))
        return scores

    rule = parse_alert_rule({
        "kind": "alert_rule", "key": "low", "name": "Low", "when": {"fact": "health.score", "op": "lt", "value": 50},
        "for_days": 3,
    })  # fmt: skip
    with tenant_context(workspace.pk):
        Account.objects.update(customer_since=today - timedelta(days=400))
        would_fire(rule, today - timedelta(days=60), today, draft=DraftScores(judge=judge, yellow_from=50))
    assert len(held) > 10
    assert max(held) <= 2


class Scores(dict[int, DraftScore]):
    """Scores of a day that can be watched going away."""


def test_shadow_days_are_counted_as_one_day_after_the_other_would(admin: Client, workspace: Tenant) -> None:
    book(workspace)
    draft = begun(admin, workspace)
    today = workspace.today(timezone.now())
    said: dict[str, list[tuple[int, int, str]]] = {  # (account, days ago, band)
        "shadow": [(0, 9, "red"), (0, 6, "green"), (0, 2, "red"), (1, 5, "green"), (2, 8, "none"), (3, 3, "red"),
                   (3, 2, "yellow")],
        "live": [(0, 30, "red"), (0, 7, "yellow"), (0, 7, "green"), (1, 4, "green"), (3, 6, "red"), (3, 1, "yellow")],
    }  # fmt: skip
    with tenant_context(workspace.pk):
        accounts = [account(f"Shadow {at}") for at in range(4)]
        ShadowRun.objects.create(
            model_version=draft, from_day=today - timedelta(days=8), until_day=today + timedelta(days=6),
            started_at=timezone.now(), started_by="test",
        )  # fmt: skip
        for n, (at, ago, band) in enumerate(said["shadow"] + said["live"]):
            values: dict[str, Any] = {
                "account": accounts[at], "model_version": draft, "as_of": today - timedelta(days=ago), "band": band,
                "score": None if band == "none" else 50.0, "coverage": 1.0,
                "computed_at": timezone.now() + timedelta(seconds=n),
            }  # fmt: skip
            if n < len(said["shadow"]):
                ShadowScore.objects.create(**values)
            else:
                ScoreHistory.objects.create(**values, values=[], sub_scores=[], ages=[], readings=[])
        found = shadow_of(draft, as_of=today)
    assert found is not None

    def last(who: str, at: int, ago: int) -> str | None:
        bands = [(-then, n, band) for n, (one, then, band) in enumerate(said[who]) if one == at and then >= ago]
        return max(bands)[2] if bands else None

    expected = []
    for ago in range(8, -1, -1):
        pairs = [(last("shadow", at, ago), last("live", at, ago) or "none") for at in range(4)]
        pairs = [pair for pair in pairs if pair[0] is not None]
        expected.append((today - timedelta(days=ago), len(pairs), sum(one != other for one, other in pairs)))
    assert [(one.day, one.accounts, one.differed) for one in found.days] == expected
