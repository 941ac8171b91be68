"""The page that explains a score: past days as they were stored, five parts of a change, rows behind values, doubts."""

import csv
import json
import random
import re
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.test import Client

from accounts.models import Account, Signal, Ticket
from core import clock
from core.actions import add_member, create_tenant
from core.choices import Role
from core.models import Membership, Tenant
from core.tenancy import tenant_context
from health.actions import backfill_history, recompute
from health.actions.overrides import set_override
from health.models import Doubt, Override, ScoreHistory
from health.queries import explain, health_page
from health.queries.rows import rows_behind
from health.rules import split_change
from health.rules.overrides import with_override
from tests.factories.health import (
    ACTOR,
    account,
    category,
    contact,
    contract,
    measure,
    one_input,
    publish_model,
    signals,
    ticket,
)  # fmt: skip
from tests.health.test_rules import _random_moment

pytestmark = pytest.mark.django_db
INPUTS = [
    one_input("usage", aggregate="trend", baseline_days=60, mapping={"linear": {"worst": -0.5, "best": 0.1}}),
    one_input("logins", aggregate="mean", missing={"carry_forward_days": 30}),
    one_input("plan", mapping={"categories": {"Active": 100, "Free": 20}}),
    one_input("support", measure="tickets.opened", window_days=90, aggregate="count",
              mapping={"linear": {"worst": 10, "best": 0}}),
    one_input("contact", measure="activities.contact", window_days=90, aggregate="days_since",
              mapping={"linear": {"worst": 90, "best": 0}}),
    one_input("contract", measure="contracts.arr", aggregate="trend", mapping={"linear": {"worst": -1, "best": 0}}),
    one_input("size", measure="accounts.arr", weight=0.1, mapping={"linear": {"worst": 0, "best": 2000}}),
]  # fmt: skip


@pytest.fixture
def workspace() -> Tenant:
    return create_tenant(
        slug="kestrel", name="Kestrel", currency="EUR", timezone="Europe/Berlin", actor=ACTOR, now=clock.now()
    )


def member(of: Tenant, role: Role) -> Membership:
    return add_member(
        tenant=of, email=f"{role}@kestrel.example", name=f"A {role}", role=role, password=None, actor=ACTOR,
        now=clock.now(),
    )  # fmt: skip


@pytest.fixture
def csm(workspace: Tenant, client: Client) -> Client:
    client.force_login(member(workspace, Role.CSM).user)
    return client


@pytest.fixture
def scored(workspace: Tenant) -> Account:
    now = clock.now()
    today = workspace.today(now)
    with tenant_context(workspace.pk):
        for key in ("usage", "logins"):
            measure(key)
        measure("plan", kind="category")
        publish_model(workspace, *INPUTS, now=now)
        one = account("Brightwater", arr_minor=100_000, customer_since=today - timedelta(days=500))
        signals(one, "usage", [30.0] * 120 + [18.0] * 20, until=today)
        signals(one, "logins", [40, 50], until=today - timedelta(days=40), step=5)
        category(one, "plan", "Free", day=today - timedelta(days=3))
        for back in (1, 4, 9, 50):
            ticket(one, today - timedelta(days=back), satisfaction=2)
        contact(one, today - timedelta(days=33))
        contract(one, 100_000, starts_on=today - timedelta(days=400), ends_on=today - timedelta(days=5))
        contract(one, 80_000, starts_on=today - timedelta(days=5))
        yesterday = today - timedelta(days=1)
        backfill_history(actor=ACTOR, now=now, from_day=yesterday - timedelta(days=90), to_day=yesterday)
        recompute(actor=ACTOR, now=now, as_of=today)
    return one


def page_text(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return re.sub(r'csrf[^>]*value="[^"]*"|X-CSRFToken[^}]*}', "", response.content.decode())


@pytest.mark.capability("H6")
def test_the_page_of_a_past_day_shows_what_was_stored_then_whatever_happens_later(
    csm: Client, workspace: Tenant, scored: Account
) -> None:
    now = clock.now()
    today = workspace.today(now)
    urls = [f"/accounts/{scored.pk}/health/?on={today - timedelta(days=back)}" for back in (0, 20, 50)]
    before = [page_text(csm, url) for url in urls]
    with tenant_context(workspace.pk):
        Signal.objects.all().delete()
        Ticket.objects.update(satisfaction=5, opened_at=now - timedelta(days=300))
        publish_model(workspace, one_input("logins"), now=now + timedelta(hours=1))
        recompute(actor=ACTOR, now=now + timedelta(days=1), as_of=today + timedelta(days=1))
        set_override(account_id=scored.pk, score=90, reason="Signed", until=today + timedelta(days=30), actor=ACTOR,
                     now=now + timedelta(days=1), today=today + timedelta(days=1))  # fmt: skip
    assert [page_text(csm, url) for url in urls] == before
    assert "brought in as history" in before[2]
    assert csm.get(f"/accounts/{scored.pk}/health/").context["health"].model_number == 3


def test_what_was_known_by_a_day_leaves_out_what_was_written_later(workspace: Tenant, scored: Account) -> None:
    now = clock.now()
    today = workspace.today(now)
    with tenant_context(workspace.pk):
        assert explain(scored.pk, on=today - timedelta(days=50)) is not None
        assert explain(scored.pk, on=today - timedelta(days=50), known=now - timedelta(days=1)) is None
        Ticket.objects.all().delete()
        recompute(actor=ACTOR, now=now + timedelta(days=2), as_of=today)  # late facts about the same day
        as_known = explain(scored.pk, on=today, known=now + timedelta(days=1))
        corrected = explain(scored.pk, on=today)
    assert as_known is not None
    assert corrected is not None
    by_key = {one.key: one.value for one in as_known.inputs}
    assert (by_key["support"], {one.key: one.value for one in corrected.inputs}["support"]) == (4, None)


def test_the_page_says_what_was_known_and_refuses_nonsense(csm: Client, workspace: Tenant, scored: Account) -> None:
    today = workspace.today(clock.now())
    assert "Only what was known by the end of" in page_text(csm, f"/accounts/{scored.pk}/health/?known={today}")
    assert "so it was not used" in page_text(csm, f"/accounts/{scored.pk}/health/?known=soon")


@pytest.mark.capability("C6")
def test_five_parts_add_up_to_the_shown_change_for_ten_thousand_pairs_with_overrides() -> None:
    dice = random.Random(23)
    seen = 0
    for _ in range(10_000):
        before, after = _random_moment(dice), _random_moment(dice)
        split = split_change(before, after)
        if split is None:
            continue
        then, now = (dice.choice([None, dice.uniform(0, 100)]) for _ in range(2))
        old = dice.uniform(0, 100)
        new = old + split.total
        whole = with_override(split, before=then, after=now, old=old, new=new)
        shown = (now if now is not None else new) - (then if then is not None else old)
        parts = (whole.values, whole.coverage, whole.configuration, whole.tenure, whole.override)
        assert sum(parts) == pytest.approx(whole.total, abs=0.01)
        assert whole.total == pytest.approx(shown, abs=0.01)
        seen += 1
    assert seen > 8_000


@pytest.mark.capability("C6")
def test_the_page_shows_five_parts_in_order_that_add_up_with_an_override(workspace: Tenant, scored: Account) -> None:
    now = clock.now()
    today = workspace.today(now)
    with tenant_context(workspace.pk):
        Override.objects.create(
            account=scored, score=20, reason="Rumour", from_day=today - timedelta(days=40), set_at=now, set_by="Maya",
            until_day=today - timedelta(days=10),
        )  # fmt: skip
        set_override(account_id=scored.pk, score=90, reason="Signed", until=today + timedelta(days=30), actor=ACTOR,
                     now=now, today=today)  # fmt: skip
        page = health_page(scored.pk, today=today)
    assert page is not None
    assert page.health is not None
    assert [part.label for part in page.parts] == [
        "Values changed", "Coverage changed", "Configuration changed", "Tenure row changed", "Override",
    ]  # fmt: skip
    assert float(sum(part.value for part in page.parts)) == pytest.approx(70, abs=0.01)
    assert (page.steps[0]["value"], page.steps[-1]["value"]) == (20, 90)
    assert sum(step["value"] for step in page.steps[:-1]) == pytest.approx(90, abs=0.11)
    assert "by override" in page.finding


def test_caps_stand_as_a_line_of_their_own_that_adds_up(workspace: Tenant) -> None:
    now = clock.now()
    today = workspace.today(now)
    with tenant_context(workspace.pk):
        for key in ("usage", "logins"):
            measure(key)
        publish_model(workspace, one_input("usage"), one_input("logins", name="Log-ins"), now=now,
                      caps=[{"input": "logins", "below": 20, "at_most": 49}])  # fmt: skip
        one = account()
        signals(one, "usage", [95.0], until=today)
        signals(one, "logins", [15.0], until=today)
        recompute(actor=ACTOR, now=now, as_of=today)
        health = explain(one.pk)
    assert health is not None
    assert health.limited is not None
    assert health.limited.points is not None
    assert health.limited.words == "capped at 49 because Log-ins is below 20"
    assert float(sum(row.shown_points or 0 for row in health.inputs) + health.limited.points) == health.score == 49


@pytest.mark.parametrize("key", ["usage", "logins", "plan", "support", "contact", "contract", "size"])
def test_the_rows_behind_a_value_reproduce_it(workspace: Tenant, scored: Account, key: str) -> None:
    with tenant_context(workspace.pk):
        behind = rows_behind(scored.pk, key)
    assert behind is not None
    assert behind.stored is not None
    assert behind.value == pytest.approx(behind.stored, abs=1e-5)
    assert behind.agrees
    assert behind.rows != []


def test_rows_are_paged_and_say_when_they_no_longer_give_what_was_stored(
    csm: Client, workspace: Tenant, scored: Account
) -> None:
    url = f"/accounts/{scored.pk}/health/rows/usage/"
    first = csm.get(url)
    assert (len(first.context["behind"].rows), first.context["behind"].total) == (50, 90)
    assert len(csm.get(f"{url}?page=2").context["behind"].rows) == 40
    assert "as the score used it" in first.content.decode()
    with tenant_context(workspace.pk):
        Signal.objects.filter(measure__key="usage").update(value=7)
    assert "Rows came in or were corrected after it was stored" in csm.get(url).content.decode()
    assert csm.get(f"/accounts/{scored.pk}/health/rows/nonsense/").status_code == 404


def test_an_override_is_set_cleared_and_taken_back_on_the_page(csm: Client, workspace: Tenant, scored: Account) -> None:
    today = workspace.today(clock.now())
    url = f"/accounts/{scored.pk}/health/"
    given = {"score": "82.5", "last_day": today + timedelta(days=89), "reason": "They signed"}
    assert csm.post(f"{url}override/", given | {"last_day": today + timedelta(days=90)}).status_code == 422
    assert csm.post(f"{url}override/", given).status_code == 302
    text = page_text(csm, url)
    assert "They signed" in text
    assert "A csm" in text
    assert csm.post(f"{url}override/clear/").status_code == 302
    assert csm.post(f"{url}override/clear/").status_code == 422
    assert "was cleared today" in page_text(csm, url)
    assert csm.post(f"{url}override/undo/").status_code == 302
    assert csm.get(url).context["health"].override.score == 82.5
    with tenant_context(workspace.pk):
        assert set(ScoreHistory.objects.values_list("account_id", flat=True)) == {scored.pk}


@pytest.mark.parametrize(
    ("role", "may"),
    [(Role.CSM, True), (Role.CS_MANAGER, True), (Role.CS_DIRECTOR, True), (Role.REVOPS_ADMIN, True),
     (Role.SUPPORT_AGENT, False), (Role.SALES_REP, False), (Role.LEADER, False), (Role.EXECUTIVE_SPONSOR, False)],
)  # fmt: skip
def test_who_may_override(workspace: Tenant, client: Client, scored: Account, role: Role, may: bool) -> None:
    client.force_login(member(workspace, role).user)
    today = workspace.today(clock.now())
    given = {"score": "50", "last_day": today + timedelta(days=5), "reason": "x"}
    status = client.post(f"/accounts/{scored.pk}/health/override/", given).status_code
    assert (status, 'data-opens="override"' in page_text(client, f"/accounts/{scored.pk}/health/")) == (
        (302, True) if may else (403, False)
    )


def test_a_doubt_is_kept_with_the_score_and_reaches_who_reviews_the_model(
    csm: Client, workspace: Tenant, scored: Account, client: Client
) -> None:
    url = f"/accounts/{scored.pk}/health/doubt/"
    assert csm.post(url, {"input": "usage", "note": "They moved to the new app"}).status_code == 302
    assert csm.post(url, {"input": "usage", "note": ""}).status_code == 422
    assert csm.post(url, {"input": "nonsense", "note": "x"}).status_code == 422
    with tenant_context(workspace.pk):
        one = Doubt.objects.get()
        health = explain(scored.pk)
        assert health is not None
        assert (one.input_key, one.score, one.model_version_id) == ("usage", health.score, health.version_id)
    assert csm.get("/health/models/standard/doubts/").status_code == 403
    client.force_login(member(workspace, Role.REVOPS_ADMIN).user)
    text = client.get("/health/models/standard/doubts/").content.decode()
    assert "They moved to the new app" in text
    assert "Brightwater" in text


def test_the_explanation_can_be_taken_away_and_adds_up(csm: Client, scored: Account) -> None:
    url = f"/accounts/{scored.pk}/health/export/"
    document = json.loads(csm.get(f"{url}?format=json").content)
    assert sum(one["points"] or 0 for one in document["inputs"]) == pytest.approx(document["score"], abs=0.01)
    parts = document["since"]["parts"]
    assert sum(parts.values()) == pytest.approx(document["since"]["change"], abs=0.01)
    assert list(parts) == ["values", "coverage", "configuration", "tenure", "override"]
    rows = list(csv.DictReader(StringIO(csm.get(url).content.decode())))
    assert sum(float(row["points"] or 0) for row in rows[:-1]) == pytest.approx(float(rows[-1]["points"]), abs=0.01)


@pytest.mark.capability("A10")
def test_the_twin_is_offered_for_one_and_for_chosen_accounts(csm: Client, scored: Account) -> None:
    for url in (f"/accounts/{scored.pk}/health/twin.xlsx", f"/health/twin.xlsx?accounts={scored.pk},999"):
        response = csm.get(url)
        assert (response.status_code, response.content[:2]) == (200, b"PK")
    assert csm.get("/health/twin.xlsx").status_code == 200  # nobody chose: the first by name
    assert csm.get("/health/twin.xlsx?accounts=999").status_code == 404
    for wrong in ("", "a", ",".join(map(str, range(101)))):
        assert csm.get(f"/health/twin.xlsx?accounts={wrong}").status_code == 422


def test_markers_and_brought_in_days_stand_in_the_chart(csm: Client, workspace: Tenant, scored: Account) -> None:
    now = datetime.now(tz=UTC)
    with tenant_context(workspace.pk):
        publish_model(workspace, one_input("support", measure="tickets.opened", aggregate="count"), now=now)
        recompute(actor=ACTOR, now=now + timedelta(seconds=1), as_of=workspace.today(now))
    chart = csm.get(f"/accounts/{scored.pk}/health/").context["page"].chart
    assert [line["name"] for line in chart["series"]] == ["Score, brought in", "Score"]
    assert chart["series"][0]["dash"]
