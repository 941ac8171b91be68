"""Whom a playbook is for, what must hold before a start, its outcome and the branches of steps: edited in the page."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.choices import AccountStatus
from core.choices import Role
from core.models import ProcessVersion, Tenant
from core.shapes import BadFields
from core.tenancy import tenant_context
from journeys.queries.play_editor import ABOUT
from journeys.rules.condition_rows import Vocabulary, edited, with_one_more
from journeys.rules.play_library import LIBRARY
from tests.factories.playbook_editing import URL, begun, client_of, drafted, edit, new_condition
from tests.factories.plays import account, publish_playbook, step

CUSTOMER = {"fact": "accounts.status", "op": "eq", "value": "customer"}
SMALL = {"fact": "accounts.segment", "op": "eq", "value": "small"}
RICH = {"fact": "accounts.arr", "op": "gte", "value": 5_000_000}
NESTED = {"any": [CUSTOMER, {"all": [SMALL, RICH]}]}
KNOWN = Vocabulary(
    types={"n": "number", "m": "money", "d": "date", "b": "boolean", "t": "text", "c": "choice"},
    currency="EUR",
    choices={"c": {"small": "Small business"}},
)


@pytest.fixture
def admin(kestrel: Tenant) -> Client:
    return client_of(kestrel, Role.REVOPS_ADMIN)


@pytest.fixture
def live(kestrel: Tenant) -> Iterator[ProcessVersion]:
    with tenant_context(kestrel.pk):
        yield publish_playbook()


@pytest.mark.capability("P4")
def test_whom_it_is_for_is_built_condition_by_condition(admin: Client, live: ProcessVersion) -> None:
    begun(admin)
    first = edit(admin, opened=ABOUT, **new_condition("audience", "accounts.status", "eq", "Customer"))
    assert first.status_code == 200
    assert drafted()["audience"] == CUSTOMER
    edit(admin, opened=ABOUT, **new_condition("audience", "accounts.arr", "gte", "50,000"))
    edit(admin, opened=ABOUT, **new_condition("audience", "accounts.segment", "ne", "small"))
    assert drafted()["audience"] == {"all": [CUSTOMER, RICH, {"not": SMALL}]}
    page = edit(admin, opened=ABOUT, **{"cond:audience:join": "any", "cond:audience:1:op": "lt",
                                        "cond:audience:1:value": "1200.50"})  # fmt: skip
    assert drafted()["audience"] == {"any": [CUSTOMER, {**RICH, "op": "lt", "value": 120_050}, {"not": SMALL}]}
    assert "Status is customer or ARR is under 1,200.5 or not (Segment is small)" in page.content.decode()
    for number, left in (("1", {"any": [CUSTOMER, {"not": SMALL}]}), ("1", CUSTOMER), ("0", None)):
        edit(admin, opened=ABOUT, act=f"cond-drop:audience:{number}")
        assert drafted().get("audience") == left


def test_what_must_hold_before_a_start_is_saved_like_other_fields(admin: Client, live: ProcessVersion) -> None:
    begun(admin)
    answer = edit(admin, opened=ABOUT, **new_condition("requires", "journeys.value_proven", "eq", "yes"))
    assert drafted()["requires"] == {"fact": "journeys.value_proven", "op": "eq", "value": True}
    text = answer.content.decode()
    assert "Required before it starts" in text
    assert "Was nothing." in text
    assert "v1 to v2" in text
    edit(admin, opened=ABOUT, **{"cond:requires:0:op": "is_known"})
    assert drafted()["requires"] == {"fact": "journeys.value_proven", "op": "is_known"}


def test_an_outcome_is_named_with_its_rule_and_days_and_goes_as_a_whole(admin: Client, live: ProcessVersion) -> None:
    begun(admin)
    asked = new_condition("outcome", "accounts.days_since_contact", "lte", "14")
    nameless = edit(admin, opened=ABOUT, **asked, within_days="30")
    assert nameless.status_code == 422
    assert "Name the outcome as people would say it." in nameless.content.decode()
    assert "outcome" not in drafted()
    edit(admin, opened=ABOUT, **asked, outcome_name="In contact again", within_days="30")
    rule = {"fact": "accounts.days_since_contact", "op": "lte", "value": 14}
    assert drafted()["outcome"] == {"name": "In contact again", "rule": rule, "within_days": 30}
    refused = edit(admin, opened=ABOUT, act="cond-drop:outcome:0")
    assert "An outcome needs a condition. Add another one first." in refused.content.decode()
    edit(admin, opened=ABOUT, **{"cond:outcome:0:op": "lte", "cond:outcome:0:value": "7", "within_days": "20"})
    assert drafted()["outcome"] == {"name": "In contact again", "rule": {**rule, "value": 7}, "within_days": 20}
    edit(admin, opened=ABOUT, act="outcome-drop")
    assert "outcome" not in drafted()


def test_a_signal_has_conditions_of_its_own_and_never_none(admin: Client, live: ProcessVersion) -> None:
    begun(admin)
    text = edit(admin, opened=ABOUT, act="start-add", new_start="signal").content.decode()
    quiet = {"fact": "accounts.days_since_contact", "op": "gte", "value": 60}
    assert drafted()["starts"][1] == {"on": "signal", "rule": quiet}
    assert "Start 2, when" in text
    edit(admin, opened=ABOUT, **new_condition("start.1", "accounts.segment", "in", "small, enterprise"))
    chosen = {"fact": "accounts.segment", "op": "in", "value": ["small", "enterprise"]}
    assert drafted()["starts"][1]["rule"] == {"all": [quiet, chosen]}
    edit(admin, opened=ABOUT, act="cond-drop:start.1:0")
    refused = edit(admin, opened=ABOUT, act="cond-drop:start.1:0")
    assert "A signal needs a condition. Add another one first." in refused.content.decode()
    assert drafted()["starts"][1]["rule"] == chosen
    edit(admin, opened=ABOUT, act="start-add", new_start="date")
    edit(admin, opened=ABOUT, **new_condition("start.2", "accounts.status", "eq", "customer"))
    assert drafted()["starts"][2]["rule"] == CUSTOMER
    edit(admin, opened=ABOUT, act="cond-drop:start.2:0")
    assert "rule" not in drafted()["starts"][2]


@pytest.mark.parametrize("place", ["start.0", "start.9", "start.²", "only_if.nobody", "steps", ""])
def test_conditions_go_nowhere_else(admin: Client, live: ProcessVersion, place: str) -> None:
    draft = begun(admin)
    answer = edit(admin, opened=ABOUT, **new_condition(place, "accounts.status", "eq", "customer"))
    assert answer.status_code == 422
    draft.refresh_from_db()
    assert draft.content_hash == live.content_hash


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        (new_condition("audience", "", "eq", "x"), "new-fact", "Choose the fact that is asked for."),
        (new_condition("audience", "no.fact", "eq", "x"), "new-fact", "Choose the fact that is asked for."),
        (new_condition("audience", "accounts.arr", "gte", "much"), "new-value", "This fact is a number."),
        (new_condition("audience", "accounts.segment", "eq", "huge"), "new-value", "One of enterprise, mid_market"),
        (new_condition("audience", "accounts.segment", "gt", "small"), "new-value", "Choose “is”."),
        (new_condition("audience", "accounts.status", "eq"), "new-value", "Write the value"),
        ({"cond:requires:0:op": "gte", "cond:requires:0:value": "soon"}, "0-value", "This fact is a number."),
    ],
)
def test_what_is_wrong_stands_at_the_condition_and_the_draft_stays(
    kestrel: Tenant, admin: Client, fields: dict[str, str], field: str, message: str
) -> None:
    with tenant_context(kestrel.pk):
        publish_playbook(requires=RICH)
        draft = begun(admin)
        answer = edit(admin, opened=ABOUT, **fields)
        text = answer.content.decode()
        assert answer.status_code == 422
        assert message in text
        place = "requires" if "cond:requires:0:op" in fields else "audience"
        tag = text[text.index(f'id="f-cond-{place}-{field}"') :].split(">")[0]
        assert 'aria-invalid="true"' in tag
        draft.refresh_from_db()
        assert (draft.definition.get("audience"), draft.definition["requires"]) == (None, RICH)


def test_nested_conditions_are_said_in_words_and_stay_as_written(kestrel: Tenant, admin: Client) -> None:
    with tenant_context(kestrel.pk):
        publish_playbook(audience=NESTED)
        begun(admin)
        text = admin.get(f"{URL}?open={ABOUT}").content.decode()
        assert "Segment is small and ARR is at least 50,000" in text
        edit(admin, opened=ABOUT, **{"cond:audience:0:op": "eq", "cond:audience:0:value": "prospect"})
        assert drafted()["audience"] == {"any": [{**CUSTOMER, "value": "prospect"}, NESTED["any"][1]]}


def test_saving_the_conditions_as_they_stand_changes_nothing(kestrel: Tenant, admin: Client) -> None:
    rule = {"all": [RICH, {"fact": "accounts.usage_change", "op": "lt", "value": -0.25}]}
    branched = step("call", only_if={"fact": "accounts.segment", "op": "in", "value": ["small", "enterprise"]})
    with tenant_context(kestrel.pk):
        publish_playbook(audience=NESTED, requires=rule, steps=[branched])
        draft = begun(admin)
        for opened in (ABOUT, "call"):
            blocks = admin.get(f"{URL}?open={opened}").context["page"]
            shown = [*blocks.conditions.values(), *(one.conditions for one in blocks.steps if one.is_open)]
            rows = [row for block in shown for row in block.rows if row.op is not None]
            sent = {each.name: str(each.value) for row in rows for each in (row.op, row.value) if each is not None}
            assert edit(admin, opened=opened, **sent).status_code == 200
        was = draft.content_hash
        draft.refresh_from_db()
        assert draft.content_hash == was


def test_what_is_typed_for_a_new_condition_outlives_the_saving_of_another_field(
    admin: Client, live: ProcessVersion
) -> None:
    begun(admin)
    typed = {**new_condition("audience", "accounts.arr", "gte", "70000"), "act": ""}
    text = edit(admin, opened=ABOUT, **typed, goal="Quiet no more.", outcome_name="Half a na").content.decode()
    assert 'value="70000"' in text
    assert 'value="Half a na"' in text
    assert ("audience" in drafted(), drafted()["goal"]) == (False, "Quiet no more.")


def test_without_a_script_the_same_forms_lead_back_to_the_page(admin: Client, live: ProcessVersion) -> None:
    begun(admin)
    sent = new_condition("audience", "accounts.status", "eq", "customer")
    answer = admin.post(f"{URL}edit/?open={ABOUT}", {"seen": "", "variant": "", **sent})
    assert answer.status_code == 302
    assert "Segment" in admin.get(answer["Location"]).content.decode()
    wrong = admin.post(f"{URL}edit/?open={ABOUT}", {"seen": "", "variant": "", **sent, "cond:audience:new_value": ""})
    assert wrong.status_code == 422
    assert "Write the value that the fact is compared with." in wrong.content.decode()


def test_how_many_accounts_it_is_for_is_one_question(kestrel: Tenant, admin: Client) -> None:
    with tenant_context(kestrel.pk):
        publish_playbook(audience=CUSTOMER)
        for name, status in (("A", "customer"), ("B", "customer"), ("C", "prospect")):
            account(name, status=status)
        account("D", status=AccountStatus.CHURNED)
        draft = begun(admin)
        edit(admin, opened=ABOUT, act="cond-drop:audience:0")
        for view, found in (("live", "2 accounts today"), ("draft", "3 accounts today")):
            with CaptureQueriesContext(connection) as asked:
                text = admin.get(f"{URL}audience/?view={view}", headers={"HX-Request": "true"}).content.decode()
            assert found in text
            assert sum("COUNT(*)" in one["sql"] and "accounts_account" in one["sql"] for one in asked) == 1
        assert "Every account." in admin.get(f"{URL}audience/").content.decode()
        draft.definition = {**draft.definition, "audience": {**CUSTOMER, "fact": "no.more"}}
        ProcessVersion.objects.filter(pk=draft.pk).update(definition=draft.definition)
        assert "Cannot be counted" in admin.get(f"{URL}audience/").content.decode()


def test_a_reader_sees_the_conditions_in_words_only(kestrel: Tenant) -> None:
    with tenant_context(kestrel.pk):
        publish_playbook(audience=CUSTOMER, requires={"fact": "journeys.value_proven", "op": "eq", "value": True})
    text = client_of(kestrel, Role.CSM).get(f"{URL}?open={ABOUT}").content.decode()
    assert "Status is customer" in text
    assert "First value reached is yes" in text
    assert "cond:audience" not in text


@pytest.mark.capability("P4")
def test_a_new_playbook_begins_like_a_starter_as_delivered(admin: Client, live: ProcessVersion) -> None:
    text = admin.get("/playbooks/new/").content.decode()
    words = ("Starters as delivered", "Live in this workspace", "Price objection", "One empty step")
    assert all(one in text for one in words)
    assert f'href="/playbooks/new/?like={live.key}"' in admin.get(URL).content.decode()
    for key, _, document in LIBRARY:
        sent = {"name": "Mine", "key": f"my_{key}", "like": f"starter:{key}"}
        assert admin.post("/playbooks/new/", sent).status_code == 302
        made = ProcessVersion.objects.get(kind="playbook", key=f"my_{key}")
        assert (made.is_draft, made.definition) == (True, dict(document))
    refused = admin.post("/playbooks/new/", {"name": "Mine", "key": "mine", "like": "starter:nothing"})
    assert refused.status_code == 422


@pytest.mark.parametrize(
    ("fact", "op", "text", "expected"),
    [
        ("n", "eq", "1,5", {"fact": "n", "op": "eq", "value": 1.5}),
        ("n", "lt", "−0.25", {"fact": "n", "op": "lt", "value": -0.25}),
        ("n", "in", "1, 2", {"fact": "n", "op": "in", "value": [1, 2]}),
        ("m", "gte", "1 200 000", {"fact": "m", "op": "gte", "value": 120_000_000}),
        ("d", "lt", "2026-03-31", {"fact": "d", "op": "lt", "value": "2026-03-31"}),
        ("b", "eq", "no", {"fact": "b", "op": "eq", "value": False}),
        ("t", "is_unknown", "passed by", {"fact": "t", "op": "is_unknown"}),
        ("c", "not_in", "Small Business", {"not": {"fact": "c", "op": "in", "value": ["small"]}}),
    ],
)
def test_a_condition_is_written_as_the_language_says_it(
    fact: str, op: str, text: str, expected: dict[str, Any]
) -> None:
    fields = {"cond:audience:new_fact": fact, "cond:audience:new_op": op, "cond:audience:new_value": text}
    assert with_one_more(None, "audience", fields, KNOWN) == expected


@pytest.mark.parametrize("text", ["1e400", "٣", "9" * 14, "--1", "1,2,3", ""])
def test_odd_numbers_are_refused(text: str) -> None:
    tree = {"fact": "n", "op": "eq", "value": 1}
    with pytest.raises(BadFields):
        edited(tree, "audience", {"cond:audience:0:op": "eq", "cond:audience:0:value": text}, KNOWN)
