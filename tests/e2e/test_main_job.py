"""From an empty workspace to the leader's trend, in a real browser: what the product is for."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.book import book
from tests.e2e.visitor import import_file, sign_in
from tests.stack import Stack, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

EMAIL, PASSWORD = "ruth@northfield.example", "a-long-password-7"
NIGHTLY = ("accounts.refresh_arr", "health.nightly", "renewals.sweep", "qbr.assemble", "escalations.sweep")


@pytest.fixture(scope="module")
def northfield(stack: Stack) -> int:
    """An empty workspace with one administrator."""
    made = stack.manage("tenant", "create", "northfield", "--name", "Northfield", "--currency", "USD", "--json")
    stack.python(
        "from core.actions import add_member\n"
        "from core import clock\n"
        "from core.actors import Actor\n"
        "from core.models import Tenant\n"
        f"add_member(tenant=Tenant.objects.get(pk={made['id']}), email='{EMAIL}', name='Ruth Abenthal',\n"
        f"           role='revops_admin', password='{PASSWORD}', actor=Actor.system('test'), now=clock.now())\n"
    )
    return int(made["id"])


def number(text: str) -> Decimal:
    return Decimal(text.strip().replace("\u2212", "-").replace(",", ""))


def test_a_real_book_is_imported_scored_and_acted_on(
    stack: Stack, url: str, northfield: int, page: Page, tmp_path: Path
) -> None:
    sign_in(page, url, EMAIL, PASSWORD)
    expect(page).to_have_url(re.compile(rf"^{re.escape(url)}/($|\?)"))
    for path in book(tmp_path):
        import_file(page, url, path)

    # The scheduler's part, now instead of at the full hour.
    for task in NIGHTLY:
        stack.ring(task, tenant_id=northfield)
        wait_until(
            lambda: (
                stack.broker.llen("celery") == 0
                and stack.broker.hlen("unacked") == 0
                and stack.rows("SELECT count(*) FROM core_job WHERE state IN ('queued','running')", slug="northfield")
                == [(0,)]
            ),
            120,
            task,
        )
    assert stack.rows("SELECT count(*) > 20 FROM health_score WHERE score IS NOT NULL", slug="northfield") == [(True,)]

    # Scores, worst first, and contributions that add up on the page.
    (account_id,) = stack.rows(
        "SELECT account_id FROM health_score WHERE score IS NOT NULL ORDER BY score LIMIT 1", slug="northfield"
    )[0]
    page.goto(f"{url}/accounts/")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.goto(f"{url}/accounts/{account_id}/health/")
    points = page.locator("table:has(caption:text('points add up')) tbody td.at-2").all_inner_texts()
    total = page.locator("table:has(caption:text('points add up')) tfoot td.number").last.inner_text()
    assert sum((number(one) for one in points if number(one.replace("–", "0"))), Decimal(0)) == number(total)

    # From a renewal task to its contract.
    page.goto(f"{url}/?scope=everyone&tab=renewals")
    page.locator(".queue-title a").first.click()
    expect(page.get_by_role("heading", name=re.compile("^Contract "))).to_be_visible()

    # A QBR package with its frozen figures, prepared from the account.
    page.goto(f"{url}/accounts/{account_id}/")
    page.get_by_role("button", name=re.compile("^Prepare")).click()
    expect(page).to_have_url(re.compile(r"/qbrs/\d+/$"))
    expect(page.get_by_text("Frozen", exact=True)).to_be_visible()

    # The escalation and the rule that raised it.
    page.goto(f"{url}/escalations/?who=all")
    page.locator("tbody a").first.click()
    expect(page).to_have_url(re.compile(r"/escalations/\d+/$"))
    expect(page.get_by_role("link", name="Open account").first).to_be_visible()

    # The leader's trend.
    page.goto(f"{url}/trend/")
    expect(page.get_by_role("heading", name=re.compile("by health band"))).to_be_visible()
