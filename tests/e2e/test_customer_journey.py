"""A company from first touch to first value, by the people whose work it is, in a real browser."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from core import clock
from tests.e2e.visitor import import_file, sign_in
from tests.stack import Stack, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

COMPANY, DEAL = "Fernhill Dairies", "Fernhill cold chain"
Enter = Callable[[str], Page]


@pytest.fixture
def enter(browser: Browser, url: str, demo: dict[str, str]) -> Iterator[Enter]:
    """A browser of one's own for each role; a fault in any console fails the test."""
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def enter(role: str) -> Page:
        context = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: said.append(f"{role}: {error}"))
        sign_in(page, url, demo[role], demo["password"])
        return page

    yield enter
    for context in contexts:
        context.close()
    assert said == []


def ask_for_a_waiver(page: Page, within: Page | Locator, reason: str) -> None:
    within.get_by_role("button", name="Ask for a waiver").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_label(re.compile("until|Expires|Holds", re.IGNORECASE)).fill(
        (clock.now().date() + timedelta(days=7)).isoformat()
    )
    dialog.get_by_role("button", name="Ask for a waiver").click()
    expect(page.get_by_text(re.compile("Waiver asked by")).first).to_be_visible()


def approve(page: Page, url: str) -> None:
    page.goto(f"{url}/waivers/?state=asked")
    button = page.get_by_role("article").filter(has_text=DEAL).get_by_role("button", name="Approve")
    button.click()
    expect(button).to_have_count(0)


@pytest.mark.capability("J2")
def test_a_company_goes_from_first_touch_to_first_value(
    stack: Stack, url: str, demo: dict[str, str], enter: Enter, tmp_path: Path
) -> None:
    comes_in_by_file(enter("RevOps admin"), url, tmp_path)
    wait_until(lambda: stages(stack) == ["consideration"])
    sales, manager, csm = enter("Sales rep"), enter("CS manager"), enter("CSM")
    deal_url = passes_its_first_gate_by_a_waiver(sales, manager, url)
    is_won(sales, manager, url, deal_url)
    is_handed_over(csm, url)
    assert stages(stack) == ["consideration", "onboarding"]
    starts_its_onboarding_play(csm)
    reaches_first_value(csm, stack, url)


def comes_in_by_file(admin: Page, url: str, folder: Path) -> None:
    """First touch: a prospect, to which the journey gives its first stage."""
    file = folder / "prospects.csv"
    file.write_text(f"account_id,account_name,status,segment\nFERN-1,{COMPANY},prospect,enterprise\n")
    import_file(admin, url, file)


def passes_its_first_gate_by_a_waiver(sales: Page, manager: Page, url: str) -> str:
    """A deal, held up until somebody else signs; returns its address."""
    sales.goto(f"{url}/opportunities/new/")
    sales.get_by_label("Name", exact=True).fill(DEAL)
    sales.get_by_label(re.compile("^Account")).fill(COMPANY)
    sales.get_by_label(re.compile("^Amount")).fill("48000")
    sales.get_by_label(re.compile("^Close date")).fill((clock.now().date() + timedelta(days=30)).isoformat())
    sales.get_by_role("button", name="Create opportunity").click()
    expect(sales.get_by_role("heading", name=DEAL)).to_be_visible()
    deal_url = sales.url
    sales.get_by_role("button", name="Move to Demo").click()
    expect(sales.locator("[aria-current=step]")).to_contain_text("Demo")
    onward = sales.get_by_role("button", name="Move to Proposal")
    expect(onward).to_be_disabled()
    ask_for_a_waiver(sales, sales, "The buyer is on leave, the proposal cannot wait")
    approve(manager, url)
    sales.goto(deal_url)
    onward.click()
    expect(sales.locator("[aria-current=step]")).to_contain_text("Proposal")
    return deal_url


def is_won(sales: Page, manager: Page, url: str, deal_url: str) -> None:
    """The gates between are waived once, by name."""
    open_gate(sales, "Closed won")
    ask_for_a_waiver(sales, sales.get_by_role("dialog"), "Signed on paper at the fair")
    approve(manager, url)
    sales.goto(deal_url)
    open_gate(sales, "Closed won")
    sales.get_by_role("dialog").get_by_role("button", name="Move to Closed won").click()
    expect(sales.locator("[aria-current=step]")).to_contain_text("Closed won")


def is_handed_over(csm: Page, url: str) -> None:
    """Accepted only with its checklist and an expectation; then the account is onboarded."""
    csm.goto(f"{url}/handoffs/?view=all")
    csm.get_by_role("link", name=COMPANY).click()
    expect(csm.get_by_role("button", name="Accept")).to_be_disabled()
    csm.get_by_label(re.compile("in their words")).fill("Every truck reports its temperature by June")
    csm.get_by_role("button", name="Record").click()
    expect(csm.locator("#expectations")).to_contain_text("Every truck reports")
    while csm.locator("#checklist button[aria-pressed=false]").count():
        left = csm.locator("#checklist button[aria-pressed=false]").count()
        csm.locator("#checklist button[aria-pressed=false]").first.click()
        expect(csm.locator("#checklist button[aria-pressed=false]")).to_have_count(left - 1)
    show_what_the_stage_asks_for(csm)
    mine = csm.locator("#owner option", has_text="(me)").get_attribute("value")
    csm.get_by_label("Who has the account from now on").select_option(mine)
    csm.get_by_role("button", name="Accept").click()
    expect(csm.get_by_text(re.compile("^Accepted")).first).to_be_visible()


def starts_its_onboarding_play(csm: Page) -> None:
    """The play, and its first step with what shows it."""
    csm.get_by_role("link", name="Open account").first.click()
    csm.locator("section[aria-labelledby=plays-title]").get_by_role("link", name="Start").click()
    dialog = csm.get_by_role("dialog")
    dialog.get_by_label("Playbook").select_option("onboarding")
    dialog.get_by_role("button", name="Start").click()
    expect(csm).to_have_url(re.compile("/plays/"))
    csm.get_by_label(re.compile("What shows that it is done")).first.fill("Plan agreed on the phone")
    csm.get_by_role("button", name="Done", exact=True).first.click()
    expect(csm.get_by_text(re.compile(r"^1 of \d+ done"))).to_be_visible()


def reaches_first_value(csm: Page, stack: Stack, url: str) -> None:
    """The hourly schedule starts the clock, a person stops it with what shows it."""
    stack.manage("sweep_journey", "--tenant", "larkfield", "--json")
    csm.goto(f"{url}/accounts/{account_id(stack)}/")
    csm.get_by_text("Record first value").click()
    csm.get_by_label("What shows it", exact=True).fill("First truck reports")
    csm.locator("#account-stage form[action*=first-value]").get_by_role("button", name="Save").click()
    expect(csm.locator("#account-stage")).to_contain_text(re.compile("Reached"))
    reached = "SELECT count(*) FROM journeys_firstvalue WHERE reached_on IS NOT NULL AND account_id = "
    assert stack.rows(f"{reached}{account_id(stack)}", slug="larkfield") == [(1,)]


def show_what_the_stage_asks_for(page: Page) -> None:
    """Evidence for what a person must attest, where the hand-off is accepted."""
    answer = page.locator("#answer")
    line = answer.get_by_role("listitem").filter(has_text="Needs and who decides are known")
    line.get_by_text("Give evidence").click()
    line.get_by_label("What shows it").fill("Minutes of the call")
    line.get_by_role("button", name="Save").click()
    expect(line).to_have_count(0)


def open_gate(page: Page, stage: str) -> None:
    page.get_by_role("button", name="Move", exact=True).first.click()
    page.locator("#move-menu").get_by_role("button", name=stage).click()
    expect(page.get_by_role("dialog")).to_be_visible()


def account_id(stack: Stack) -> int:
    return int(stack.rows("SELECT id FROM accounts_account WHERE external_id = 'FERN-1'", slug="larkfield")[0][0])


def stages(stack: Stack) -> list[str]:
    found = stack.rows(
        "SELECT s.key FROM journeys_stagevisit v JOIN journeys_lifecyclestage s ON s.tenant_id = v.tenant_id "
        "AND s.id = v.stage_id JOIN accounts_account a ON a.tenant_id = v.tenant_id AND a.id = v.account_id "
        "WHERE a.external_id = 'FERN-1' ORDER BY v.entered_on, v.id",
        slug="larkfield",
    )
    return [row[0] for row in found]
