"""Shoulders and pelvis of a frontal film: tilt against the film's horizontal, + where the image's right is lower."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.image import ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.measurement import Measurement, NotMeasured
from spinekit.core.scene import Instance, Scene
from spinekit.measures import measure
from spinekit.schemas import load_schema

SCHEMA = load_schema("spine-ap-trunk")
ABSENT = (np.nan, np.nan)
NAMES = ["shoulder_tilt", "pelvic_obliquity"]


def trunk(shoulders: float, pelvis: float) -> Scene:
    """A film whose shoulder and pelvic lines are 300 px wide and drop by so many px to the image's right."""
    ends = {"shoulders": (40.0, shoulders), "pelvis": (1100.0, pelvis)}
    items = tuple(
        Instance(
            name,
            (100, y - 60, 500, y + 60),
            landmarks=landmarks(
                SCHEMA.landmark_names, np.array([(150.0, y), (450.0, y + drop), ABSENT, ABSENT])
            ),
        )
        for name, (y, drop) in ends.items()
    )
    return Scene(ImageRef(Path("film.png"), 1400, 600, hints={"view": "AP"}), SCHEMA, items)


@given(st.floats(-60, 60), st.floats(-60, 60))
def test_a_line_that_drops_to_the_right_is_positive(shoulders: float, pelvis: float) -> None:
    found = measure(trunk(shoulders, pelvis), NAMES)
    for result, drop in zip(found, (shoulders, pelvis), strict=True):
        assert isinstance(result, Measurement)
        assert result.value == pytest.approx(np.degrees(np.arctan2(drop, 300)), abs=1e-9)


def test_what_was_not_marked_is_named() -> None:
    scene = trunk(10, 10)
    alone = Scene(scene.image, SCHEMA, scene.instances[:1])
    shoulder, pelvis = measure(alone, NAMES)
    assert isinstance(shoulder, Measurement)
    assert isinstance(pelvis, NotMeasured)
    assert "pelvis" in pelvis.reason
