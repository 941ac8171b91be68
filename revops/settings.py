"""Settings, read from the environment only. `DEBUG` off is the default, and unsafe production values are refused."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
if not DEBUG and (len(SECRET_KEY) < 32 or SECRET_KEY.startswith("insecure")):
    raise ImproperlyConfigured("SECRET_KEY must be a random text of at least 32 characters when DEBUG is off.")

ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
if not DEBUG and "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts; '*' is refused when DEBUG is off.")

# The public address decides whether cookies and redirects insist on https.
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000")
_HTTPS = SITE_URL.startswith("https://")
if not DEBUG and not _HTTPS and urlsplit(SITE_URL).hostname not in {"127.0.0.1", "localhost", "::1"}:
    raise ImproperlyConfigured("SITE_URL must start with https:// unless it is an address of this machine.")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "template_partials",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "core",
    "accounts",
    "journeys",
    "health",
    "renewals",
    "qbr",
    "escalations",
    "revops",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # static files are compressed already; pages are here, with padding
    "csp.middleware.CSPMiddleware",
    "core.middleware.RefuseUnprintableInput",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "core.middleware.TenantMiddleware",
]

ROOT_URLCONF = "revops.urls"
WSGI_APPLICATION = "revops.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "revops.dashboards.context.shell",
            ],
        },
    }
]

# Web, worker and beat use rv_app (data only). Commands that change the schema ask for the owner.
DATABASES = {
    "default": env.db_url(
        "DATABASE_OWNER_URL" if env.str("REVOPS_DB_ROLE", default="app") == "owner" else "DATABASE_URL"
    )
}
DATABASES["default"].update(
    {
        "ENGINE": "django.db.backends.postgresql",
        "ATOMIC_REQUESTS": False,  # the tenant context opens the transaction of a request
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        # Set by the web process only: a page may not wait for ever, a worker's statement may take its time.
        "OPTIONS": {"options": env.str("DATABASE_OPTIONS", default="")},
        "TEST": {"NAME": env.str("REVOPS_TEST_DB", default="test_revops")},
    }
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env.str("REDIS_URL")
# The cache has a database of its own, so that clearing it can never empty the broker's queues.
CACHE_URL = env.str("CACHE_URL", default=REDIS_URL.rsplit("/", 1)[0] + "/1")
CACHES = {"default": {"BACKEND": "core.cache.ForgivingCache", "LOCATION": CACHE_URL}}

AUTH_USER_MODEL = "core.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "core.sign_in.ClosedSignUp"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key", "reset_password": "20/m/ip,5/m/key"}

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = _HTTPS
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]  # asked by the machine itself, over plain http
SECURE_HSTS_SECONDS = 31_536_000 if _HTTPS else 0
TRUST_PROXY = env.bool("TRUST_PROXY", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUST_PROXY else None
ALLAUTH_TRUSTED_PROXY_COUNT = int(TRUST_PROXY)  # else every failed sign-in would count against the proxy's address
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "core.views.csrf_failure"
CSRF_TRUSTED_ORIGINS = [SITE_URL] if _HTTPS else []

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        # The hash of the empty text is what Plotly's own style element needs; nothing inline can use it.
        "style-src": [SELF, "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["core.api.entrance.Entrance"],
    "DEFAULT_PERMISSION_CLASSES": [],  # each endpoint names its permission: core.api.endpoints.endpoint
    "DEFAULT_THROTTLE_CLASSES": ["core.api.entrance.PerCaller"],
    "DEFAULT_PARSER_CLASSES": ["core.api.reading.SoundJson"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "core.api.errors.answer_error",
    "URL_FORMAT_OVERRIDE": None,  # `?format=` is no parameter of ours
}
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=600)
SPECTACULAR_SETTINGS = {
    "TITLE": "RevOps API",
    "DESCRIPTION": "Accounts, facts, scores and their explanations, score models, proof and alerts. How to begin: "
    "docs/api.md. Money is in minor units of the workspace's currency, rates are fractions, times are UTC.",
    "VERSION": "1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["core.api.schema.only_the_api"],
    "ENUM_NAME_OVERRIDES": {
        "BandEnum": "health.choices.Band",
        "RoleEnum": "core.choices.Role",
        "SegmentEnum": "accounts.choices.Segment",
        "AccountStatusEnum": "accounts.choices.AccountStatus",
        "JobStateEnum": "core.choices.JobState",
        "VersionStateEnum": "core.choices.VersionState",
        "VerdictEnum": "health.choices.Verdict",
        "AlertVerdictEnum": "health.choices.AlertVerdict",
        "OpportunityKindEnum": "journeys.choices.OpportunityKind",
    },
}

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder", "revops.static_files.AppFiles"]
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", default=str(BASE_DIR / "var" / "media")))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
# Nothing asks for an unhashed name, and compressing each file once is half the wait of a first start.
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
# Nor does anybody but a debugger ask for source maps.
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ["jpg", "jpeg", "png", "gif", "webp", "woff", "woff2", "gz", "br", "map"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
IMPORT_MAX_BYTES = env.int("IMPORT_MAX_BYTES", default=1024**3)
IMPORT_KEEP_DAYS = env.int("IMPORT_KEEP_DAYS", default=30)

EMAIL_BACKEND = env.str("EMAIL_BACKEND", default="django.core.mail.backends.console.EmailBackend")
if _HTTPS and not DEBUG and "console" in EMAIL_BACKEND:
    raise ImproperlyConfigured("EMAIL_BACKEND must send mail: a link to reset a password would end in the log.")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="RevOps <revops@localhost>")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="WARNING")},
}
