"""A workspace made of two tables, signals and outcomes, through the same import as everybody's."""

import csv
import json
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management import call_command

from core.models import ProcessVersion
from core.tenancy import tenant_context
from core.versioning import draft

FIRST_DAY = date(2023, 1, 1)
AS_OF = "2025-06-01"


def run(*arguments: str, **options: Any) -> dict[str, Any]:
    """A command's JSON."""
    out = StringIO()
    call_command(*arguments, "--json", stdout=out, stderr=StringIO(), **options)
    printed: dict[str, Any] = json.loads(out.getvalue())
    return printed


def document(key: str, measures: dict[str, str], **more: Any) -> dict[str, Any]:
    """A model whose inputs read the last value of a measure of the last 120 days and learn their mapping."""
    return {
        "kind": "score_model",
        "key": key,
        "name": key.capitalize(),
        "applies_to": "all",
        "bands": {"red": 0, "yellow": 50, "green": 70},
        "min_coverage": 0.5,
        "inputs": [
            {
                "key": name,
                "measure": name,
                "window_days": 120,
                "aggregate": "last",
                "mapping": {"learn": learn},
                "weight": 1,
                "missing": "exclude",
            }
            for name, learn in measures.items()
        ],
    } | more


class Table:
    """Customers with an outcome each, spread over two years, and what was observed of them before it."""

    def __init__(self, rows: int, seed: int = 1) -> None:
        self.random = np.random.default_rng(seed)
        self.size = rows
        self.day = np.sort(self.random.integers(0, 730, rows))
        self.columns: dict[str, Any] = {}
        self.lost = np.zeros(rows, dtype=bool)

    def normal(self) -> Any:
        return self.random.normal(size=self.size)

    def losses(self, odds: Any) -> None:
        self.lost = self.random.random(self.size) < 1 / (1 + np.exp(-odds))

    def write(self, folder: Path, *, days_before: int = 110, late: tuple[str, ...] = ()) -> tuple[Path, Path]:
        """The two files. Columns named in `late` are observed after the outcome."""
        signals, outcomes = folder / "signals.csv", folder / "outcomes.csv"
        with signals.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["account", "date", *self.columns])
            for at in range(self.size):
                outcome = FIRST_DAY + timedelta(days=int(self.day[at]))
                cells = {name: self.cell(name, at) for name in self.columns}
                before = ["" if name in late else cell for name, cell in cells.items()]
                writer.writerow([f"C{at:05}", outcome - timedelta(days=days_before), *before])
                if late:
                    after = [cell if name in late else "" for name, cell in cells.items()]
                    writer.writerow([f"C{at:05}", outcome + timedelta(days=5), *after])
        with outcomes.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["account", "date", "outcome"])
            for at in range(self.size):
                outcome = FIRST_DAY + timedelta(days=int(self.day[at]))
                writer.writerow([f"C{at:05}", outcome, "churned" if self.lost[at] else "renewed"])
        return signals, outcomes

    def cell(self, name: str, at: int) -> str:
        value = self.columns[name][at]
        if isinstance(value, str):
            return value
        return "" if np.isnan(value) else f"{value:.4f}"

    def load(self, folder: Path, tenant: str, **options: Any) -> None:
        signals, outcomes = self.write(folder, **options)
        maps = folder / "map.yaml"
        maps.write_text("kind: signals\ncreate_accounts: true\ncolumns: {account: account, date: date}\n")
        arguments = ["--tenant", tenant, "--as-of", AS_OF, "--rejects", str(folder / "rejects.csv")]
        run("import_data", "signals", str(signals), "--map", str(maps), *arguments)
        run("import_data", "outcomes", str(outcomes), *arguments)


def drafted(tenant: Any, content: dict[str, Any], actor: Any, now: Any) -> ProcessVersion:
    with tenant_context(tenant.pk):
        return draft(
            kind="score_model", key=content["key"], name=content["name"], definition=content, actor=actor, now=now
        )
