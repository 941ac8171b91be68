"""A real Chromium against a live server. Without one, these tests skip with a line that says how to get it."""

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from revops.local.browser import HOW_TO, find_chromium
from revops.settings import env
from tests.stack import Stack, new_stack, worker_number

# Playwright's synchronous API keeps an event loop in this thread, which Django takes for asynchronous code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

TEST_DATABASE = env.str("REVOPS_TEST_DB", default="test_revops")

# Without a sandbox as root, and without /dev/shm in small containers.
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        pytest.skip(HOW_TO)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=CHROMIUM_OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A visitor of their own: no cookie of another test."""
    context = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page whose console must stay empty: a refused script, style or request fails the test.

    A test marked `meets_refusals` walks into rules on purpose: the browser notes each 409 and 422 as an error.
    """
    said: list[str] = []
    told = ("status of 409", "status of 422", "Error Code 409", "Error Code 422")  # by the browser and by htmx
    refused = told if request.node.get_closest_marker("meets_refusals") else ()

    def listen(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(words in message.text for words in refused):
            said.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    page = context.new_page()
    page.on("console", listen)
    page.on("pageerror", lambda error: said.append(f"page error: {error}"))
    yield page
    assert said == []


@pytest.fixture(scope="session")
def stack(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product under production settings: gunicorn and a worker as rv_app, collected static files."""
    number = worker_number()
    with new_stack(f"{TEST_DATABASE}_e2e_{number}", tmp_path_factory.mktemp("e2e")) as stack:
        stack.manage("collectstatic", "--no-input", "--verbosity", "0")
        stack.start_worker(concurrency=2)
        yield stack


@pytest.fixture(scope="session")
def url(stack: Stack) -> str:
    return stack.start_web()


@pytest.fixture(scope="session")
def demo(stack: Stack) -> dict[str, str]:
    """A demo workspace after its main job; the address of each role and the password of all."""
    made = stack.manage("seed_demo", "--tenant", "larkfield", "--accounts", "120", "--score-days", "84",
                        "--run-main-job", "--json")  # fmt: skip
    return {one["role"]: one["email"] for one in made["sign_ins"]} | {"password": made["sign_ins"][0]["password"]}
