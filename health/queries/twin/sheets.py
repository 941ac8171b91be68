"""The sheets Model and Accounts of one version: what the formulas of the sheet Score read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from core.spreadsheets import harmless
from health.queries.twin import formulas as f
from health.queries.twin.collect import TwinAccount, TwinModel
from health.queries.wording import category_name, in_words, is_money, source_name
from health.rules import Categories, Input, Linear, Missing
from health.rules.score import filled

INPUTS: Final = 8  # the row of the first input on the sheet Model


@dataclass
class Version:
    """The three sheets of one version. Cells are remembered as they are written, for the formulas that use them."""

    of: TwinModel
    mark: str
    sheets: dict[str, Any]
    looks: dict[str, Any]
    with_money: bool
    tables: list[list[f.Table]] = field(default_factory=list)
    limits: list[tuple[int, str, str, bool]] = field(default_factory=list)

    @property
    def inputs(self) -> tuple[Input, ...]:
        return self.of.model.inputs

    @property
    def size(self) -> int:
        return len(self.inputs)

    @property
    def groups(self) -> list[str]:
        """The keys of the groups in use; one and the same for all in a model without groups."""
        return list(dict.fromkeys(one.group for one in self.inputs))

    @property
    def model(self) -> str:
        return f"Model{self.mark}"

    def write(self) -> None:
        self._write_model()
        self._write_accounts()

    # The sheet Model

    def _write_model(self) -> None:
        sheet, model = self.sheets["Model"], self.of.model
        sheet.set_column(0, 0, 30)
        sheet.set_column(1, 8, 16)
        sheet.write_string(0, 0, harmless(f"{self.of.name} v{self.of.number}"), self.looks["bold"])
        for row, (label, value) in enumerate(
            [("Watch from", model.yellow), ("Healthy from", model.green), ("Minimum coverage", model.min_coverage)], 2
        ):
            sheet.write_string(row, 0, label)
            sheet.write_number(row, 1, value)
        head = ["Input", "Weight", "If missing", "Points if missing", "Fresh for days, where carried on", "Group"]
        for at, text in enumerate(head):
            sheet.write_string(INPUTS - 1, at, text, self.looks["head"])
        labels = {group.key: group.label for group in model.groups}
        for index, one in enumerate(self.inputs):
            row = INPUTS + index
            sheet.write_string(row, 0, harmless(one.label))
            sheet.write_number(row, 1, one.weight, self.looks["share"])
            sheet.write_string(row, 2, in_words(one))
            nothing = filled(one, None)
            if nothing is None:
                sheet.write_string(row, 3, "left out")
            else:
                sheet.write_number(row, 3, nothing)
            windows = ", ".join(str(days) for days in dict.fromkeys(each.window_days for each in one.readings))
            sheet.write_string(row, 4, windows if one.missing is Missing.CARRY else "–")
            sheet.write_string(row, 5, harmless(labels.get(one.group, one.group or "–")))
        row = self._write_limits(INPUTS + self.size + 1)
        for one in self.inputs:
            row = self._write_readings(one, row)

    def _write_limits(self, row: int) -> int:
        if not self.of.model.limits:
            return row
        sheet = self.sheets["Model"]
        for at, text in enumerate(["Caps and floors: input", "Edge of its points", "Score", "Kind"]):
            sheet.write_string(row, at, text, self.looks["head"])
        place = {one.key: index for index, one in enumerate(self.inputs)}
        for limit in self.of.model.limits:
            row += 1
            sheet.write_string(row, 0, harmless(self.inputs[place[limit.input]].label))
            sheet.write_number(row, 1, limit.edge)
            sheet.write_number(row, 2, limit.score)
            sheet.write_string(row, 3, "at most, while below" if limit.is_cap else "at least, from the edge on")
            edge, score = (f.cell(row, at, fixed=True, sheet=self.model) for at in (1, 2))
            self.limits.append((place[limit.input], edge, score, limit.is_cap))
        return row + 2

    def _write_readings(self, one: Input, row: int) -> int:
        """The mapping tables of an input, one below the other; returns the next free row."""
        sheet = self.sheets["Model"]
        tables = []
        for number, reading in enumerate(one.readings, 1):
            title = f"{one.label}, reading {number}: {source_name(reading)}, {in_words(reading)}{_condition(reading)}"
            sheet.write_string(row, 0, harmless(title), self.looks["bold"])
            mapping = reading.mapping
            if isinstance(mapping, Linear):
                for at, (label, value) in enumerate(
                    (("0 points at", mapping.worst), ("100 points at", mapping.best)), 1
                ):
                    sheet.write_string(row + at, 0, label)
                    sheet.write_number(row + at, 1, value)
                ends = [f.cell(row + at, 1, fixed=True, sheet=self.model) for at in (1, 2)]
                tables.append(f.Table(reading, ends[0], ends[1]))
                row += 4
                continue
            rows = _rows_of(mapping)
            sheet.write_string(row + 1, 0, "Name" if isinstance(mapping, Categories) else "From")
            sheet.write_string(row + 1, 1, "Points")
            for at, (left, points) in enumerate(rows, row + 2):
                if isinstance(left, str):
                    sheet.write_string(at, 0, harmless(left))
                else:
                    sheet.write_number(at, 0, left)
                sheet.write_number(at, 1, points)
            last = row + 1 + len(rows)
            tables.append(
                f.Table(reading, f.block(row + 2, last, 0, self.model), f.block(row + 2, last, 1, self.model))
            )
            row = last + 2
        self.tables.append(tables)
        return row

    # The sheet Accounts

    def _write_accounts(self) -> None:
        sheet = self.sheets["Accounts"]
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 1, 12)
        sheet.set_column(2, 1 + 3 * self.size, 14)
        sheet.freeze_panes(1, 1)
        heads = ["Account", "Scores look back from"]
        for one in self.inputs:
            heads += [one.label, f"{one.label}: reading", f"{one.label}: age in days"]
        for at, text in enumerate(heads):
            sheet.write_string(0, at, harmless(text), self.looks["head"])
        for row, account in enumerate(self.of.accounts, 1):
            sheet.write_string(row, 0, harmless(account.name))
            sheet.write_string(row, 1, account.as_of.isoformat())
            for index, one in enumerate(self.inputs):
                self._write_value(row, 2 + 3 * index, account, index, one)

    def _write_value(self, row: int, at: int, account: TwinAccount, index: int, one: Input) -> None:
        sheet = self.sheets["Accounts"]
        value, answered, age = account.values[index], account.readings[index], account.ages[index]
        reading = one.readings[answered or 0]
        if value is not None and self.is_hidden(one):
            sheet.write_string(row, at, "Hidden")
        elif value is not None and isinstance(reading.mapping, Categories):
            sheet.write_string(row, at, harmless(category_name(reading, value)))
        elif value is not None:
            sheet.write_number(row, at, value)
        if value is not None:
            sheet.write_number(row, at + 1, (answered or 0) + 1)
        if age is not None:
            sheet.write_number(row, at + 2, age)

    def is_hidden(self, one: Input) -> bool:
        """Whether the reader may not see the input's amounts."""
        return not self.with_money and any(is_money(reading) for reading in one.readings)


def _rows_of(mapping: Any) -> Sequence[tuple[float | str, float]]:
    """A table as rows: names and points, or the lower edge of each half-open band and its points."""
    if isinstance(mapping, Categories):
        return [(name, points) for name, points in mapping.points]
    edges = [f.LOWEST, *(edge for edge, _ in mapping.steps[:-1])]
    return [(edge, points) for edge, (_, points) in zip(edges, mapping.steps, strict=True)]


def _condition(reading: Any) -> str:
    """Whom a row of thresholds is for."""
    parts = [", ".join(reading.segments)] if reading.segments else []
    if reading.tenure is not None:
        first, until = reading.tenure
        parts.append(f"from {first} to under {until} months" if until is not None else f"from {first} months on")
    return f" ({'; '.join(parts)})" if parts else ""
