"""Accounts that a draft is no longer for: who takes them, and what that model says of them."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from accounts.choices import AccountStatus
from health.choices import Band
from health.models import Score
from health.queries.live import live_models
from health.queries.moments import judge_moments
from health.rules import ScoreModel


@dataclass
class Leaving:
    """Side by side: the account, and what the model that takes it says; a band of none and no coverage for nobody's."""

    ids: list[int] = field(default_factory=list)
    scores: list[float | None] = field(default_factory=list)
    bands: list[str] = field(default_factory=list)
    coverages: list[float | None] = field(default_factory=list)

    def params(self) -> dict[str, Any]:
        """For a statement that reads them as `left_ids`, `left_scores`, `left_bands` and `left_coverages`."""
        return {f"left_{name}": values for name, values in vars(self).items()}


def leaving(draft: ScoreModel, *, as_of: date) -> Leaving:
    """Customers whom the live version under the draft's key scores and the draft would not.

    Nothing is asked where the draft is for everybody and no other model is live.
    """
    others = [one.model for one in live_models() if one.model.key != draft.key]
    found = Leaving()
    if not draft.segments and not others:
        return found
    scored = Score.objects.filter(model_version__key=draft.key, account__status=AccountStatus.CUSTOMER)
    by_place = sorted([*others, draft], key=lambda one: one.place)
    for segment in scored.order_by().values_list("account__segment", flat=True).distinct():
        taker = next((one for one in by_place if not one.segments or segment in one.segments), None)
        if taker is not draft:
            _add(
                found, list(scored.filter(account__segment=segment).values_list("account_id", flat=True)), taker, as_of
            )
    return found


def _add(found: Leaving, ids: list[int], taker: ScoreModel | None, as_of: date) -> None:
    found.ids += ids
    if taker is None:
        found.scores += [None] * len(ids)
        found.bands += [Band.NONE.value] * len(ids)
        found.coverages += [None] * len(ids)
        return
    judged = judge_moments(taker, [(one, as_of) for one in ids])
    found.scores += [one.score for one in judged]
    found.bands += [one.band for one in judged]
    found.coverages += [one.coverage for one in judged]
