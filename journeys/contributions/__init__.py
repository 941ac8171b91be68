"""What journeys contributes to the registry, part by part."""

from journeys.contributions import (
    documents,
    gates,
    handoffs,
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
        gates,
        handoffs,
        playbooks,
        people,
        documents,
        merging,
    ):
        part.register()
