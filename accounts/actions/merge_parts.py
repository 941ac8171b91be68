"""The rules by which rows of the facts go over when two accounts become one."""

from typing import Final

from accounts.rules.merging import DROPPED, MergePart

_SAME_CONTACT: Final = """EXISTS (SELECT FROM accounts_contact k WHERE k.tenant_id = g.tenant_id
    AND k.account_id = %(kept)s AND k.email_key = g.email_key AND g.email_key <> '')"""

# Activities of a contact whom both have speak of the kept account's contact from now on.
_POINT_TO_KEPT: Final = """UPDATE accounts_activity AS x SET contact_id = k.id
FROM accounts_contact g JOIN accounts_contact k ON k.tenant_id = g.tenant_id AND k.account_id = %(kept)s
    AND k.email_key = g.email_key
WHERE g.tenant_id = %(tenant)s AND g.account_id = %(gone)s AND g.email_key <> '' AND x.tenant_id = %(tenant)s
  AND x.contact_id = g.id"""

_STILL_PAYS: Final = """EXISTS (SELECT FROM accounts_contractline l WHERE l.tenant_id = g.tenant_id
    AND l.account_id IN (%(kept)s, %(gone)s) AND l.kind = 'recurring' AND l.arr_minor > 0
    AND l.starts_on <= g.day + 30 AND (l.ends_on IS NULL OR l.ends_on > g.day + 30))"""
_OUTCOME_GIVES_WAY: Final = f"""(g.kind = 'churned' AND {_STILL_PAYS}) OR (g.account_id = %(gone)s
    AND g.external_id = '' AND EXISTS (SELECT FROM accounts_outcome k WHERE k.tenant_id = g.tenant_id
    AND k.account_id = %(kept)s AND k.day = g.day AND k.kind = g.kind AND k.external_id = ''))"""

# Prices and exchange rates are known to the ledger alone; all else it derives again from the contract lines.
_CARRY_LEDGER: Final = """INSERT INTO accounts_revenuemovement
    (tenant_id, account_id, effective_on, kind, amount_minor, currency, recorded_at, restates)
SELECT g.tenant_id, side.account_id, g.effective_on, g.kind, side.sign * SUM(g.amount_minor), g.currency, %(now)s, TRUE
FROM accounts_revenuemovement g
CROSS JOIN LATERAL (VALUES (%(gone)s::bigint, -1), (%(kept)s::bigint, 1)) AS side (account_id, sign)
WHERE g.tenant_id = %(tenant)s AND g.account_id = %(gone)s AND g.kind IN ('price', 'fx')
GROUP BY g.tenant_id, side.account_id, side.sign, g.effective_on, g.kind, g.currency
HAVING SUM(g.amount_minor) <> 0"""

PARTS: Final = (
    MergePart("accounts_contract", "Contracts", 10),
    MergePart("accounts_contractline", "Contract lines", 11),
    MergePart(
        "accounts_revenuemovement",
        "Movements of ARR",
        12,
        gives_way="TRUE",
        rule="The ledger is never rewritten: it takes them back on their own days and writes what the contracts of "
        "both say together.",
        after=(_CARRY_LEDGER,),
    ),
    MergePart(
        "accounts_contact",
        "Contacts",
        20,
        gives_way=_SAME_CONTACT,
        rule="Of two with one e-mail address the kept account's stays; activities and answers point to it.",
        before=(_POINT_TO_KEPT,),
    ),
    MergePart("accounts_activity", "Activities", 21),
    MergePart("accounts_ticket", "Tickets", 22),
    MergePart(
        "accounts_signal",
        "Signals",
        23,
        gives_way="""EXISTS (SELECT FROM accounts_signal k WHERE k.tenant_id = g.tenant_id AND k.account_id = %(kept)s
            AND k.measure_id = g.measure_id AND k.day = g.day AND k.row_key = g.row_key)""",
        rule="Of one measure on one day the kept account's value stays.",
    ),
    MergePart(
        "accounts_outcome",
        "Outcomes",
        24,
        gives_way=_OUTCOME_GIVES_WAY,
        fate=DROPPED,
        both=True,
        rule="Leaving does not count when the one account that both are still pays 30 days later.",
    ),
    MergePart("accounts_goal", "Goals", 25),
    MergePart(
        "accounts_accountmerge",
        "Earlier merges",
        26,
        gives_way="TRUE",
        column="kept_id",
        rule="What was written about earlier merges stays as it was; their addresses lead to the kept account.",
    ),
)
