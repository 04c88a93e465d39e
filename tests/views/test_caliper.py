from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from spinekit.core.measurement import Measurement, MeasurementGeometry, NotMeasured, Result, Status
from spinekit.core.scene import Scene
from spinekit.views.caliper import MAX_VALUES, Caliper, calipers
from spinekit.views.style import Rank
from tests.views.scenes import cobb, film, pointed, stack

Line = tuple[tuple[float, float], tuple[float, float]]


def length(name: str, *lines: Line, value: float = 10.0, unit: str = "px") -> Measurement:
    geometry = MeasurementGeometry(lines={f"line {k}": line for k, line in enumerate(lines)})
    return Measurement(name, value, unit, "", geometry=geometry)


def skull() -> Scene:
    return pointed(film(900, 900), ("S", "N"), np.array([[100.0, 100.0], [400.0, 120.0]]))


def by_name(drawn: list[Caliper]) -> dict[str, Caliper]:
    return {caliper.name: caliper for caliper in drawn}


def test_ranks_follow_method_and_order() -> None:
    scene = stack(film(2400, 900))
    results: list[Result] = [
        cobb(scene, "T10", "L2", "cobb_endplate_1"),
        cobb(scene, "L1", "L5", "cobb_aasce_second"),
        NotMeasured("cobb_aasce_third", "too few bodies"),
        cobb(scene, "T10", "L4", "cobb_aasce_main"),
    ]
    drawn = calipers(scene, results)
    assert [(caliper.name, caliper.rank) for caliper in drawn] == [
        ("cobb_aasce_main", Rank.MAIN),
        ("cobb_aasce_second", Rank.MINOR),
        ("cobb_endplate_1", Rank.OTHER),
    ]
    assert [caliper.label for caliper in drawn] == ["Cobb 41.1°", "41.1°", "endplate 41.1°"]


def test_the_same_curve_by_another_method_stands_below() -> None:
    scene = stack(film(2400, 900))
    other = replace(cobb(scene, "T10", "L4", "cobb_endplate_1"), value=44.44)
    main, second = calipers(scene, [cobb(scene, "T10", "L4"), other])
    assert main.below == (("38.0° to 44.3°", Rank.MAIN), ("endplate 44.4°", Rank.OTHER))
    assert second.label == ""
    assert len(second.segments) == 2


def test_without_a_main_angle_the_largest_leads() -> None:
    scene = stack(film(2400, 900))
    small = replace(cobb(scene, "T10", "L1", "cobb_endplate_1"), value=12.0)
    large = replace(cobb(scene, "L1", "L5", "cobb_endplate_2"), value=33.0)
    assert calipers(scene, [small, large])[0].name == "cobb_endplate_2"


def test_what_is_measured_at_every_body_is_drawn_only_where_asked_for() -> None:
    scene = stack(film(2400, 900))
    curve = replace(cobb(scene, "L1", "L5", "lumbar_lordosis_l1_l5"), value=52.0)
    each = [length(f"body_depth_l{k}", ((10, 10 * k), (90, 10 * k))) for k in range(1, 6)]
    between = [length(f"{kind}_x_l1_l2", ((5, 5), (9, 9))) for kind in ("disc", "neighbour", "degeneration")]
    assert [caliper.name for caliper in calipers(scene, [*each, curve, *between])] == [curve.name]
    assert [caliper.name for caliper in calipers(scene, [*each, curve], ("body_depth_l2",))] == [
        "body_depth_l2"
    ]


def test_values_along_a_spine_say_what_they_are() -> None:
    scene = stack(film(2400, 900))
    lordosis = replace(cobb(scene, "L1", "L5", "lumbar_lordosis_l1_l5"), value=52.0)
    slope = length("t1_slope", ((10, 10), (90, 20)), value=9.6, unit="deg")
    shift = length("coronal_balance", ((1, 1), (50, 1)), unit="mm")
    assert [caliper.label for caliper in calipers(scene, [slope, shift, lordosis])] == [
        "lumbar lordosis L1-L5 52.0°",
        "T1 slope 9.6°",
        "coronal balance 10.0 mm",
    ]


def test_main_lines_go_on_straight_beyond_the_bodies() -> None:
    scene = stack(film(2400, 900))
    result = cobb(scene, "T10", "L4")
    (drawn,) = calipers(scene, [result])
    for (start, end), line in zip(drawn.segments, result.geometry.lines.values(), strict=True):
        original = np.array(line)
        along = original[1] - original[0]
        assert np.linalg.norm(end - start) > 3 * np.linalg.norm(along)
        cross = along[0] * (end - start)[1] - along[1] * (end - start)[0]
        assert cross == pytest.approx(0, abs=1e-6)
        assert (start + end) / 2 == pytest.approx(original.mean(axis=0))


def test_values_stand_at_lengths_while_they_are_few() -> None:
    few = calipers(
        skull(), [length("width", ((1, 1), (50, 1))), length("span", ((1, 9), (90, 9)), unit="mm")]
    )
    assert [caliper.label for caliper in few] == ["10.0 px", "10.0 mm"]
    assert {caliper.rank for caliper in few} == {Rank.CALIPER}
    many = calipers(skull(), [length(f"m{k}", ((1, k), (50, k))) for k in range(MAX_VALUES + 1)])
    assert {caliper.label for caliper in many} == {""}
    assert {caliper.rank for caliper in many} == {Rank.PLANE}


def test_angles_and_offsets_do_not_count_as_distances() -> None:
    offsets = [length(f"m{k}", ((1, k), (50, k)), ((1, k), (1, 70 + k))) for k in range(MAX_VALUES + 1)]
    drawn = by_name(calipers(skull(), [length("width", ((1, 200), (50, 200))), *offsets]))
    assert drawn["width"].label == "10.0 px"
    assert drawn["m3"].label == ""


def test_a_line_of_several_measurements_is_drawn_once() -> None:
    line, back = ((100.0, 100.0), (400.0, 120.0)), ((400.0, 120.0), (100.0, 100.0))
    other = ((100.0, 100.0), (300.0, 500.0))
    drawn = calipers(
        skull(),
        [
            length("SNA", line, other, unit="deg"),
            length("SN-MP", back, unit="deg"),
            length("SNB", line, unit="deg"),
        ],
    )
    assert sum(len(caliper.segments) for caliper in drawn) == 2


@pytest.mark.parametrize(
    "result",
    [
        NotMeasured("refused", "no landmark"),
        length("no length", ((3.0, 3.0), (3.0, 3.0))),
        length("nowhere", ((float("nan"), 3.0), (4.0, 5.0))),
        length("no value", ((1.0, 3.0), (4.0, 5.0)), value=float("nan")),
        Measurement("no geometry", 3.0, "%", ""),
    ],
)
def test_what_cannot_be_drawn_is_not(result: Measurement | NotMeasured) -> None:
    assert calipers(skull(), [result]) == []


def test_only_those_asked_for_are_drawn() -> None:
    results = [length("a", ((1, 1), (5, 1))), length("b", ((1, 2), (5, 2)))]
    assert list(by_name(calipers(skull(), results, ("b",)))) == ["b"]


def test_a_value_to_review_says_so() -> None:
    scene = stack(film(2400, 900))
    (drawn,) = calipers(scene, [cobb(scene, "T10", "L4", status=Status.REVIEW)])
    assert drawn.label == "Cobb 41.1° ?"
    assert drawn.doubtful


def test_an_anchor_out_of_reach_is_replaced() -> None:
    result = length("a", ((0.0, 0.0), (10.0, 0.0)))
    lost = replace(result, geometry=replace(result.geometry, anchor=(float("nan"), 1.0)))
    assert calipers(skull(), [lost])[0].anchor.tolist() == [5.0, 0.0]
