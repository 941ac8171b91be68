"""From two CSV files to an accepted, published, calibrated score model and its report, in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from core import clock
from tests.e2e.visitor import sign_in
from tests.factories.proof_files import proof_files
from tests.stack import Stack, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

EMAIL, PASSWORD = "priya@eastfield.example", "a-long-password-7"
LONG = 120_000


@pytest.fixture(scope="module")
def eastfield(stack: Stack) -> int:
    """An empty workspace with one administrator."""
    made = stack.manage("tenant", "create", "eastfield", "--name", "Eastfield", "--currency", "EUR", "--json")
    stack.python(
        "from core.actions import add_member\n"
        "from core import clock\n"
        "from core.actors import Actor\n"
        "from core.models import Tenant\n"
        f"add_member(tenant=Tenant.objects.get(pk={made['id']}), email='{EMAIL}', name='Priya Raman',\n"
        f"           role='revops_admin', password='{PASSWORD}', actor=Actor.system('test'), now=clock.now())\n"
    )
    return int(made["id"])


def import_file(page: Page, url: str, path: Path) -> None:
    """Upload, look at the mapping, dry run, import; accounts that are new are created where the file may do so."""
    page.goto(f"{url}/imports/new/")
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="What each column means")).to_be_visible()
    create = page.locator("input[name=create_accounts]")
    if create.count():
        create.check()
    page.get_by_role("button", name="Check the file").click()
    apply = page.get_by_role("button", name=re.compile(r"^Import [\d,]+ row"))
    expect(apply).to_be_visible(timeout=LONG)
    apply.click()
    expect(page.get_by_text("Imported.", exact=True)).to_be_visible(timeout=LONG)


def idle(stack: Stack) -> bool:
    return stack.rows("SELECT count(*) FROM core_job WHERE state IN ('queued','running')", slug="eastfield") == [(0,)]


@pytest.mark.capability("H2")
def test_two_files_become_a_published_calibrated_model_and_its_report(
    stack: Stack, url: str, eastfield: int, page: Page, tmp_path: Path
) -> None:
    signals, outcomes, model = proof_files(tmp_path, today=clock.now().date())
    sign_in(page, url, EMAIL, PASSWORD)
    import_file(page, url, signals)
    import_file(page, url, outcomes)

    # The model as a file becomes a draft.
    page.goto(f"{url}/processes/upload/")
    page.locator("input[type=file]").set_input_files(model)
    page.get_by_role("button", name="Check", exact=True).click()
    page.get_by_role("button", name="Save as draft").click()
    page.goto(f"{url}/health/models/standard/")
    expect(page.get_by_text("Draft v2").first).to_be_visible()
    expect(page.locator("#impact .matrix")).to_be_visible(timeout=LONG)

    # Weights learned from earlier outcomes become the next draft, with its report.
    page.get_by_role("button", name="Propose from outcomes").click()
    expect(page.get_by_text("Draft v3").first).to_be_visible(timeout=LONG)
    expect(page.locator("#validation").get_by_text("Gate passed")).to_be_visible(timeout=LONG)
    shares = [float(box.input_value()) for box in page.locator("input[name^='weight:']").all()]
    assert sum(shares) == 100
    assert shares[2] <= 5, "The colour of the office tells nobody apart."

    # An edit is saved at once, and says so by its new sum; back again, the draft says what was proven.
    weight = page.get_by_label("Weight of Logins", exact=True)
    before = weight.input_value()
    weight.fill(str(float(before) + 5))
    weight.press("Tab")
    expect(page.get_by_text(re.compile("^Sum is 105")).first).to_be_visible(timeout=LONG)
    expect(page.get_by_role("button", name=re.compile("^Publish v3"))).to_be_disabled()
    weight.fill(before)
    weight.press("Tab")
    expect(page.get_by_role("button", name=re.compile("^Publish v3"))).to_be_enabled(timeout=LONG)

    # Validated again at every lead time; the page comes back by itself when the job is over.
    page.get_by_role("button", name="Validate", exact=True).click()
    panel = page.locator("#validation")
    expect(panel.get_by_role("rowheader", name="30 d")).to_be_visible(timeout=LONG)
    expect(panel.get_by_text("Gate passed")).to_be_visible(timeout=LONG)
    expect(page.locator(".job")).to_have_count(0, timeout=LONG)

    # Published with a reason: the dialog names how many accounts change.
    page.get_by_label(re.compile("^Why is it published")).fill("Learned from two years of outcomes")
    page.get_by_role("button", name=re.compile("^Publish v3")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text(re.compile(r"accounts? changes? band of"))).to_be_visible(timeout=LONG)
    expect(dialog.get_by_label("Reason")).to_have_value("Learned from two years of outcomes")
    dialog.get_by_role("button", name=re.compile("^Publish v3")).click()
    expect(page.get_by_text("Live v3").first).to_be_visible(timeout=LONG)
    wait_until(lambda: idle(stack), 120, "all accounts scored by the new version")
    rows = stack.rows(
        "SELECT count(*) > 200 FROM health_score s JOIN core_processversion v ON v.id = s.model_version_id "
        "AND v.tenant_id = s.tenant_id WHERE v.number = 3 AND s.score IS NOT NULL",
        slug="eastfield",
    )
    assert rows == [(True,)]

    # Its report opens.
    expect(page.locator(".job")).to_have_count(0, timeout=LONG)
    page.get_by_role("link", name="Full report, method and rows").click()
    expect(page).to_have_url(re.compile(r"/health/reports/\d+/$"))
    expect(page.get_by_role("main")).to_contain_text("AUC")
