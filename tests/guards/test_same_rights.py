"""The same act needs the same right at every door: on the page and in the API."""

from typing import Any

import pytest
from django.urls import NoReverseMatch, resolve, reverse

# Verb: the page and the endpoint. Both take the one id of what it is about, or none.
DOORS = {
    "move deal": ("opportunity_move", "api_deal_move"),
    "move deals": ("opportunities_move", "api_deal_moves"),
    "move account": ("account_move", "api_account_stage"),
    "evidence of a deal": ("opportunity_evidence", "api_deal_evidence"),
    "evidence of an account": ("account_evidence", "api_account_evidence"),
    "evidence at a hand-off": ("handoff_evidence", "api_account_evidence"),
    "ask for a waiver of a deal": ("opportunity_waiver", "api_waivers"),
    "ask for a waiver of an account": ("account_waiver", "api_waivers"),
    "answer a waiver": ("waiver_answer", "api_waiver_answer"),
    "answer a question": ("opportunity_answer", "api_opportunity_answers"),
    "tick an item": ("handoff_tick", "api_handoff_tick"),
    "accept a hand-off": ("handoff_accept", "api_handoff_accept"),
    "send a hand-off back": ("handoff_return", "api_handoff_return"),
    "hand over again": ("handoff_again", "api_handoff_again"),
    "start a play": ("play_start", "api_play_start"),
    "start many plays": ("plays_start", "api_play_start_many"),
}


def view_of(name: str) -> Any:
    try:
        address = reverse(f"journeys:{name}", args=[1])
    except NoReverseMatch:
        address = reverse(f"journeys:{name}")
    return resolve(address).func


@pytest.mark.parametrize("verb", DOORS)
def test_page_and_api_ask_for_the_same_right(verb: str) -> None:
    page, endpoint = (view_of(name) for name in DOORS[verb])
    assert page.required_permission == endpoint.view_class.post.permission
