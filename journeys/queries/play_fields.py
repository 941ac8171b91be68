"""Fields of the editor of playbooks: what stands there, what was typed, what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Field:
    """A field of the editor with what was typed or stands there, what is wrong with it, and what is live."""

    name: str
    value: Any
    error: str = ""
    was: str = ""

    @property
    def id(self) -> str:
        return "f-" + "".join(letter if letter.isalnum() else "-" for letter in self.name)


@dataclass(frozen=True)
class Typed:
    """What was typed into the form and was not saved, with its faults. `compares`: a live version stands beside it."""

    typed: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)
    compares: bool = False

    def field(self, name: str, value: Any, was: str = "") -> Field:
        """The field as the form shows it: what was typed goes before what stands in the draft."""
        shown = self.typed.get(name, value)
        return Field(name, "" if shown is None else shown, self.problems.get(name, ""), was)

    def of_step(self, key: str, *, is_open: bool) -> str:
        """What is wrong with a step as a whole; of one that is closed, also what is wrong with a field of it."""
        inside = [text for name, text in self.problems.items() if _step_of(name) == key and not is_open]
        return next(iter([*filter(None, [self.problems.get(f"step:{key}")]), *inside]), "")


def _step_of(name: str) -> str:
    """The step that a field belongs to: `days:call`, `cond:only_if.call:0:value`."""
    what, _, rest = name.partition(":")
    return rest.split(":")[0].removeprefix("only_if.") if what == "cond" else rest
