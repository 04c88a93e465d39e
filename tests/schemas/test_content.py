"""Wrong schema files are refused with their place and the way to mend them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.errors import UsageError
from spinekit.core.schema import Schema
from spinekit.schemas import load_schema, parse_yaml
from spinekit.schemas.content import to_schema

GOOD = """
name: hip
version: 1
title: Hip
task: pose
view: hip, frontal
classes: [hip]
landmarks:
  - {name: R, definition: right femoral head}
  - {name: L, definition: left femoral head, aliases: [left]}
mirrored: [[R, L]]
edges: [[R, L]]
measurements:
  - {name: width, unit: length, formula: "distance(R, L)", definition: between the heads}
"""


def read(text: str) -> Schema:
    return to_schema(parse_yaml(text, "hip.yaml"), "hip.yaml")[0]


def test_the_good_one_is_good() -> None:
    schema = read(GOOD)
    assert schema.flip_index() == (1, 0)
    assert schema.measurements[0].formula == "distance(R, L)"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: hip\n", "", "lacks the key 'name'"),
        ("version: 1", "version: one", "version must be a whole number"),
        ("version: 1", "version: true", "version must be a whole number"),
        ("classes: [hip]", "classes: [no]", "put it in quotes"),
        ("classes: [hip]", "classes: []", "classes is empty"),
        ("classes: [hip]", "classes: hip", "must be a list"),
        ("classes: [hip]", "classes: [hip, hip]", "tells hip twice"),
        ("classes: [hip]", "class: [hip]", "unknown key 'class' -- did you mean classes?"),
        ("task: pose", "task: posse", "'posse' -- did you mean pose?"),
        ("title: Hip", "title: ''", "is empty"),
        ("definition: right femoral head", "sigma: 0.1", "lacks the key 'definition'"),
        ("definition: right femoral head", "definition: x, sigma: 0", "must be a number above 0"),
        ("definition: right femoral head", "definition: x, sigma: 1e-2", "must be a number above 0"),
        ("name: R,", "name: R.x,", "cannot be in a name"),
        ("aliases: [left]", "aliases: [R]", "tells R twice"),
        ("mirrored: [[R, L]]", "mirrored: [[R, M]]", "'M', which is not a landmark -- known: R, L"),
        ("mirrored: [[R, L]]", "mirrored: [[R, R]]", "tells R twice"),
        ("mirrored: [[R, L]]", "mirrored: [[R, L], [L, R]]", "tells L, R twice"),
        ("edges: [[R, L]]", "edges: [[R]]", "must be a pair"),
        ("unit: length", "unit: cm", "'cm'"),
        ("name: width", "name: Hip width", "small letters"),
        ("landmarks:", "landmarks: []\nlevels:", "unknown key|must be text"),
    ],
)
def test_wrong_content(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageError, match=message) as caught:
        read(GOOD.replace(old, new))
    assert str(caught.value).startswith("hip.yaml: the schema")


def test_doubled_measurement() -> None:
    line = GOOD.strip().splitlines()[-1]
    with pytest.raises(UsageError, match="tells width twice"):
        read(f"{GOOD}{line}\n")


def test_measurements_shared_with_another_schema(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD + "measurements_from: ceph-91\n")
    with pytest.raises(UsageError, match="did you mean ceph-19"):
        load_schema(path)
    path.write_text(GOOD + "measurements_from: orbit-4\n")
    assert [line.name for line in load_schema(path).measurements][-1] == "width"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["name", "version", "task", "classes", "landmarks", "edges", "x"]),
                inner,
                max_size=6,
            )
        ),
        max_leaves=12,
    )
)
def test_any_content_ends_in_a_schema_or_a_usage_error(content: object) -> None:
    try:
        schema, _ = to_schema(content, "f.yaml")
    except UsageError as error:
        outcome = str(error).startswith("f.yaml: ")
    else:
        outcome = bool(schema.classes)
    assert outcome
