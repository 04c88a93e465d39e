"""No scene, however odd, makes measuring raise; all that comes out is finite or refused with a reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinekit.core.landmarks import landmarks
from spinekit.core.measurement import Measurement
from spinekit.core.scene import Instance, Scene
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.measures import measure
from spinekit.schemas import load_schema, schema_names
from tests.measures.scenes import CORNERS, any_scene, image

coordinates = st.sampled_from(
    [0.0, 1.0, 100.0, 101.0, 250.5, -3.0, 1e-300, 1e200, 1e308, float("nan"), float("inf")]
) | st.floats(0, 600)
spreads = st.none() | st.sampled_from([0.0, 1.0, 1e300, float("nan"), float("inf")])


@st.composite
def odd_scenes(draw: st.DrawFn) -> Scene:
    schema = load_schema(draw(st.sampled_from(schema_names())))
    names = schema.landmark_names or CORNERS
    labels = st.sampled_from([*schema.classes, *schema.levels[:6], "T5", "unheard of"])
    items = []
    for _ in range(draw(st.integers(0, 8))):
        xy = np.array(draw(st.lists(coordinates, min_size=2 * len(names), max_size=2 * len(names))))
        spread = draw(spreads)
        sigma = None if spread is None else np.full((len(names), 2), spread)
        marks = landmarks(names, xy.reshape(-1, 2), spread=sigma) if draw(st.booleans()) else None
        flags = draw(st.sampled_from([(), ("inferred",), ("doubtful",)]))
        items.append(Instance(draw(labels), (0, 0, 1, 1), landmarks=marks, flags=flags))
    spacing = draw(st.sampled_from([None, Spacing(0.1, 5.0, SpacingOrigin.DETECTOR)]))
    return Scene(image(spacing, height=draw(st.integers(1, 2000))), schema, tuple(items))


@settings(max_examples=150, deadline=None)
@given(odd_scenes())
def test_odd_scenes_end_in_values_or_reasons(scene: Scene) -> None:
    for result in measure(scene):
        if isinstance(result, Measurement):
            assert np.isfinite(result.value)
            if result.low is not None and result.high is not None:
                assert result.low <= result.value <= result.high
        else:
            assert result.reason


@pytest.mark.parametrize("name", schema_names())
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 999), data=st.data())
def test_sound_scenes_made_odd(name: str, seed: int, data: st.DataObject) -> None:
    schema = load_schema(name)
    if not (schema.landmarks or schema.levels):
        assert measure(Scene(image(), schema)) == ()
        return
    scene = any_scene(schema, seed)
    items = list(scene.instances)
    for _ in range(data.draw(st.integers(1, 6))):
        i = data.draw(st.integers(0, len(items) - 1))
        marks = items[i].landmarks
        assert marks is not None
        xy = marks.xy.copy()
        xy[data.draw(st.integers(0, len(xy) - 1))] = data.draw(coordinates), data.draw(coordinates)
        items[i] = replace(items[i], landmarks=landmarks(marks.names, xy))
    if data.draw(st.booleans()):
        items.append(items[0])
    for result in measure(replace(scene, instances=tuple(items))):
        assert np.isfinite(result.value) if isinstance(result, Measurement) else result.reason
