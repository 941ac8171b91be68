"""What a draft may hold and a live model may not, and facts read by a model as rules read them."""

from datetime import date, timedelta
from typing import Any

import pytest

from accounts.models import Account, Contact
from core import registry
from core.facts import annotate_facts, fact_column
from core.models import ProcessVersion, Tenant
from core.versioning import PublishRefused, draft, publish
from health.actions import recompute
from health.models import Score
from health.queries.language import advice
from health.queries.moments import judge_moments
from health.rules import STANDARD, parse_model
from health.rules.presets import PRESETS
from tests.factories.health import (
    ACTOR,
    NOW,
    TODAY,
    account,
    contact,
    document,
    measure,
    one_input,
    publish_model,
    signals,
    ticket,
)

pytestmark = pytest.mark.usefixtures("in_kestrel")
LINE = {"linear": {"worst": 0, "best": 100}}


def refused(content: dict[str, Any]) -> str:
    """Why the document cannot go live, although it can be drafted; no waiver helps."""
    version = draft(kind="score_model", key="standard", name="S", definition=content, actor=ACTOR, now=NOW)
    with pytest.raises(PublishRefused) as refusal:
        publish(version=version, actor=ACTOR, now=NOW, reason="x", waiver="I sign")
    assert not refusal.value.waivable
    version.refresh_from_db()
    assert version.state == "draft"
    return str(refusal.value)


def test_a_measure_that_nobody_knows_is_refused_with_those_that_are_known(kestrel: Tenant) -> None:
    measure("logins_total")
    said = refused(document(one_input("usage", measure="login_total")))
    assert said.startswith(
        "inputs[0].measure: 'login_total' is not known in this workspace. Import it first, or use one of logins_total, "
    )


def test_the_live_model_stays_when_a_draft_is_refused(kestrel: Tenant) -> None:
    live = publish_model(kestrel, one_input())
    refused(document(one_input("other", measure="unheard_of")))
    assert ProcessVersion.objects.get(kind="score_model", state="published").pk == live.pk


def test_one_known_measure_of_several_is_enough_and_the_others_are_told(kestrel: Tenant) -> None:
    measure("nps")
    content = document(one_input("voice", measure=["unheard_of", "nps"]))
    version = draft(kind="score_model", key="standard", name="S", definition=content, actor=ACTOR, now=NOW)
    assert publish(version=version, actor=ACTOR, now=NOW, reason="x", waiver="x").state == "published"
    assert "'Voice': unheard_of is not known in this workspace and never answers." in advice(parse_model(content))


def test_what_is_still_to_be_learned_is_refused(kestrel: Tenant) -> None:
    measure("usage")
    assert refused(document(one_input(mapping={"learn": "bands"}))) == (
        "inputs[0].mapping: 'usage' is still to be learned. Run calibrate_health, then publish its proposal."
    )


def test_a_fact_that_comes_about_because_of_the_score_is_circular(kestrel: Tenant) -> None:
    assert refused(document(one_input(measure="escalations.open"))) == (
        "inputs[0].measure: 'escalations.open' comes about because of the score, so the score cannot be made from it. "
        "Read what both rest on instead."
    )


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"measure": "accounts.arr", "aggregate": "sum"}, "inputs[0].aggregate: 'accounts.arr' has one value"),
        ({"measure": "accounts.segment"}, "inputs[0].mapping: 'accounts.segment' is a choice. Use categories."),
        (
            {"measure": "accounts.arr", "mapping": {"categories": {"A": 1}}},
            "inputs[0].mapping: 'accounts.arr' is a money. Use linear or bands.",
        ),
    ],
)
def test_a_fact_is_read_as_what_it_is(kestrel: Tenant, asked: dict[str, Any], expected: str) -> None:
    assert refused(document(one_input(**asked))).startswith(expected)


def test_every_preset_can_go_live_in_a_new_workspace(kestrel: Tenant) -> None:
    for key, (_, definition) in PRESETS.items():
        content = {**definition, "key": f"new_{key}"}
        version = draft(kind="score_model", key=content["key"], name=key, definition=content, actor=ACTOR, now=NOW)
        assert publish(version=version, actor=ACTOR, now=NOW, reason="x", waiver="x").state == "published"


def test_what_is_known_for_today_only_and_models_beside_it_are_told(kestrel: Tenant) -> None:
    account(segment="small")
    publish_model(kestrel, one_input(), key="all")
    measure("usage")
    content = document(one_input("size", measure="accounts.arr"), key="small", name="Small", applies_to="small")
    told = advice(parse_model(content))
    assert "'Size': ARR is known for today only, so past days are judged without it." in told
    assert not [line for line in told if "No model" in line or "both for" in line]
    assert advice(parse_model({**STANDARD, "key": "all"})) == []


def numbers() -> list[str]:
    return [
        key
        for key, fact in registry.facts().items()
        if fact.type in ("number", "boolean") and not fact.follows_score and not key.startswith("health.")
    ]


def test_a_model_reads_every_fact_on_every_day_as_rules_read_it(kestrel: Tenant) -> None:
    for at in range(5):
        one = account(f"Account {at}", last_contact_on=TODAY - timedelta(days=at))
        signals(one, "active_users", [30.0] * 70 + [30.0 - at * 3] * 30)
        signals(one, "invoice_overdue_days", [at * 4.0], until=TODAY - timedelta(days=at))
        signals(one, "nps", [at * 3.0], until=TODAY - timedelta(days=2 * at))
        Contact.objects.create(account=one, name="Ada", left_on=TODAY - timedelta(days=20 * at))
        for back in range(at * 3):
            ticket(one, TODAY - timedelta(days=4 * back))
        for back in (0, 3, 40):
            contact(one, TODAY - timedelta(days=at + back))
    keys = numbers()
    assert len(keys) >= 6
    days = [TODAY, TODAY - timedelta(days=1), TODAY - timedelta(days=11), TODAY - timedelta(days=47), date(2025, 3, 30)]
    model = parse_model(document(*[one_input(f"f{at}", measure=key) for at, key in enumerate(keys)], min_coverage=0))
    publish_model(kestrel, one_input(), key="other")
    recompute(actor=ACTOR, now=NOW, as_of=TODAY)
    assert Score.objects.count() == 5
    now_only = {key for key in keys if registry.facts()[key].now_only}
    for day in days:
        asked = annotate_facts(Account.objects.order_by("pk"), keys, day)
        expected = [
            tuple(None if key in now_only and day < TODAY else _plain(getattr(one, fact_column(key))) for key in keys)
            for one in asked
        ]
        judged = judge_moments(model, [(one.pk, day) for one in asked])
        assert [one.values for one in judged] == expected


def _plain(value: Any) -> float | None:
    return None if value is None else round(float(value), 6)
