"""A draft tried on the real portfolio against one full recompute, side by side.

    python -m bench.impact --accounts 100000

Both judge every account from the same facts. The trial joins what it finds with the live scores into the matrix of
the draft's page and writes nothing; the recompute writes scores, history and roll-up.
"""

import statistics
import sys
import time
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from typing import Any

from bench.recompute import FIRST_DAY, noon, ours_once, prepare, runs_so_far
from bench.rows import Row, alone

KEY = "standard"


def run(accounts: int = 100_000, trials: int = 3, say: Callable[[str], None] = lambda _text: None) -> list[Row]:
    """The row of the table, in the workspace of the recompute benchmark."""
    tenant_id = prepare(accounts, say)
    draft_id = make_draft(tenant_id)
    day = FIRST_DAY + timedelta(days=runs_so_far(tenant_id))
    say("Warming up")
    ours_once(tenant_id, day)
    impact_once(tenant_id, draft_id, day)
    recomputed, tried = [], []
    for trial in range(trials):
        day += timedelta(days=1)
        recomputed.append(ours_once(tenant_id, day))
        tried.append(impact_once(tenant_id, draft_id, day))
        say(f"Trial {trial + 1}: draft {tried[-1]:.0f} ms, recompute {recomputed[-1]:.0f} ms")
    return [
        Row(
            f"draft tried on {accounts:,} accounts, matrix and flips",
            statistics.median(tried),
            statistics.median(recomputed),
            1.5,
            "× one full recompute",
        )
    ]


def make_draft(tenant_id: int) -> int:
    """The standard model with other weights, another line and a cap."""
    from core.actors import Actor
    from core.tenancy import tenant_context
    from core.versioning import discard, draft
    from health.rules import STANDARD

    definition: dict[str, Any] = deepcopy(STANDARD)
    for one, weight in zip(definition["inputs"], (20, 25, 20, 15, 20), strict=True):
        one["weight"] = weight
    definition["inputs"][1]["mapping"] = {"linear": {"worst": 6, "best": 0}}
    definition["caps"] = [{"input": "usage", "below": 20, "at_most": 49}]
    actor, now = Actor.system("bench"), noon(FIRST_DAY)
    with tenant_context(tenant_id):
        from core.models import ProcessVersion

        for old in ProcessVersion.objects.filter(kind="score_model", key=KEY, state="draft"):
            discard(version=old, actor=actor, now=now)
        made = draft(kind="score_model", key=KEY, name="Tried", definition=definition, actor=actor, now=now)
        return made.pk


def impact_once(tenant_id: int, draft_id: int, day: Any) -> float:
    """Milliseconds of the query behind the draft's page, as rv_app behind row security."""
    from core.models import ProcessVersion
    from core.tenancy import tenant_context
    from health.models import Score
    from health.queries.impact import impact

    with tenant_context(tenant_id):
        version = ProcessVersion.objects.get(pk=draft_id)
        began = time.perf_counter()
        found = impact(version, today=day)
        taken = (time.perf_counter() - began) * 1000
        if found.total.accounts != Score.objects.count() or not found.changed:
            sys.exit("The trial of the draft did not judge every account, or moved nobody.")
    return taken


if __name__ == "__main__":
    alone(run, __doc__, accounts=100_000, trials=3)
