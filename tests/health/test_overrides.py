"""A person's own judgement beside the computed score."""

from datetime import date, timedelta

import pytest

from accounts.models import Account
from core.facts import annotate_facts, matching
from core.models import AuditEntry, Tenant
from health.actions import recompute
from health.actions.overrides import OverrideRefused, clear_override, set_override, undo_override
from health.models import Override, Score, ScoreHistory
from health.queries.overrides import override_on, overrides_on
from tests.factories.health import ACTOR, NOW, TODAY, account, measure, one_input, publish_model, signals

pytestmark = pytest.mark.django_db
UNTIL = TODAY + timedelta(days=30)


def put(of: Account, score: float = 80, *, until: date = UNTIL, today: date = TODAY, after: int = 0) -> Override:
    return set_override(
        account_id=of.pk, score=score, reason="They signed the renewal", until=until, actor=ACTOR,
        now=NOW + timedelta(seconds=after), today=today,
    )  # fmt: skip


@pytest.fixture
def scored(in_kestrel: Tenant) -> Account:
    measure("usage")
    publish_model(in_kestrel, one_input(), bands={"red": 0, "yellow": 40, "green": 90})
    one = account()
    signals(one, "usage", [30.0])
    recompute(actor=ACTOR, now=NOW, as_of=TODAY)
    return one


def facts(of: Account, day: date) -> tuple[float | None, str | None]:
    keys = ["health.effective_score", "health.effective_band"]
    row = annotate_facts(Account.objects.filter(pk=of.pk), keys, day).get()
    return row.fact_health_effective_score, row.fact_health_effective_band  # type: ignore[attr-defined]  # -- annotated


@pytest.mark.capability("H6")
def test_an_override_stands_beside_the_score_and_never_in_it(scored: Account) -> None:
    before = list(Score.objects.values()), list(ScoreHistory.objects.values())
    put(scored)
    assert (list(Score.objects.values()), list(ScoreHistory.objects.values())) == before
    recompute(actor=ACTOR, now=NOW + timedelta(hours=1), as_of=TODAY)
    assert list(ScoreHistory.objects.values()) == before[1]
    there = override_on(scored.pk, TODAY)
    assert there is not None
    assert (there.score, there.reason, there.set_by) == (80, "They signed the renewal", ACTOR.label)


def test_rules_may_ask_for_the_score_that_counts_as_of_a_day(scored: Account) -> None:
    assert facts(scored, TODAY) == (30, "red")
    put(scored)
    assert facts(scored, TODAY) == (80, "yellow")  # by the edges of the account's own model
    assert facts(scored, TODAY - timedelta(days=1)) == (30, "red")
    assert facts(scored, UNTIL) == (30, "red")
    rule = {"fact": "health.effective_score", "op": "gte", "value": 80}
    assert list(matching(Account.objects.all(), rule, TODAY)) == [scored]


def test_lists_show_the_band_by_the_edges_of_the_accounts_own_model(scored: Account) -> None:
    put(scored, 45)
    assert overrides_on([scored.pk], TODAY)[scored.pk].band == "yellow"  # 50 and 70 would say red
    other = account("No score")
    put(other, 45)
    assert overrides_on([other.pk], TODAY)[other.pk].band == "red"


def test_an_override_counts_for_an_account_without_a_score(in_kestrel: Tenant) -> None:
    one = account()
    put(one, 49.9)
    assert facts(one, TODAY) == (49.9, "red")


def test_it_expires_by_its_date_without_anything_running(scored: Account) -> None:
    put(scored)
    assert [override_on(scored.pk, UNTIL - timedelta(days=back)) is None for back in (1, 0)] == [False, True]
    later = put(scored, 60, until=UNTIL + timedelta(days=9), today=UNTIL, after=5)
    assert set(overrides_on([scored.pk], UNTIL)) == {scored.pk}
    assert overrides_on([scored.pk], UNTIL)[scored.pk].id == later.pk
    assert overrides_on([scored.pk], UNTIL - timedelta(days=1))[scored.pk].score == 80


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"score": 101}, "The score must lie between 0 and 100."),
        ({"score": float("nan")}, "The score must lie between 0 and 100."),
        ({"reason": "  "}, "Give the reason. It stands beside the score."),
        ({"until": TODAY}, "The last day must not lie in the past."),
        ({"until": TODAY + timedelta(days=91)}, "An override holds for at most 90 days. Set it again then"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_remedy(
    in_kestrel: Tenant, values: dict[str, object], message: str
) -> None:
    given = {"score": 80.0, "reason": "Signed", "until": TODAY + timedelta(days=90), **values}
    one = account()
    with pytest.raises(OverrideRefused) as refused:
        set_override(account_id=one.pk, actor=ACTOR, now=NOW, today=TODAY, **given)  # type: ignore[arg-type]  # -- mixed
    assert str(refused.value).startswith(message)
    assert Override.objects.count() == 0


def test_a_second_one_takes_the_place_of_the_first_and_undo_brings_it_back(in_kestrel: Tenant) -> None:
    one = account()
    yesterday = TODAY - timedelta(days=1)
    first = put(one, 80, today=yesterday)
    put(one, 20, after=60)
    assert override_on(one.pk, yesterday) is not None
    assert overrides_on([one.pk], TODAY)[one.pk].score == 20
    undo_override(account_id=one.pk, actor=ACTOR, now=NOW + timedelta(seconds=65), today=TODAY)
    assert overrides_on([one.pk], TODAY)[one.pk].id == first.pk
    clear_override(account_id=one.pk, actor=ACTOR, now=NOW + timedelta(seconds=70), today=TODAY)
    assert overrides_on([one.pk], TODAY) == {}
    undo_override(account_id=one.pk, actor=ACTOR, now=NOW + timedelta(seconds=75), today=TODAY)
    assert overrides_on([one.pk], TODAY)[one.pk].id == first.pk
    told = AuditEntry.objects.filter(verb__startswith="override").order_by("pk")
    assert list(told.values_list("verb", flat=True)) == [
        "override_set", "override_set", "override_undone", "override_cleared", "override_undone",
    ]  # fmt: skip


def test_nothing_can_be_cleared_where_nothing_is_set(in_kestrel: Tenant) -> None:
    one = account()
    for act in (clear_override, undo_override):
        with pytest.raises(OverrideRefused):
            act(account_id=one.pk, actor=ACTOR, now=NOW, today=TODAY)


def test_what_was_known_before_it_was_cleared_can_be_asked(in_kestrel: Tenant) -> None:
    one = account()
    put(one)
    clear_override(account_id=one.pk, actor=ACTOR, now=NOW + timedelta(hours=2), today=TODAY)
    assert override_on(one.pk, TODAY) is None
    assert override_on(one.pk, TODAY, known=NOW + timedelta(hours=1)) is not None
    assert override_on(one.pk, TODAY, known=NOW) is None
