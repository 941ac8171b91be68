from datetime import date

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("renewals", "0001_initial"), ("accounts", "0002_contract_created_at")]

    operations = [
        migrations.RemoveConstraint(model_name="renewal", name="renewal_once_per_due_date"),
        migrations.AddField(
            model_name="renewal",
            name="is_automatic",
            field=models.BooleanField(default=False, help_text="Decided by the clock, not by a person."),
        ),
        migrations.AddField(
            model_name="renewal",
            name="seen_on",
            field=models.DateField(
                default=date(2026, 1, 1),
                help_text="From when steps could be planned; earlier ones are merged into a catch-up.",
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="renewalstep",
            name="offset_days",
            field=models.PositiveSmallIntegerField(help_text="Days before the due date; 0 is the catch-up."),
        ),
        migrations.AddConstraint(
            model_name="renewal",
            constraint=models.UniqueConstraint(
                condition=~models.Q(state="dropped"),
                fields=("tenant", "contract", "due_on"),
                name="renewal_once_per_due_date",
            ),
        ),
    ]
