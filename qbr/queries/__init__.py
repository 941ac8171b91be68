"""Reads of QBRs."""

from qbr.queries.figures import Period, packages_for
from qbr.queries.paper import Paper, paper_of
from qbr.queries.reviews import (
    CADENCE_KIND,
    HELD_COUNTS,
    IS_REQUIRED,
    STANDARD,
    TEMPLATE_KIND,
    HeldSummary,
    held_this_quarter,
    latest_package,
    live_cadence,
    live_template,
    open_qbrs,
    past_qbrs,
    qbr_detail,
    qbrs_of_account,
    quarter_of,
    with_packages,
    wrong_hashes,
)

__all__ = [
    "CADENCE_KIND",
    "HELD_COUNTS",
    "IS_REQUIRED",
    "STANDARD",
    "TEMPLATE_KIND",
    "HeldSummary",
    "Paper",
    "Period",
    "held_this_quarter",
    "latest_package",
    "live_cadence",
    "live_template",
    "open_qbrs",
    "packages_for",
    "paper_of",
    "past_qbrs",
    "qbr_detail",
    "qbrs_of_account",
    "quarter_of",
    "with_packages",
    "wrong_hashes",
]
