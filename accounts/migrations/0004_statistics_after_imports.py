from django.db import migrations

from core.operations import GrantMaintenance

# What an import may fill with many rows at once. accounts/queries/planning.py analyses them afterwards.
TABLES = [
    "accounts_account",
    "accounts_activity",
    "accounts_contact",
    "accounts_contract",
    "accounts_contractline",
    "accounts_outcome",
    "accounts_person",
    "accounts_product",
    "accounts_revenuemovement",
    "accounts_signal",
    "accounts_ticket",
]


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_queue_and_list_indexes")]

    operations = [GrantMaintenance(TABLES)]
