"""Measuring scenes: golden values, refusals with their reason, calibration, intervals, drawings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinekit.core.errors import UsageError
from spinekit.core.measurement import Measurement, NotMeasured, Result, Status
from spinekit.core.scene import Scene
from spinekit.core.schema import MeasurementFormula
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.measures import check_measurements, measure, measurement_names
from spinekit.schemas import load_schema, schema_names
from tests.measures.scenes import (
    CEPH,
    LOWER,
    ORBIT,
    STRAIGHT,
    UPPER,
    head,
    image,
    mirrored,
    moved,
    spine,
    spine_corners,
    turned,
    without,
)

CEPH_GOLDEN = {
    "sna": 75.662,
    "snb": 73.563,
    "anb": 2.099,
    "fma": 26.081,
    "facial_angle": 83.678,
    "y_axis": 66.249,
    "jarabak_ratio": 71.256,
    "bjork_sum": 394.172,
    "convexity": 0.153,
}
ORBIT_GOLDEN = {
    "orbit_width_right": 69.857,
    "orbit_width_left": 75.392,
    "iod": 65.031,
    "lod": 199.010,
    "orbit_asymmetry": -7.622,
    "iod_lod_ratio": 0.3268,
}


def values(results: tuple[Result, ...]) -> dict[str, float]:
    return {r.name: r.value for r in results if isinstance(r, Measurement)}


def one(scene: Scene, name: str) -> Result:
    return next(result for result in measure(scene) if result.name == name)


def measured(scene: Scene, name: str) -> Measurement:
    result = one(scene, name)
    assert isinstance(result, Measurement), result
    return result


def refusal(scene: Scene, name: str) -> str:
    result = one(scene, name)
    assert isinstance(result, NotMeasured), result
    return result.reason


@pytest.mark.parametrize("name", schema_names())
def test_measurements_of_every_schema_are_right(name: str) -> None:
    schema = load_schema(name)
    check_measurements(schema)
    names = measurement_names(schema)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("schema", ["ceph-19", "ceph-27"])
@pytest.mark.parametrize("film", ["plain", "mirrored", "rotated 7", "rotated -7", "mirrored, rotated 7"])
def test_golden_head(schema: str, film: str) -> None:
    scene = head(CEPH, schema)
    if "mirrored" in film:
        scene = mirrored(scene)
    if "rotated" in film:
        scene = moved(scene, turned(float(film.rsplit(maxsplit=1)[-1])))
    found = values(measure(scene))
    assert {name: found[name] for name in CEPH_GOLDEN} == pytest.approx(CEPH_GOLDEN, abs=6e-4)


def test_golden_orbit() -> None:
    found = values(measure(head(ORBIT, "orbit-4")))
    assert {name: found[name] for name in ORBIT_GOLDEN} == pytest.approx(ORBIT_GOLDEN, abs=6e-4)
    assert found["head_tilt"] == pytest.approx(np.degrees(np.arctan2(2, 199)))
    assert {measured(head(ORBIT, "orbit-4"), name).unit for name in ("iod", "lod")} == {"px"}
    assert measured(head(ORBIT, "orbit-4"), "orbit_asymmetry").unit == "%"


def test_mirror_swaps_the_orbits() -> None:
    plain, turned_over = (
        values(measure(head(ORBIT, "orbit-4"))),
        values(measure(mirrored(head(ORBIT, "orbit-4")))),
    )
    assert turned_over["orbit_width_left"] == pytest.approx(plain["orbit_width_right"])
    assert turned_over["medial_depth_left"] == pytest.approx(plain["medial_depth_right"])
    assert turned_over["orbit_asymmetry"] == pytest.approx(-plain["orbit_asymmetry"])


def test_head_upside_down_keeps_its_signs() -> None:
    plain = measure(head(CEPH, "ceph-19"))
    assert values(measure(moved(head(CEPH, "ceph-19"), turned(180), (600, 600)))) == pytest.approx(
        values(plain)
    )


def test_golden_spine_in_a_scene() -> None:
    corners = spine_corners(UPPER)
    height = round(float(corners[..., 1].max()) + 60)
    scene = spine(corners, ref=image(height=height))
    found = values(measure(scene))
    names = ["cobb_aasce_main", "cobb_aasce_second", "cobb_aasce_third"]
    assert [found[name] for name in names] == pytest.approx([24, 12, 12])
    main = measured(scene, "cobb_aasce_main")
    assert main.unit == "deg"
    assert main.status is Status.OK
    assert (main.details["upper end"], main.details["lower end"]) == ("T6", "L1")
    assert main.details["benchmark name"] == "MT"
    assert set(main.geometry.lines) == {"T6 mid-line", "L1 mid-line"}
    curve = measured(scene, "cobb_endplate_1")
    assert curve.value == pytest.approx(24)
    assert curve.details["apex"] == "disc T9/T10"
    assert curve.details["side"] == "image left"
    assert curve.details["region"] == "MT"
    assert curve.geometry.lines["T6 superior endplate"] == (tuple(corners[5, 0]), tuple(corners[5, 1]))
    assert curve.geometry.lines["L1 inferior endplate"] == (tuple(corners[12, 2]), tuple(corners[12, 3]))
    assert curve.geometry.anchor is not None


@pytest.mark.parametrize(
    ("tilts", "region"),
    [
        ((0, 4, 8, 10, 8, 4, 0, -4, -6, -6, -6, -6, -6, -6, -6, -6, -6), "PT"),
        ((0, 0, 0, 0, 0, 0, 0, 4, 8, 12, 12, 4, -4, -8, -8, -8, -8), "TL"),
        ((0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 8, 0, -4, -8), "L"),
    ],
)
def test_region_by_the_apex(tilts: tuple[int, ...], region: str) -> None:
    corners = spine_corners(tilts)
    regions = [
        r.details["region"]
        for r in measure(spine(corners), only=["cobb_endplate"])
        if isinstance(r, Measurement)
    ]
    assert region in regions


def test_no_region_without_levels() -> None:
    scene = spine(spine_corners(UPPER), levels=False)
    curve = measured(scene, "cobb_endplate_1")
    assert curve.details["region"] == "middle curve"
    assert curve.details["upper end"] == "body 6"
    assert "benchmark name" not in measured(scene, "cobb_aasce_main").details
    assert curve.status is Status.OK


def test_order_comes_from_levels_and_otherwise_from_height() -> None:
    for levels in (True, False):
        scene = spine(spine_corners(LOWER), levels=levels)
        shuffled = replace(
            scene, instances=tuple(scene.instances[i] for i in np.random.default_rng(3).permutation(17))
        )
        assert values(measure(shuffled)) == values(measure(scene))


def test_missing_levels_are_named_for_review() -> None:
    scene = spine(spine_corners(UPPER))
    scene = replace(scene, instances=scene.instances[2:])
    result = measured(scene, "cobb_aasce_main")
    assert result.status is Status.REVIEW
    assert result.reason == "not found: T1, T2"
    unnamed = spine(spine_corners(UPPER)[:15], levels=False)
    assert "15 bodies found where 17 are expected" in measured(unnamed, "cobb_endplate_1").reason


def test_refused_spines() -> None:
    scene = spine(spine_corners(UPPER))
    few = replace(scene, instances=scene.instances[:4])
    assert "4 bodies with four corners, 5 are needed: not found: T5," in refusal(few, "cobb_aasce_main")
    single = replace(scene, instances=scene.instances[:1])
    assert "1 bodies" in refusal(single, "cobb_endplate_1")
    nothing = replace(scene, instances=())
    assert "0 bodies" in refusal(nothing, "cobb_aasce_third")
    doubled = replace(scene, instances=(*scene.instances, scene.instances[12]))
    assert refusal(doubled, "cobb_aasce_main") == "L1 was found more than once"
    bare = replace(scene, instances=tuple(replace(item, landmarks=None) for item in scene.instances))
    assert refusal(bare, "cobb_endplate_1") == "the bodies have no corners"
    straight = spine(spine_corners(STRAIGHT))
    assert refusal(straight, "cobb_endplate_1") == "no curve reaches 7 degrees"
    assert measured(straight, "cobb_aasce_main").value == 0


def test_bodies_that_cannot_be_measured_are_left_out_and_named() -> None:
    corners = spine_corners(UPPER)
    corners[3, 1] = corners[3, 0]
    corners[4, 2] = np.nan
    scene = spine(corners)
    items = list(scene.instances)
    items[9] = replace(items[9], flags=("inferred: hidden by the heart",))
    result = measured(replace(scene, instances=tuple(items)), "cobb_aasce_main")
    assert result.status is Status.REVIEW
    assert "T4 has TL and TR on one spot" in result.reason
    assert "T5 lacks BL" in result.reason
    assert "T10 was inferred" in result.reason


def test_doubt_on_an_end_vertebra_reaches_the_result() -> None:
    scene = spine(spine_corners(UPPER))
    items = list(scene.instances)
    items[5] = replace(items[5], flags=("overlaps T7",))
    result = measured(replace(scene, instances=tuple(items)), "cobb_endplate_1")
    assert result.status is Status.REVIEW
    assert result.reason == "T6: overlaps T7"


def test_swapped_corners_and_order_are_noticed() -> None:
    corners = spine_corners(UPPER)
    corners[7] = corners[7, [2, 3, 0, 1]]
    assert "corners seem swapped in T8" in measured(spine(corners), "cobb_aasce_main").reason
    upside_down = spine(spine_corners(UPPER)[::-1])
    assert "out of order: T2 above T1" in measured(upside_down, "cobb_aasce_main").reason


def test_refused_heads() -> None:
    scene = head(CEPH, "ceph-19")
    assert refusal(without(scene, "A"), "sna") == "A is absent"
    doubled = replace(scene, instances=scene.instances * 2)
    assert "2 instances" in refusal(doubled, "sna")
    assert refusal(replace(scene, instances=()), "sna") == "nothing was found in the image"
    assert "coincide" in refusal(head(CEPH | {"A": CEPH["N"]}, "ceph-19"), "sna")
    assert "A lies outside of any image" in refusal(head(CEPH | {"A": (np.inf, 0)}, "ceph-19"), "sna")
    bare = replace(scene, instances=(replace(scene.instances[0], landmarks=None),))
    assert "no landmarks" in refusal(bare, "anb")


def test_signs_need_a_front() -> None:
    names = {"A": CEPH["A"], "N": CEPH["N"], "Pog": CEPH["Pog"]}
    scene = head(names, "ceph-19")
    assert "the way the face looks is unknown" in refusal(scene, "convexity")
    assert measured(head(names | {"S": CEPH["S"]}, "ceph-19"), "convexity").value == pytest.approx(
        0.153, abs=6e-4
    )


@pytest.mark.parametrize(
    ("origin", "status"), [(SpacingOrigin.DETECTOR, Status.REVIEW), (SpacingOrigin.FIDUCIAL, Status.OK)]
)
def test_lengths_carry_their_calibration(origin: SpacingOrigin, status: Status) -> None:
    scene = head(ORBIT, "orbit-4", ref=image(Spacing(0.5, 0.5, origin)))
    width, ratio = measured(scene, "orbit_width_right"), measured(scene, "iod_lod_ratio")
    assert (width.unit, width.spacing_origin, width.status) == ("mm", origin, status)
    assert width.value == pytest.approx(69.857 / 2, abs=6e-4)
    assert ("detector plane" in width.reason) == (status is Status.REVIEW)
    assert (ratio.unit, ratio.spacing_origin, ratio.status) == ("", None, Status.OK)
    assert width.geometry.lines["P1-P2"] == ((168, 112), (232, 84))


def test_geometry_is_in_pixels_of_the_film_as_it_is() -> None:
    scene = mirrored(head(CEPH, "ceph-19", ref=image(Spacing(0.2, 0.1, SpacingOrigin.STATED))))
    assert scene.instances[0].landmarks is not None
    marks = scene.instances[0].landmarks
    results = [result for result in measure(scene) if isinstance(result, Measurement)]
    assert len(results) > 15
    for result in results:
        for name in result.landmarks_used:
            assert result.geometry.points[name] == pytest.approx(tuple(marks.xy[marks.index(name)]))
        assert result.geometry.lines
        assert result.geometry.anchor is not None


def test_flags_of_an_instance_ask_for_review() -> None:
    scene = head(CEPH, "ceph-19")
    doubted = replace(scene, instances=(replace(scene.instances[0], flags=("low contrast",)),))
    assert measured(doubted, "sna").reason == "skull: low contrast"


def test_intervals() -> None:
    assert measured(head(ORBIT, "orbit-4"), "iod").low is None
    partly = head(ORBIT, "orbit-4", spread=2.0)
    assert partly.instances[0].landmarks is not None
    marks = partly.instances[0].landmarks
    assert marks.spread is not None
    marks.spread[0] = np.nan
    assert measured(partly, "orbit_width_right").low is None
    found = measured(partly, "iod")
    assert found.low is not None
    assert found.high is not None
    # P2 and P3 lie on a row: the width's deviation is sqrt(2) times that of a point.
    assert found.high - found.low == pytest.approx(2 * 1.96 * 2 * 2**0.5, rel=0.1)
    assert found == measured(partly, "iod")


@pytest.mark.parametrize("spread", [0.0, 0.5, 3.0])
def test_intervals_hold_the_value_and_grow(spread: float) -> None:
    scenes = [spine(spine_corners(LOWER), spread=s) for s in (spread, spread + 1)]
    scenes += [head(CEPH, "ceph-19", spread=s) for s in (spread, spread + 1)]
    for less, more in (scenes[:2], scenes[2:]):
        for small, large in zip(measure(less), measure(more), strict=True):
            if isinstance(small, NotMeasured):
                assert large == small
                continue
            assert isinstance(large, Measurement)
            assert small.low is not None and small.high is not None  # noqa: PT018
            assert large.low is not None and large.high is not None  # noqa: PT018
            assert small.low <= small.value <= small.high
            assert large.high - large.low > small.high - small.low


def test_an_interval_round_ten_degrees_asks_for_review() -> None:
    tilts = [t * 0.45 for t in UPPER]
    result = measured(spine(spine_corners(tilts), spread=1.0), "cobb_endplate_1")
    assert result.value == pytest.approx(10.8)
    assert result.details["extent"] == "scoliosis range"
    assert result.reason == "the interval holds 10 degrees"


def test_interval_covers_the_truth() -> None:
    random = np.random.default_rng(5)
    truth = spine_corners(LOWER)
    hits = 0
    for _ in range(60):
        noisy = spine(truth + random.normal(scale=1.0, size=truth.shape), spread=1.0)
        (result,) = measure(noisy, only=["cobb_endplate_1"])
        assert isinstance(result, Measurement)
        assert result.low is not None and result.high is not None  # noqa: PT018
        hits += result.low <= 30 <= result.high
    assert hits >= 51


def test_only_what_was_asked_for() -> None:
    scene = spine(spine_corners(LOWER))
    assert [r.name for r in measure(scene, only=["cobb_aasce_third"])] == ["cobb_aasce_third"]
    assert [r.name for r in measure(scene, only=["cobb_endplate"])] == [
        f"cobb_endplate_{i}" for i in (1, 2, 3)
    ]
    assert [r.name for r in measure(head(CEPH, "ceph-19"), only=["anb", "sna"])] == ["sna", "anb"]
    assert measure(scene, only=[]) == ()
    with pytest.raises(UsageError, match="no measurement 'snap' -- did you mean sna"):
        measure(head(CEPH, "ceph-19"), only=["snap"])
    with pytest.raises(UsageError, match="no measurement 'coob'"):
        measure(scene, only=["coob"])


def test_levels_in_formulas() -> None:
    line = MeasurementFormula("l1_width", "length", "distance(L1.TL, L1.TR)", "width of L1")
    schema = replace(load_schema("spine-ap"), measurements=(line,))
    scene = replace(spine(spine_corners(UPPER), spread=1.0), schema=schema)
    result = measured(scene, "l1_width")
    assert result.value == pytest.approx(60)
    assert result.landmarks_used == ("L1.TL", "L1.TR")
    assert result.low is not None
    assert refusal(replace(scene, instances=scene.instances[:5]), "l1_width") == "L1 was not found"
    doubled = replace(scene, instances=(*scene.instances, scene.instances[12]))
    assert "L1 was found 2 times" in refusal(doubled, "l1_width")


def test_wrong_measurements_of_a_schema() -> None:
    line = MeasurementFormula("snd", "deg", "angle(N; S, Dee)", "")
    wrong = replace(load_schema("ceph-19"), measurements=(line,))
    assert "column 13: 'Dee' is not a landmark" in refusal(head(CEPH, wrong), "snd")
    with pytest.raises(UsageError, match="schema ceph-19, measurement snd: line 1, column 13"):
        check_measurements(wrong)
    unknown = replace(load_schema("spine-ap"), code_measurements=("cob_aasce",))
    assert "did you mean cobb_aasce" in refusal(
        replace(spine(spine_corners(UPPER)), schema=unknown), "cob_aasce"
    )
    with pytest.raises(UsageError, match="no code measures 'cob_aasce'"):
        check_measurements(unknown)
