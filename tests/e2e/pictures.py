"""The pictures of the README, taken from a fresh demo under production settings: python -m tests.e2e.pictures

Small on purpose: 1,280 px wide, few colours; each well under 200 kB.
"""

import sys
import tempfile
from pathlib import Path

from revops.local import apply_environment
from revops.local.browser import HOW_TO, find_chromium
from revops.local.home import CHECKOUT

FOLDER = CHECKOUT / "docs" / "img"
# name: (address, dark)
SHOTS = {
    "my-day": ("/?scope=everyone", False),
    "accounts": ("/accounts/", False),
    "account": ("/accounts/{account}/", False),
    "health": ("/accounts/{account}/health/", False),
    "model": ("/health/models/standard/", False),
    "journey": ("/journey/", False),
    "board": ("/opportunities/?who=all", False),
    "playbook": ("/playbooks/renewal/", False),
    "leads": ("/leads/", False),
    "movements": ("/trend/movements/", False),
    "trend": ("/trend/", False),
    "trend-dark": ("/trend/", True),
    "qbr": ("/qbrs/{qbr}/", False),
}
# Live, with a renewal near and something to tell.
ACCOUNT = (
    "SELECT renewal.account_id FROM renewals_renewal AS renewal JOIN health_score AS score "
    "ON score.tenant_id = renewal.tenant_id AND score.account_id = renewal.account_id "
    "JOIN accounts_account AS account ON account.tenant_id = renewal.tenant_id AND account.id = renewal.account_id "
    "WHERE renewal.state = 'open' AND score.band = 'red' AND account.segment <> 'small' ORDER BY score.score LIMIT 1"
)


def main() -> int:
    apply_environment(operator=True)
    from playwright.sync_api import sync_playwright

    from tests.e2e.visitor import sign_in
    from tests.stack import new_stack

    chromium = find_chromium()
    if chromium is None:
        print(HOW_TO, file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, new_stack("revops_pictures", Path(folder)) as stack:
        made = stack.manage("seed_demo", "--tenant", "larkfield", "--accounts", "200", "--run-main-job", "--json")
        stack.manage("collectstatic", "--no-input", "--verbosity", "0")
        url = stack.start_web()
        who = next(one for one in made["sign_ins"] if one["role"] == "CS manager")
        ids = {
            "account": stack.rows(ACCOUNT, slug="larkfield")[0][0],
            "qbr": stack.rows("SELECT min(qbr_id) FROM qbr_qbrpackage", slug="larkfield")[0][0],
        }
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            for dark in (False, True):
                scheme = "dark" if dark else "light"
                page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
                sign_in(page, url, who["email"], who["password"])
                for name, (address, in_dark) in SHOTS.items():
                    if in_dark == dark:
                        page.goto(url + address.format(**ids))
                        page.wait_for_load_state("networkidle")
                        page.wait_for_timeout(800)
                        page.screenshot(path=FOLDER / f"{name}.png")
                        print(f"docs/img/{name}.png {(FOLDER / f'{name}.png').stat().st_size / 1000:.0f} kB")
            browser.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
