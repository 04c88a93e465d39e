"""Frontal balance: by hand, in a mirror, from masks, and what is missing by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinekit.anatomy import with_corners
from spinekit.core.landmarks import landmarks
from spinekit.core.measurement import Measurement, NotMeasured, Status
from spinekit.core.outline import Outline, to_mask, to_outline
from spinekit.core.scene import Instance, Scene
from spinekit.measures import measure
from spinekit.schemas import load_schema
from tests.measures.scenes import CORNERS, LOWER, UPPER, image, mirrored, moved, spine, spine_corners, turned


def found(scene: Scene) -> dict[str, Measurement | NotMeasured]:
    return {result.name: result for result in measure(scene)}


def value(scene: Scene, name: str) -> float:
    result = found(scene)[name]
    assert isinstance(result, Measurement), result
    return result.value


def whole(tilts: tuple[int, ...]) -> Scene:
    """C7 to S1 as a set that reaches so far: 19 bodies, of which the last gives its upper endplate."""
    schema = load_schema("vertebrae")
    corners = spine_corners((0, *tilts, 0))
    items = []
    for level, body in zip(("C7", *load_schema("spine-ap").levels, "S1"), corners, strict=True):
        xy = body.copy()
        if level == "S1":
            xy[2:] = np.nan
        items.append(Instance(level, (0, 0, 1, 1), landmarks=landmarks(CORNERS, xy)))
    return Scene(replace(image(), hints={"view": "PA"}), schema, tuple(items))


def test_balance_by_hand() -> None:
    scene = whole(UPPER)
    corners = spine_corners((0, *UPPER, 0))
    assert value(scene, "coronal_balance") == pytest.approx(
        corners[0].mean(axis=0)[0] - corners[-1, :2].mean(axis=0)[0]
    )
    assert value(scene, "t1_l5_shift") == pytest.approx(
        corners[1].mean(axis=0)[0] - corners[17, 2:].mean(axis=0)[0]
    )
    assert value(scene, "t1_tilt") == pytest.approx(0)
    leaning = moved(scene, turned(3.0))
    assert value(leaning, "t1_tilt") == pytest.approx(3.0)
    assert value(leaning, "l5_tilt") == pytest.approx(3.0)


def test_apical_translation_is_that_of_the_apex_of_each_curve() -> None:
    corners = spine_corners(UPPER)
    results = found(spine(corners))
    first = results["apical_translation_1"]
    assert isinstance(first, Measurement)
    assert first.details["apex"] == "disc T9/T10"
    apex = (corners[8].mean(axis=0) + corners[9].mean(axis=0)) / 2
    assert first.value == pytest.approx(apex[0] - corners[16, 2:].mean(axis=0)[0])
    assert first.unit == "px"
    assert first.reason == "from the middle of L5: no S1 is seen"
    assert "apical_translation_3" in results


def test_a_mirror_turns_every_sign() -> None:
    scene = whole(LOWER)
    over = mirrored(scene)
    for name, result in found(scene).items():
        if name.startswith(("coronal", "t1_l5", "t1_tilt", "l5", "apical")):
            assert isinstance(result, Measurement), result
            assert value(over, name) == pytest.approx(-result.value, abs=1e-6)


def test_what_is_missing_is_named() -> None:
    balance = found(spine(spine_corners(UPPER)))["coronal_balance"]
    assert balance == NotMeasured("coronal_balance", "C7 was not found; S1 was not found")
    straight = found(spine(spine_corners((0,) * 17)))["apical_translation_1"]
    assert straight == NotMeasured("apical_translation_1", "there is no curve")
    nameless = found(spine(spine_corners(UPPER), levels=False))["t1_tilt"]
    assert nameless == NotMeasured("t1_tilt", "the levels are not known")


def test_intervals_come_from_the_spread() -> None:
    result = found(spine(spine_corners(UPPER), spread=1.0))["t1_l5_shift"]
    assert isinstance(result, Measurement)
    assert result.low is not None
    assert result.high is not None
    # The centre of four corners against the middle of two, each 1 px: 2 * 1.96 * sqrt(1/4 + 1/2) wide.
    assert result.high - result.low == pytest.approx(3.92 * np.sqrt(0.75), rel=0.15)


def test_frontal_masks_are_measured_by_their_endplates() -> None:
    corners = spine_corners(UPPER)
    schema = load_schema("spine-ap-levels")
    items = tuple(
        Instance(level, (0, 0, 1, 1), outline=to_outline(to_mask(Outline((body[[0, 1, 3, 2]],)), 1100, 600)))
        for level, body in zip(schema.levels, corners, strict=True)
    )
    scene = with_corners(Scene(image(), schema, items))
    for name, truth in (("cobb_endplate_1", 24.0), ("cobb_aasce_main", 24.0), ("cobb_aasce_second", 12.0)):
        result = found(scene)[name]
        assert isinstance(result, Measurement)
        assert result.value == pytest.approx(truth, abs=0.8)
        assert result.status is Status.OK


def test_a_lateral_image_has_no_cobb_angle() -> None:
    scene = whole(UPPER)
    side = replace(scene, image=replace(scene.image, hints={"view": "LATERAL"}))
    assert found(side)["cobb_aasce_main"] == NotMeasured("cobb_aasce_main", "this is a lateral image")
    unknown = replace(scene, image=replace(scene.image, hints={}))
    refused = found(unknown)["cobb_aasce_main"]
    assert isinstance(refused, NotMeasured)
    assert "neither frontal nor lateral" in refused.reason
