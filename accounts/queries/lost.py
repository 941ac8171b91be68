"""What counts as a loss, in one place: scores, bands of inputs, alert rules and trials are all tested against it."""

from datetime import date
from typing import Final

from django.db import connection

from core.tenancy import require_tenant_id

# A contraction of no more than this share of the account's recurring revenue is a renewal with a haircut.
SMALL_CONTRACTION: Final = 0.10
SETTLED_DAYS: Final = 30

_ARR_ON: Final = """(SELECT sum(l.arr_minor) FROM accounts_contractline l
    WHERE l.tenant_id = o.tenant_id AND l.account_id = o.account_id AND l.kind = 'recurring'
      AND l.starts_on <= {day} AND (l.ends_on IS NULL OR l.ends_on > {day}))"""

# For a row `o` of accounts_outcome. Churned; or contracted, unless the contract lines show by how much, from the day
# before to 30 days after, and it was little. Where they show no fall, the recorded word stands: the lines may be old.
IS_LOST: Final = f"""CASE o.kind WHEN 'churned' THEN true WHEN 'contracted' THEN COALESCE((
    SELECT NOT (x.after < x.before AND x.after >= x.before * {1 - SMALL_CONTRACTION})
    FROM (SELECT {_ARR_ON.format(day="o.day - 1")} AS before,
                 {_ARR_ON.format(day=f"o.day + {SETTLED_DAYS}")} AS after) AS x
), true) ELSE false END"""  # noqa: S608 -- put together from constants


def first_losses(from_day: date, until_day: date) -> dict[int, date]:
    """Account → the first day on which it was lost, from a day until before another. One statement."""
    sql = f"""SELECT o.account_id, min(o.day) FROM accounts_outcome o
        WHERE o.tenant_id = %s AND o.day >= %s AND o.day < %s AND {IS_LOST} GROUP BY o.account_id"""  # noqa: S608 -- a constant
    with connection.cursor() as cursor:
        cursor.execute(sql, [require_tenant_id(), from_day, until_day])
        return dict(cursor.fetchall())
