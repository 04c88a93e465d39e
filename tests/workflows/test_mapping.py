from __future__ import annotations

from pathlib import Path

import pytest

from spinekit.core.errors import UsageError
from spinekit.workflows.mapping import NameMap, check_names, read_map, renamed
from tests.formats.annotation_samples import POSE


def write(folder: Path, text: str) -> Path:
    path = folder / "names.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_pairs_are_read(tmp_path: Path) -> None:
    names = read_map(write(tmp_path, "classes: {L1: vertebra, L2: null}\nlandmarks: {TL: a}\n"))
    assert names.classes == {"L1": "vertebra", "L2": None}
    assert names.landmarks == {"TL": "a"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("klasses: {a: b}", r"there is no part 'klasses' -- did you mean classes\?"),
        ("", "holds no pairs of names"),
        ("[a]", "holds no pairs of names"),
        ("classes: [a, b]", r"classes: must be pairs such as \{old: new\}"),
        ("classes: {a: 3}", "classes: 'a' leads to 3 -- give a name in quotes"),
        ("classes: {a: ''}", "'a' leads to ''"),
        ("landmarks: {a: b, a: c}", r"line 1, column \d+: the key 'a' occurs twice"),
        ("landmarks: {no: b}", "is not text"),
        ("classes: {a: no}", "'a' leads to False -- give a name in quotes"),
        ("classes: !!python/object/apply:os.system [ls]", "line 1"),
        ("classes:\n\t- a", "line 2"),
        ("a: &x [1]\nb: *x", "aliases"),
    ],
)
def test_a_wrong_file_is_told_in_one_line(text: str, words: str, tmp_path: Path) -> None:
    path = write(tmp_path, text)
    with pytest.raises(UsageError, match=words) as caught:
        read_map(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_both_sides_of_a_pair_must_be_known() -> None:
    with pytest.raises(
        UsageError, match=r"names.yaml: classes: the source has no 'L11' -- did you mean L1\?"
    ):
        check_names(NameMap({"L11": "L1"}, source="names.yaml"), POSE, POSE)
    with pytest.raises(UsageError, match=r"bodies has no 'vertebrae' -- did you mean vertebra\?"):
        check_names(NameMap({"L1": "vertebrae"}), POSE, POSE)
    with pytest.raises(UsageError, match=r"landmarks: the source has no 'TX'"):
        check_names(NameMap({}, {"TX": None}), POSE, POSE)
    check_names(NameMap({"L1": None}, {"TL": "TR"}), POSE, POSE)


def test_a_map_alone_makes_a_schema() -> None:
    schema = renamed(POSE, NameMap({"L1": "first", "vertebra": None}, {"TL": "corner", "BR": None}))
    assert schema.classes == ()
    assert schema.levels == ("first", "L2", "L3")
    assert schema.landmark_names == ("corner", "TR", "BL")
    assert schema.edges == (("corner", "TR"), ("BL", "corner"))
    assert schema.mirrored == (("corner", "TR"),)
    assert schema.fingerprint() != POSE.fingerprint()
