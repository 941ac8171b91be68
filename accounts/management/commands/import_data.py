"""Imports a CSV file or an Excel workbook.

Kinds: accounts, contacts, contracts, opportunities, usage, tickets, activities, signals, outcomes …

With --dry-run nothing is written and the counts say what would be. Refused rows are written, with reasons, to the
file that the result names, or to --rejects.
"""

import argparse
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.actions.imports import ImportRefused, import_file
from accounts.importing.engine import Request, known_kinds
from accounts.importing.maps import ImportMap, read_map
from core.actors import Actor
from core.management.base import CommandRefused, TenantCommand
from core.models import Tenant

WRONG_USAGE = {"no_file", "no_such_kind", "bad_map"}


class Command(TenantCommand):
    help = __doc__

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("kind", metavar="KIND", help=", ".join(kind.key for kind in known_kinds()) + "; or: auto")
        parser.add_argument("file", metavar="FILE", type=Path, help="a CSV, also in a zip, or a workbook (.xlsx)")
        parser.add_argument("--map", dest="map", metavar="MAP.yaml", type=Path, help="what the columns mean")
        parser.add_argument("--dry-run", action="store_true", help="write nothing, say what would be")
        parser.add_argument("--rejects", type=Path, metavar="FILE", help="where to write the refused rows")

    def run(self, tenant: Tenant, options: dict[str, Any]) -> dict[str, Any]:
        path: Path = options["file"]
        kind = "" if options["kind"] == "auto" else options["kind"]
        try:
            report = import_file(
                tenant=tenant,
                request=Request(
                    path=path,
                    import_map=_map(options["map"], kind),
                    kind=kind,
                    rejects_path=options["rejects"] or _rejects_path(tenant, path, options["now"]),
                ),
                actor=Actor.system("import_data"),
                now=options["now"],
                today=options["as_of"],
                writes=not options["dry_run"],
                progress=self._progress,
            )
        except ImportRefused as refusal:
            raise CommandRefused(refusal.message, returncode=2 if refusal.code in WRONG_USAGE else 1) from refusal
        return report.as_json()

    def _progress(self, done: int, total: int, step: str) -> None:
        self.say(f"{step}: {done:,} rows")


def _rejects_path(tenant: Tenant, path: Path, now: datetime) -> Path:
    """Among the product's own files: the folder of the import may not be ours to write to."""
    return settings.MEDIA_ROOT / "imports" / tenant.slug / f"{path.stem}-{now:%Y%m%d-%H%M%S}.rejected.csv"


def _map(path: Path | None, kind: str) -> ImportMap:
    if path is None:
        return ImportMap()
    try:
        found = read_map(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandRefused(f"The map {path} cannot be read: {error}.", returncode=2) from error
    if kind and found.kind and found.kind != kind:
        raise CommandRefused(f"The command says {kind}, the map says {found.kind}. Say one of them.", returncode=2)
    return found
