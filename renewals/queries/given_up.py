"""Contracts without an end that are over because a person has lost them: nothing in the contract says so."""

from typing import Final

# With the anniversary from which each is over. The loss stands for the year that it is about: a contract that is won
# later, that gets a recurring line which begins later, or an end a year on or more, goes on. An end before that is what
# the loss brought.
GIVEN_UP: Final = """
SELECT r.contract_id, max(r.due_on) AS due_on
FROM renewals_renewal r
JOIN accounts_contract c ON c.tenant_id = %(tenant)s AND c.id = r.contract_id
WHERE r.tenant_id = %(tenant)s AND r.state = 'lost' AND r.basis = 'anniversary' AND NOT r.is_automatic
  AND (c.ends_on IS NULL OR c.ends_on < r.due_on + interval '1 year')
  AND NOT EXISTS (
    SELECT FROM accounts_contractline l WHERE l.tenant_id = %(tenant)s AND l.contract_id = r.contract_id
      AND l.kind = 'recurring' AND (l.starts_on > r.due_on OR l.ends_on >= r.due_on + interval '1 year'))
  AND NOT EXISTS (
    SELECT FROM renewals_renewal later WHERE later.tenant_id = %(tenant)s AND later.contract_id = r.contract_id
      AND later.due_on > r.due_on AND later.state = 'won')
GROUP BY r.contract_id
"""
