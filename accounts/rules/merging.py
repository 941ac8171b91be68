"""What happens to the rows of one table when an account goes into another."""

from dataclasses import dataclass
from typing import Final

MOVES: Final = "moves"
STAYS: Final = "stays"
DROPPED: Final = "dropped"


@dataclass(frozen=True)
class MergePart:
    """One table with a column that names an account, and the rule for what both accounts have.

    Rows `g` of the account that goes move to the kept one, except those for which `gives_way` (SQL over `g`) holds:
    they stay where they are and are shown through the merge (`STAYS`), or are kept in the merge's own row and removed
    (`DROPPED`). `both` says that the condition is asked of the kept account's rows, too. Statements in `before` and
    `after` end what may be open only once; each counts the rows it ends. Every statement knows %(tenant)s, %(kept)s,
    %(gone)s, %(today)s, %(now)s, %(actor)s and %(because)s. Their number does not depend on the number of rows.
    """

    table: str
    label: str
    order: int
    gives_way: str = "FALSE"
    fate: str = STAYS
    rule: str = ""
    both: bool = False
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    column: str = "account_id"

    @property
    def moves_none(self) -> bool:
        return self.gives_way == "TRUE"


# What a person may choose from either account; the others are put together by rule.
CHOICES: Final = {
    "name": "Name",
    "domain_key": "Web domain",
    "owner_id": "Owner",
    "deputy_id": "Deputy",
    "segment": "Segment",
    "industry": "Industry",
    "country": "Country",
    "plan": "Plan",
    "employees": "Employees",
    "seats": "Seats",
    "customer_since": "Customer since",
}
KEPT: Final = "kept"
GONE: Final = "gone"


def usual_choice(field: str, kept: object, gone: object) -> str:
    """Which account's value is taken unless a person says otherwise: the kept one's, where it has one."""
    if field == "customer_since" and kept is not None and gone is not None:
        return GONE if gone < kept else KEPT  # type: ignore[operator]  # -- both are days
    return GONE if kept in (None, "") and gone not in (None, "") else KEPT
