"""What people write in a timeline, by what is going on at the customer. Quotes are in the customer's words."""

import csv
from pathlib import Path
from typing import Final


def timeline() -> list[dict[str, str]]:
    """Rows with context, kind, subject and body; {contact} is a full name, {first} a given name."""
    with Path(__file__).with_name("timeline.csv").open(newline="") as file:
        return list(csv.DictReader(file))


TICKETS_PLAIN: Final = (
    "Export keeps an old column order", "How do I add a guest user?", "Report by week starts on Sunday",
    "Password reset mail arrives late", "Change the logo on printed orders", "Mobile view: filter is hidden",
    "Import: which date format?", "Rename a team", "Two users with the same name", "Question on the audit log",
    "Calendar feed shows yesterday", "Rounding in the quarterly sum", "Add a field to the order form",
    "Printer label is cut off", "Who changed this record?", "Invoice address has moved",
)  # fmt: skip
TICKETS_BAD: Final = (
    "Sync has stopped again", "Orders are missing since this morning", "Page does not load for the whole site",
    "Approvals are sent twice", "Nightly import fails, third time", "Wrong totals in the month-end report",
    "Users are signed out every few minutes", "Search finds nothing", "Data of last week overwritten",
    "Interface to the warehouse is down",
)  # fmt: skip
# (title, unit, baseline, target)
GOALS: Final = (
    ("Order lead time", "days", 9.0, 5.0), ("Orders without rework", "%", 81.0, 95.0),
    ("Planners working in one tool", "%", 40.0, 90.0), ("Hours of manual entry a week", "hours", 46.0, 12.0),
    ("First answer to customers", "hours", 20.0, 4.0), ("Month-end closing", "days", 8.0, 3.0),
    ("Stock accuracy", "%", 88.0, 98.0), ("Audit findings a year", "findings", 14.0, 4.0),
)  # fmt: skip
TODOS: Final = (
    "Send the security questionnaire back to {company}", "Introduce the new support contact to {company}",
    "Prepare the price step for {company}", "Ask {company} for a reference quote",
    "Book the second training for {company}", "Agree a new sponsor with {company}",
)  # fmt: skip
