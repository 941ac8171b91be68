"""Facts about health that rules use, as they stood at the end of a day.

Where the current score is of that day or older it answers, else the history does: on a past day a rule sees nothing
that is about a later day. History that was brought in or computed afterwards about that day is among it, so a trial
on the past may see scores that nobody knew on the day itself.
"""

from datetime import date, timedelta
from typing import Any, Final

from django.db.models import CharField, ExpressionWrapper, F, FloatField, OuterRef, Subquery
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce

from core.models import ProcessVersion
from core.registry import Fact
from health.choices import Band
from health.models import Score, ScoreHistory

CHANGE_DAYS: Final = 30
_YELLOW_FROM: Final = 50.0
_BANDS: Final = tuple(str(one) for one in Band.values)


def _history(as_of: date, value: Any, field: Any) -> Any:
    rows = ScoreHistory.objects.filter(account_id=OuterRef("pk"), as_of__lte=as_of).order_by("-as_of", "-computed_at")
    return Subquery(rows.annotate(asked=value).values("asked")[:1], output_field=field)


def _as_of(value: Any, field: Any, as_of: date) -> Any:
    now = Score.objects.filter(account_id=OuterRef("pk"), as_of__lte=as_of).annotate(asked=value)
    return Coalesce(Subquery(now.values("asked")[:1], output_field=field), _history(as_of, value, field))


def _score(as_of: date) -> Any:
    return _as_of(F("score"), FloatField(), as_of)


def _band(as_of: date) -> Any:
    return _as_of(F("band"), CharField(), as_of)


def _coverage(as_of: date) -> Any:
    return _as_of(F("coverage"), FloatField(), as_of)


def _change(as_of: date) -> Any:
    before = _history(as_of - timedelta(days=CHANGE_DAYS), F("score"), FloatField())
    return ExpressionWrapper(_score(as_of) - before, output_field=FloatField())


def _band_before(as_of: date) -> Any:
    return _history(as_of - timedelta(days=CHANGE_DAYS), F("band"), CharField())


def _above_red(as_of: date) -> Any:
    version = ProcessVersion.objects.filter(pk=OuterRef("model_version_id"))
    said = version.annotate(edge=Cast(KT("definition__bands__yellow"), FloatField())).values("edge")[:1]
    edge = Coalesce(Subquery(said), _YELLOW_FROM)
    return _as_of(ExpressionWrapper(F("score") - edge, output_field=FloatField()), FloatField(), as_of)


HEALTH_FACTS: Final = (
    Fact("health.score", "Health score", "number", _score, "0 to 100; unknown below coverage."),
    Fact("health.band", "Health band", "choice", _band, "green, yellow, red or none.", values=_BANDS),
    Fact("health.coverage", "Score coverage", "number", _coverage, "Share of weight with data."),
    Fact("health.change_30d", "Change of the score in 30 days", "number", _change, "In points."),
    Fact(
        "health.band_30d_ago",
        "Health band 30 days ago",
        "choice",
        _band_before,
        "green, yellow, red or none.",
        values=_BANDS,
    ),
    Fact("health.above_red", "Points above the edge of at risk", "number", _above_red, "Below zero: at risk."),
)
