from accounts.models.contracts import Contract, ContractLine, Product, RevenueMovement
from accounts.models.facts import Activity, Goal, Measure, Outcome, Signal, Ticket
from accounts.models.imports import ImportBatch
from accounts.models.people import Account, AccountMerge, Contact, Person

__all__ = [
    "Account",
    "AccountMerge",
    "Activity",
    "Contact",
    "Contract",
    "ContractLine",
    "Goal",
    "ImportBatch",
    "Measure",
    "Outcome",
    "Person",
    "Product",
    "RevenueMovement",
    "Signal",
    "Ticket",
]
