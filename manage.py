#!/usr/bin/env python
import os
import sys

OWNER_COMMANDS = {"migrate", "makemigrations", "sqlmigrate", "showmigrations", "squashmigrations", "lint_migrations"}


def main() -> None:
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command == "local":
        # Before Django: it must work when settings, migrations or the environment do not.
        from revops.local.cli import main as local

        raise SystemExit(local(sys.argv[2:]))
    from revops.local import apply_environment

    apply_environment(operator=True)
    if command in OWNER_COMMANDS:
        os.environ["REVOPS_DB_ROLE"] = "owner"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "revops.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
