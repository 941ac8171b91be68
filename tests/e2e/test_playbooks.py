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


@pytest.mark.capability("P4")
def test_a_playbook_is_drafted_previewed_published_compared_and_taken_back(
    stack: Stack, url: str, westfield: int, page: Page
) -> None:
    page.set_default_timeout(LONG)
    sign_in(page, url, EMAIL, PASSWORD)
    page.goto(f"{url}/playbooks/")
    page.get_by_role("link", name="Low usage").click()
    page.get_by_role("button", name="Begin a draft").click()
    expect(page.get_by_text("Draft v2").first).to_be_visible()
    expect(page.get_by_text("Same as v1.")).to_be_visible()

    # The second step: other days, saved at once, with what was and what it means.
    page.get_by_role("link", name=re.compile("^Step 2, .*: open$")).click()
    days = page.get_by_label("Days", exact=True)
    was = days.input_value()
    days.fill("30")
    days.press("Tab")
    expect(page.get_by_text(f"Was {was} d after step 1.")).to_be_visible()
    expect(page.get_by_text("1 change", exact=True)).to_be_visible()
    expect(page.get_by_text("2 running plays").first).to_be_visible()

    # A step more, without a done criterion: the check says so; with one it is passed.
    page.get_by_role("button", name="Step", exact=True).click()
    expect(page.get_by_label("Title")).to_have_value("New step")
    expect(page.get_by_text("Missing at “New step”.")).to_be_visible()
    page.get_by_label("Done when").fill("The answer is on file")
    page.get_by_label("Done when").press("Tab")
    expect(page.get_by_text("Missing at “New step”.")).to_have_count(0)

    # Moved by the keyboard.
    page.locator("[data-step]").last.get_by_role("link").focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("[data-step] .step-number").last).to_be_visible()
    expect(page.locator("[data-step]").nth(-2)).to_contain_text("New step")

    # What it does to the plays that run.
    page.get_by_role("link", name="Preview").click()
    expect(page.get_by_role("dialog")).to_contain_text("Alder")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("link", name="Walk through").click()
    expect(page.get_by_role("dialog")).to_contain_text("Walk through")
    page.get_by_role("dialog").get_by_role("button", name="Show the dates").click()
    expect(page.get_by_role("dialog")).to_contain_text("Nothing was written")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()

    # Published with a reason; one of the two plays goes over.
    page.get_by_label(re.compile("^Choose one by one")).check()
    page.get_by_role("link", name="Publish v2").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Customers need more time")
    dialog.get_by_label(re.compile("^Choose one by one")).check()
    dialog.get_by_label(re.compile("^Alder")).check()
    dialog.get_by_label(re.compile("^Birch")).uncheck()
    dialog.get_by_role("button", name="Publish v2").click()
    expect(page.get_by_text("Live v2").first).to_be_visible()
    moved = stack.rows(
        "SELECT a.name, v.number FROM journeys_playbookrun r JOIN accounts_account a ON a.id = r.account_id "
        "JOIN core_processversion v ON v.id = r.version_id ORDER BY a.name",
        slug="westfield",
    )
    assert moved == [("Alder", 2), ("Birch", 1)]

    # Any two compared, and back again.
    page.get_by_role("link", name="Compare any two").click()
    expect(page.get_by_role("dialog")).to_contain_text("30 days after step")
    page.get_by_role("dialog").get_by_role("button", name="Close").click()
    page.get_by_role("link", name="Restore v1").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("Too slow")
    page.get_by_role("dialog").get_by_role("button", name="Make it live").click()
    expect(page.get_by_text("Live v3").first).to_be_visible()
    found = versions(stack)
    assert [(number, state) for number, state, _ in found] == [(1, "retired"), (2, "retired"), (3, "published")]
    assert found[0][2] == found[2][2], "A rollback restores the same content."


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
