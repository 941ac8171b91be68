"""Importing a file: the verb behind the command and the page."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from django.db import transaction

from accounts.actions.ledger import refresh_revenue
from accounts.importing import engine
from accounts.importing.errors import ImportRefused
from accounts.importing.report import Report
from accounts.importing.stage import Stage
from accounts.queries.planning import LARGE_IMPORT, gather_statistics, tables_of
from core import audit
from core.actors import Actor
from core.changes import mark_changed_where
from core.models import Tenant

Progress = Callable[[int, int, str], None]
_TOUCHED: Final = "SELECT DISTINCT account_id FROM import_touched WHERE account_id > 0"


def quiet(done: int, total: int, step: str) -> None:
    """Progress that nobody watches."""


@transaction.atomic
def import_file(
    *,
    tenant: Tenant,
    request: engine.Request,
    actor: Actor,
    now: datetime,
    today: date,
    writes: bool,
    progress: Progress = quiet,
) -> Report:
    """Checks a file and, with `writes`, imports it: all of it or, on a refusal or a cancel, nothing.

    A dry run writes nothing and gives the same counts as the import would. A second import of the same file creates
    and updates nothing. Raises `ImportRefused` when the file as a whole cannot be taken. After a large one the planner
    gets fresh statistics.
    """
    report, stage = engine.run(request, tenant=tenant, now=now, today=today, writes=writes, progress=progress)
    if writes and report.created + report.updated > LARGE_IMPORT:
        tables = tables_of(report.kind)
        transaction.on_commit(lambda: gather_statistics(tables), robust=True)
    if writes and report.created + report.updated:
        progress(report.read, report.read, "Bringing revenue and scores up to date")
        _follow_up(stage, actor)
        audit.record(
            actor=actor,
            at=now,
            verb="imported",
            subject_type=f"accounts.import.{report.kind}",
            after={
                "file": request.path.name,
                "created": report.created,
                "updated": report.updated,
                "rejected": report.rejected,
            },
        )
    return report


def _follow_up(stage: Stage, actor: Actor) -> None:
    """What hangs on the imported rows: the ledger, and the apps that score or plan by account."""
    if stage.kind.key == "contracts":
        refresh_revenue(today=stage.today, now=stage.now, accounts_sql=_TOUCHED, actor=actor)
    mark_changed_where(_TOUCHED, [])


__all__ = ["ImportRefused", "import_file", "quiet"]
