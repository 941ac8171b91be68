"""What a model says of any account as of any day, from the facts dated by then. Reads only; stores nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db import connection
from django.db.models import Count

from accounts.models import Measure, Signal
from core.models import Tenant
from core.money import digits
from core.tenancy import require_tenant_id
from health.engine import ARR_THEN, CUSTOMER_THEN, Plan, judged_ctes, measure_keys, moments_sql
from health.queries.live import compiled_for
from health.queries.state import facts_day
from health.rules import Learn, ScoreModel

MOST_NAMES = 60  # of a category that is learned


@dataclass(frozen=True)
class Judged:
    """One account as of one day. The tuples follow the model's inputs; `score` None exactly when band is "none"."""

    account_id: int
    as_of: date
    score: float | None
    band: str
    coverage: float
    values: tuple[float | None, ...]
    sub_scores: tuple[float | None, ...]
    ages: tuple[int | None, ...]
    readings: tuple[int | None, ...]


def judge_moments(model: ScoreModel, moments: Sequence[tuple[int, date]]) -> list[Judged]:
    """Each (account id, day) judged by the model, in the order given, by one statement for all of them.

    Works for drafts: an input that is not learned yet has its value and no sub-score. Whether the model is for the
    account, and whether it was a customer then, is not asked.
    """
    if not moments:
        return []
    plan = compiled_for(with_names(model))
    params = _params(plan) | {"accounts": [one for one, _ in moments], "days": [day for _, day in moments]}
    with connection.cursor() as cursor:
        with_room(cursor)
        cursor.execute(moments_sql(plan), params)
        rows = cursor.fetchall()
    return [
        Judged(account_id, as_of, score, band, coverage, tuple(values), tuple(subs), tuple(ages), tuple(readings))
        for (_, account_id, score, band, coverage, values, subs, ages, readings), (_, as_of) in zip(
            rows, moments, strict=True
        )
    ]


def judged_sql(model: ScoreModel, *, then: bool = False) -> tuple[str, dict[str, Any]]:
    """`WITH … judged AS MATERIALIZED (…)` and its parameters: every account that the model is for, as of %(as_of)s.

    The caller adds `as_of` to the parameters and a SELECT to the text; columns of `judged`: account_id, owner_id,
    segment, arr_minor, score, band, coverage, vals, subs, ages, readings. Customers and ARR are those of now, or with
    `then` those of the day by their contracts.
    """
    plan = compiled_for(with_names(model))
    if then:
        return f"WITH {judged_ctes(plan, eligible=CUSTOMER_THEN, arr=ARR_THEN)}", _params(plan)
    return f"WITH {judged_ctes(plan)}", _params(plan) | {"facts_day": date.min}


def with_room(cursor: Any) -> None:
    """For this transaction: what many rows are judged by is not worth compiling, and groups fit in memory."""
    cursor.execute("SELECT set_config('jit', 'off', true), set_config('work_mem', '64MB', true)")


def with_names(model: ScoreModel) -> ScoreModel:
    """The model with the workspace's own names in every category that is still to be learned, in a fixed order.

    Of more than `MOST_NAMES` names the most frequent are learned; the others count as missing data.
    """
    asked = {
        reading.measure for one in model.inputs for reading in one.readings if reading.mapping == Learn("categories")
    }
    if not asked:
        return model
    keys = dict(Measure.objects.filter(key__in=asked & measure_keys([model])).values_list("key", "pk"))
    names = {
        key: tuple(
            sorted(
                Signal.objects.filter(measure_id=pk)
                .exclude(category="")
                .values_list("category", flat=True)
                .annotate(times=Count("*"))
                .order_by("-times", "category")[:MOST_NAMES]
            )
        )
        for key, pk in keys.items()
    }
    inputs = tuple(
        replace(
            one,
            readings=tuple(
                replace(reading, mapping=Learn("categories", names.get(reading.measure, ())))
                if reading.mapping == Learn("categories")
                else reading
                for reading in one.readings
            ),
        )
        for one in model.inputs
    )
    return replace(model, inputs=inputs)


def _params(plan: Plan) -> dict[str, Any]:
    tenant = Tenant.objects.get(pk=require_tenant_id())
    return {
        "tenant": tenant.pk,
        "zone": tenant.timezone,
        "minor_units": 10 ** digits(tenant.currency),
        "facts_day": facts_day(),
        **plan.params,
    }
