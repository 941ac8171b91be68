"""The language of playbooks: what is refused with which remedy, what it says in words, and its schema."""

import json
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from core.differences import compare
from core.models import ProcessVersion, Tenant
from core.process_files.documents import from_bytes, to_text
from core.versioning import PublishRefused, draft, publish
from journeys.actions.plays.library import ensure_starter_playbooks
from journeys.queries.plays.language import describe, parse_known
from journeys.rules.calendar import holidays_of, is_business_day, place
from journeys.rules.play_library import LIBRARY
from journeys.rules.play_schema import PLAYBOOK_SCHEMA
from journeys.rules.playbooks import lint, parse_playbook
from tests.factories.plays import ACTOR, NOW, document, step

SCHEMA_FILE = Path(__file__).resolve().parents[2] / "docs" / "playbook.schema.json"
GUIDE = Path(__file__).resolve().parents[2] / "docs" / "playbooks.md"
VALIDATOR = jsonschema.Draft202012Validator(PLAYBOOK_SCHEMA)
RULE = {"fact": "accounts.arr", "op": "gte", "value": 1}

# What is wrong, how the message begins, and whether a schema can see it.
WRONG: list[tuple[dict[str, Any], str, bool]] = [
    ({"gaol": "x"}, "gaol: this field is unknown. Did you mean goal?", True),
    ({"anchor": "birthday"}, "anchor: one of start, renewal_due", True),
    ({"steps": []}, "steps: give at least one step", True),
    ({"variants": [], "steps": [step("a")]}, "steps: give either `steps` or `variants`", True),
    ({"steps": [step("a"), step("a")]}, "steps[1].key: 'a' stands twice", False),
    ({"steps": [step("a", owner="the boss")]}, "steps[0].owner: 'the boss' is unknown. One of account_owner", True),
    ({"steps": [step("a", 7, "yesterday")]}, "steps[0].due.from: anchor, start or step:KEY, not 'yesterday'", True),
    ({"steps": [step("a", 7, "step:b")]}, "steps[0].due.from: no step has the key 'b'. Known: a", False),
    (
        {"steps": [step("a", 1, "step:b"), step("b", 1, "step:c"), step("c", 1, "step:a")]},
        "steps[0].due.from: the steps wait for each other (a → b → c → a). Count one from start.",
        False,
    ),
    ({"steps": [step("a", due={"days": -1})]}, "steps[0].due.days: a whole number from 0 to 730, not -1", True),
    (
        {"steps": [step("a", due={"days": 1, "from": "start", "when": "before"})]},
        "steps[0].due.when: only the anchor can have days before it",
        False,
    ),
    ({"steps": [step("a", only_if={})]}, "steps[0].only_if: name at least one condition", True),
    ({"steps": [step("a b")]}, "steps[0].key: letters, digits, _ and -", True),
    ({"starts": [{"on": "full_moon"}]}, "starts[0].on: one of manual, alert", True),
    ({"starts": [{"on": "stage"}]}, "starts[0].stage: missing. A start on stage needs it.", True),
    ({"starts": [{"on": "signal"}]}, "starts[0].rule: missing. A start on signal needs it.", True),
    ({"starts": [{"on": "date", "days": {"of": "close"}}]}, "starts[0].days: give either before or after", True),
    ({"starts": [{"on": "manual", "rule": RULE}]}, "starts[0].rule: has no meaning for a start on manual", True),
    ({"outcome": {"name": "x", "rule": RULE}}, "outcome.within_days: a whole number from 1", True),
    ({"outcome": {"name": "", "rule": RULE, "within_days": 1}}, "outcome.name: missing", True),
    (
        {"variants": [{"key": "a", "segments": ["x"], "steps": [step("a")]},
                      {"key": "b", "segments": ["x"], "steps": [step("a")]}]},
        "variants[1].segments: segment 'x' has 'a' already", False,
    ),
    ({"variants": [{"key": "a", "steps": [step("a", 1, "step:z")]}]}, "variants[0].steps[0].due.from: no step", False),
]  # fmt: skip


@pytest.mark.parametrize(("values", "message", "seen_by_schema"), WRONG)
def test_what_is_wrong_is_refused_with_its_place_and_a_remedy(
    values: dict[str, Any], message: str, seen_by_schema: bool
) -> None:
    content = document(**values)
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 -- the message says which kind it is
        parse_playbook(content)
    assert str(refusal.value).startswith(message)
    assert VALIDATOR.is_valid(content) is not seen_by_schema


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"audience": {"fact": "accounts.ar", "op": "gte", "value": 1}}, "audience: Unknown fact 'accounts.ar'"),
        (
            {"steps": [step("a", only_if={"all": [{"fact": "nope", "op": "eq", "value": 1}]})]},
            "steps[0].only_if.all[0]: Unknown fact 'nope'",
        ),
        ({"steps": [step("a", panel=["accounts.arr", "moon.phase"])]}, "steps[0].panel[1]: the fact 'moon.phase'"),
        (
            {"starts": [{"on": "date", "days": {"after": 1, "of": "accounts.arr"}}]},
            "starts[0].days.of: 'accounts.arr' is a money; a date is needed.",
        ),
    ],
)
def test_unknown_facts_are_refused_with_their_place(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 -- the message says which kind it is
        parse_known(document(**values))
    assert str(refusal.value).startswith(message)


@pytest.mark.capability("W3")
def test_a_step_without_a_done_criterion_fails_lint_and_never_goes_live(in_kestrel: Tenant) -> None:
    content = document(steps=[{"key": "call", "title": "Call"}])
    version = draft(kind="playbook", key="x", name="X", definition=content, actor=ACTOR, now=NOW)
    with pytest.raises(PublishRefused) as refusal:
        publish(version=version, actor=ACTOR, now=NOW, reason="try", waiver="I insist")
    assert refusal.value.waivable is False
    for field in ("done_when", "owner", "due"):
        assert f"steps[0].{field}: missing" in str(refusal.value)


def test_variants_that_leave_somebody_out_and_unknown_stages_never_go_live(in_kestrel: Tenant) -> None:
    only = document(variants=[{"key": "large", "segments": ["enterprise"], "steps": [step("a")]}])
    assert list(lint(parse_playbook(only))) == [
        (
            "variants: accounts without a segment, or of a new one, would have no steps. Leave `segments` out of one "
            "variant: it serves all others."
        )
    ]


@pytest.mark.capability("R2")
def test_a_difference_speaks_the_language_of_the_work() -> None:
    before = document(
        steps=[step("plan", 2), step("call", 7, "step:plan"), step("quote", 14, "step:call", title="Send the quote")]
    )
    after = deepcopy(before)
    after["steps"][2]["due"]["days"] = 7
    changes = [change.text for change in compare(describe(before), describe(after))]
    assert changes == ["step 3, Send the quote: due 14 → 7 days after step 2"]
    after["steps"].insert(0, step("read", 1))
    after["outcome"] = {"name": "Used again", "rule": RULE, "within_days": 60}
    changes = [change.text for change in compare(describe(before), describe(after))]
    assert changes == [
        "outcome added: Used again",
        "outcome reached when added: ARR is at least 0.01",
        "outcome within added: 60 days",
        "step 1, Read added: title Read, due 1 day after the start, owner account owner, done when read is on record",
        "step 4, Send the quote: due 14 days after step 2 → 7 days after step 3",
    ]


@pytest.mark.parametrize(("key", "name", "content"), LIBRARY)
def test_every_starter_playbook_is_complete_and_goes_round_as_a_file(
    in_kestrel: Tenant, key: str, name: str, content: dict[str, Any]
) -> None:
    playbook = parse_known(dict(content))
    assert list(lint(playbook)) == []
    assert playbook.outcome is not None
    for variant in playbook.variants:
        assert all(one.script and one.goal for one in variant.steps)
    text = to_text("playbook", key, name, dict(content))
    read = from_bytes(text.encode(), f"{key}.yaml")
    assert (read.key, read.name, read.text) == (key, name, text)
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(text))] == []


@pytest.mark.capability("T2")
def test_the_first_100_days_are_anchored_to_the_close(in_kestrel: Tenant) -> None:
    content = dict(next(one for key, _, one in LIBRARY if key == "first_100_days"))
    playbook = parse_playbook(content)
    days = [one.due for one in playbook.variants[0].steps if one.due]
    assert playbook.anchor == "close"
    assert max(due.days for due in days if due.source == "anchor") == 100


@pytest.mark.capability("N15")
def test_onboarding_ships_with_a_project_plan_checkpoints_and_a_map_of_needs() -> None:
    playbook = parse_playbook(dict(next(one for key, _, one in LIBRARY if key == "onboarding")))
    steps = {one.key: one for one in playbook.variants[0].steps}
    assert steps["project_plan"].template.startswith("Project plan for")
    assert steps["needs_map"].template.startswith("Functionality-to-need map")
    assert [key for key in steps if key.startswith("checkpoint")] == ["checkpoint_setup", "checkpoint_use"]


@pytest.mark.capability("N17")
def test_expansion_requires_that_value_is_proven() -> None:
    playbook = parse_playbook(dict(next(one for key, _, one in LIBRARY if key == "expansion")))
    assert playbook.requires == {"fact": "journeys.value_proven", "op": "eq", "value": True}


@pytest.mark.capability("R1")
def test_a_new_workspace_gets_the_library_once_as_named_versions(in_kestrel: Tenant) -> None:
    for _ in range(2):
        ensure_starter_playbooks(actor=ACTOR, now=NOW)
    live = ProcessVersion.objects.filter(kind="playbook", state="published").order_by("key")
    assert [(one.key, str(one)) for one in live][:3] == [
        ("expansion", "Expansion v1"), ("first_100_days", "First 100 days v1"), ("low_usage", "Low usage v1"),
    ]  # fmt: skip
    assert len(live) == ProcessVersion.objects.filter(kind="playbook").count() == len(LIBRARY)


def test_the_schema_file_is_the_schema_of_the_code() -> None:
    assert json.loads(SCHEMA_FILE.read_text()) == json.loads(json.dumps(PLAYBOOK_SCHEMA))
    jsonschema.Draft202012Validator.check_schema(PLAYBOOK_SCHEMA)


def test_the_examples_in_the_guide_can_be_read() -> None:
    blocks = [block.split("```")[0] for block in GUIDE.read_text().split("```yaml\n")[1:]]
    whole = [from_bytes(block.encode(), "guide.yaml") for block in blocks if block.startswith("kind: playbook")]
    assert len(whole) >= 1
    for one in whole:
        assert [error.message for error in VALIDATOR.iter_errors(one.definition)] == []
        assert list(lint(parse_playbook(one.definition))) == []


@given(
    base=st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    days=st.integers(0, 400),
    before=st.booleans(),
    off=st.sets(st.dates(date(2020, 1, 1), date(2031, 12, 31)), max_size=20),
)
@settings(max_examples=200, deadline=None)
def test_a_day_on_the_business_calendar_is_a_business_day_on_the_right_side(
    base: date, days: int, before: bool, off: set[date]
) -> None:
    found = place(base, days, before=before, holidays=off)
    assert is_business_day(found.day, off)
    assert found.day <= found.counted if before else found.day >= found.counted
    assert bool(found.why) == (found.day != found.counted)
    assert place(base, days, before=before, business=False, holidays=off).day == found.counted


def test_a_day_off_says_why_it_moved() -> None:
    off = holidays_of(["2026-04-03", "no date", "2026-04-06"])
    assert place(date(2026, 3, 20), 14, holidays=off).why == "moved from Fri 3 Apr, a holiday"
    assert place(date(2026, 3, 20), 14, holidays=off).day == date(2026, 4, 7)
    assert place(date(2026, 4, 10), 5, before=True, holidays=off).day == date(2026, 4, 2)
