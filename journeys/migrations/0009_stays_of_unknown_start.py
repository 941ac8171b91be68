"""Stays that were placed by the account's status: nobody knows when they began."""

from django.db import migrations, models

# Row-level security holds for the owner of the tables, too: one workspace after the other.
_PLACED = """
DO $$
DECLARE workspace bigint;
BEGIN
  FOR workspace IN SELECT id FROM core_tenant ORDER BY id LOOP
    PERFORM set_config('app.tenant_id', workspace::text, true);
    UPDATE journeys_stagevisit SET is_start_known = false
    WHERE tenant_id = workspace AND reason LIKE 'First stage by status%';
  END LOOP;
  PERFORM set_config('app.tenant_id', '', true);
END $$"""


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0004_reviews_and_owners"),
        ("journeys", "0008_figures_of_handoffs_and_pace"),
    ]

    operations = [
        migrations.AddField(
            model_name="stagevisit",
            name="is_start_known",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.RunSQL(_PLACED, migrations.RunSQL.noop),
    ]
