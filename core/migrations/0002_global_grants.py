from django.db import migrations

from core.operations import GrantGlobalTables

# Every table that belongs to no workspace, with what the application may do. core/global_tables.py has the reasons.
RIGHTS = {
    "core_tenant": "SELECT, INSERT, UPDATE",
    "core_user": "SELECT, INSERT, UPDATE",
    "core_membership": "SELECT, INSERT, UPDATE, DELETE",
    "account_emailaddress": "SELECT, INSERT, UPDATE, DELETE",
    "account_emailconfirmation": "SELECT, INSERT, UPDATE, DELETE",
    "django_session": "SELECT, INSERT, UPDATE, DELETE",
    "django_content_type": "SELECT",
    "auth_permission": "SELECT",
    "django_migrations": "SELECT",
}


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0001_initial"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("sessions", "0001_initial"),
    ]

    operations = [GrantGlobalTables(RIGHTS)]
