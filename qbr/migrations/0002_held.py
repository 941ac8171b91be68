from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("qbr", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="qbr",
            name="attendees",
            field=models.TextField(blank=True, help_text="Who was there, theirs and ours."),
        ),
        migrations.AddField(
            model_name="qbr",
            name="outcome",
            field=models.TextField(blank=True, help_text="What was agreed, or why nothing was."),
        ),
    ]
