"""What journeys contributes to the registry, part by part."""

from journeys.contributions import (
    documents,
    gates,
    handoffs,
    leads,
    lifecycle,
    merging,
    people,
    pipelines,
    playbooks,
    qualification,
)


def register() -> None:
    """Called once at start."""
    for part in (
        pipelines,
        qualification,
        lifecycle,
        leads,
        gates,
        handoffs,
        playbooks,
        people,
        documents,
        merging,
    ):
        part.register()
