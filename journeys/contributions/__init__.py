"""What journeys contributes to the registry, part by part."""

from journeys.contributions import gates, handoffs, lifecycle, people, pipelines, playbooks


def register() -> None:
    """Called once at start."""
    for part in (pipelines, lifecycle, gates, handoffs, playbooks, people):
        part.register()
