"""What the parts of the benchmark share: a row of the table, a statement, and how a part is run alone."""

import argparse
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    """One line of the benchmark table."""

    work: str
    ours_ms: float
    other_ms: float | None
    limit: float
    unit: str

    @property
    def ratio(self) -> float | None:
        return None if self.other_ms is None else self.ours_ms / self.other_ms

    @property
    def is_met(self) -> bool:
        return (self.ours_ms if self.ratio is None else self.ratio) <= self.limit

    def as_dict(self) -> dict[str, Any]:
        return {
            "work": self.work,
            "ours_ms": round(self.ours_ms, 1),
            "other_ms": None if self.other_ms is None else round(self.other_ms, 1),
            "ratio": None if self.ratio is None else round(self.ratio, 2),
            "limit": self.limit,
            "unit": self.unit,
            "met": self.is_met,
        }


def execute(sql: str, params: Any = None) -> Any:
    """A statement on the connection of this process; gives its cursor."""
    from django.db import connection

    cursor = connection.cursor()
    cursor.execute(sql, params)
    return cursor


def start_django() -> None:
    """With the settings and the services of this checkout."""
    import django

    from revops.local import apply_environment

    apply_environment(operator=True)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "revops.settings")
    django.setup()


def alone(run: Callable[..., list[Row]], about: str | None, **sizes: int) -> None:
    """Runs one part with its sizes as options, and prints its rows as JSON."""
    start_django()
    parser = argparse.ArgumentParser(description=about)
    for name, size in sizes.items():
        parser.add_argument(f"--{name}", type=int, default=size)
    options = vars(parser.parse_args())
    rows = run(**options, say=lambda text: print(text, file=sys.stderr))
    print(json.dumps([row.as_dict() for row in rows], indent=1))
