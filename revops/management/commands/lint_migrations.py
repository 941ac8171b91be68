"""Refuse a migration that the running version could not live beside: it locks, drops or demands a value."""

import shutil
import subprocess
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError


class Command(BaseCommand):
    help = __doc__

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Reads the migrations since the last release, since nobody upgrades through the others any more."""
        # Only a checkout has the linter; a deployment has no use for it.
        from django_migration_linter import MigrationLinter  # noqa: PLC0415 -- see above

        release = _last_release()
        if not release:
            self.stdout.write("There is no release yet, so no installation to upgrade.")
            return
        linter = MigrationLinter(str(settings.BASE_DIR), no_cache=True, ignore_initial_migrations=True)
        linter.lint_all_migrations(git_commit_id=release)
        linter.print_summary()
        if linter.has_errors:
            raise CommandError(f"Not safe to apply while {release} runs. Add first, fill in batches, demand later.")


def _last_release() -> str:
    git = shutil.which("git")
    if not git:
        return ""
    command = [git, "describe", "--tags", "--abbrev=0", "--match", "v*"]
    return subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True).stdout.strip()
