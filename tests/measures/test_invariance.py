"""What must not change a measurement; every measurement of every schema is enrolled by itself."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.core.measurement import Measurement, NotMeasured, Status
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.measures import measure
from spinekit.measures.by_formula import measure_formula
from spinekit.measures.formula import compile_formula
from spinekit.measures.plugin import code_measurements
from spinekit.schemas import load_schema, schema_names
from tests.measures.scenes import HEIGHT, any_scene, image, mirrored, moved, relabelled, turned, without

ENROLLED = [
    name for name in schema_names() if load_schema(name).measurements or load_schema(name).code_measurements
]
enrolled = pytest.mark.parametrize("name", ENROLLED)
seeds = st.integers(0, 2**16)


def results(scene: Scene) -> dict[str, Measurement]:
    found = {r.name: r for r in measure(scene) if isinstance(r, Measurement)}
    assert found
    return found


def values(scene: Scene) -> dict[str, float]:
    return {name: result.value for name, result in results(scene).items()}


def frame_bound(schema: Schema) -> set[str]:
    """Measurements against the image's own rows and columns."""
    formulas = {line.name for line in schema.measurements if compile_formula(line.formula, schema).frame}
    by_code = [ending for name in schema.code_measurements for ending in code_measurements()[name].frame]
    return formulas | set(by_code)


def test_something_is_enrolled() -> None:
    assert {"spine-ap", "orbit-4", "ceph-19", "ceph-27"} <= set(ENROLLED)


@enrolled
@settings(max_examples=25, deadline=None)
@given(seed=seeds, dx=st.floats(-20, 20), dy=st.floats(-20, 20))
def test_translation(name: str, seed: int, dx: float, dy: float) -> None:
    scene = any_scene(load_schema(name), seed)
    assert values(moved(scene, np.eye(2), (dx, dy))) == pytest.approx(values(scene), abs=1e-5)


@enrolled
@settings(max_examples=25, deadline=None)
@given(seed=seeds, degrees=st.floats(-4, 4))
def test_rotation(name: str, seed: int, degrees: float) -> None:
    schema = load_schema(name)
    scene = any_scene(schema, seed)
    bound = frame_bound(schema)
    plain = {key: value for key, value in values(scene).items() if key not in bound}
    rotated = values(moved(scene, turned(degrees)))
    assert {key: rotated[key] for key in plain} == pytest.approx(plain, abs=1e-5)


@enrolled
@settings(max_examples=25, deadline=None)
@given(seed=seeds, factor=st.sampled_from([0.25, 0.5, 1.5, 3]))
def test_scale(name: str, seed: int, factor: float) -> None:
    scene = any_scene(load_schema(name), seed)
    larger = moved(scene, np.eye(2) * factor, ref=image(height=round(HEIGHT * factor)))
    expected = {
        key: result.value * factor if result.unit == "px" else result.value
        for key, result in results(scene).items()
    }
    assert values(larger) == pytest.approx(expected, abs=1e-5)


@enrolled
@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_mirror(name: str, seed: int) -> None:
    """In a film turned over each formula gives what it gave before over points that have swapped their names."""
    schema = load_schema(name)
    scene = any_scene(schema, seed)
    over = mirrored(scene)
    swapped = relabelled(scene)
    for line in schema.measurements:
        expected, found = measure_formula(swapped, line), measure_formula(over, line)
        if isinstance(expected, NotMeasured):
            assert found == expected
            continue
        assert isinstance(found, Measurement)
        assert found.value == pytest.approx(expected.value, abs=1e-5)
    for result in measure(over):
        if result.name.startswith("cobb"):
            plain = results(scene)[result.name]
            assert isinstance(result, Measurement)
            assert result.value == pytest.approx(plain.value, abs=1e-5)
            assert {result.details.get("side"), plain.details.get("side")} in (
                {"image left", "image right"},
                {None},
            )
    if not schema.measurements and scene.image.hints.get("view") != "AP":
        assert values(over) == pytest.approx(values(scene), abs=1e-5)


@enrolled
@settings(max_examples=25, deadline=None)
@given(seed=seeds, row=st.sampled_from([0.25, 0.5, 2.0]), column=st.sampled_from([0.4, 0.8, 1.0]))
def test_unequal_spacing_of_one_physical_shape(name: str, seed: int, row: float, column: float) -> None:
    scene = any_scene(load_schema(name), seed)
    origin = SpacingOrigin.FIDUCIAL
    square = moved(scene, np.eye(2), ref=image(Spacing(1.0, 1.0, origin)))
    film = image(Spacing(row, column, origin), height=round(HEIGHT / row))
    oblong = moved(scene, np.diag([1 / column, 1 / row]), ref=film)
    assert values(oblong) == pytest.approx(values(square), abs=1e-5)
    no_scale = moved(scene, np.diag([1.0, 1 / row]), ref=image(height=round(HEIGHT / row), aspect=row))
    assert values(no_scale) == pytest.approx(values(scene), abs=1e-5)


@enrolled
def test_each_missing_landmark_is_named(name: str) -> None:
    scene = any_scene(load_schema(name), 1)
    found = results(scene)
    needs = {
        key: {used.rpartition(".")[2] for used in result.landmarks_used} for key, result in found.items()
    }
    for landmark in sorted(set().union(*needs.values())):
        left = measure(without(scene, landmark))
        for key in (key for key in found if landmark in needs[key]):
            # Of curves that are numbered as they are found, the first one tells why there is none.
            family = re.sub(r"_[0-9]+$", "", key)
            missing = [r for r in left if r.name == key] or [r for r in left if r.name.startswith(family)]
            assert missing
            for refused in missing:
                assert isinstance(refused, NotMeasured)
                assert landmark in refused.reason


FRONTAL = [
    name for name in ENROLLED if load_schema(name).view.endswith("frontal") and load_schema(name).levels
]


@pytest.mark.parametrize("name", FRONTAL)
@pytest.mark.parametrize("body", [0, 8, 16])
def test_a_corner_missing_in_one_body_is_named_for_review(name: str, body: int) -> None:
    schema = load_schema(name)
    scene = any_scene(schema, 1)
    for result in results(without(scene, "BR", only=body)).values():
        assert result.status is Status.REVIEW
        assert f"{scene.instances[body].label} lacks BR" in result.reason
