from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("escalations", "0001_initial")]

    operations = [
        migrations.RemoveConstraint(model_name="escalation", name="escalation_one_open_per_policy"),
        migrations.AddField(
            model_name="escalation",
            name="over_at",
            field=models.DateTimeField(
                blank=True,
                help_text="When the condition stopped to hold: only then can the next episode begin.",
                null=True,
            ),
        ),
        migrations.AddConstraint(
            model_name="escalation",
            constraint=models.UniqueConstraint(
                condition=models.Q(over_at=None),
                fields=("tenant", "account", "policy_key"),
                name="escalation_one_per_episode",
            ),
        ),
    ]
