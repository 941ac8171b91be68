"""Stays of unknown start begin on no day before the account was seen: they are now a length of stay at least."""

from django.db import migrations

# Row-level security holds for the owner of the tables, too: one workspace after the other. What was written before took
# the day of the first payment. Seen there was the account only from the day on which it and its journey were there.
_SEEN = """
DO $$
DECLARE workspace record;
BEGIN
  FOR workspace IN SELECT id, timezone FROM core_tenant ORDER BY id LOOP
    PERFORM set_config('app.tenant_id', workspace.id::text, true);
    UPDATE journeys_stagevisit AS stay
    SET entered_on = LEAST(seen.day, COALESCE(stay.left_on, seen.day))
    FROM (
      SELECT visit.id, GREATEST(
        visit.entered_on, (account.created_at AT TIME ZONE workspace.timezone)::date,
        (SELECT (min(live.published_at) AT TIME ZONE workspace.timezone)::date FROM core_processversion AS live
         WHERE live.tenant_id = workspace.id AND live.kind = 'journey' AND live.key = 'standard')) AS day
      FROM journeys_stagevisit AS visit
      JOIN accounts_account AS account ON account.tenant_id = workspace.id AND account.id = visit.account_id
      WHERE visit.tenant_id = workspace.id AND NOT visit.is_start_known
    ) AS seen
    WHERE stay.tenant_id = workspace.id AND stay.id = seen.id AND seen.day > stay.entered_on;
  END LOOP;
  PERFORM set_config('app.tenant_id', '', true);
END $$"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_merges_and_guidance"),
        ("core", "0004_reviews_and_owners"),
        ("journeys", "0011_snoozed_tasks"),
    ]

    operations = [migrations.RunSQL(_SEEN, migrations.RunSQL.noop)]
