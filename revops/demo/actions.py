"""Makes, keeps or replaces a demo workspace, and brings its derived figures up to date."""

import json
import time
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from core.models import AuditEntry, Tenant
from core.tenancy import tenant_context
from revops.demo.derive import derive, main_job
from revops.demo.owner import analyze, erase
from revops.demo.plays import seed_plays
from revops.demo.processes import name_owners
from revops.demo.seed import Demo, Say, finish_world, make_world, truth_file

DEMO_FILE = settings.BASE_DIR / "var" / "demo.json"


class NotADemo(ValueError):
    """The name belongs to a workspace that is not ours to replace, or to a demo that was never finished."""


def today(now: datetime) -> date:
    """The business date where the demo company lives."""
    return now.astimezone(ZoneInfo(Demo.timezone)).date()


def seed(*, demo: Demo, fresh: bool, run_main_job: bool, say: Say) -> dict[str, Any]:
    """The demo workspace: a new one, or the one that is there. Says which, how long it took, and who may sign in."""
    began = time.monotonic()
    found = Tenant.objects.filter(slug=demo.slug).first()
    if found is not None and not found.is_demo:
        raise NotADemo(f"'{demo.slug}' is not a demo workspace. Choose another name with --tenant.")
    if found is not None and fresh:
        say(f"Deleting the demo workspace '{demo.slug}'")
        erase(found)
        found = None
    if found is not None:
        return _kept(found, say)
    tenant, sign_ins = make_world(demo, say)
    analyze()
    derive(demo, tenant, say)
    with tenant_context(tenant.pk):
        seed_plays(demo, tenant, say)
    analyze()
    if run_main_job:
        main_job(demo, tenant, say)
    with tenant_context(tenant.pk):
        name_owners(demo, tenant.pk)
    finish_world(demo, tenant)
    _note_sign_ins(demo, tenant, sign_ins)
    return {
        "tenant": demo.slug,
        "created": True,
        "accounts": demo.accounts,
        "seed": demo.seed,
        "as_of": demo.as_of.isoformat(),
        "truth_file": str(demo.truth_file),
        "sign_ins": sign_ins,
        "seconds": round(time.monotonic() - began, 1),
    }


def _kept(tenant: Tenant, say: Say) -> dict[str, Any]:
    with tenant_context(tenant.pk):
        note = AuditEntry.objects.filter(verb="seeded").order_by("at").first()
    if note is None:
        raise NotADemo(f"The demo workspace '{tenant.slug}' was never finished. Make it anew with --fresh.")
    say(f"The demo workspace '{tenant.slug}' is there already; nothing is changed. --fresh makes it anew.")
    return {
        "tenant": tenant.slug,
        "created": False,
        **note.after,
        "truth_file": str(truth_file(tenant.slug)),
        "sign_ins": _noted_sign_ins(tenant.slug),
    }


def _noted_sign_ins(slug: str) -> list[dict[str, str]]:
    if not DEMO_FILE.exists():
        return []
    noted = json.loads(DEMO_FILE.read_text())
    sign_ins: list[dict[str, str]] = noted.get("sign_ins", []) if noted.get("workspace") == slug else []
    return sign_ins


def _note_sign_ins(demo: Demo, tenant: Tenant, sign_ins: list[dict[str, str]]) -> None:
    """`var/demo.json` tells how to get into the workspace that `make run` shows; other demos leave it alone."""
    if demo.slug != "demo":
        return
    DEMO_FILE.parent.mkdir(parents=True, exist_ok=True)
    DEMO_FILE.write_text(json.dumps({"workspace": tenant.slug, "sign_ins": sign_ins}, indent=1) + "\n")
