"""A playbook in a real browser: drafted, previewed, published, compared, taken back; and a play worked."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.visitor import sign_in
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

EMAIL, OTHER, PASSWORD = "priya@westfield.example", "tomas@westfield.example", "a-long-password-7"
LONG = 60_000


@pytest.fixture(scope="module")
def westfield(stack: Stack) -> int:
    """A workspace with an administrator, a CSM who owns nothing, and two accounts whose plays are running."""
    made = stack.manage("tenant", "create", "westfield", "--name", "Westfield", "--currency", "EUR", "--json")
    stack.python(
        "from core.actions import add_member\n"
        "from core import clock\n"
        "from core.actors import Actor\n"
        "from core.models import Tenant\n"
        "from core.tenancy import tenant_context\n"
        "from accounts.models import Account, Person\n"
        "from journeys.actions.plays import start_play\n"
        f"tenant = Tenant.objects.get(pk={made['id']})\n"
        "actor, now = Actor.system('test'), clock.now()\n"
        f"team = (('{EMAIL}', 'Priya Raman', 'revops_admin'), ('{OTHER}', 'Tomás Ferreira', 'csm'))\n"
        "for email, name, role in team:\n"
        "    member = add_member(tenant=tenant, email=email, name=name, role=role,\n"
        f"                        password='{PASSWORD}', actor=actor, now=now)\n"
        "    with tenant_context(tenant.pk):\n"
        "        names = {'name': name, 'name_key': name.lower()}\n"
        "        Person.objects.update_or_create(membership=member, defaults=names)\n"
        "with tenant_context(tenant.pk):\n"
        "    owner = Person.objects.get(name='Priya Raman')\n"
        "    for name in ('Alder', 'Birch'):\n"
        "        account = Account.objects.create(name=name, name_key=name.lower(), status='customer', owner=owner)\n"
        "        start_play(playbook='low_usage', account_id=account.pk, actor=actor, now=now,\n"
        "                   today=tenant.today(now))\n"
    )
    return int(made["id"])


def versions(stack: Stack) -> list[tuple[int, str, str]]:
    return [
        (number, state, digest)
        for number, state, digest in stack.rows(
            "SELECT number, state, content_hash FROM core_processversion "
            "WHERE kind = 'playbook' AND key = 'low_usage' ORDER BY number",
            slug="westfield",
        )
    ]


def opened_draft(page: Page, url: str, name: str) -> None:
    page.set_default_timeout(LONG)
    sign_in(page, url, EMAIL, PASSWORD)
    page.goto(f"{url}/playbooks/")
    page.get_by_role("link", name=name).click()
    page.get_by_role("button", name="Begin a draft").click()
    expect(page.get_by_text("Draft v2").first).to_be_visible()
    expect(page.get_by_text("Same as v1.")).to_be_visible()


def closed_dialog(page: Page, words: str) -> None:
    """The dialog says these words; then it is closed."""
    expect(page.get_by_role("dialog")).to_contain_text(words)
    page.get_by_role("dialog").get_by_role("button", name="Close").click()


def other_days_are_saved_at_once_with_what_was(page: Page) -> None:
    page.get_by_role("link", name=re.compile("^Step 2, .*: open$")).click()
    days = page.get_by_label("Days", exact=True)
    was = days.input_value()
    days.fill("30")
    days.press("Tab")
    expect(page.get_by_text(f"Was {was} d after step 1.")).to_be_visible()
    expect(page.get_by_text("1 change", exact=True)).to_be_visible()
    expect(page.get_by_text("2 running plays").first).to_be_visible()


def a_step_more_fails_the_check_until_it_has_its_criterion(page: Page) -> None:
    page.get_by_role("button", name="Step", exact=True).click()
    expect(page.get_by_label("Title")).to_have_value("New step")
    expect(page.get_by_text("Missing at “New step”.")).to_be_visible()
    page.get_by_label("Done when").fill("The answer is on file")
    page.get_by_label("Done when").press("Tab")
    expect(page.get_by_text("Missing at “New step”.")).to_have_count(0)


def the_last_step_is_moved_by_the_keyboard(page: Page) -> None:
    page.locator("[data-step]").last.get_by_role("link").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("[data-step] .step-number").last).to_be_visible()
    expect(page.locator("[data-step]").nth(-2)).to_contain_text("New step")


def what_it_does_to_running_plays_is_shown(page: Page) -> None:
    page.get_by_role("link", name="Preview").click()
    closed_dialog(page, "Alder")
    page.get_by_role("link", name="Walk through").click()
    expect(page.get_by_role("dialog")).to_contain_text("Walk through")
    page.get_by_role("dialog").get_by_role("button", name="Show the dates").click()
    closed_dialog(page, "Nothing was written")


def published_with_one_of_two_plays(page: Page) -> None:
    page.get_by_label(re.compile("^Choose one by one")).check()
    page.get_by_role("link", name="Publish v2").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Customers need more time")
    dialog.get_by_label(re.compile("^Choose one by one")).check()
    dialog.get_by_label(re.compile("^Alder")).check()
    dialog.get_by_label(re.compile("^Birch")).uncheck()
    dialog.get_by_role("button", name="Publish v2").click()
    expect(page.get_by_text("Live v2").first).to_be_visible()


def compared_and_taken_back(page: Page) -> None:
    page.get_by_role("link", name="Compare any two").click()
    closed_dialog(page, "30 days after step")
    page.get_by_role("link", name="Restore v1").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("Too slow")
    page.get_by_role("dialog").get_by_role("button", name="Make it live").click()
    expect(page.get_by_text("Live v3").first).to_be_visible()


@pytest.mark.capability("P4")
def test_a_playbook_is_drafted_previewed_published_compared_and_taken_back(
    stack: Stack, url: str, westfield: int, page: Page
) -> None:
    opened_draft(page, url, "Low usage")
    other_days_are_saved_at_once_with_what_was(page)
    a_step_more_fails_the_check_until_it_has_its_criterion(page)
    the_last_step_is_moved_by_the_keyboard(page)
    what_it_does_to_running_plays_is_shown(page)
    published_with_one_of_two_plays(page)
    moved = stack.rows(
        "SELECT a.name, v.number FROM journeys_playbookrun r JOIN accounts_account a ON a.id = r.account_id "
        "JOIN core_processversion v ON v.id = r.version_id ORDER BY a.name",
        slug="westfield",
    )
    assert moved == [("Alder", 2), ("Birch", 1)]
    compared_and_taken_back(page)
    found = versions(stack)
    assert [(number, state) for number, state, _ in found] == [(1, "retired"), (2, "retired"), (3, "published")]
    assert found[0][2] == found[2][2], "A rollback restores the same content."


def add_condition(page: Page, label: str, fact: str, operator: str, value: str) -> None:
    """By the keyboard alone: the fields of the group one after another, and Enter in the last."""
    group = page.get_by_role("group", name=label, exact=True)
    group.get_by_label(f"{label}: fact of a new condition").select_option(label=fact)
    group.get_by_label(f"{label}: how it is compared", exact=True).select_option(label=operator)
    field = group.get_by_label(f"{label}: value", exact=True)
    field.fill(value)
    field.press("Enter")


def a_segment_that_is_none_comes_back_at_its_field(page: Page) -> None:
    add_condition(page, "For", "Segment", "is", "huge")
    expect(page.get_by_text("One of enterprise, mid_market, small.")).to_be_visible()
    expect(page.get_by_label("For: value", exact=True)).to_have_value("huge")
    expect(page.get_by_label("For: value", exact=True)).to_be_focused()


def a_second_condition_leaves_nobody_until_either_is_enough(page: Page) -> None:
    add_condition(page, "For", "Segment", "is", "small")
    expect(page.get_by_text("0 accounts today")).to_be_visible()
    expect(page.get_by_label("For: fact of a new condition")).to_be_focused()
    page.get_by_label("For: how the conditions go together").select_option("any")
    expect(page.get_by_text("2 accounts today")).to_be_visible()
    expect(page.locator(".head-facts")).to_contain_text("Status is customer or Segment is small")


def half_typed_outlives_the_saving_of_another_field(page: Page) -> None:
    value = page.get_by_label("Required before it starts: value", exact=True)
    value.fill("half typed")
    page.get_by_label("Goal", exact=True).fill("Somebody new stands up for us.")
    page.get_by_label("Goal", exact=True).press("Tab")
    expect(page.locator("#step-about .small").first).to_have_text("Somebody new stands up for us.")
    expect(value).to_have_value("half typed")


def the_outcome_is_replaced_as_a_whole(page: Page) -> None:
    page.get_by_role("button", name="Remove the outcome").click()
    expect(page.get_by_text("No outcome yet: name it, and say what shows that it is reached.")).to_be_visible()
    page.get_by_label("Outcome", exact=True).fill("Spoken to")
    page.get_by_label("Within days of the start").fill("21")
    add_condition(page, "Outcome reached when", "Days since the last contact", "is at most", "7")
    expect(page.get_by_role("button", name="Remove the outcome")).to_be_visible()


@pytest.mark.meets_refusals
@pytest.mark.capability("P4")
def test_whom_a_playbook_is_for_and_its_outcome_are_said_condition_by_condition(
    stack: Stack, url: str, westfield: int, page: Page
) -> None:
    opened_draft(page, url, "A sponsor left")
    page.get_by_role("link", name="About this playbook: open").click()
    expect(page.get_by_text("2 accounts today")).to_be_visible()
    a_segment_that_is_none_comes_back_at_its_field(page)
    a_second_condition_leaves_nobody_until_either_is_enough(page)
    half_typed_outlives_the_saving_of_another_field(page)
    the_outcome_is_replaced_as_a_whole(page)
    saved = stack.rows(
        "SELECT definition->'audience', definition->'outcome' FROM core_processversion "
        "WHERE kind = 'playbook' AND key = 'sponsor_left' AND state = 'draft'",
        slug="westfield",
    )
    customer = {"fact": "accounts.status", "op": "eq", "value": "customer"}
    small = {"fact": "accounts.segment", "op": "eq", "value": "small"}
    rule = {"fact": "accounts.days_since_contact", "op": "lte", "value": 7}
    assert saved == [({"any": [customer, small]}, {"name": "Spoken to", "rule": rule, "within_days": 21})]


@pytest.mark.capability("W3")
def test_a_play_is_worked_by_another_member_than_its_owner(stack: Stack, url: str, westfield: int, page: Page) -> None:
    page.set_default_timeout(LONG)
    run = stack.rows(
        "SELECT r.id FROM journeys_playbookrun r JOIN accounts_account a ON a.id = r.account_id WHERE a.name = 'Birch'",
        slug="westfield",
    )[0][0]
    sign_in(page, url, OTHER, PASSWORD)
    page.goto(f"{url}/plays/{run}/")
    expect(page.get_by_role("button", name="Done", exact=True)).to_be_visible()
    page.get_by_label(re.compile("^What shows that it is done")).fill("Names are in the notes")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("1 of 4 done")).to_be_visible()
    expect(page.get_by_text("Names are in the notes")).to_be_visible()
    page.get_by_role("button", name="Done with help").click()
    expect(page.get_by_text("2 of 4 done")).to_be_visible()
    rows = stack.rows(
        f"SELECT s.unaided, p.name FROM journeys_runstep s JOIN accounts_person p ON p.id = s.done_by_person_id "
        f"WHERE s.run_id = {run} AND s.state = 'done' ORDER BY s.position",
        slug="westfield",
    )
    assert rows == [(True, "Tomás Ferreira"), (False, "Tomás Ferreira")]
