"""Reading a body: JSON that Postgres can hold, or a clear refusal."""

import json
import math
from typing import IO, Any, Final, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

DEPTH: Final = 40
_OBJECT: Final = "Send one JSON object."


class SoundJson(BaseParser):
    """JSON without what no column can hold: NUL, halves of characters, numbers that are none, a bottomless nesting."""

    media_type = "application/json"

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        try:
            found = json.loads(stream.read().decode("utf-8-sig"), parse_constant=_no_number, object_pairs_hook=_once)
        except UnicodeDecodeError as error:
            raise ParseError("The body is not UTF-8. Save it as UTF-8.") from error
        except RecursionError as error:
            raise ParseError(f"The body is nested deeper than {DEPTH} levels.") from error
        except ValueError as error:
            raise ParseError(f"The body is not JSON: {str(error)[:200]}") from error
        if not isinstance(found, dict):
            raise ParseError(_OBJECT)
        _check(found, 0)
        return found


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON; leave the field out, or write null.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice[:60]!r} stands twice in one object; keep one.")
    return found


def _check(value: Any, depth: int) -> None:
    if depth > DEPTH:
        raise ParseError(f"The body is nested deeper than {DEPTH} levels.")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ParseError("A number in the body is too large.")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise ParseError("A text in the body holds a NUL character. Remove it.")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ParseError("A text in the body holds half of a character (a lone surrogate). Remove it.") from error
