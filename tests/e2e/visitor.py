"""What a person does in every test."""

from playwright.sync_api import Page, expect


def sign_in(page: Page, url: str, email: str, password: str) -> None:
    """Signs in and arrives at My day."""
    page.goto(f"{url}/sign-in/login/")
    page.get_by_label("Work e-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("main")).to_be_visible()
