"""Pages of plays: the card of the account page."""

from core import registry
from journeys.views import play_starts


def register() -> None:
    """Called once at start."""
    registry.add_section(registry.Section("journeys.plays", "account_side", "Plays", 10, play_starts.account_section))
