"""The journey map: its figures against plain SQL and against a world counted by hand."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Account
from core import versioning
from core.actors import Actor
from core.choices import Role
from core.models import AuditEntry, Tenant
from core.queries import published_version
from core.tenancy import tenant_context
from journeys.actions.journeys import ensure_default_journey
from journeys.actions.lifecycle import refresh_figures
from journeys.models import LifecycleStage, StageVisit
from journeys.queries.journey_figures import stored_figures, work_out
from journeys.queries.journey_map import journey_map
from journeys.queries.stage_accounts import PAGE, stage_accounts
from journeys.queries.stages import stage_loads
from journeys.rules.journey_map import Part, StageFigures, Stays, biggest, heights, peers_p90, stuck_limit
from journeys.rules.survival import kaplan_meier
from tests.factories.world import World, make_world

TODAY = date(2026, 3, 2)
Stay = tuple[str, int, int | None]  # stage, entered so many days ago, left so many days ago


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def walk(name: str, *stays: Stay, arr: int = 1_000_00, status: str = "customer") -> Account:
    account = Account.objects.create(name=name, name_key=name.lower(), arr_minor=arr, status=status)
    stages = {one.key: one for one in LifecycleStage.objects.filter(journey="standard")}
    for key, entered, left in stays:
        StageVisit.objects.create(
            account=account, stage=stages[key], entered_on=ago(entered), left_on=None if left is None else ago(left)
        )
    return account


@pytest.fixture
def journey(in_kestrel: Tenant, actor: Actor, now: datetime) -> Tenant:
    ensure_default_journey(actor=actor, now=now)
    return in_kestrel


def onboarding(now: datetime) -> StageFigures:
    return next(one for one in work_out(today=TODAY, now=now).stages if one.key == "onboarding")


def fill_onboarding() -> None:
    """30 who went on within 10 to 39 days; 6 lost, 4 stuck, 5 in time, 1 back."""
    for n in range(30):
        walk(f"went {n}", ("onboarding", 100, 90 - n), ("adoption", 90 - n, None))
    for n in range(4):
        walk(f"lost {n}", ("onboarding", 80, 20), status="churned", arr=0)
    for n in range(2):
        walk(f"away {n}", ("onboarding", 80, None), status="churned", arr=0)
    for n in range(4):
        walk(f"stuck {n}", ("onboarding", 60 + n, None))
    for n in range(5):
        walk(f"new {n}", ("onboarding", 5 + n, None))
    walk("back", ("onboarding", 50, 40), ("decision", 40, None))


@pytest.mark.capability("C1", "J4")
def test_the_missing_are_split_into_lost_stuck_and_within_the_usual_time(journey: Tenant, now: datetime) -> None:
    fill_onboarding()
    stage = onboarding(now)
    assert (stage.entered.accounts, stage.went_on.accounts) == (46, 30)
    assert (stage.lost.accounts, stage.stuck.accounts, stage.in_time.accounts, stage.back.accounts) == (6, 4, 5, 1)
    assert stage.missing.accounts == 16
    assert stage.stuck.minor == 4 * 1_000_00
    assert stage.now.accounts == 9
    assert (stage.peers, stage.peers_p90, stage.limit, stage.limit_is) == (31, 36, 36, "peers")


@pytest.mark.capability("J4")
def test_the_stuck_list_is_the_accounts_over_the_threshold_in_plain_sql(journey: Tenant, now: datetime) -> None:
    fill_onboarding()
    stage = onboarding(now)
    row = LifecycleStage.objects.get(journey="standard", key="onboarding")
    listed = stage_accounts(stage=row, show="stuck", limit=stage.limit, back_to=(), today=TODAY).rows
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT v.account_id FROM journeys_stagevisit v JOIN accounts_account a ON a.id = v.account_id "
            "WHERE v.stage_id = %s AND v.left_on IS NULL AND a.status <> 'churned' AND %s - v.entered_on > 36 "
            "ORDER BY v.entered_on",
            [row.pk, TODAY],
        )
        expected = [account_id for (account_id,) in cursor.fetchall()]
    assert [one.account_id for one in listed] == expected
    assert len(expected) == stage.stuck_now.accounts == 4
    assert listed[0].days == 63
    assert "First value reached" in listed[0].missing


@pytest.mark.capability("J4")
@pytest.mark.parametrize(("show", "count"), [("missing", 16), ("lost", 6), ("entered", 46), ("now", 9), ("in_time", 5)])
def test_every_figure_opens_as_many_rows(journey: Tenant, now: datetime, show: str, count: int) -> None:
    fill_onboarding()
    row = LifecycleStage.objects.get(journey="standard", key="onboarding")
    seen: list[int] = []
    after = ""
    for _ in range(20):
        page = stage_accounts(
            stage=row, show=show, limit=onboarding(now).limit, back_to=(), today=TODAY, after=after, most=7
        )
        seen += [one.account_id for one in page.rows]
        after = page.after
        if not after:
            break
    assert len(seen) == len(set(seen)) == count
    assert PAGE == 50


def test_the_median_counts_those_still_inside_and_is_longer_for_it(journey: Tenant, now: datetime) -> None:
    fill_onboarding()
    done = [(10.0 + n, True) for n in range(30)] + [(10.0, True)]
    inside = [(60.0, False)] * 4 + [(80.0, False)] * 2 + [(60.0 + n, False) for n in range(4)]
    inside += [(5.0 + n, False) for n in range(5)]
    stage = onboarding(now)
    assert stage.median == kaplan_meier(done + inside).median
    assert stage.median is not None
    assert stage.median > 24.5
    assert stage.inside == 15


@pytest.mark.capability("J1")
def test_a_loop_keeps_both_passes_and_counts_as_going_on(journey: Tenant, now: datetime) -> None:
    for n in range(20):
        walk(f"loop {n}", ("adoption", 300, 200), ("renewal", 200, 120), ("adoption", 120, None))
    found = {one.key: one for one in work_out(today=TODAY, now=now).stages}
    assert (found["renewal"].entered.accounts, found["renewal"].went_on.accounts) == (20, 20)
    assert (found["adoption"].entered.accounts, found["adoption"].stays, found["adoption"].inside) == (20, 40, 20)
    assert StageVisit.objects.filter(stage__key="adoption").count() == 40


def test_a_skipped_stage_is_no_loss(journey: Tenant, now: datetime) -> None:
    for n in range(20):
        walk(f"skip {n}", ("awareness", 50, 40), ("decision", 40, None), status="prospect", arr=0)
    found = {one.key: one for one in work_out(today=TODAY, now=now).stages}
    assert (found["awareness"].went_on.accounts, found["awareness"].lost.accounts) == (20, 0)
    assert found["consideration"].entered.accounts == 0


@pytest.mark.capability("N34")
def test_the_biggest_drop_off_is_ranked_by_what_is_lost_or_stuck(journey: Tenant, actor: Actor, now: datetime) -> None:
    fill_onboarding()
    for n in range(25):
        walk(f"p {n}", ("awareness", 200, None), status="prospect", arr=0)
    refresh_figures(today=TODAY, now=now)
    page = journey_map(view="cohort", selected="", today=TODAY, now=now)
    assert page is not None
    assert page.finding.by_value is not None
    assert page.finding.by_accounts is not None
    assert page.finding.by_value.stage.key == "onboarding"
    assert page.finding.by_value_next == "Adoption"
    assert page.finding.by_accounts.stage.key == "awareness"
    assert [one.stage.key for one in page.frictions] == ["onboarding", "awareness"]
    assert page.selected.stage.key == "onboarding"


def test_what_is_stored_is_what_was_worked_out(journey: Tenant, now: datetime) -> None:
    fill_onboarding()
    refresh_figures(today=TODAY, now=now)
    refresh_figures(today=TODAY, now=now)
    stored = stored_figures()
    assert stored is not None
    assert stored.stages == work_out(today=TODAY, now=now).stages


def test_accounts_of_another_workspace_are_not_counted(
    journey: Tenant, heron: Tenant, actor: Actor, now: datetime
) -> None:
    fill_onboarding()
    before = work_out(today=TODAY, now=now).stages
    assert sum(one.now.accounts for one in before) == 30 + 9 + 1


KEYS = ("awareness", "consideration", "decision", "onboarding", "adoption", "renewal", "expansion", "advocacy")
walks = st.lists(
    st.tuples(st.lists(st.tuples(st.sampled_from(KEYS), st.integers(0, 90)), min_size=1, max_size=6), st.booleans()),
    max_size=6,
)


@pytest.mark.capability("J1", "J4")
@given(plan=walks)
@settings(max_examples=25)
def test_the_ends_of_a_cohort_always_add_up(
    journey: Tenant, now: datetime, plan: Sequence[tuple[Sequence[tuple[str, int]], bool]]
) -> None:
    with transaction.atomic():
        for n, (steps, churned) in enumerate(plan):
            days = [sum(gap for _, gap in steps[place:]) for place in range(len(steps) + 1)]
            stays = [(key, days[place], days[place + 1]) for place, (key, _) in enumerate(steps)]
            last = stays.pop()
            walk(f"a {n}", *stays, (last[0], last[1], None), status="churned" if churned else "customer")
        for stage in work_out(today=TODAY, now=now).stages:
            assert stage.entered == stage.went_on + stage.missing
            since = TODAY - timedelta(days=365)
            visits = StageVisit.objects.filter(stage__key=stage.key, entered_on__gt=since)
            assert stage.entered.accounts == visits.values("account_id").distinct().count()
            here = StageVisit.objects.filter(stage__key=stage.key, left_on=None).exclude(account__status="churned")
            assert stage.now.accounts == here.count()
        transaction.set_rollback(True)


def test_under_twenty_there_is_a_count_and_no_rate() -> None:
    few = StageFigures("a", entered=Part(19), went_on=Part(10))
    assert (few.rate.value, few.rate.reason) == (None, "Fewer than 20 accounts.")
    assert StageFigures("a", entered=Part(20), went_on=Part(10)).rate.value == 0.5
    assert biggest([few, few], lambda one: one.lost.accounts) is None


def test_the_limit_is_the_peers_else_the_expected_time() -> None:
    assert peers_p90([Stays(n, True, True, True, 1) for n in range(1, 101)]) == (100, 90)
    assert peers_p90([Stays(5, True, False, False, 9)]) == (0, None)
    assert stuck_limit(20, 90, 60, "peers") == 90
    assert stuck_limit(19, 90, 60, "peers") == 60
    assert stuck_limit(20, 90, 60, "expected") == 60
    assert stuck_limit(20, 90, None, "expected") == 90
    assert stuck_limit(3, 90, None, "peers") is None


def test_heights_are_on_a_root_scale_and_small_ones_stay_visible() -> None:
    assert heights([100, 25, 1, 0], tallest=100, smallest=12) == [100, 50, 12, 0]
    assert heights([0, 0], tallest=100, smallest=12) == [0, 0]


@pytest.fixture
def world(db: None) -> World:
    return make_world("kestrel", canary="KESTREL")


def sign_in(world: World, role: Role) -> Client:
    client = Client()
    client.force_login(world.members[role].user)
    return client


@pytest.mark.capability("C1")
@pytest.mark.parametrize("view", ["cohort", "now"])
def test_the_map_shows_eight_stages_and_each_opens_its_accounts(world: World, view: str) -> None:
    client = sign_in(world, Role.CSM)
    page = client.get(reverse("journeys:journey") + f"?view={view}").content.decode()
    for name in (
        "Awareness",
        "Consideration",
        "Decision",
        "Onboarding",
        "Adoption",
        "Renewal",
        "Expansion",
        "Advocacy",
    ):
        assert f">{name}</a>" in page
    for key in KEYS:
        assert client.get(reverse("journeys:stage_accounts", args=[key])).status_code == 200
    assert client.get(reverse("journeys:stage_accounts", args=["nowhere"])).status_code == 404


def test_the_file_holds_what_the_page_lists_and_money_only_with_the_right(world: World) -> None:
    with tenant_context(world.tenant.pk):
        walk("=Danger", ("onboarding", 5, None))
    address = reverse("journeys:stage_file", args=["onboarding"]) + "?show=now"
    text = sign_in(world, Role.CSM).get(address).content.decode()
    assert "'=Danger" in text
    assert "1000.00" in text
    hidden = sign_in(world, Role.SUPPORT_AGENT).get(address).content.decode()
    assert "1000.00" not in hidden
    with tenant_context(world.tenant.pk):
        kept = AuditEntry.objects.filter(verb="exported").order_by("pk")
        assert [(one.after["rows"] > 0, one.after["cut"]) for one in kept] == [(True, False)] * 2
        Tenant.objects.filter(pk=world.tenant.pk).update(currency="KWD")
    assert "100.000,KWD" in sign_in(world, Role.CSM).get(address).content.decode()


@pytest.mark.capability("C1")
def test_gaps_of_the_design_are_listed(world: World) -> None:
    with tenant_context(world.tenant.pk):
        live = published_version("journey", "standard")
        assert live is not None
        stages = [dict(one) for one in live.definition["stages"]]
        stages[0].pop("owner_team")
        stages[0].pop("touchpoints")
        stages[0].pop("success")
        draft = versioning.draft(
            kind="journey", key="standard", name="Customer journey",
            definition={**live.definition, "stages": stages}, actor=Actor.system("test"), now=live.created_at,
        )  # fmt: skip
        versioning.publish(version=draft, actor=Actor.system("test"), now=live.created_at, reason="Gaps")
    page = sign_in(world, Role.CSM).get(reverse("journeys:journey")).content.decode()
    assert "Gaps in the design" in page
    assert "without owner team, touchpoint, success definition" in page


def test_the_document_of_the_map_counts_whom_the_map_counts(journey: Tenant, now: datetime) -> None:
    walk("Here", ("onboarding", 10, None))
    walk("Left", ("onboarding", 10, None), status="churned")
    merged = walk("Twin", ("onboarding", 10, None))
    Account.objects.filter(pk=merged.pk).update(merged_into=Account.objects.get(name="Here"), status="merged")
    load = next(one for one in stage_loads() if one.stage.key == "onboarding")
    assert (load.accounts, load.arr_minor) == (1, 1_000_00) == (onboarding(now).now.accounts, onboarding(now).now.minor)
