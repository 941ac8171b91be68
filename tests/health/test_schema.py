"""docs/score-model.schema.json says what the language says."""

import json
import random
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from health.rules import STANDARD, parse_model
from health.rules.presets import PRESETS
from health.rules.schema import MODEL_SCHEMA
from tests.factories.score_models import random_document
from tests.health.test_language import WRONG as WRONG_WORDS
from tests.health.test_rules import WRONG as WRONG_FIELDS

DOCS = Path(__file__).resolve().parents[2] / "docs"
VALIDATOR = jsonschema.Draft202012Validator(MODEL_SCHEMA)
# What only reading the document can tell: names that must match, edges that must rise, sums that must not be 0.
BEYOND = re.compile(
    r"all weights are 0|stands twice|has no groups|name one of|no input is in|is no input|must rise|does not lie above"
    r"|make 240|cannot be stored|may be open|lies below worst|both 3|categories go|can be carried|stands alone"
)


def test_the_file_is_the_schema_of_the_code() -> None:
    assert json.loads((DOCS / "score-model.schema.json").read_text()) == MODEL_SCHEMA
    jsonschema.Draft202012Validator.check_schema(MODEL_SCHEMA)


def test_every_preset_and_any_random_model_fits() -> None:
    dice = random.Random(3)
    documents: list[dict[str, Any]] = [STANDARD, *(one for _, one in PRESETS.values())]
    documents += [random_document(dice) for _ in range(300)]
    for one in documents:
        parse_model(one)
        assert [error.message for error in VALIDATOR.iter_errors(one)] == []


def test_the_examples_in_the_guide_fit_and_can_be_read() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (DOCS / "health-models.md").read_text(), re.DOTALL)
    documents = [one for one in map(yaml.safe_load, blocks) if isinstance(one, dict) and "inputs" in one]
    assert len(documents) >= 1
    for one in documents:
        parse_model(one)
        assert [error.message for error in VALIDATOR.iter_errors(one)] == []


@pytest.mark.parametrize(("content", "message"), [*WRONG_FIELDS, *WRONG_WORDS])
def test_what_the_language_refuses_the_schema_refuses_where_a_schema_can(content: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as refusal:  # noqa: PT011 -- the message says which kind it is
        parse_model(content)
    assert VALIDATOR.is_valid(content) == bool(BEYOND.search(str(refusal.value))), message
