from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("journeys", "0004_figures_of_the_map"),
    ]

    operations = [
        migrations.AddField(
            model_name="task",
            name="awaits_reply_since",
            field=models.DateTimeField(
                blank=True, help_text="Put off until the customer is heard of: it returns by itself.", null=True
            ),
        ),
        migrations.AddIndex(
            model_name="task",
            index=models.Index(
                condition=models.Q(("awaits_reply_since", None), _negated=True),
                fields=["tenant", "account"],
                name="task_awaits_reply",
            ),
        ),
    ]
