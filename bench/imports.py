"""The import of usage rows against a bare COPY as owner into the same table with its indexes and keys.

    python -m bench.imports --rows 1000000

The import is the command that people use, in a process of its own: reading, recognising, checking, writing, reporting.
COPY gets the finished rows with their ids. It writes into a copy of the table, since row security refuses COPY.
"""

import csv
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.rows import Row, alone, execute

SLUG = "bench-imports"
ACCOUNTS = 10_000
FIRST_DAY = date(2025, 1, 1)


def run(rows: int = 1_000_000, say: Callable[[str], None] = lambda _text: None) -> list[Row]:
    """The rows of the table. The workspace is made anew each time."""
    tenant_id = prepare(rows)
    with tempfile.TemporaryDirectory() as folder:
        file = write_file(Path(folder) / "usage.csv", rows)
        say(f"Importing {rows:,} rows ({file.stat().st_size / 1e6:.0f} MB)")
        seconds, peak, report = import_file(file, f"{SLUG}-{rows}")
        if report["created"] != rows:
            sys.exit(f"The import wrote {report['created']} of {rows} rows: {report}")
        say(f"Import {seconds:.1f} s, peak {peak / 1e6:.0f} MB; now COPY")
        bare = copy_rows(tenant_id, Path(folder) / "bare.csv")
    say(f"COPY {bare:.1f} s")
    return [
        Row(f"import of {rows:,} usage rows", seconds * 1000, bare * 1000, 8.0, "× bare COPY as owner"),
        Row(f"import of {rows:,} usage rows, peak memory", peak / 1e6, None, 500, "MB"),
    ]


def prepare(rows: int) -> int:
    """A fresh workspace with its accounts."""
    from core import clock
    from core.actions import create_tenant
    from core.actors import Actor
    from core.models import Tenant
    from core.tenancy import tenant_context
    from revops.demo.owner import erase

    slug = f"{SLUG}-{rows}"
    old = Tenant.objects.filter(slug=slug).first()
    if old is not None:
        erase(old)
    tenant = create_tenant(
        slug=slug, name="Bench imports", currency="EUR", timezone="UTC", actor=Actor.system("bench"), now=clock.now(),
        is_demo=True,
    )  # fmt: skip
    with tenant_context(tenant.pk):
        execute(
            "INSERT INTO accounts_account (tenant_id, external_id, name, name_key, domain_key, industry, country, "
            "segment, plan, status, arr_minor, attributes) SELECT %s, 'I' || n, 'Account ' || n, 'account ' || n, '', "
            "'', '', '', '', 'customer', 0, '{}' FROM generate_series(1, %s) AS n",
            [tenant.pk, ACCOUNTS],
        )
    return tenant.pk


def write_file(path: Path, rows: int) -> Path:
    """Rows as a nightly export has them: day by day, account by account."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["account_id", "date", "active_users"])
        for number in range(rows):
            day, account = divmod(number, ACCOUNTS)
            writer.writerow([f"I{account + 1}", FIRST_DAY + timedelta(days=day), (account * 7 + day) % 90])
    return path


def import_file(path: Path, slug: str) -> tuple[float, float, dict[str, Any]]:
    """Seconds, peak bytes of the process, and the command's report."""
    command = [sys.executable, "manage.py", "import_data", "usage", str(path), "--tenant", slug, "--json"]
    with tempfile.TemporaryFile("w+") as out:
        began = time.perf_counter()
        pid = os.posix_spawn(
            command[0], command, dict(os.environ), file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1)]
        )
        _, status, usage = os.wait4(pid, 0)
        seconds = time.perf_counter() - began
        if status:
            sys.exit("The import failed.")
        out.seek(0)
        return seconds, usage.ru_maxrss * 1024.0, json.loads(out.read())


def copy_rows(tenant_id: int, path: Path) -> float:
    """Seconds of COPY into a table with the same columns, indexes and keys, committed with every key checked."""
    import psycopg2

    owner = psycopg2.connect(os.environ["DATABASE_OWNER_URL"])
    with owner, owner.cursor() as cursor:
        cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant_id)])
        with path.open("w") as file:
            columns = "tenant_id, account_id, measure_id, day, row_key, value, category"
            cursor.copy_expert(
                f"COPY (SELECT {columns} FROM accounts_signal WHERE tenant_id = {int(tenant_id)} "
                "ORDER BY day, account_id) TO STDOUT",
                file,
            )
        cursor.execute(
            "DROP TABLE IF EXISTS bench_signal; CREATE TABLE bench_signal (LIKE accounts_signal INCLUDING ALL)"
        )
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE conrelid = 'accounts_signal'::regclass AND contype = 'f'"
        )
        for (definition,) in cursor.fetchall():
            cursor.execute(f"ALTER TABLE bench_signal ADD {definition}")
    began = time.perf_counter()
    with owner, owner.cursor() as cursor, path.open() as file:
        cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant_id)])
        cursor.copy_expert(f"COPY bench_signal ({columns}) FROM STDIN", file)
    seconds = time.perf_counter() - began
    with owner, owner.cursor() as cursor:
        cursor.execute("DROP TABLE bench_signal")
    owner.close()
    return seconds


if __name__ == "__main__":
    alone(run, __doc__, rows=1_000_000)
