"""Whether calibration finds the demo's planted truth again: the order of its causes, seed by seed.

    python -m bench.truth [SEEDS] [ACCOUNTS]

Makes the demo workspace `truth` anew for every seed, with facts only, drafts a model that reads each cause where it
shows, calibrates it at 90 days, and compares the order of its weights with the order in the truth file. A seed takes
a minute to a minute and a half. A cause without a weight, or below the noise measure, is not in order. Below about 750
outcomes to learn from (1,000 companies) luck begins to decide the order.
"""

import io
import json
import sys
from itertools import pairwise
from typing import Any, Final

from django.core.management import call_command

from bench.rows import start_django

SLUG: Final = "truth"
MODEL: Final[dict[str, Any]] = {
    "kind": "score_model",
    "key": "causes",
    "name": "Causes",
    "applies_to": "all",
    "bands": {"red": 0, "yellow": 50, "green": 70},
    "min_coverage": 0.5,
    "inputs": [
        {"key": "usage_decline", "measure": "active_users", "window_days": 30, "baseline_days": 90,
         "aggregate": "trend", "mapping": {"linear": {"worst": -0.6, "best": 0}}, "weight": 1, "missing": "neutral"},
        {"key": "sponsor_left", "measure": "accounts.sponsors_left", "window_days": 30, "aggregate": "last",
         "mapping": {"bands": [[1, 100], [None, 0]]}, "weight": 1, "missing": "exclude"},
        {"key": "ticket_spike", "measure": "tickets.opened", "window_days": 90, "aggregate": "count",
         "mapping": {"bands": [[6, 100], [None, 0]]}, "weight": 1, "missing": "exclude"},
        {"key": "no_contact", "measure": "activities.contact", "window_days": 180, "aggregate": "days_since",
         "mapping": {"bands": [[75, 100], [None, 0]]}, "weight": 1, "missing": "exclude"},
        {"key": "newsletter_opens", "measure": "newsletter_opens", "window_days": 60, "aggregate": "mean",
         "mapping": {"learn": "linear"}, "weight": 1, "missing": "exclude"},
    ],
}  # fmt: skip


def run(seed: int, accounts: int) -> dict[str, Any]:
    """The calibration of one seed's demo, with `in_order`."""
    from core import clock, versioning
    from core.actors import Actor
    from core.models import Tenant
    from core.tenancy import tenant_context

    made = _json("seed_demo", tenant=SLUG, fresh=True, seed=seed, accounts=accounts, score_days=0)
    with tenant_context(Tenant.objects.get(slug=SLUG).pk):
        versioning.draft(
            kind="score_model", key="causes", name="Causes", definition=MODEL, actor=Actor.system("bench"),
            now=clock.now(),
        )  # fmt: skip
    found = _json("calibrate_health", tenant=SLUG, model="causes")
    with open(made["truth_file"]) as file:  # noqa: PTH123 -- a path out of JSON
        order = json.load(file)["churn"]["order_of_importance"]
    shares = [found["exact_weights"].get(key, 0) for key in [*order, "newsletter_opens"]]
    # Strictly: a cause that was not found, or that stands below noise, is not in order.
    in_order = all(before > after for before, after in pairwise(shares))
    return found | {"in_order": in_order}


def _json(command: str, **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command(command, json=True, stdout=out, stderr=io.StringIO(), **options)
    printed: dict[str, Any] = json.loads(out.getvalue())
    return printed


def main() -> None:
    start_django()
    asked = [int(one) for one in sys.argv[1:3]]
    seeds, accounts = (*asked, *(10, 1_400)[len(asked) :])
    hits = 0
    for seed in range(1, seeds + 1):
        found = run(seed, accounts)
        hits += found["in_order"]
        print(f"seed {seed}: {found['verdict']}, AUC {found['auc'] or 0:.3f}, in order: {found['in_order']}, "
              f"{found['exact_weights']}", flush=True)  # fmt: skip
    print(f"{hits} of {seeds} in order")


if __name__ == "__main__":
    main()
