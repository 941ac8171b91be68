"""Pipelines as documents, and what is guessed about imported stages."""

import pytest

from journeys.choices import ForecastCategory, StageKind
from journeys.rules.pipeline_editing import acted
from journeys.rules.pipelines import (
    DEFAULT_PIPELINE,
    FORECASTS,
    KINDS,
    SeenStage,
    guess_kind,
    parse_pipeline,
    pipeline_document,
    pipeline_from_names,
    squashed,
)


def test_the_words_are_those_of_the_choices() -> None:
    assert list(KINDS) == StageKind.values
    assert list(FORECASTS) == ForecastCategory.values


def test_the_defaults_are_valid_documents_and_survive_the_round_trip() -> None:
    spec = parse_pipeline(DEFAULT_PIPELINE)
    assert pipeline_document(spec) == DEFAULT_PIPELINE


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": []}, "at least one stage"),
        ({"stages": [{"key": "a"}]}, r"stages\[0\]\.name"),
        ({"stages": [{"key": "a", "name": "A", "probability": 101}]}, "0 to 100"),
        ({"stages": [{"key": "a", "name": "A", "kind": "gone"}]}, "open, won, lost"),
        ({"stages": [{"key": "a", "name": "A"}, {"key": "a", "name": "B"}]}, "stands twice"),
        ({"stages": [{"key": "a", "name": "A"}]}, "one won and one lost"),
    ],
)
def test_a_wrong_document_says_where_and_what_would_be_right(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_pipeline(change)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Won", StageKind.WON),
        ("Closed Won", StageKind.WON),
        ("closedwon", StageKind.WON),
        ("Closed - Lost", StageKind.LOST),
        ("closed_lost", StageKind.LOST),
        ("Wonderful fit", StageKind.OPEN),
        ("Engaging", StageKind.OPEN),
    ],
)
def test_a_stage_name_tells_how_a_deal_ended(name: str, kind: StageKind) -> None:
    assert guess_kind(name) == kind


def test_an_open_stage_behind_a_closed_one_is_refused_with_its_place() -> None:
    stages = list(DEFAULT_PIPELINE["stages"])
    with pytest.raises(ValueError, match=r"stages\[5\]\.kind: 'demo' is open and stands behind the closed stage"):
        parse_pipeline({"stages": [stages[0], *stages[2:], stages[1]]})


def test_the_buttons_stop_at_the_border_between_open_and_closed() -> None:
    document = dict(DEFAULT_PIPELINE)
    assert acted(document, "down", ["negotiation"], {}, currency="EUR") == document
    assert acted(document, "up", ["closed_won"], {}, currency="EUR") == document
    parse_pipeline(acted(document, "up", ["negotiation"], {}, currency="EUR"))
    parse_pipeline(acted(document, "up", ["closed_lost"], {}, currency="EUR"))


def test_imported_stages_stand_in_the_order_in_which_deals_pass_them() -> None:
    seen = [
        SeenStage("Lost", 10, 1.0, 2),
        SeenStage("Engaging", 10, 1.0, 3),
        SeenStage("Won", 10, 1.0, 4),
        SeenStage("Prospecting", 10, 0.0, 5),
    ]
    assert [stage.name for stage in pipeline_from_names(seen).stages] == ["Prospecting", "Engaging", "Won", "Lost"]


def test_names_that_differ_in_spaces_and_signs_only_are_alike() -> None:
    assert squashed("GTX Pro") == squashed("GTXPro") == squashed("gtx-pro")
