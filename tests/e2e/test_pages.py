"""Every page in light, dark and on a phone: an empty console, no sideways scroll, names for what can be operated."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.addresses import FIRST, PAGES
from tests.e2e.visitor import sign_in
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

MODES = {
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "is_mobile": True},
    "phone dark": {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark", "is_mobile": True},
}
# What a screen reader would stumble over; each finding is a word and the element.
STUMBLES = """() => {
  const found = [];
  const shown = el => el.checkVisibility({ checkVisibilityCSS: true });
  const named = el => (el.innerText || '').trim() || el.getAttribute('aria-label') || el.getAttribute('aria-labelledby')
    || el.title || el.querySelector('.visually-hidden')?.textContent.trim() || el.querySelector('[alt]:not([alt=""])');
  const say = (what, el) => found.push(what + ': ' + el.outerHTML.slice(0, 140));
  if (!document.documentElement.lang) found.push('no language');
  if (!document.title.trim()) found.push('no title');
  if (document.querySelectorAll('main').length !== 1) found.push('not one main');
  if (!document.querySelector('h1')) found.push('no h1');
  const ids = {};
  document.querySelectorAll('[id]').forEach(el => { if (ids[el.id]) say('id twice', el); ids[el.id] = true; });
  document.querySelectorAll('a[href], button').forEach(el => { if (shown(el) && !named(el)) say('no name', el); });
  document.querySelectorAll('img:not([alt])').forEach(el => say('no alt', el));
  document.querySelectorAll('input:not([type=hidden]), select, textarea').forEach(el => {
    if (shown(el) && !(el.labels && el.labels.length) && !el.getAttribute('aria-label')
        && !el.getAttribute('aria-labelledby')) say('no label', el);
  });
  document.querySelectorAll('[aria-labelledby], [aria-describedby]').forEach(el => {
    if (!shown(el)) return;
    for (const name of ['aria-labelledby', 'aria-describedby'])
      for (const id of (el.getAttribute(name) || '').split(/\\s+/).filter(Boolean))
        if (!document.getElementById(id)) say(name + ' points nowhere', el);
  });
  document.querySelectorAll('table').forEach(el => { if (shown(el) && !el.querySelector('th')) say('no heads', el); });
  return found;
}"""


@pytest.fixture(scope="module")
def addresses(stack: Stack, demo: dict[str, str]) -> list[str]:
    """One of each kind, the liveliest there is."""
    stack.manage("sweep_alerts", "--tenant", "larkfield", "--json")
    stack.manage("validate_health", "--tenant", "larkfield", "--json")
    ids = {}
    for name, statement in FIRST.items():
        found = stack.rows(statement, slug="larkfield")
        assert found, f"The demo has no {name}."
        ids[name] = found[0][0]
    return [address.format(**ids) for address in PAGES]


@pytest.mark.parametrize("mode", MODES)
def test_every_page_is_clean(browser: Browser, url: str, demo: dict[str, str], addresses: list[str], mode: str) -> None:
    context = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin", **MODES[mode])  # type: ignore[arg-type]  # -- modes are mixed
    context.set_default_timeout(30_000)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda one: said.append(one.text) if one.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: said.append(f"page error: {error}"))
    page.on(
        "requestfailed",
        lambda one: said.append(f"{one.failure}: {one.url}") if "ABORTED" not in str(one.failure) else None,
    )
    sign_in(page, url, demo["RevOps admin"], demo["password"])
    trouble: dict[str, list[str]] = {}
    for address in addresses:
        said.clear()
        response = page.goto(url + address, wait_until="load")
        assert response is not None
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        page.wait_for_load_state("networkidle")
        found = [] if response.status == (404 if "no-such" in address else 200) else [f"status {response.status}"]
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found += [f"{wide} px too wide"] if wide > 0 else []
        found += page.evaluate(STUMBLES)
        # The browser itself reports the status of the page that is not there.
        found += [text for text in said if not ("no-such" in address and "404" in text)]
        if found:
            trouble[address] = found
    context.close()
    assert trouble == {}, "\n".join(f"{where}: {what}" for where, what in trouble.items())


def test_the_keyboard_is_enough_for_a_morning(page: Page, url: str, demo: dict[str, str]) -> None:
    sign_in(page, url, demo["CSM"], demo["password"])
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text(re.compile("Skip"))
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page).to_have_url(re.compile("/accounts/"))
    page.keyboard.press("g")
    page.keyboard.press("d")
    expect(page).to_have_url(re.compile(rf"^{re.escape(url)}/($|\?)"))
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name=re.compile("Keyboard|shortcuts", re.IGNORECASE)).first).to_be_visible()
    page.keyboard.press("Escape")
    page.goto(f"{url}/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(re.compile(rf"^{re.escape(url)}/($|\?)"))


@pytest.mark.parametrize("role", ["CSM", "CS manager", "Executive sponsor", "Sales rep", "Support agent", "Leader"])
def test_every_role_arrives_and_can_sign_out(page: Page, url: str, demo: dict[str, str], role: str) -> None:
    sign_in(page, url, demo[role], demo["password"])
    page.goto(f"{url}/sign-in/logout/")
    page.get_by_role("button", name=re.compile("Sign out")).last.click()
    page.goto(f"{url}/accounts/")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
