"""House rules that the import linter cannot see, each with the remedy in its message."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.apps import apps

ROOT = Path(__file__).resolve().parents[2]
APPS = ["core", "accounts", "journeys", "health", "renewals", "qbr", "escalations", "revops"]
DOORS = {"views", "api", "tasks", "commands"}
WRITES = {"save", "create", "bulk_create", "bulk_update", "update_or_create", "get_or_create", "delete", "update"}
# Calls with these names that are not writes of rows: dictionaries, querysets of nothing, sessions.
NOT_ROWS = {"dict", "headers", "session", "hashlib", "context", "options", "params"}


def sources(*, migrations: bool = False) -> Iterator[tuple[Path, str]]:
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            if migrations or "migrations" not in path.parts:
                yield path.relative_to(ROOT), path.read_text()


def is_door(path: Path) -> bool:
    return path.stem in DOORS or bool(DOORS & set(path.parts[:-1]))


def test_no_foreign_key_points_at_an_app_further_up() -> None:
    order = {name: place for place, name in enumerate(APPS)}
    upward = [
        f"{model._meta.label}.{field.name} → {field.related_model._meta.label}"
        for model in apps.get_models()
        if model._meta.app_label in order
        for field in model._meta.local_fields
        if field.is_relation
        and not isinstance(field.related_model, str)
        and field.related_model is not None
        and order.get(field.related_model._meta.app_label, -1) > order[model._meta.app_label]
    ]
    assert upward == [], "An app may point only at apps below it; contribute to core.registry instead."


def test_apps_do_not_talk_by_django_signals() -> None:
    users = [str(path) for path, text in sources() if re.search(r"from django\.(db\.models\.signals|dispatch)", text)]
    assert users == [], "Call the action, or contribute to core.registry: a signal hides who does what."


def test_doors_write_no_rows() -> None:
    writes = []
    for path, text in sources():
        if not is_door(path):
            continue
        for node in ast.walk(ast.parse(text)):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES):
                continue
            owner = ast.unparse(node.func.value)
            if "objects" in owner or node.func.attr in {"save", "bulk_create", "update_or_create", "get_or_create"}:
                writes.append(f"{path}:{node.lineno}: {owner}.{node.func.attr}")
    assert writes == [], "A view, task or command makes one call to a query or an action; move the write there."


def test_every_suppression_gives_its_reason() -> None:
    bare = [
        f"{path}:{number}"
        for path, text in sources()
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(r"#\s*(noqa|type: ignore)(?!.* -- )", line)
    ]
    assert bare == [], "Write the reason behind it: `# noqa: X -- why`."


def test_the_workspace_setting_is_only_ever_local_to_a_transaction() -> None:
    astray = [
        str(path)
        for path, text in sources(migrations=True)
        if re.search(r"set_config\([^)]*,\s*false\s*\)|SET\s+(SESSION\s+)?app\.", text, re.IGNORECASE)
    ]
    assert astray == [], "A session-level setting shows one workspace's rows to the next request."


def test_the_workspace_setting_is_written_in_one_place() -> None:
    writers = {str(path) for path, text in sources() if "set_config('app.tenant_id" in text}
    # Erasing a demo workspace works on the owner's own connection, which no request ever uses.
    assert writers == {"core/tenancy.py", "revops/demo/owner.py"}


def test_no_response_is_streamed_outside_its_workspace() -> None:
    users = [str(path) for path, text in sources() if "StreamingHttpResponse" in text]
    assert users == [], "A streamed body is made after the middleware has left: it would be empty, with status 200."


def test_only_the_clock_reads_the_clock() -> None:
    pattern = re.compile(r"timezone\.now\(|datetime\.now\(|date\.today\(|time\.time\(|localdate\(")
    allowed = {"core/clock.py"}
    readers = {
        str(path) for path, text in sources() if pattern.search(text) and not str(path).startswith("revops/local/")
    }
    assert readers - allowed == set(), "Take `now` or `today` as a parameter; only doors call core.clock.now()."


def test_migrations_import_no_app_code_but_the_wall() -> None:
    allowed = {"core.fields", "core.operations"}
    astray = [
        f"{path}: {name}"
        for path, text in sources(migrations=True)
        if "migrations" in path.parts
        for name in re.findall(
            r"^(?:from|import) ((?:core|accounts|journeys|health|renewals|qbr|escalations)\S*)", text, re.MULTILINE
        )
        if name not in allowed
    ]
    assert astray == [], "A migration outlives the code it was written beside."


def test_no_file_names_a_package_registry_or_a_path_of_a_machine() -> None:
    pattern = re.compile("python" + r"hosted|py" + r"pi\.org|npm" + r"js\.|/" + "home/|/" + "work/")
    found = [
        str(path.relative_to(ROOT))
        for folder in (*APPS, "docs", "requirements", "templates", "static", "tests", "bench")
        for path in sorted((ROOT / folder).rglob("*"))
        if path.is_file()
        and path.suffix in {".py", ".txt", ".in", ".md", ".html", ".css", ".toml", ".yml", ".yaml", ".json"}
        and path != Path(__file__)
        and pattern.search(path.read_text(errors="replace"))
    ]
    assert found == []
