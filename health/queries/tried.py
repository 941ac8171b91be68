"""What the job of a draft has found, for pages of workspaces that are too large to be judged while a page is asked.

The job keeps what the pages would have worked out: the matrix, the accounts that change band, and the accounts in
each band of every input.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date
from typing import Any, Final

from core.choices import JobState
from core.models import Job, ProcessVersion
from health.queries.band_stats import BandStat, band_stats
from health.queries.impact import PAGE, Flip, every_flip, flip_json, read_cursor
from health.rules.editing import tables_of

IMPACT_JOB: Final = "health.impact"
KEPT: Final = 5_000  # of the accounts that change band, the largest


def impact_key(version: ProcessVersion, as_of: date) -> str:
    """The name of the job that works out this very content as of this day."""
    return f"{version.pk} {version.content_hash[:16]} {as_of}"


def tried(version: ProcessVersion, as_of: date) -> Job | None:
    """The job that works out what the version says now, if somebody asked for it. `result` is full when it is done."""
    return Job.objects.filter(kind=IMPACT_JOB, key=impact_key(version, as_of)).first()


def found_by(job: Job | None) -> Mapping[str, Any] | None:
    """What the job has found, or None while it is not done."""
    return job.result if job is not None and job.state == JobState.DONE and job.result.get("impact") else None


def flips_to_keep(version: ProcessVersion, today: date) -> list[dict[str, Any]]:
    """The accounts that change band, the largest first, as a job keeps them."""
    return [flip_json(one) for one in every_flip(version, today=today, money=True, limit=KEPT)]


def bands_to_keep(version: ProcessVersion, today: date) -> dict[str, list[dict[str, Any]]]:
    """The bands of every table of every input, by `input:table`, as a job keeps them."""
    return {
        f"{one['key']}:{at}": [asdict(stat) for stat in band_stats(version, one["key"], at, as_of=today)]
        for one in version.definition["inputs"]
        for at, _ in enumerate(tables_of(one))
    }


def kept_flips(found: Mapping[str, Any], *, money: bool) -> list[Flip]:
    """The accounts that the job kept: the largest first, by id for those who see no money."""
    named = {one.name for one in fields(Flip)}
    flips = [
        Flip(**{name: value for name, value in one.items() if name in named} | {"told": tuple(one["told"])})
        for one in found["flips"]
    ]
    return flips if money else sorted(flips, key=lambda one: one.account_id)


def page_of_flips(
    found: Mapping[str, Any], *, money: bool, after: str = "", limit: int = PAGE
) -> tuple[list[Flip], str]:
    """One page of them and the cursor of the next one or "", as `impact.flips` gives them. `BadFields` likewise."""
    place = read_cursor(after, money=money)
    rest = [
        one
        for one in kept_flips(found, money=money)
        if place is None or ((-one.arr_minor if money else 0), one.account_id) > (-place[0], place[1])
    ]
    return rest[:limit], rest[limit - 1].cursor(money=money) if len(rest) > limit else ""


def left_out(found: Mapping[str, Any]) -> int:
    """How many accounts change band beyond those that were kept."""
    return max(int(found["impact"]["changed"]) - len(found["flips"]), 0)


def kept_bands(found: Mapping[str, Any], key: str, table: int) -> list[BandStat]:
    """The bands of one table as the job kept them; none for a table that is not there."""
    return [BandStat(**one) for one in found["bands"].get(f"{key}:{table}", [])]
