"""What import-linter's contracts in pyproject.toml cannot say: nobody walks in through another app's doors."""

import grimp
import pytest

APPS = ("revops", "escalations", "qbr", "renewals", "health", "journeys", "accounts", "core")
DOORS = {"views", "api", "tasks", "urls", "management"}
ROOF = "revops"
# What every command and every endpoint builds on.
SHARED = {"core.management", "core.management.base", "core.api", "core.api.endpoints", "core.api.errors"}
SHARED |= {"core.api.pages", "core.api.jobs"}


@pytest.fixture(scope="module")
def imports() -> list[tuple[str, str]]:
    graph = grimp.build_graph(*APPS, cache_dir=None)
    direct = graph.find_modules_directly_imported_by
    return sorted((module, other) for module in graph.modules for other in direct(module))


def test_the_graph_is_not_empty(imports: list[tuple[str, str]]) -> None:
    assert len(imports) > 50


def test_an_apps_doors_are_imported_only_by_itself_and_its_urls_by_the_roof(imports: list[tuple[str, str]]) -> None:
    trespassing = [
        f"{module} imports {other}: call a query or an action of {_app(other)} instead"
        for module, other in imports
        if _app(other) != _app(module) and _room(other) in DOORS and other not in SHARED
        if (_app(module), _room(other)) != (ROOF, "urls")
    ]
    assert trespassing == []


def _app(module: str) -> str:
    return module.split(".")[0]


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""
