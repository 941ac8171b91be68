"""What `make run` needs before it serves: static files, a demo workspace, and one run of the main job."""

import hashlib
import io
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import BaseCommand, call_command

from core.models import Tenant

DEMO = "demo"
MAIN_JOB = {
    "recompute_health": "Health scores",
    "sweep_renewals": "Renewal clock",
    "assemble_qbrs": "QBR packages",
    "sweep_escalations": "Escalations",
}


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--accounts", type=int, default=200, help="size of a new demo workspace")

    def handle(self, *_args: Any, **options: Any) -> None:
        self.step("Static files", collect_static)
        if Tenant.objects.filter(slug=DEMO).exists():
            self.stdout.write("Demo workspace              kept")
        else:
            self.step("Demo workspace", "seed_demo", accounts=options["accounts"], json=True)
        for command, label in MAIN_JOB.items():
            self.step(label, command, tenant=DEMO, json=True)

    def step(self, label: str, work: Any, **options: Any) -> None:
        """One progress line: what is being done, how long it took. A command's own report is not shown."""
        self.stdout.write(f"{label:<28}", ending="")
        self.stdout.flush()
        began = time.monotonic()
        if callable(work):
            work()
        else:
            call_command(work, stdout=io.StringIO(), stderr=io.StringIO(), **options)
        self.stdout.write(f"{time.monotonic() - began:6.1f} s")
        self.stdout.flush()


def collect_static() -> None:
    """Collect and compress, unless the sources are those of the last time."""
    sources = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = Path(storage.path(name)).stat()
            sources.update(f"{name} {found.st_size} {found.st_mtime_ns}\n".encode())
    stamp = settings.BASE_DIR / "var" / "static.stamp"
    if Path(settings.STATIC_ROOT).exists() and stamp.exists() and stamp.read_text() == sources.hexdigest():
        return
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(sources.hexdigest())
