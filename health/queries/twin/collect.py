"""What goes into a twin: the stored facts of the chosen accounts, by the version that scored them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

from health.models import Score
from health.queries.live import model_of
from health.queries.overrides import overrides_on
from health.rules import ScoreModel

MOST: Final = 100


@dataclass(frozen=True)
class TwinAccount:
    """One account as it is stored. The tuples follow the model's inputs."""

    id: int
    name: str
    as_of: date
    score: float | None
    band: str
    coverage: float
    values: tuple[float | None, ...]
    sub_scores: tuple[float | None, ...]
    ages: tuple[int | None, ...]
    readings: tuple[int | None, ...]
    override: float | None = None


@dataclass(frozen=True)
class TwinModel:
    """A version with the accounts that it scored, by name."""

    model: ScoreModel
    name: str
    number: int
    accounts: tuple[TwinAccount, ...]


@dataclass(frozen=True)
class Twin:
    """Everything in the workbook. `left_out`: chosen accounts that have no score row to show."""

    made_at: datetime
    workspace: str
    with_money: bool
    models: tuple[TwinModel, ...] = field(default_factory=tuple)
    left_out: int = 0


def twin_of(account_ids: Sequence[int], *, today: date, now: datetime, workspace: str, with_money: bool) -> Twin:
    """The current scores of up to `MOST` accounts. Three queries, however many."""
    ids = list(dict.fromkeys(account_ids))[:MOST]
    rows = (
        Score.objects.filter(account_id__in=ids)
        .select_related("model_version", "account")
        .order_by("account__name_key", "account_id")
    )
    overrides = overrides_on(ids, today)
    by_version: dict[int, list[Score]] = {}
    for row in rows:
        by_version.setdefault(row.model_version_id, []).append(row)
    models = []
    for scores in sorted(by_version.values(), key=len, reverse=True):
        version = scores[0].model_version
        accounts = tuple(
            _account(one, overrides[one.account_id].score if one.account_id in overrides else None) for one in scores
        )
        models.append(TwinModel(model_of(version), version.name, version.number, accounts))
    shown = sum(len(one.accounts) for one in models)
    return Twin(now, workspace, with_money, tuple(models), left_out=len(ids) - shown)


def first_scored() -> list[int]:
    """The first `MOST` scored accounts by name, for a file that nobody chose accounts for."""
    scored = Score.objects.order_by("account__name_key", "account_id")
    return list(scored.values_list("account_id", flat=True)[:MOST])


def _account(row: Score, override: float | None) -> TwinAccount:
    return TwinAccount(
        id=row.account_id,
        name=row.account.name,
        as_of=row.as_of,
        score=row.score,
        band=row.band,
        coverage=row.coverage,
        values=tuple(row.values),
        sub_scores=tuple(row.sub_scores),
        ages=tuple(row.ages),
        readings=tuple(row.readings),
        override=override,
    )
