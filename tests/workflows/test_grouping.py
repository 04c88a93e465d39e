from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.workflows.grouping import gap_films, grouping, natural, read_table, stack_blocks

SCHEMA = Schema("x", 1, "x", "seg", "x", ("a",))


def scene(name: str, group: str = "") -> Scene:
    return Scene(ImageRef(Path("/none") / name, 1, 1, name=name), SCHEMA, group=group)


def test_the_first_bracket_of_an_expression_is_the_group() -> None:
    said: list[str] = []
    rule = grouping(r"^(S\d+)_", "x", None, said.append)
    assert rule(scene("S01_sag3.png", "other")) == "S01"
    assert said == []
    assert rule(scene("odd.png")) == "odd.png"
    assert "does not match" in said[0]


@pytest.mark.parametrize(
    ("by", "word"), [("(", "unterminated"), ("patients", "with a group"), (r"^S\d+", "brackets")]
)
def test_a_rule_that_cannot_be_is_refused_in_one_line(by: str, word: str) -> None:
    with pytest.raises(UsageError, match=word) as caught:
        grouping(by, "x", None, print)
    assert "\n" not in str(caught.value)


def test_patients_without_dicom_are_what_the_labels_say() -> None:
    said: list[str] = []
    rule = grouping("patient", "x", None, said.append)
    assert rule(scene("a.png", "p7")) == "p7"
    assert rule(scene("a.png")) == "a.png"
    assert "is no DICOM file" in said[0]
    assert grouping("image", "x", None, print)(scene("a.png", "p7")) == "a.png"


def test_a_column_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("patient,name\np1,a.png\n,b.png\n")
    table, said = read_table(path), list[str]()
    rule = grouping("column:patient", "x", table, said.append)
    assert [rule(scene("sub/a.png")), rule(scene("b.png"))] == ["p1", "b.png"]
    assert "has no patient for it" in said[0]
    with pytest.raises(UsageError, match="did you mean patient"):
        grouping("column:patents", "x", table, print)
    with pytest.raises(UsageError, match="--table"):
        grouping("column:patient", "x", None, print)


@pytest.mark.parametrize(
    ("text", "word"), [("a,b\n1,2\n", "no column name"), ("name\na\na\n", "line 3.*doubled")]
)
def test_a_table_without_names_is_refused(tmp_path: Path, text: str, word: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(AnnotationError, match=word):
        read_table(path)


def test_names_are_ordered_as_people_count() -> None:
    assert sorted(["s10", "s9", "s9a", "a", "10", "9"], key=natural) == ["9", "10", "a", "s9", "s9a", "s10"]


@given(st.integers(2, 60), st.integers(2, 10))
def test_blocks_are_runs_of_neighbours_of_like_length(films: int, blocks: int) -> None:
    names = [f"{k}.png" for k in range(films)]
    if films < blocks:
        with pytest.raises(UsageError, match="lower --blocks"):
            stack_blocks(names, [""] * films, blocks)
        return
    groups = stack_blocks(names, [""] * films, blocks)
    assert len(set(groups)) == blocks
    assert sum(a != b for a, b in itertools.pairwise(groups)) == blocks - 1
    sizes = [groups.count(group) for group in set(groups)]
    assert max(sizes) - min(sizes) <= 1


@given(st.lists(st.sampled_from(("train", "val", "test")), min_size=1, max_size=6), st.integers(1, 3))
def test_a_gap_keeps_parts_apart(parts_of_blocks: list[str], gap: int) -> None:
    parts = [part for part in parts_of_blocks for _ in range(5)]
    names = [f"{k}.png" for k in range(len(parts))]
    left_out = gap_films(names, ["s"] * len(names), parts, gap)
    kept = [k for k in range(len(names)) if k not in left_out]
    for before, behind in itertools.pairwise(kept):
        if parts[before] != parts[behind]:
            assert behind - before > gap


def test_films_to_test_on_are_spared() -> None:
    parts = ["train"] * 4 + ["test"] * 2 + ["train"] * 4
    names = [f"{k}.png" for k in range(10)]
    assert gap_films(names, ["s"] * 10, parts, 1) == {3, 6}
