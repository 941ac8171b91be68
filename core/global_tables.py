"""The tables that belong to no workspace, each with its reason. `doctor --json` prints this list."""

from typing import Final

GLOBAL_TABLES: Final[dict[str, str]] = {
    "core_tenant": "The list of workspaces itself; read before one is known.",
    "core_user": "A person may belong to several workspaces; read at sign-in.",
    "core_apikey": "Says which workspace a program may enter; read before one is known.",
    "core_membership": "Says which workspaces a user may enter; read before one is known.",
    "account_emailaddress": "Sign-in addresses of users (allauth); read before a workspace is known.",
    "account_emailconfirmation": "Open confirmations of sign-in addresses (allauth).",
    "auth_group": "Made by django.contrib.auth; not used.",
    "auth_group_permissions": "Made by django.contrib.auth; not used.",
    "auth_permission": "Made by django.contrib.auth; not used.",
    "django_content_type": "Names of models (Django).",
    "django_migrations": "Which migrations have run (Django).",
    "django_session": "Sessions; read before a workspace is known.",
}
