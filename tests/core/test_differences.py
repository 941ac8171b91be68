"""Differences in words: what changed, came, went and moved."""

from core.differences import compare, plain_lines


def texts(old: dict[str, object], new: dict[str, object]) -> list[str]:
    return [change.text for change in compare(plain_lines(old), plain_lines(new))]


def step(key: str, days: int) -> dict[str, object]:
    return {"key": key, "due_days": days}


def test_equal_documents_have_no_difference() -> None:
    assert texts({"a": 1, "steps": [step("x", 1)]}, {"a": 1, "steps": [step("x", 1)]}) == []


def test_a_changed_field_inside_an_entry_names_the_entry() -> None:
    assert texts({"steps": [step("call", 14)]}, {"steps": [step("call", 7)]}) == ["due days of steps call 14 → 7"]


def test_an_entry_that_came_or_went_is_one_change() -> None:
    both, one = {"steps": [step("call", 14), step("mail", 3)]}, {"steps": [step("call", 14)]}
    assert texts(one, both) == ["steps mail added: key mail, due days 3"]
    assert texts(both, one) == ["steps mail removed: key mail, due days 3"]


def test_entries_in_another_order_are_said_once() -> None:
    old = {"steps": [step("call", 14), step("mail", 3)]}
    new = {"steps": [step("mail", 3), step("call", 14)]}
    assert texts(old, new) == ["order steps call, steps mail → steps mail, steps call"]


def test_a_field_that_came_or_went_is_said() -> None:
    assert texts({"a": 1}, {"a": 1, "b": True}) == ["b added: yes"]
    assert texts({"a": 1, "b": 0.5}, {"a": 1}) == ["b removed: 0.5"]
