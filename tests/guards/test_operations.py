"""The operations guide and the compose file say what the settings really read."""

import re

import yaml

from revops.local.home import CHECKOUT

GUIDE = (CHECKOUT / "docs" / "operations.md").read_text()
COMPOSE = (CHECKOUT / "docker-compose.yml").read_text()
# Not for people: chosen by the program itself.
INTERNAL = {"REVOPS_DB_ROLE", "REVOPS_TEST_DB", "DEBUG"}


def test_every_setting_is_explained() -> None:
    read = set(re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", (CHECKOUT / "revops" / "settings.py").read_text()))
    assert read >= {"SECRET_KEY", "DATABASE_OWNER_URL", "REDIS_URL"}
    assert {name for name in read - INTERNAL if f"`{name}`" not in GUIDE} == set()


def test_the_example_holds_every_value_that_compose_wants() -> None:
    wanted = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE))
    offered = set(re.findall(r"^([A-Z_]+)=", (CHECKOUT / ".env.example").read_text(), flags=re.MULTILINE))
    assert wanted == offered


def test_only_the_migration_of_compose_knows_the_owner() -> None:
    services = yaml.safe_load(COMPOSE)["services"]
    knowing = [name for name, service in services.items() if "DATABASE_OWNER_URL" in service.get("environment", {})]
    assert knowing == ["migrate"]
    for name in ("web", "worker", "beat"):
        assert services[name]["environment"]["DATABASE_URL"].startswith("postgresql://rv_app:")
