"""The board in a real browser: a blocked drop, what is missing mended in place, and the keyboard twin."""

from datetime import timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from core import clock
from tests.e2e.visitor import sign_in

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def column(page: Page, key: str) -> Locator:
    return page.locator(f"[data-column={key}]")


def drag(page: Page, card: Locator, to: Locator) -> None:
    """By hand: a drag begins with a small move."""
    start, end = card.bounding_box(), to.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 60, start["y"] + 60)
    page.mouse.down()
    page.mouse.move(start["x"] + 72, start["y"] + 66, steps=3)
    page.mouse.move(end["x"] + 60, end["y"] + 60, steps=6)
    page.mouse.up()


@pytest.mark.meets_refusals
@pytest.mark.capability("C3")
def test_a_blocked_card_stays_shows_what_is_missing_and_moves_once_it_is_mended(
    demo: dict[str, str], url: str, page: Page
) -> None:
    sign_in(page, url, demo["RevOps admin"], demo["password"])
    page.goto(f"{url}/opportunities/?who=all")
    first = column(page, "demo").locator("[data-card]", has_text="MEDDIC 3/6").first
    name = first.get_attribute("id")
    card = page.locator(f"#{name}")
    drag(page, card, column(page, "proposal"))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("cannot move to Proposal yet")
    expect(dialog.get_by_role("button", name="Move to Proposal")).to_be_disabled()
    dialog.get_by_role("button", name="Answer: Economic buyer").click()
    dialog.get_by_label("Contact").select_option(index=1)
    dialog.get_by_role("button", name="Save answer").click()
    expect(dialog).to_contain_text("4 of 5 criteria")
    dialog.get_by_role("button", name="Answer: Decision process").click()
    dialog.get_by_role("button", name="One more step").click()
    for place, step in enumerate(("Two quotes", "Their board decides")):
        dialog.get_by_label("Step").nth(place).fill(step)
        dialog.get_by_label("Date").nth(place).fill((clock.now().date() + timedelta(days=7 * place)).isoformat())
    dialog.get_by_role("button", name="Save answer").click()
    dialog.get_by_role("button", name="Move to Proposal").click()
    expect(column(page, "proposal").locator(f"#{name}")).to_be_visible()


def test_the_keyboard_moves_a_card_and_a_drag_does_the_same(demo: dict[str, str], url: str, page: Page) -> None:
    sign_in(page, url, demo["RevOps admin"], demo["password"])
    page.goto(f"{url}/opportunities/?who=all")
    link = column(page, "discovery").locator("[data-open]").first
    name = link.inner_text()
    link.focus()
    for key in ("m", "d", "Enter"):
        page.keyboard.press(key)
    expect(column(page, "demo").locator("[data-open]", has_text=name)).to_be_visible()
    card = column(page, "discovery").locator("[data-card]").first
    name = card.locator("[data-open]").inner_text()
    drag(page, card, column(page, "demo"))
    expect(column(page, "demo").locator("[data-open]", has_text=name).first).to_be_visible()
