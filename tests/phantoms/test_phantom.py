from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.image import ImageRef
from spinekit.core.outline import ring_area
from spinekit.core.schema import LandmarkDefinition
from spinekit.phantoms import spine_ap, to_scene
from spinekit.schemas import load_schema

FILM = spine_ap(1, height=300, cobb_deg=30.0)
REF = ImageRef(Path("film.png"), FILM.height, FILM.width)


def test_a_spine_becomes_seventeen_named_bodies_with_exact_corners() -> None:
    scene = to_scene(FILM, REF, load_schema("spine-ap"))
    assert [item.label for item in scene.instances] == list(FILM.labels)
    assert np.array_equal(np.asarray(scene.point("L3.BR")), FILM.point("L3", "BR"))
    for item, corners in zip(scene.instances, FILM.points, strict=True):
        left, top, right, bottom = item.box
        assert left == corners[:, 0].min()
        assert bottom == corners[:, 1].max()
        assert right - left > bottom - top > 0
        assert item.outline is not None
        (ring,) = item.outline.rings
        assert ring_area(ring) > 0  # clockwise on the screen: no crossed polygon
        assert ring_area(ring) == pytest.approx((right - left) * (bottom - top), rel=0.45)


def test_a_point_that_the_phantom_lacks_is_absent() -> None:
    schema = load_schema("spine-ap")
    wider = replace(schema, landmarks=(*schema.landmarks, LandmarkDefinition("pedicle", "none here")))
    item = to_scene(FILM, REF, wider).instances[0]
    assert item.landmarks is not None
    assert np.isnan(item.landmarks.xy[-1]).all()
    assert not np.isnan(item.landmarks.xy[:-1]).any()


def test_an_unknown_level_or_point_is_an_error() -> None:
    with pytest.raises(ValueError, match="tuple"):
        FILM.point("C7", "TL")
