"""Reads of QBRs."""

from qbr.queries.figures import Period, packages_for
from qbr.queries.reviews import (
    CADENCE_KIND,
    STANDARD,
    TEMPLATE_KIND,
    HeldSummary,
    held_this_quarter,
    latest_package,
    live_cadence,
    live_template,
    open_qbrs,
    qbr_detail,
    qbrs_of_account,
    wrong_hashes,
)

__all__ = [
    "CADENCE_KIND",
    "STANDARD",
    "TEMPLATE_KIND",
    "HeldSummary",
    "Period",
    "held_this_quarter",
    "latest_package",
    "live_cadence",
    "live_template",
    "open_qbrs",
    "packages_for",
    "qbr_detail",
    "qbrs_of_account",
    "wrong_hashes",
]
