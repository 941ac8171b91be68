from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="contract",
            name="created_at",
            field=models.DateTimeField(db_default=Now(), help_text="When this workspace learnt of the contract."),
        ),
    ]
