"""What is worth knowing before a model is published, beyond what is refused."""

from collections.abc import Iterable, Sequence

from health.rules.mappings import Learn
from health.rules.model import Input, Reading, ScoreModel


def unlearned(model: ScoreModel) -> list[str]:
    """The keys of inputs that calibration has still to fix. A model with any of them cannot be published."""
    return [one.key for one in model.inputs if any(isinstance(reading.mapping, Learn) for reading in one.readings)]


def lint(model: ScoreModel) -> list[str]:
    """Advice on a model that may well be published as it is."""
    advice = []
    if not 4 <= len(model.inputs) <= 6:
        advice.append(f"{_inputs_in_words(len(model.inputs))}: four to six are easiest to explain and to act on.")
    if abs(model.weight_sum - 100) > 1e-6 and abs(model.weight_sum - 1) > 1e-6:
        what = "Weights of the groups" if model.groups else "Weights"
        advice.append(f"{what} add up to {model.weight_sum:g} and not to 100: each counts as its share of the sum.")
    heaviest = max(model.inputs, key=lambda one: one.weight)
    if heaviest.weight > 0.5:
        advice.append(f"'{heaviest.label}' has {heaviest.weight:.0%} of the weight and decides nearly alone.")
    waiting = unlearned(model)
    if waiting:
        advice.append(f"To be learned from outcomes before it can go live: {', '.join(waiting)}.")
    for one in model.inputs:
        advice += _rows(one)
    return advice + _exceptions(model)


def lint_models(models: Iterable[ScoreModel], segments: Sequence[str] = ()) -> list[str]:
    """Overlaps and gaps between the models of a workspace whose accounts stand in these segments."""
    ordered = sorted(models, key=lambda one: one.place)
    taken: dict[str, ScoreModel] = {}
    everybody: ScoreModel | None = None
    advice = []
    for one in ordered:
        if everybody is not None:
            advice.append(f"'{one.name}' never scores anybody: '{everybody.name}' stands before it and is for all.")
            continue
        for segment in one.segments:
            if segment in taken:
                advice.append(
                    f"'{one.name}' and '{taken[segment].name}' are both for {segment}: '{taken[segment].name}' "
                    "stands first and has it."
                )
            taken.setdefault(segment, one)
        if not one.segments:
            everybody = one
    if ordered and everybody is None:
        left = [one or "accounts without a segment" for one in dict.fromkeys(segments) if one not in taken]
        who = ", ".join(left) if left else "accounts of any other segment"
        if left or not segments:
            advice.append(f"No model is for {who}: they get no score. Add a model for all.")
    return advice


def taken_before(model: ScoreModel, others: Iterable[ScoreModel]) -> tuple[list[str], bool]:
    """The segments that models before it have, and whether one of them has everybody."""
    before = [one for one in others if one.key != model.key and one.place < model.place]
    segments = sorted({segment for one in before for segment in one.segments})
    return segments, any(not one.segments for one in before)


def _rows(one: Input) -> list[str]:
    """Rows of thresholds that never answer, and accounts that no row is for."""
    advice = []
    for measure in dict.fromkeys(reading.measure for reading in one.readings):
        rows = [reading for reading in one.readings if reading.measure == measure]
        for place, row in enumerate(rows):
            if any(_covers(earlier, row) for earlier in rows[:place]):
                advice.append(f"'{one.label}': {whom(row)} are answered by an earlier row, this one never is.")
    if all(reading.is_conditional for reading in one.readings):
        advice.append(
            f"'{one.label}': accounts outside its thresholds have no value. Add a mapping for everybody else."
        )
    return advice


def _covers(earlier: Reading, row: Reading) -> bool:
    """Whether whoever the later row is for has been answered by the earlier one, from the same facts."""
    if (earlier.window_days, earlier.aggregate) != (row.window_days, row.aggregate):
        return False
    if earlier.segments and not (row.segments and set(row.segments) <= set(earlier.segments)):
        return False
    if earlier.tenure is None:
        return True
    if row.tenure is None:
        return False
    high, other = earlier.tenure[1], row.tenure[1]
    return earlier.tenure[0] <= row.tenure[0] and (high is None or (other is not None and other <= high))


def whom(row: Reading) -> str:
    """Whom a row of thresholds is for, in words."""
    parts = [*row.segments]
    if row.tenure is not None:
        first, until = row.tenure
        parts.append(f"from {first} months" if until is None else f"{first} to {until} months")
    return ", ".join(parts) or "all others"


def _exceptions(model: ScoreModel) -> list[str]:
    caps = [one.score for one in model.limits if one.is_cap]
    floors = [one.score for one in model.limits if not one.is_cap]
    if caps and floors and max(floors) > min(caps):
        return ["A floor lies above a cap. Where both hold, the cap wins."]
    return []


def _inputs_in_words(count: int) -> str:
    return f"{count} input{'' if count == 1 else 's'}"
