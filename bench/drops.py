"""A card of the board, from its drop until it is saved and shown in its new column, in a real browser on this machine.

    python -m bench --only pages drops

The page measures itself: from the drop event until the card stands in the new column. It stands there only once the
server has agreed, so that the time holds the whole way: gate, move, history, audit, new figures of the columns.
"""

import contextlib
import http.client
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.pages import prepare
from bench.rows import Row

CHECKOUT = Path(__file__).resolve().parent.parent
FROM, TO = "discovery", "demo"
WARM = 3
LIMIT_MS = 200
WATCH = """name => {
  window.shownAfter = null;
  let since = 0;
  document.addEventListener('drop', () => { since = performance.now(); }, { capture: true, once: true });
  new MutationObserver((_, self) => {
    if (!since || !document.querySelector(`[data-column=demo] #${name}`)) return;
    window.shownAfter = performance.now() - since;
    self.disconnect();
  }).observe(document.body, { childList: true, subtree: true });
}"""


def run(accounts: int = 100_000, times: int = 30, say: Callable[[str], None] = lambda _text: None) -> list[Row]:
    """Two rows: median and 95th percentile in milliseconds. None, with a line that says why, without a Chromium."""
    from revops.local.browser import HOW_TO, find_chromium

    path = find_chromium()
    if path is None:
        say(HOW_TO)
        return []
    prepare(accounts, say)
    with server() as port, browser_page(path, port, accounts) as page:
        page.goto(f"http://127.0.0.1:{port}/opportunities/?who=all")
        say(f"{page.locator('[data-card]').count()} cards on the board")
        taken = [drop(page) for _ in range(times + WARM)][WARM:]
    p95 = statistics.quantiles(taken, n=20, method="inclusive")[18]
    return [
        Row(f"card dropped → saved → shown, {accounts:,} accounts, median", statistics.median(taken), None, LIMIT_MS,
            "ms"),
        Row(f"card dropped → saved → shown, {accounts:,} accounts, p95", p95, None, LIMIT_MS, "ms"),
    ]  # fmt: skip


def drop(page: Any) -> float:
    """Drags the first card of a column into the next one, by hand: a drag begins with a small move."""
    if not page.locator(f"[data-column={FROM}] [data-card]").count():
        page.reload()  # a column shows its first ten
    card = page.locator(f"[data-column={FROM}] [data-card]").first
    name = card.get_attribute("id")
    page.evaluate(WATCH, name)
    start, end = card.bounding_box(), page.locator(f"[data-column={TO}]").bounding_box()
    page.mouse.move(start["x"] + 60, start["y"] + 40)
    page.mouse.down()
    page.mouse.move(start["x"] + 72, start["y"] + 46, steps=3)
    page.mouse.move(end["x"] + 60, end["y"] + 60, steps=6)
    page.mouse.up()
    page.locator(f"[data-column={TO}] #{name}").wait_for(timeout=10_000)
    return float(page.evaluate("window.shownAfter"))


@contextlib.contextmanager
def server() -> Iterator[int]:
    """The product as it is served, for as long as the block runs; gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    collect = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
    subprocess.run(collect, cwd=CHECKOUT, check=True)
    command = [sys.executable, "-m", "gunicorn", "revops.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "1",
               "--threads", "4", "--log-level", "error"]  # fmt: skip
    process = subprocess.Popen(command, cwd=CHECKOUT)
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/livez")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.2)
    sys.exit("The web server does not answer.")


@contextlib.contextmanager
def browser_page(path: str, port: int, accounts: int) -> Iterator[Any]:
    """A signed-in page of the admin, at the size of a desk."""
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright keeps an event loop in this thread
    from django.test import Client
    from playwright.sync_api import sync_playwright

    from core.models import Membership

    slug = f"bench-pages-{accounts}"
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(Membership.objects.get(tenant__slug=slug, user__email=f"ruth@{slug}.example").user)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        context = chromium.new_context(viewport={"width": 1440, "height": 900})
        for one in client.cookies.values():
            context.add_cookies([{"name": one.key, "value": one.value, "url": f"http://127.0.0.1:{port}"}])
        yield context.new_page()
        chromium.close()
