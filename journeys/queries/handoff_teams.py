"""Which hand-offs wait on which team."""

from core.queries import published_version
from journeys.rules.handoffs import handoffs_of


def keys_taken_by(role: str) -> tuple[str, ...]:
    """The kinds of hand-off that people of the role take over. One statement.

    Only where the role itself belongs to the team: whoever looks at every team has no queue of all of them.
    """
    live = published_version("journey", "standard")
    return tuple(spec.key for spec in handoffs_of(live.definition) if role in spec.to_roles) if live else ()
