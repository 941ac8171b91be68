"""What goes over when two accounts become one."""

from core import registry
from journeys.actions.merge_parts import PARTS


def register() -> None:
    """Called once at start."""
    for part in PARTS:
        registry.add_merger(part.table, part)
