"""The record of each file comes back as it was written; broken and half-written lines are known as such."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.errors import AnnotationError, EnvironmentFaultError
from spinekit.core.json_numbers import may_overflow
from spinekit.runs import FileOutcome, ImageOutcome, Journal, Output
from spinekit.runs.outcome_line import outcome_from_line, outcome_to_line

TEXT = st.text(st.characters(codec="utf-8"), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-9, 9) | TEXT, st.lists, max_leaves=4
)


def dumped(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


IMAGES = st.builds(
    ImageOutcome, TEXT, st.sampled_from(["ok", "abstained", "failed", "skipped"]), TEXT, TEXT,
    st.lists(TEXT, max_size=2).map(tuple), st.lists(st.builds(Output, TEXT, TEXT), max_size=2).map(tuple),
    st.just("") | st.dictionaries(TEXT, JSON, max_size=2).map(dumped), st.lists(JSON, max_size=2).map(dumped),
    st.just("") | st.dictionaries(TEXT, JSON, max_size=2).map(dumped),
)  # fmt: skip
OUTCOMES = st.builds(FileOutcome, TEXT, TEXT, st.lists(IMAGES, max_size=2).map(tuple))


@given(OUTCOMES)
def test_a_record_comes_back_as_it_went(outcome: FileOutcome) -> None:
    line = outcome_to_line(outcome)
    assert "\n" not in line
    json.loads(line)
    assert outcome_from_line(line, "line") == outcome


@given(OUTCOMES, st.sampled_from([(", ", ": "), (",", ": "), (" ,", ":")]))
def test_a_record_with_spaces_says_the_same(outcome: FileOutcome, separators: tuple[str, str]) -> None:
    spaced = json.dumps(json.loads(outcome_to_line(outcome)), separators=separators, ensure_ascii=True)
    assert outcome_from_line(f" {spaced}\n", "line") == outcome


BROKEN = ["NaN", "-Infinity", "1e999", "[1E+400]", f"{'9' * 400}.5", '{"a":1}x', '{"a" 1}', "", "{,}"]


@pytest.mark.parametrize("scene", BROKEN)
def test_what_is_no_strict_json_is_no_record(scene: str) -> None:
    line = outcome_to_line(FileOutcome("a", "", (ImageOutcome("a", "ok", scene='"here"'),)))
    with pytest.raises(AnnotationError, match="is no record"):
        outcome_from_line(line.replace('"here"', scene), "line")


@pytest.mark.parametrize("cut", [1, 9, 40, -2])
def test_a_part_of_a_line_is_no_record(cut: int) -> None:
    line = outcome_to_line(outcome("a"))
    for broken in (line[:cut], line + line, line + "]"):
        with pytest.raises(AnnotationError, match="is no record"):
            outcome_from_line(broken, "line")


def test_a_hash_is_not_taken_for_a_large_number() -> None:
    line = '{"sha256":"12e9999","more":["e123"],"x":12.5e3}'
    assert not may_overflow(line)
    for number in ("1e999", "1E400", "-2.5e+310", "9" * 310):
        assert may_overflow(line.replace("12.5e3", number))
        assert may_overflow(number)


def outcome(name: str, reason: str = "") -> FileOutcome:
    return FileOutcome(name, "ab", (ImageOutcome(name, "failed" if reason else "ok", reason),))


def test_lines_are_settled_in_the_order_of_the_files(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        for item in (outcome("c"), outcome("a", "bad"), outcome("gone"), outcome("a")):
            journal.append(item)
        assert journal.files == ("c", "a", "gone")
        journal.settle(["a", "b", "c"])
        assert list(journal.outcomes(["a", "b", "c"])) == [outcome("a"), outcome("c")]
        journal.append(outcome("d"))
    lines = (tmp_path / "records.jsonl").read_text().splitlines()
    assert [json.loads(line)["file"] for line in lines] == ["a", "c", "d"]


def test_lines_in_order_are_left_as_they_are(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.append(outcome("a"))
        before = os.stat(tmp_path / "records.jsonl").st_ino  # noqa: PTH116
        journal.settle(["a", "b"])
        assert os.stat(tmp_path / "records.jsonl").st_ino == before  # noqa: PTH116


def test_half_a_line_is_cut_off_and_a_broken_one_is_no_record(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    whole = outcome_to_line(outcome("a")) + "\n"
    path.write_text(whole + "not JSON\n" + '{"file": "b"}\n' + whole[:20])
    with Journal(tmp_path) as journal:
        assert journal.files == ("a", "b")
        with pytest.raises(AnnotationError, match="is no record"):
            journal.outcome("b")
        journal.settle(["a"])
    assert path.read_text() == whole


def test_a_full_disk_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with Journal(tmp_path) as journal:
        journal.append(outcome("a"))
        whole = journal.path.read_bytes()
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(EnvironmentFaultError, match="free space"):
            journal.append(outcome("b"))
        assert journal.path.read_bytes() == whole
        monkeypatch.undo()
        journal.append(outcome("b"))
        assert journal.files == ("a", "b")
