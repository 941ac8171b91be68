"""Gates: facts of opportunities, and how an opportunity asks a fact of its account."""

from core import registry
from journeys.queries.opportunity_facts import OPPORTUNITY_FACTS, of_account


def register() -> None:
    """Called once at start."""
    registry.add_facts(OPPORTUNITY_FACTS)
    registry.add_bridge("opportunity", of_account)
