"""Make a demo workspace of fictional companies with two years of history and a planted truth."""

import argparse
from typing import Any

from core import clock
from core.management.base import CommandRefused, JsonCommand, date_argument
from revops.demo import actions
from revops.demo.seed import LARGEST, Demo


class Command(JsonCommand):
    help = __doc__

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", default="demo", help="short name of the workspace (demo)")
        parser.add_argument("--as-of", type=date_argument, metavar="YYYY-MM-DD", help="the last day told; today")
        parser.add_argument("--accounts", type=int, default=200, help="number of companies (200)")
        parser.add_argument("--seed", type=int, default=7, help="the same seed gives the same world (7)")
        parser.add_argument("--score-days", type=int, help="how far past scores reach back; 0 for facts only")
        parser.add_argument("--fresh", action="store_true", help="delete the demo workspace of this name first")
        parser.add_argument("--run-main-job", action="store_true", help="score, renewals, QBRs and escalations as well")

    def report(self, options: dict[str, Any]) -> dict[str, Any]:
        if not 1 <= options["accounts"] <= LARGEST:
            raise CommandRefused(f"--accounts must lie between 1 and {LARGEST:,}.", returncode=2)
        now = clock.now()
        demo = Demo(
            slug=options["tenant"],
            accounts=options["accounts"],
            seed=options["seed"],
            as_of=options["as_of"] or actions.today(now),
            now=now,
            score_days=options["score_days"],
        )
        try:
            return actions.seed(demo=demo, fresh=options["fresh"], run_main_job=options["run_main_job"], say=self.say)
        except actions.NotADemo as refusal:
            raise CommandRefused(str(refusal)) from refusal
