"""The frame and the parts of every page in a real browser: quiet console, both themes, phone, keyboard, failures."""

from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from core import clock
from core.actions import add_member
from core.actors import Actor
from core.choices import Role
from core.models import Tenant

pytestmark = pytest.mark.e2e
EMAIL, PASSWORD = "maya@kestrel.example", "lantern-otter-drum"
GALLERY = "/ui/components/"


@pytest.fixture
def address(live_server: Any, kestrel: Tenant) -> str:
    add_member(
        tenant=kestrel,
        email=EMAIL,
        name="Maya Lindqvist",
        role=Role.REVOPS_ADMIN,
        password=PASSWORD,
        actor=Actor.system("test"),
        now=clock.now(),
    )
    return str(live_server.url)


def sign_in(page: Page, address: str, path: str = GALLERY) -> None:
    page.goto(f"{address}{path}")
    page.get_by_label("Work e-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{address}{path}")


def scroll_through(page: Page) -> None:
    page.evaluate(
        "async () => { for (let y = 0; y < document.body.scrollHeight; y += 500) {"
        " scrollTo(0, y); await new Promise(done => setTimeout(done, 60)); } }"
    )
    expect(page.locator("[data-chart] .main-svg").first).to_be_visible()
    page.wait_for_function(
        "document.querySelectorAll('[data-chart] .js-plotly-plot, .chart-plot.js-plotly-plot').length >= 4"
    )


def test_every_part_is_drawn_under_the_policy_without_a_word_on_the_console(page: Page, address: str) -> None:
    sign_in(page, address)
    scroll_through(page)
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # -- one of the two
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(246, 246, 248)", "rgb(14, 15, 19)"]


def test_the_page_never_scrolls_sideways(page: Page, address: str) -> None:
    sign_in(page, address)
    scroll_through(page)
    widths = (390, 701, 1024, 1200, 1440)
    wide = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)
        wide.append(page.evaluate("document.documentElement.scrollWidth"))
    assert wide == list(widths)


def test_the_chart_library_is_loaded_only_when_a_chart_comes_into_view(page: Page, address: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, address)
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if "plotly" in url] == []
    scroll_through(page)
    assert len([url for url in asked if "plotly" in url]) == 1


def test_a_chosen_theme_is_kept_and_written_by_the_server(page: Page, address: str) -> None:
    sign_in(page, address)
    page.get_by_role("button", name="account menu").first.click()
    page.locator("#me-menu").get_by_role("button", name="Dark").click()
    answer = page.reload()
    assert answer is not None
    assert 'data-theme="dark"' in answer.text()[:400]


def test_keys_walk_the_rows_and_stay_out_of_fields(page: Page, address: str) -> None:
    sign_in(page, address)
    page.locator("tr[data-row]").first.locator("td").nth(5).click()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("tr[data-row].current")).to_contain_text("Corvid Robotics")
    expect(page.locator("[data-bulk-count]")).to_have_text("1 selected")
    page.locator("#id_name").fill("jx")
    expect(page.locator("[data-bulk-count]")).to_have_text("1 selected")
    assert page.locator("#id_name").input_value() == "jx"


def test_a_failed_request_is_never_silent(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    sign_in(page, address)
    page.evaluate("htmx.ajax('GET', '/nowhere/', {swap: 'none'}).catch(() => {})")
    expect(page.locator("#toasts")).to_contain_text("This is not here any more.")
    context.set_offline(True)
    page.evaluate("htmx.ajax('GET', '/help/', {swap: 'none'}).catch(() => {})")
    expect(page.locator("#toasts")).to_contain_text("No connection. Nothing was sent")


@pytest.mark.parametrize(
    "answer",
    [
        '<button>First</button><input aria-label="Here" aria-invalid="true"><button data-focus>Second</button>',
        '<button>First</button><button data-focus disabled>No</button><button aria-label="Here" data-focus>Go</button>',
        '<p>Saved</p><button disabled>Not yet</button><details><summary aria-label="Here">More</summary></details>',
    ],
)
def test_where_an_answer_takes_away_what_had_the_focus_it_goes_on_in_the_same_part(
    page: Page, address: str, answer: str
) -> None:
    sign_in(page, address)
    page.route("**/part/", lambda route: route.fulfill(body=answer, content_type="text/html"))
    page.evaluate(
        """() => {
          const part = '<div id="part"><button hx-get="/part/" hx-target="#part">Keep</button></div>';
          document.querySelector("main").insertAdjacentHTML("afterbegin", part);
          htmx.process(document.querySelector("#part"));
        }"""
    )
    page.get_by_role("button", name="Keep", exact=True).press("Enter")
    expect(page.locator("#part [aria-label=Here]")).to_be_focused()


def test_a_part_asked_for_after_the_session_ended_leads_to_the_sign_in(context: BrowserContext, address: str) -> None:
    page = context.new_page()
    sign_in(page, address)
    context.clear_cookies()
    page.evaluate(f"htmx.ajax('GET', '{GALLERY}', {{swap: 'none'}}).catch(() => {{}})")
    page.wait_for_url("**/sign-in/login/?next=**")


def test_the_phone_has_a_bar_of_places_and_a_menu(browser: Browser, address: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    sign_in(page, address)
    expect(page.get_by_role("navigation", name="Main, phone")).to_be_visible()
    page.get_by_role("button", name="More").last.click()
    expect(page.get_by_role("navigation", name="Main", exact=True)).to_be_visible()
    page.mouse.click(380, 400)
    expect(page.get_by_role("navigation", name="Main", exact=True)).to_be_hidden()
    context.close()
