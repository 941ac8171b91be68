"""An explanation to take away: as one document, and as rows for a spreadsheet."""

from typing import Any

from health.queries.explanation import Explained, Explanation
from health.queries.overrides import InForce


def as_document(health: Explanation, *, account: str, with_money: bool) -> dict[str, Any]:
    """Everything behind the score by name. Numbers are not rounded; the parts add up to the change."""
    return {
        "account_id": health.account_id,
        "account": account,
        "as_of": health.as_of,
        "computed_at": health.computed_at,
        "imported": health.imported,
        "model": {"name": health.model_name, "version": health.model_number},
        "score": health.score,
        "band": health.band,
        "coverage": health.coverage,
        "min_coverage": health.min_coverage,
        "override": _override(health.override),
        "inputs": [_input(one, with_money=with_money) for one in health.inputs],
        "since": _since(health),
    }


def _input(one: Explained, *, with_money: bool) -> dict[str, Any]:
    hidden = one.is_money and not with_money
    return {
        "key": one.key,
        "name": one.label,
        "source": one.source,
        "reads": one.reads,
        "value": None if hidden else one.value_name or one.value,
        "value_then": None if hidden else one.then_value,
        "is_hidden": hidden,
        "sub_score": one.sub_score,
        "sub_score_then": one.then_sub_score,
        "weight": one.weight,
        "weight_then": one.then_weight,
        "effective_weight": one.effective_weight,
        "points": one.points if one.sub_score is not None else None,
        "change": one.part,
        "age_days": one.age,
        "age_limit_days": one.limit_days,
        "if_missing": one.if_missing,
    }


def _override(one: InForce | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "score": one.score,
        "band": one.band,
        "reason": one.reason,
        "from": one.from_day,
        "until": one.until_day,
        "set_by": one.set_by,
        "set_at": one.set_at,
    }


def _since(health: Explanation) -> dict[str, Any] | None:
    then, split = health.then, health.split
    if then is None:
        return None
    return {
        "day": then.day,
        "stored_on": then.stored_on,
        "imported": then.imported,
        "score": then.score,
        "band": then.band,
        "version": then.model_number,
        "override": _override(then.override),
        "change": split.total if split else None,
        "parts": {
            "values": split.values,
            "coverage": split.coverage,
            "configuration": split.configuration,
            "tenure": split.tenure,
            "override": split.override,
        }
        if split
        else None,
    }


HEAD = (
    "input", "source", "reads", "value", "value_then", "sub_score", "sub_score_then", "weight", "weight_then",
    "effective_weight", "points", "change", "age_days", "age_limit_days", "if_missing",
)  # fmt: skip
_KEYS = ("name", *HEAD[1:])


def as_rows(health: Explanation, *, account: str, with_money: bool) -> list[list[object]]:
    """A row per input under a head, then the score; the points add up to it."""
    document = as_document(health, account=account, with_money=with_money)
    rows: list[list[object]] = [list(HEAD)]
    rows += [[one[key] for key in _KEYS] for one in document["inputs"]]
    last: dict[str, object] = {"input": "Score", "source": account, "reads": f"as of {health.as_of}"}
    last |= {"points": health.score, "change": health.split.total if health.split else None}
    rows.append([last.get(name) for name in HEAD])
    return rows
