"""Tries the live alert rules on the past: precision and lead time of each, and the share of losses named early."""

import argparse
from datetime import timedelta
from typing import Any

from core.management.base import TenantCommand
from core.models import Tenant
from health.queries.alert_figures import try_live_rules


class Command(TenantCommand):
    help = __doc__

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=365, help="how far back (365)")
        parser.add_argument("--every", type=int, default=7, help="look at every n-th day (7)")

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        """Writes nothing."""
        until = options["as_of"]
        found = try_live_rules(
            until - timedelta(days=max(options["days"], 1)), until, step_days=max(options["every"], 1)
        )
        rules = [{"rule": key, **values} for key, values in found["rules"].items()]
        return {**found, "rules": rules}
