"""What people doubted, for who reviews a model."""

from dataclasses import dataclass
from datetime import datetime

from health.models import Doubt
from health.queries.live import model_of

SHOWN = 50


@dataclass(frozen=True)
class DoubtLine:
    """One doubt in words. `about` is the input's name, or the score as a whole."""

    account_id: int
    account: str
    about: str
    note: str
    score: float | None
    model_number: int
    said_at: datetime
    said_by: str


@dataclass(frozen=True)
class Doubts:
    """The newest ones first, and how many there are in all versions of the model."""

    lines: list[DoubtLine]
    total: int

    @property
    def is_cut(self) -> bool:
        return self.total > len(self.lines)


def doubts_about(model_key: str) -> Doubts:
    """Doubts about any version of a model. Two queries."""
    found = Doubt.objects.filter(model_version__key=model_key, model_version__kind="score_model")
    newest = found.select_related("account", "model_version").order_by("-said_at", "-pk")[:SHOWN]
    labels: dict[int, dict[str, str]] = {}
    lines = []
    for one in newest:
        if one.model_version_id not in labels:
            labels[one.model_version_id] = {each.key: each.label for each in model_of(one.model_version).inputs}
        about = labels[one.model_version_id].get(one.input_key, one.input_key) if one.input_key else "The score"
        lines.append(
            DoubtLine(
                account_id=one.account_id,
                account=one.account.name,
                about=about,
                note=one.note,
                score=one.score,
                model_number=one.model_version.number,
                said_at=one.said_at,
                said_by=one.said_by,
            )
        )
    return Doubts(lines, found.count())
