"""django-stubs' plugin with an environment that settings accept: types are checked without any service."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-type-checking-0123456789-abcdef")
os.environ.setdefault("DATABASE_URL", "postgresql://rv_app@127.0.0.1/revops")
os.environ.setdefault("REDIS_URL", "redis://127.0.0.1/0")
os.environ["REVOPS_LOCAL"] = "0"

# Only now: it imports settings.
from mypy_django_plugin.main import plugin

__all__ = ["plugin"]
