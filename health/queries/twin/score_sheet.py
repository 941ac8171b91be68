"""The sheet Score: one row per account, every figure a formula over the sheets Model and Accounts."""

from collections.abc import Sequence
from typing import Final

from core.spreadsheets import harmless
from health.choices import Band
from health.queries.twin import formulas as f
from health.queries.twin.collect import TwinAccount
from health.queries.twin.sheets import INPUTS, Version
from health.rules import Input, Missing, contributions
from health.rules.score import weighed

_FIRST: Final = 3  # the row of the first account
_WORDS: Final = {str(band): str(Band(band).label) for band in Band.values}


class Scores:
    """The sheet Score: one row per account, formulas from the cells of the other two."""

    def __init__(self, version: Version) -> None:
        self.version = version
        self.sheet = version.sheets["Score"]
        size, groups = version.size, len(version.groups)
        self.subs = (1, size)
        self.fresh = (1 + size, 2 * size)
        self.coverage = 1 + 2 * size
        grouped = groups if groups > 1 else 0
        self.means = (self.coverage + 1, self.coverage + grouped)
        self.raw = self.coverage + grouped + 1
        self.score, self.band = self.raw + 1, self.raw + 2
        self.points = (self.raw + 3, self.raw + 2 + size)
        self.exception = self.raw + 3 + size
        self.stored = self.exception + 1

    def write(self) -> None:
        sheet, version = self.sheet, self.version
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, self.stored + 3, 12)
        sheet.freeze_panes(_FIRST, 1)
        self._heads()
        for row, account in enumerate(version.of.accounts, _FIRST):
            self._account(row, account)

    def _heads(self) -> None:
        version, looks = self.version, self.version.looks
        labels = [one.label for one in version.inputs]
        names = {group.key: group.label for group in version.of.model.groups}
        means = [f"Group {names.get(key, key or 'without name')}" for key in version.groups] if self.is_grouped else []
        heads = [
            "Account", *labels, *(f"{label}: fresh" for label in labels), "Coverage", *means, "Before caps and floors",
            "Score", "Band", *(f"{label}: points" for label in labels), "Caps and floors: points", "Stored score",
            "Difference", "Override",
        ]  # fmt: skip
        for at, text in enumerate(heads):
            self.sheet.write_string(0, at, harmless(text), looks["head"])
        self.sheet.write_string(1, 0, "Weight")
        self.sheet.write_string(2, 0, "Group")
        for index, one in enumerate(version.inputs):
            weight = f.cell(INPUTS + index, 1, fixed=True, sheet=version.model)
            self.sheet.write_formula(1, 1 + index, f"={weight}", looks["share"], one.weight)
            self.sheet.write_number(2, 1 + index, version.groups.index(one.group) + 1)
        for at, key in enumerate(version.groups if self.is_grouped else []):
            members = f"({self._row(2)}={at + 1})"
            share = sum(one.weight for one in version.inputs if one.group == key)
            formula = f"=SUMPRODUCT({self._row(1)}*{members})"
            self.sheet.write_formula(1, self.means[0] + at, formula, looks["share"], share)

    @property
    def is_grouped(self) -> bool:
        return len(self.version.groups) > 1

    def _row(self, row: int) -> str:
        """The weights or the groups, above the sub-scores."""
        return f.span(row, *self.subs, fixed_row=True)

    def _account(self, row: int, account: TwinAccount) -> None:
        version, looks, sheet = self.version, self.version.looks, self.sheet
        source = row - _FIRST + 1
        accounts = f"Accounts{version.mark}"
        sheet.write_formula(row, 0, f"={f.cell(source, 0, sheet=accounts)}", None, harmless(account.name))
        for index, one in enumerate(version.inputs):
            self._input(row, source, account, index, one)
        weights, subs = self._row(1), f.span(row, *self.subs)
        fresh = f.span(row, *self.fresh)
        covered = f"=ROUND(SUMPRODUCT({weights},{fresh})/SUM({weights}),6)"
        sheet.write_formula(row, self.coverage, covered, looks["share"], account.coverage)
        raw = weighed(version.of.model, account.sub_scores)
        sheet.write_formula(row, self.raw, self._raw(row, weights, subs), looks["points"], _or_empty(raw))
        score = self._score(row)
        sheet.write_formula(row, self.score, score, looks["score"], _or_empty(account.score))
        here, edges = f.cell(row, self.score), [f.cell(at, 1, fixed=True, sheet=version.model) for at in (2, 3)]
        sheet.write_formula(row, self.band, f.band(here, *edges), None, _WORDS[account.band])
        self._points(row, account, weights, subs)
        self._beside(row, account, raw)

    def _input(self, row: int, source: int, account: TwinAccount, index: int, one: Input) -> None:
        version = self.version
        accounts = f"Accounts{version.mark}"
        value, answered, age = (f.cell(source, 2 + 3 * index + at, sheet=accounts) for at in range(3))
        missing = f.cell(INPUTS + index, 3, fixed=True, sheet=version.model)
        sub = account.sub_scores[index]
        at = self.subs[0] + index
        if not version.is_hidden(one):
            formula = f.sub_score(value, answered, missing, version.tables[index])
            self.sheet.write_formula(row, at, formula, version.looks["points"], _or_empty(sub))
        elif sub is not None:
            self.sheet.write_number(row, at, sub, version.looks["points"])
        windows = [reading.window_days for reading in one.readings] if one.missing is Missing.CARRY else []
        was_fresh = 1 if _is_fresh(account, index, one) else 0
        self.sheet.write_formula(row, self.fresh[0] + index, f.fresh(value, age, answered, windows), None, was_fresh)

    def _raw(self, row: int, weights: str, subs: str) -> str:
        """The mean before caps and floors; with groups, their means come first."""
        if not self.is_grouped:
            return f.weighted(weights, subs, rounded=True)
        for at, key in enumerate(self.version.groups):
            members = f"{weights}*({self._row(2)}={at + 1})"
            account = self.version.of.accounts[row - _FIRST]
            mean = _mean(self.version.inputs, account.sub_scores, key)
            self.sheet.write_formula(
                row, self.means[0] + at, f.weighted(members, subs), self.version.looks["points"], _or_empty(mean)
            )
        return f.weighted(f.span(1, *self.means, fixed_row=True), f.span(row, *self.means), rounded=True)

    def _score(self, row: int) -> str:
        raw, coverage = f.cell(row, self.raw), f.cell(row, self.coverage)
        body = raw
        for is_cap, word, beyond in ((False, "MAX", "0"), (True, "MIN", "100")):
            held = [
                f"IF(ISNUMBER({sub}),IF({sub}{'<' if is_cap else '>='}{edge},{score},{beyond}),{beyond})"
                for index, edge, score, cap in self.version.limits
                if cap is is_cap
                for sub in [f.cell(row, self.subs[0] + index)]
            ]
            body = f"{word}({','.join([body, *held])})" if held else body
        least = f.cell(4, 1, fixed=True, sheet=self.version.model)
        return f'=IF({raw}="","",IF({coverage}+0.000000001>={least},{body},""))'

    def _points(self, row: int, account: TwinAccount, weights: str, subs: str) -> None:
        parts = contributions(self.version.of.model, account.sub_scores)
        for index, part in enumerate(parts):
            at = self.subs[0] + index
            sub, weight = f.cell(row, at), f.cell(1, at, fixed=True)
            if self.is_grouped:
                group = self.version.groups.index(part.input.group)
                of_group = f.cell(1, self.means[0] + group, fixed=True)
                means, above = f.span(row, *self.means), f.span(1, *self.means, fixed_row=True)
                inside = f"SUMPRODUCT(ISNUMBER({subs})*{weights}*({self._row(2)}={group + 1}))"
                share = f"{weight}/{inside}*{of_group}/SUMPRODUCT(ISNUMBER({means})*{above})"
            else:
                share = f"{weight}/SUMPRODUCT(ISNUMBER({subs})*{weights})"
            formula = f'=IF(ISNUMBER({sub}),{sub}*{share},"")'
            shown = part.points if part.sub_score is not None else ""
            self.sheet.write_formula(row, self.points[0] + index, formula, self.version.looks["points"], shown)

    def _beside(self, row: int, account: TwinAccount, raw: float | None) -> None:
        """What caps and floors did, and the comparison with what is stored."""
        looks = self.version.looks
        score, before = f.cell(row, self.score), f.cell(row, self.raw)
        added = account.score - raw if account.score is not None and raw is not None else ""
        self.sheet.write_formula(row, self.exception, f'=IF({score}="","",{score}-{before})', looks["points"], added)
        if account.score is None:
            self.sheet.write_string(row, self.stored, "No score")
        else:
            self.sheet.write_number(row, self.stored, account.score, looks["points"])
        stored = f.cell(row, self.stored)
        apart = f'IF({score}="","score is gone",ABS({score}-{stored}))'
        difference = f'=IF(ISNUMBER({stored}),{apart},IF({score}="",0,"score is new"))'
        self.sheet.write_formula(row, self.stored + 1, difference, looks["points"], 0)
        if account.override is not None:
            self.sheet.write_number(row, self.stored + 2, account.override, looks["points"])


def _or_empty(value: float | None) -> float | str:
    return "" if value is None else value


def _mean(inputs: Sequence[Input], subs: Sequence[float | None], group: str) -> float | None:
    there = [(one.weight, sub) for one, sub in zip(inputs, subs, strict=True) if sub is not None and one.group == group]
    total = sum(weight for weight, _ in there)
    return sum(weight * sub for weight, sub in there) / total if total else None


def _is_fresh(account: TwinAccount, index: int, one: Input) -> bool:
    """Whether the value lies inside the window; only a value that is carried on can lie outside."""
    if account.values[index] is None:
        return False
    age, reading = account.ages[index], one.readings[account.readings[index] or 0]
    return one.missing is not Missing.CARRY or age is None or age < reading.window_days
