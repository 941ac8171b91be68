"""How much history a demo of a given size tells, so that a large one is made in minutes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Usage is daily for `daily_days` and every `sparse_days` before; contacts and tickets reach back `story_days`.

    Past scores reach back `backfill_days`, one every `backfill_every` days.
    """

    daily_days: int
    sparse_days: int
    story_days: int
    rich: bool
    backfill_days: int
    backfill_every: int
    history_days: int = 730


def scale_for(accounts: int) -> Scale:
    """Everything for the size that people look at; thinner below the surface for the sizes that machines measure."""
    if accounts <= 2_000:
        # Two years of outcomes, and before the first one the seven months that a score at its lead date looks back.
        return Scale(
            daily_days=940,
            sparse_days=7,
            story_days=940,
            rich=True,
            backfill_days=630,
            backfill_every=7,
            history_days=940,
        )
    if accounts <= 20_000:
        return Scale(daily_days=90, sparse_days=7, story_days=365, rich=False, backfill_days=360, backfill_every=28)
    return Scale(daily_days=90, sparse_days=28, story_days=120, rich=False, backfill_days=180, backfill_every=28)


def thin_scale() -> Scale:
    """Just enough facts for every page to show something: what benchmarks of pages need of a large workspace."""
    return Scale(
        daily_days=14, sparse_days=28, story_days=60, rich=False, backfill_days=84, backfill_every=28, history_days=100
    )
