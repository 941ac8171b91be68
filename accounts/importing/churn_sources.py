"""Three places in which a source says that a customer left; where they disagree, an import says so."""

from typing import Final

from accounts.importing.stage import Stage

_FLAGS: Final = (
    "SELECT count(*) FROM accounts_account WHERE tenant_id = %(tenant)s "
    "AND lower(COALESCE(attributes ->> 'churn_flag', attributes ->> 'churned')) IN ('true', 'yes', '1')"
)
_EVENTS: Final = (
    "SELECT count(DISTINCT account_id) FROM accounts_outcome WHERE tenant_id = %(tenant)s AND kind = 'churned'"
)
_ENDED: Final = "SELECT count(*) FROM accounts_contract WHERE tenant_id = %(tenant)s AND ends_on IS NOT NULL"


def warn_churn_sources(stage: Stage, *, source: str, count: int) -> None:
    """Compares this file's figure with what the workspace knows from the other two; silent when they agree.

    `source` is flags (accounts flagged), events (accounts with a churn event) or ended (subscriptions with an end).
    """
    known = {"flags": _FLAGS, "events": _EVENTS, "ended": _ENDED}
    figures = {name: count if name == source else int(stage.scalar(sql)) for name, sql in known.items()}
    told = {name: figure for name, figure in figures.items() if figure or name == source}
    if len(set(told.values())) < 2 and len(told) > 1:
        return
    words = {
        "flags": "{:,} accounts are flagged as churned",
        "events": "{:,} accounts have a churn event",
        "ended": "{:,} subscriptions ended",
    }
    told_words = ", ".join(words[name].format(figure) for name, figure in told.items())
    stage.warn(
        f"churn_{source}",
        count,
        f"{told_words}. Outcomes count as the truth; flags are kept as attributes, ends as dates.",
    )
