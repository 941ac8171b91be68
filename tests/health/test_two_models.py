"""Two live models side by side: over the weeks, when one of them is narrowed, and judged again."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Account, ContractLine, Signal
from core.models import ProcessVersion, Tenant
from core.versioning import draft, publish
from health.actions import backfill_history, recompute
from health.models import HealthDay, Score, ScoreHistory
from health.queries.backtest import backtest
from health.queries.impact import impact
from tests.factories.health import ACTOR, NOW, TODAY, account, contract, one_input, publish_model, signals, ticket
from tests.health.test_engine import everything, nothing_broken, run, score_of

pytestmark = pytest.mark.usefixtures("in_kestrel")

DAY = timedelta(days=1)
SEGMENTS = ("enterprise", "small", "mid_market", "enterprise")


def books() -> list[Account]:
    """One account a segment, two of the first, with usage and contracts for a year and more."""
    found = []
    for at, segment in enumerate(SEGMENTS):
        one = account(f"Account {at}", segment=segment, arr_minor=1000 * (at + 1))
        signals(one, "usage", [60.0 + at] * 120)
        contract(one, 1000 * (at + 1), starts_on=TODAY - timedelta(days=400))
        found.append(one)
    return found


def two_models(tenant: Tenant, *, second: str | list[str] = "small", **values: Any) -> tuple[ProcessVersion, ...]:
    large = publish_model(tenant, one_input(**values), key="large", applies_to="enterprise")
    return large, publish_model(tenant, one_input("usage", name="Use"), key="other", applies_to=second)


@pytest.mark.parametrize("second", ["small", ["small", "mid_market"]])
def test_each_model_keeps_its_accounts_in_the_history_of_weeks(kestrel: Tenant, second: str | list[str]) -> None:
    accounts = books()
    large, other = two_models(kestrel, second=second)
    backfill_history(actor=ACTOR, now=NOW, from_day=TODAY - timedelta(days=28), to_day=TODAY - 7 * DAY)
    stored = ScoreHistory.objects.order_by("account_id", "as_of").values_list("account_id", "score", "model_version_id")
    owned = [large, other, other if len(second) == 2 else None, large]
    expected = [(one.pk, 60.0 + at, owned[at].pk) for at, one in enumerate(accounts) if owned[at] is not None]
    assert list(stored) == expected
    days = HealthDay.objects.filter(owner_id=-1).order_by("day", "model_version_id")
    assert {(row.model_version_id, row.band) for row in days} == {(large.pk, "yellow"), (other.pk, "yellow")}
    assert sum(row.accounts for row in days) == 4 * len(expected)
    run()
    nothing_broken(kestrel)


def test_who_stops_paying_is_closed_once_in_the_history_of_weeks(kestrel: Tenant) -> None:
    accounts = books()
    ContractLine.objects.filter(account=accounts[0]).update(ends_on=TODAY - timedelta(days=15))
    large, _ = two_models(kestrel)
    backfill_history(actor=ACTOR, now=NOW, from_day=TODAY - timedelta(days=28), to_day=TODAY - 7 * DAY)
    rows = ScoreHistory.objects.filter(account=accounts[0]).order_by("as_of")
    assert [(row.score, row.band, row.model_version_id) for row in rows] == [
        (60.0, "yellow", large.pk),
        (None, "none", large.pk),
    ]


@pytest.mark.parametrize("restricted", [False, True])
def test_whom_no_model_is_for_any_more_has_no_score(kestrel: Tenant, restricted: bool) -> None:
    accounts = books()
    two_models(kestrel, second=["small", "mid_market"])
    run()
    assert Score.objects.count() == 4
    narrowed = publish_model(kestrel, one_input("usage", name="Use"), key="other", applies_to="small")
    ids = {"account_ids": [one.pk for one in accounts]} if restricted else {}
    done = run(TODAY + DAY, **ids)
    assert (done.accounts, done.changed) == (3, 2)  # the new version's one, and who is left to nobody
    assert not Score.objects.filter(account=accounts[2]).exists()
    last = ScoreHistory.objects.filter(account=accounts[2]).latest("computed_at")
    assert (last.score, last.band, last.coverage, last.imported) == (None, "none", 0, False)
    assert set(Score.objects.filter(account=accounts[1]).values_list("model_version_id", flat=True)) == {narrowed.pk}
    nothing_broken(kestrel, TODAY + DAY)
    before = everything()
    again = recompute(actor=ACTOR, now=NOW + DAY + timedelta(hours=1), as_of=TODAY + DAY, **ids)
    assert (again.changed, again.written) == (0, 0)
    assert everything() == before


@pytest.mark.parametrize("restricted", [False, True])
def test_an_account_that_leaves_every_segment_leaves_the_scores(kestrel: Tenant, restricted: bool) -> None:
    accounts = books()
    two_models(kestrel)
    run()
    Account.objects.filter(pk=accounts[0].pk).update(segment="mid_market")
    Account.objects.filter(pk=accounts[1].pk).update(segment="enterprise")
    run(TODAY, **({"account_ids": [accounts[0].pk, accounts[1].pk]} if restricted else {}))
    assert sorted(Score.objects.values_list("account_id", flat=True)) == [accounts[1].pk, accounts[3].pk]
    nothing_broken(kestrel)


def test_incremental_and_full_runs_agree_with_two_models(kestrel: Tenant) -> None:
    accounts = books()
    two_models(kestrel, second=["small", "mid_market"])
    run()
    signals(accounts[0], "usage", [10.0], until=TODAY + DAY)
    signals(accounts[1], "usage", [90.0], until=TODAY + DAY)
    Account.objects.filter(pk=accounts[2].pk).update(segment="")
    done = run(TODAY + DAY, account_ids=[one.pk for one in accounts[:3]])
    assert (done.accounts, done.changed) == (2, 3)
    nothing_broken(kestrel, TODAY + DAY)
    incremental = set(Score.objects.values_list("account_id", "score", "band", "model_version_id"))
    full = run(TODAY + DAY)
    assert full.changed == 0
    assert set(Score.objects.values_list("account_id", "score", "band", "model_version_id")) == incremental
    nothing_broken(kestrel, TODAY + DAY)


@pytest.mark.capability("K8")
def test_two_live_models_reproduce_their_history_with_no_difference(kestrel: Tenant) -> None:
    accounts = books()
    two_models(kestrel, aggregate="mean")
    for back in range(15, 7, -1):
        run(TODAY - back * DAY)
    ticket(accounts[0], TODAY)
    publish_model(kestrel, one_input(aggregate="max"), key="large", applies_to=["enterprise", "mid_market"])
    for back in range(7, -1, -1):
        run(TODAY - back * DAY)
    found = backtest(since=TODAY - timedelta(days=30), until=TODAY + DAY)
    assert found.differences == ()
    assert found.compared == 3 + 3  # first scores, and those of the new version of one of the two
    nothing_broken(kestrel)


def test_whom_a_draft_leaves_is_in_its_impact(kestrel: Tenant) -> None:
    accounts = books()
    Signal.objects.filter(account=accounts[1]).update(value=90.0)
    everybody = publish_model(kestrel, one_input(mapping={"linear": {"worst": 0, "best": 200}}), key="rest")
    live = publish_model(kestrel, one_input(), key="large", applies_to=["enterprise", "small"])
    run()
    assert score_of(accounts[2]).model_version_id == everybody.pk
    narrowed = draft(
        kind=live.kind, key="large", name="Large", actor=ACTOR, now=NOW,
        definition=live.definition | {"applies_to": "enterprise"},
    )  # fmt: skip
    found = impact(narrowed, today=TODAY, shown=9)
    assert found.total.accounts == 3
    assert [(one.name, one.old_score, one.new_score, one.words) for one in found.flips] == [
        ("Account 1", 90.0, 45.0, ["Left to another model"])
    ]
    publish(version=narrowed, actor=ACTOR, now=NOW, reason="test", waiver="test")
    run(TODAY + DAY)
    assert score_of(accounts[1]).score == 45.0


def test_whom_a_draft_leaves_to_nobody_would_have_no_band(kestrel: Tenant) -> None:
    books()
    _, live = two_models(kestrel, second=["small", "mid_market"])
    run()
    narrowed = draft(
        kind=live.kind, key="other", name="Other", actor=ACTOR, now=NOW,
        definition=live.definition | {"applies_to": "small"},
    )  # fmt: skip
    found = impact(narrowed, today=TODAY, shown=9)
    assert (found.total.accounts, found.changed, found.worse.accounts) == (2, 1, 1)
    (one,) = found.flips
    assert (one.name, one.old_band, one.new_band, one.words) == (
        "Account 2", "yellow", "none", ["No model is for it any more"],
    )  # fmt: skip
