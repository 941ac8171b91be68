"""Loaded by pytest before settings (`-p` in pyproject.toml): the database and the broker are up, or tests do not start.

The session ends with the services still running; `manage.py local down` stops them.
"""

import os

from revops.local import apply_environment

apply_environment(operator=True)
# Tests log in as the owner, who may create the test database, and SET ROLE rv_app around each test.
os.environ.setdefault("REVOPS_DB_ROLE", "owner")
