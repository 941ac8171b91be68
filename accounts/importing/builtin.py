"""The kinds that `accounts` itself can take."""

from typing import Final

from accounts.importing.contract_kinds import CONTRACTS
from accounts.importing.fact_kinds import ACTIVITIES, OUTCOMES, TICKETS
from accounts.importing.kinds import ImportKind
from accounts.importing.measure_kinds import SIGNALS, USAGE
from accounts.importing.people_kinds import ACCOUNTS, CONTACTS, PEOPLE, PRODUCTS

KINDS: Final[tuple[ImportKind, ...]] = (
    PRODUCTS,
    PEOPLE,
    ACCOUNTS,
    CONTACTS,
    CONTRACTS,
    USAGE,
    SIGNALS,
    TICKETS,
    ACTIVITIES,
    OUTCOMES,
)
