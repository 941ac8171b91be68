"""Processes as files: what is read, what is refused with its line, and that a file is always the same bytes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import process_files
from core.process_files.yaml_text import BadText, read, write

PLAIN = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
SCALARS = st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS | PLAIN,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(PLAIN.filter(bool), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(PLAIN.filter(bool), VALUES, max_size=6))
def test_whatever_is_written_is_read_back_and_written_the_same(document: dict[str, object]) -> None:
    text = write(document, ("key", "name"))
    again = read(text.encode()).value
    assert again == document
    assert write(again, ("key", "name")) == text


def test_the_order_of_fields_does_not_depend_on_the_order_they_came_in() -> None:
    one = {"kind": "x", "steps": [{"title": "Call", "due": 3}], "a": 1}
    other = {"a": 1, "steps": [{"due": 3, "title": "Call"}], "kind": "x"}
    assert write(one, ("kind", "title")) == write(other, ("kind", "title"))


def test_words_that_look_like_something_else_stay_texts() -> None:
    text = "categories: {No: 0, on: 50, 1: 100}\nday: 2026-01-31\nat: 10:30\nanswer: no\n"
    assert read(text.encode()).value == {
        "categories": {"No": 0, "on": 50, "1": 100},
        "day": "2026-01-31",
        "at": "10:30",
        "answer": "no",
    }


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (b"", 1, "The file is empty"),
        (b"a: 1\nb: 2\na: 3\n", 3, "a: stands twice, first on line 1"),
        (b"a: &x [1]\nb: *x\n", 1, "Anchors and aliases are not read"),
        (b"a: 1\nb: *x\n", 2, "Anchors and aliases are not read"),
        (b"a: 1\nb: !!python/object:os.system x\n", 2, "The tag tag:yaml.org,2002:python/object:os.system is not read"),
        (b"a: 1\n---\nb: 2\n", 2, "several documents"),
        (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
        (b"a: 1\n\tb: 2\n", 2, "never with tabs"),
        (b"a: [1\nb: 2\n", 2, "This is not YAML"),
        (b"a: 1\nb: .inf\n", 2, "no number to reckon with"),
        (b"a: 1\nb: 1e999\n", 2, "too large"),
        (b'a: 1\nb: "\\0"\n', 2, "cannot be stored"),
        (b'a: 1\nb: "\\ud800"\n', 2, "cannot be stored"),
        (b"a: 1\n<<: {b: 2}\n", 2, "name of its own"),
        (b"a: 1\n? [x]\n: 2\n", 2, "must be a text"),
        (b"a: 1\nb: \x07\n", 2, "not allowed"),
        (b"a: " + b"[" * 60 + b"]" * 60, 1, "levels"),
        (b"[" * 50_000, 1, "levels"),
        (b"- 1\n" * 30_000, 20_000, "values"),
        (b"a: " + b"x" * 200_001, 1, "at most 200,000 are read"),
    ],
)
def test_anything_unexpected_is_refused_with_its_line(text: bytes, line: int, words: str) -> None:
    with pytest.raises(BadText) as refused:
        read(text)
    assert (refused.value.line, words in str(refused.value)) == (line, True), str(refused.value)


@pytest.mark.parametrize("text", [b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", b"# why\n---\na: 1\n\nb: 2\n...\n"])
def test_marks_of_other_editors_do_no_harm(text: bytes) -> None:
    assert read(text).value == {"a": 1, "b": 2}


MODEL = """kind: score_model
key: standard
name: Standard
inputs:
  - key: usage
    measure: active_users
    mapping: {linear: {worst: 0, best: 50}}
    weight: 30
  - key: mood
    measure: nps
    mapping:
      bands:
        - [10, 0]
        - [5, 60]
    weight: 70
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("", "", 14, "edge 5 does not lie above 10"),
        ("[5, 60]", "[20, 120]", 14, "120 is above 100"),
        ("weight: 70", "weight: -1", 15, "inputs[1].weight: -1 is below 0"),
        ("    weight: 30", "    weigth: 30", 5, "inputs[0].weight"),
        ("kind: score_model", "kind: score_modle", 1, "'score_modle' is unknown. Write one of"),
        ("key: standard\n", "key: [a]\n", 2, "key: give the process a short name"),
        ("name: Standard", "colour: blue\nname: Standard", 3, "colour: unknown field"),
    ],
)
def test_a_fault_in_a_model_names_file_line_and_remedy(old: str, new: str, line: int, words: str) -> None:
    text = MODEL.replace(old, new) if old else MODEL
    with pytest.raises(process_files.BadFiles) as refused:
        process_files.from_bytes(text.encode(), "score_model/standard.yaml")
    problem = refused.value.problems[0]
    assert (problem.file, problem.line, words in problem.message) == ("score_model/standard.yaml", line, True), problem


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            "kind: renewal_timeline\nkey: k\ncatch_up_title: c\nsteps:\n- offset_days: 9\n  title: x\n  tilte: y\n",
            7,
            "steps[0].tilte: this field is unknown. Did you mean title?",
        ),
        ("kind: qbr_cadence\nkey: k\nmonths:\n  enterprise: 3\n  small: 99\n", 5, "months.small: a whole number"),
        (
            "kind: escalation_policy\nkey: p\ntier: 2\nrespond_hours: 8\ntask_title: t\ncriteria:\n  all: [{fact: x}]",
            7,
            "criteria.all[0]: Unknown fact 'x'",
        ),
        (
            "kind: pipeline\nkey: p\nstages:\n  - {key: a, name: A}\n  - {key: b, name: B, probability: 120}\n",
            5,
            "stages[1].probability: a whole number from 0 to 100",
        ),
    ],
)
def test_every_kind_names_the_line(text: str, line: int, words: str) -> None:
    with pytest.raises(process_files.BadFiles) as refused:
        process_files.from_bytes(text.encode(), "x.yaml")
    problem = refused.value.problems[0]
    assert (problem.line, words in problem.message) == (line, True), problem


def test_every_problem_of_a_folder_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: nothing\n")
    (tmp_path / "b.yml").write_text("a: 1\na: 2\n")
    (tmp_path / "notes.txt").write_text("not read")
    with pytest.raises(process_files.BadFiles) as refused:
        process_files.read_path(tmp_path)
    assert [(problem.file, problem.line) for problem in refused.value.problems] == [("a.yaml", 1), ("b.yml", 2)]


def test_one_process_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(MODEL.replace("[5, 60]", "[20, 60]"))
    with pytest.raises(process_files.BadFiles, match=r"stands in a\.yaml too"):
        process_files.read_path(tmp_path)
