"""What a person does in every test."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect


def sign_in(page: Page, url: str, email: str, password: str) -> None:
    """Signs in and arrives at My day."""
    page.goto(f"{url}/sign-in/login/")
    page.get_by_label("Work e-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("main")).to_be_visible()


def import_file(page: Page, url: str, path: Path) -> None:
    """Upload, look at the mapping, dry run, import; the page moves on by itself when a job is over."""
    page.goto(f"{url}/imports/new/")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="What each column means")).to_be_visible()
    page.get_by_role("button", name="Check the file").click()
    apply = page.get_by_role("button", name=re.compile(r"^Import [\d,]+ row"))
    expect(apply).to_be_visible(timeout=90_000)
    consent = page.locator("input[name=knows_refusals]")
    if consent.count():
        consent.check()
    apply.click()
    expect(page.get_by_text("Imported.", exact=True)).to_be_visible(timeout=90_000)
