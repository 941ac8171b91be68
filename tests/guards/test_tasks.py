"""Background work cannot forget its workspace, and nobody rings for a task that does not exist."""

import ast
import inspect
import re
from pathlib import Path

from core import registry
from core.celery_tasks import GlobalTask, TenantTask
from revops.celery import app

ROOT = Path(__file__).resolve().parents[2]
GLOBAL_TASKS = {"core.fan_out": "Sends one message per workspace; reads the list of workspaces only."}


def our_tasks() -> dict[str, object]:
    app.loader.import_default_modules()
    return {name: task for name, task in app.tasks.items() if not name.startswith("celery.")}


def test_every_task_is_bound_to_a_workspace_or_stands_on_the_list() -> None:
    unbound = {name for name, task in our_tasks().items() if not isinstance(task, TenantTask)}
    assert unbound == set(GLOBAL_TASKS)
    assert all(isinstance(our_tasks()[name], GlobalTask) for name in GLOBAL_TASKS)


def test_every_bound_task_names_the_workspace_in_its_signature() -> None:
    without = [
        name
        for name, task in our_tasks().items()
        if isinstance(task, TenantTask) and "tenant_id" not in inspect.signature(task.run).parameters
    ]
    assert without == []


def _rung_names() -> set[str]:
    names: set[str] = set()
    for app_name in ("core", "accounts", "journeys", "health", "renewals", "qbr", "escalations", "revops"):
        for path in (ROOT / app_name).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call):
                    continue
                called = ast.unparse(node.func).rsplit(".", 1)[-1]
                if called in {"enqueue_on_commit", "ring"} and node.args and isinstance(node.args[0], ast.Constant):
                    names.add(str(node.args[0].value))
    return names


def test_every_rung_task_is_registered() -> None:
    rung = _rung_names() | {consumer.task for consumer in registry.consumers()}
    assert rung - set(our_tasks()) == set()


def test_every_scheduled_task_is_registered() -> None:
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    fanned = {entry["kwargs"]["task"] for entry in app.conf.beat_schedule.values()}
    assert (scheduled | fanned) - set(our_tasks()) == set()


def test_actions_ring_by_name_and_import_no_task() -> None:
    importers = [
        str(path.relative_to(ROOT))
        for path in ROOT.glob("*/actions*")
        for path in ([path] if path.is_file() else path.rglob("*.py"))
        if re.search(r"^(from|import) .*(tasks import|\.tasks\b|celery)", path.read_text(), re.MULTILINE)
        and "journeys.models.tasks" not in path.read_text()
    ]
    assert importers == []
