import os

from revops.local import apply_environment

apply_environment()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "revops.settings")
# Pages give up with a clear message rather than wait for ever; a worker's statements may take their time.
os.environ.setdefault("DATABASE_OPTIONS", "-c statement_timeout=30s -c lock_timeout=5s")

from django.core.wsgi import get_wsgi_application  # noqa: E402 -- settings need the environment first

application = get_wsgi_application()

from core.boot import refuse_unsafe_database_role  # noqa: E402 -- the apps are loaded now

refuse_unsafe_database_role()
