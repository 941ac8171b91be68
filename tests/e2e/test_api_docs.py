"""The reader of the API in a real browser: everything from this server, and nothing that the policy refuses."""

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_the_api_is_read_and_tried_without_a_word_in_the_console(page: Page, url: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{url}/api/docs/")
    expect(page.get_by_role("heading", name="RevOps API")).to_be_visible()
    operation = page.locator(".opblock").filter(has_text="/api/v1/accounts/{account_id}/").first
    operation.locator(".opblock-summary").click()
    expect(operation.get_by_text("Needs the right view_accounts")).to_be_visible()
    assert [one for one in asked if not one.startswith((url, "data:"))] == []
    policy = page.request.get(f"{url}/api/docs/").headers["content-security-policy"]
    assert "unsafe" not in policy
