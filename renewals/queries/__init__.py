"""Reads of renewals."""

from renewals.queries.checks import (
    active_contracts_without_renewal,
    open_tasks_of_closed_renewals,
    steps_with_a_wrong_task,
)
from renewals.queries.facts import days_since_renewed, days_to_renewal, is_due, renewal_amount
from renewals.queries.listing import RenewalRow, renewal_page
from renewals.queries.renewals import (
    IS_COUNTED,
    IS_ON_TIME,
    RATE_DAYS,
    TIMELINE_KEY,
    TIMELINE_KIND,
    DueSummary,
    MonthTotal,
    NextRenewal,
    late_steps,
    live_timeline,
    next_renewals,
    on_time_rate,
    open_renewals,
    rate_window,
    renewal_detail,
    renewals_by_month,
    renewals_due_summary,
    renewals_of_account,
)
from renewals.queries.strip import Strip, StripStep, renewal_strip, strip_of

__all__ = [
    "IS_COUNTED",
    "IS_ON_TIME",
    "RATE_DAYS",
    "TIMELINE_KEY",
    "TIMELINE_KIND",
    "DueSummary",
    "MonthTotal",
    "NextRenewal",
    "RenewalRow",
    "Strip",
    "StripStep",
    "active_contracts_without_renewal",
    "days_since_renewed",
    "days_to_renewal",
    "is_due",
    "late_steps",
    "live_timeline",
    "next_renewals",
    "on_time_rate",
    "open_renewals",
    "open_tasks_of_closed_renewals",
    "rate_window",
    "renewal_amount",
    "renewal_detail",
    "renewal_page",
    "renewal_strip",
    "renewals_by_month",
    "renewals_due_summary",
    "renewals_of_account",
    "steps_with_a_wrong_task",
    "strip_of",
]
