"""All criteria of all accounts in one statement: a journey with 20 rules over every kind of fact, for everyone.

    python -m bench.criteria --accounts 100000

Each account is judged on the way from its stage to the next one; the facts of all 20 rules are worked out for every
account. What each rule finds is compared with `core.facts.matching`. The accounts are those of the recompute benchmark.
"""

import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from bench.recompute import FIRST_DAY, noon, prepare
from bench.rows import Row, alone

NOW = noon(FIRST_DAY)
LIMIT_MS = 60_000
RULES = 20


def run(accounts: int = 100_000, trials: int = 3, say: Callable[[str], None] = lambda _text: None) -> list[Row]:
    """The rows of the table. Makes the workspace when it is not there, and keeps it for the next time."""
    tenant_id = prepare(accounts, say)
    publish(tenant_id)
    taken = []
    for trial in range(trials):
        milliseconds, missing = once(tenant_id)
        taken.append(milliseconds)
        say(f"Trial {trial + 1}: {milliseconds:.0f} ms, {len(missing):,} accounts may not go on yet")
    compare(tenant_id, missing)
    return [Row(f"all criteria of all accounts, {accounts:,} × {RULES} rules", statistics.median(taken), None, LIMIT_MS,
                "ms")]  # fmt: skip


def publish(tenant_id: int) -> None:
    """The journey of the benchmark, live, and every account in its first stage."""
    from core import versioning
    from core.actors import Actor
    from core.queries import published_version
    from core.tenancy import tenant_context
    from journeys.actions.stages import place_accounts

    actor = Actor.system("bench")
    criteria = [{"key": f"rule_{n}", "name": f"Rule {n}", "rule": rule} for n, rule in enumerate(rules())]
    with tenant_context(tenant_id):
        live = published_version("journey", "standard")
        definition: dict[str, Any] = json.loads(json.dumps(live.definition if live else {}))
        for stage in definition["stages"]:
            stage["exit"] = criteria if stage["key"] == "adoption" else []
        if live is None or live.definition != definition:
            draft = versioning.draft(
                kind="journey", key="standard", name="Bench", definition=definition, actor=actor, now=NOW
            )
            versioning.publish(version=draft, actor=actor, now=NOW, reason="Bench.", waiver="Bench.")
        place_accounts(today=FIRST_DAY, now=NOW, actor=actor)


def once(tenant_id: int) -> tuple[float, dict[int, tuple[str, ...]]]:
    """Milliseconds of the one statement, and what it found."""
    from accounts.models import Account
    from core.tenancy import tenant_context
    from journeys.queries.gates import account_missing

    with tenant_context(tenant_id):
        began = time.perf_counter()
        found = account_missing(Account.objects.all(), FIRST_DAY)
        return (time.perf_counter() - began) * 1000, found


def compare(tenant_id: int, missing: dict[int, tuple[str, ...]]) -> None:
    """Every rule finds the accounts that it finds when it is asked alone."""
    from accounts.models import Account
    from core.facts import matching
    from core.tenancy import tenant_context

    short = Counter(name for names in missing.values() for name in names)
    with tenant_context(tenant_id):
        everyone = Account.objects.count()
        for n, rule in enumerate(rules()):
            alone = everyone - matching(Account.objects.all(), rule, FIRST_DAY).count()
            if short[f"Rule {n}"] != alone:
                sys.exit(f"Rule {n} misses {alone} accounts alone and {short[f'Rule {n}']} with the others.")


def rules() -> list[dict[str, Any]]:
    """Twenty rules over every kind of fact that accounts have, from plain columns to windows of signals and tickets."""
    leaves: list[tuple[str, str, Any]] = [
        ("accounts.arr", "gte", 1_000_000),
        ("accounts.segment", "in", ["enterprise", "mid_market"]),
        ("accounts.status", "eq", "customer"),
        ("accounts.days_since_contact", "lte", 30),
        ("accounts.usage_change", "gte", -0.2),
        ("accounts.sponsors_left", "eq", 0),
        ("accounts.tickets_30d", "lte", 5),
        ("accounts.tickets_60d", "lte", 9),
        ("accounts.ticket_ratio", "lte", 2),
        ("accounts.invoice_overdue_days", "is_unknown", None),
        ("accounts.detractors", "eq", 0),
        ("journeys.stage", "is_known", None),
        ("journeys.value_proven", "eq", True),
        ("journeys.signed", "eq", True),
        ("accounts.arr", "lt", 100_000_000),
        ("accounts.days_since_contact", "is_known", None),
        ("accounts.usage_change", "is_known", None),
        ("accounts.tickets_30d", "gte", 1),
        ("accounts.ticket_ratio", "gte", 0.1),
        ("accounts.status", "in", ["customer", "prospect"]),
    ]
    assert len(leaves) == RULES
    return [
        {"fact": fact, "op": op} if value is None else {"fact": fact, "op": op, "value": value}
        for fact, op, value in leaves
    ]


if __name__ == "__main__":
    alone(run, __doc__, accounts=100_000, trials=3)
