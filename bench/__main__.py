"""`make bench`: every figure of the speed table, measured side by side in one run, in a database of its own.

    python -m bench [--write] [--only recompute impact renewals criteria imports pages live plays drops] [--keep]

`BENCH_SCALE=small` measures at a fiftieth of the size, for a quick look. `--write` puts the table into
docs/performance.md. The database is dropped at the end unless `--keep`.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parent.parent
PERFORMANCE = CHECKOUT / "docs" / "performance.md"
PARTS = ("recompute", "impact", "renewals", "criteria", "imports", "pages", "live", "plays", "drops")
SMALL = os.environ.get("BENCH_SCALE") == "small"
BEGIN, END = "<!-- table: written by `make bench ARGS=--write` -->", "<!-- end of table -->"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--keep", action="store_true", help="keep the database for the next run")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    began = time.monotonic()
    drop = own_database()
    try:
        rows = [row for part in PARTS if part in options.only for row in measure(part)]
    finally:
        if not options.keep:
            drop()
    minutes = (time.monotonic() - began) / 60
    table = as_table(rows)
    print(json.dumps({"rows": rows, "minutes": round(minutes, 1)}) if options.json else table)
    print(f"\n{sum(row['met'] for row in rows)} of {len(rows)} targets met, {minutes:.1f} minutes.", file=sys.stderr)
    if options.write:
        write(table, minutes)
    return 0


def measure(part: str) -> list[dict[str, Any]]:
    say(f"== {part}")
    import bench.criteria
    import bench.drops
    import bench.impact
    import bench.imports
    import bench.live
    import bench.pages
    import bench.plays
    import bench.recompute
    import bench.renewals

    many = 2_000 if SMALL else 100_000
    runs: dict[str, Callable[[], list[Any]]] = {
        "recompute": lambda: bench.recompute.run(many, say=say),
        "impact": lambda: bench.impact.run(many, say=say),
        "renewals": lambda: bench.renewals.run(many, say=say),
        "criteria": lambda: bench.criteria.run(many, say=say),
        "imports": lambda: bench.imports.run(20_000 if SMALL else 1_000_000, say=say),
        "pages": lambda: bench.pages.run((200, many) if SMALL else (1_000, many), say=say),
        "live": lambda: bench.live.run(many, say=say),
        "plays": lambda: bench.plays.run(many, say=say),
        "drops": lambda: bench.drops.run(many, say=say),
    }
    return [row.as_dict() for row in runs[part]()]


def say(text: str) -> None:
    print(f"{datetime.now(tz=UTC):%H:%M:%S} {text}", file=sys.stderr, flush=True)


def own_database() -> Callable[[], None]:
    """Makes and migrates the database of the benchmark; gives what drops it again."""
    from revops.local import DATABASE_VARIABLES, apply_environment

    apply_environment(operator=True)
    import psycopg2
    from psycopg2 import sql

    owner_url = os.environ["DATABASE_OWNER_URL"]
    name = "revops_bench_small" if SMALL else "revops_bench"

    def on_the_server(statement: str) -> None:
        server = psycopg2.connect(owner_url)
        server.autocommit = True
        with server.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(sql.Identifier(name)))
        server.close()

    try:
        on_the_server("CREATE DATABASE {}")
    except psycopg2.errors.DuplicateDatabase:
        say(f"The database {name} is there from an earlier run and is used again.")
    for variable in DATABASE_VARIABLES:
        if os.environ.get(variable):
            os.environ[variable] = re.sub(r"/[^/?]*(\?.*)?$", f"/{name}", os.environ[variable])
    os.environ["REDIS_URL"] = re.sub(r"/\d*$", "/15", os.environ["REDIS_URL"])
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "revops.settings")
    subprocess.run([sys.executable, "manage.py", "migrate", "--no-input", "--verbosity", "0"], cwd=CHECKOUT, check=True)
    import django
    from django.conf import settings

    django.setup()
    # The pages name their files plainly, as in the tests: nothing has been collected.
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"

    def drop() -> None:
        from django.db import connections

        connections.close_all()
        on_the_server("DROP DATABASE IF EXISTS {} WITH (FORCE)")

    return drop


def as_table(rows: list[dict[str, Any]]) -> str:
    """Markdown that also reads well in a terminal."""
    lines = [("work", "ours", "beside it", "measured", "target", "met")]
    for row in rows:
        measured = row["ratio"] if row["ratio"] is not None else row["ours_ms"]
        unit = "ms" if row["ratio"] is not None or row["unit"] == "ms" else row["unit"]
        lines.append(
            (
                row["work"],
                f"{row['ours_ms']:,.1f} {unit}",
                "" if row["other_ms"] is None else f"{row['other_ms']:,.1f} ms",
                f"{measured:,.2f} ×" if row["ratio"] is not None else f"{measured:,.1f} {unit}",
                f"≤ {row['limit']:g} {row['unit']}",
                "yes" if row["met"] else "**no**",
            )
        )
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    shown = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return "\n".join([shown[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *shown[1:]])


def write(table: str, minutes: float) -> None:
    """Replaces the table in docs/performance.md and says when and on what it was measured."""
    when = f"Measured {datetime.now(tz=UTC):%-d %B %Y} on {os.cpu_count()} cores ({platform.machine()})"
    when += f", in {minutes:.0f} minutes."
    block = f"{BEGIN}\n\n{when}\n\n{table}\n\n{END}"
    text = PERFORMANCE.read_text() if PERFORMANCE.exists() else f"# Performance\n\n{BEGIN}\n{END}\n"
    PERFORMANCE.write_text(re.sub(re.escape(BEGIN) + r".*?" + re.escape(END), lambda _: block, text, flags=re.DOTALL))


if __name__ == "__main__":
    raise SystemExit(main())
