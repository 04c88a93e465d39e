"""Do 95 % intervals hold the truth in 95 of 100 noisy scenes? Every formula of every schema is enrolled by itself."""

from __future__ import annotations

import numpy as np
import pytest

from spinekit.core.image import FloatArray
from spinekit.core.measurement import Measurement
from spinekit.core.scene import Absent, Scene
from spinekit.measures import measure
from spinekit.measures.by_formula import Study, compiled
from spinekit.measures.cobb import AasceCase, cobb_aasce
from spinekit.measures.cobb_draws import aasce_of_draws
from spinekit.measures.functions import Kind
from spinekit.measures.interval import Draws, interval, quantiles
from spinekit.schemas import load_schema, schema_names
from tests.measures.scenes import (
    CEPH,
    LOWER,
    ORBIT,
    STRAIGHT,
    TRIPLE,
    UPPER,
    any_scene,
    head,
    spine,
    spine_corners,
)

# Shoulders and pelvis, of which the formulas of spine-ap-trunk speak, are not drawn on the phantom spine;
# tests/measures/test_trunk.py holds them to made points.
WITH_FORMULAS = [
    name for name in schema_names() if load_schema(name).measurements and name != "spine-ap-trunk"
]
ROUNDS = 300
SPREAD = 1.2  # px
# A face of plausible proportions with every point that a landmark set may name.
MORE = {
    "LI": (163, 172), "UI": (167, 170), "UL": (178, 168), "LL": (175, 180), "Sn": (178, 150), "Pog'": (172, 210),
    "PNS": (112, 148), "ANS": (170, 145), "Ba": (75, 152), "C": (88, 125), "EN pn": (195, 140), "Pt": (112, 120),
    "Se": (104, 98), "aii": (154, 195), "ais": (157, 150), "n_": (178, 90),
}  # fmt: skip


def truth(name: str) -> Scene:
    """A scene without noise on which a schema's formulas have a value."""
    schema = load_schema(name)
    if name.startswith("orbit"):
        return head(ORBIT, schema)
    if not schema.view.startswith("skull"):
        return any_scene(schema, 0)
    points = {point: xy for point, xy in (CEPH | MORE).items() if schema.resolve(point) is not None}
    # Larger, so that the noise is as small beside the face as it is on a film.
    return head({point: (3 * x, 3 * y) for point, (x, y) in points.items()}, schema)


@pytest.mark.parametrize("name", WITH_FORMULAS)
def test_intervals_of_formulas_hold_the_truth(name: str) -> None:
    """What `measure` does for one scene, for 300 noisy ones at once."""
    scene, random = truth(name), np.random.default_rng(11)
    study, shares = Study(scene), {}
    noise: dict[str, FloatArray] = {}
    for line in scene.schema.measurements:
        formula = compiled(scene.schema, line)
        points = {point: study.point(point) for point in formula.points}
        front = study.front()
        if formula.lacking or any(isinstance(xy, Absent) for xy in (front, *points.values())):
            continue
        assert isinstance(front, int)
        plane = study.plane(front)
        seen, drawn, true = {}, {}, {}
        for point, xy in points.items():
            assert not isinstance(xy, Absent)
            offset = noise.setdefault(point, random.normal(scale=SPREAD, size=(ROUNDS, 2)))
            cloud = Draws().around(point, np.zeros(2), np.full(2, SPREAD))
            true[point] = plane.to_plane(xy)
            seen[point] = plane.to_plane(xy + offset)
            drawn[point] = plane.to_plane((xy + offset)[:, None] + cloud[None])
        wanted, values = float(formula.evaluate(true)), formula.evaluate(seen)
        draws, turns = formula.evaluate(drawn), formula.kind is Kind.ANGLE
        held = [interval(float(value), row, turns) for value, row in zip(values, draws, strict=True)]
        shares[line.name] = np.mean([ends is not None and ends[0] <= wanted <= ends[1] for ends in held])
    # 300 rounds of a fair 95 % lie above 0.89 but for one measurement in a hundred thousand.
    assert {key: share for key, share in shares.items() if share < 0.89} == {}
    assert 0.93 <= float(np.mean(list(shares.values()))) <= 0.97


def spines() -> dict[str, FloatArray]:
    tilts: dict[str, FloatArray] = {
        "upper": np.array(UPPER, dtype=float),
        "lower": np.array(LOWER, dtype=float),
        "triple": np.array(TRIPLE, dtype=float),
        "mild": 0.45 * np.array(UPPER),
        "smooth": 12.5 * np.cos(np.linspace(0, 2 * np.pi, 17)),
        "bend": 22 * np.sin(np.linspace(-np.pi / 2, 1.2 * np.pi, 17)),
    }
    return {name: spine_corners(tilt.tolist()) for name, tilt in tilts.items()}


@pytest.mark.parametrize("spread", [1.0, 2.0])
def test_the_main_angle_is_held_although_noise_lifts_it(spread: float) -> None:
    random = np.random.default_rng(5)
    lifted, held, plain, rounds = [], 0, 0, 35
    for corners in spines().values():
        true = cobb_aasce(corners, 1200).angles[0]
        for _ in range(rounds):
            scene = spine(corners + random.normal(scale=spread, size=corners.shape), spread=spread)
            main = measure(scene, only=["cobb_aasce_main"])[0]
            assert isinstance(main, Measurement)
            assert main.low is not None
            assert main.high is not None
            assert main.low <= main.value <= main.high
            lifted.append(main.value - true)
            held += main.low <= true <= main.high
            plain += main.details.get("lifted by noise", "") != ""
    share = held / len(lifted)
    assert 0.91 <= share <= 0.985  # of 210 films; of 900 it was 0.949 and 0.942
    assert float(np.mean(lifted)) > 0.5  # the bias is there,
    assert plain > 0.8 * len(lifted)  # and the result says so


def test_noise_alone_makes_no_curve_of_a_straight_spine() -> None:
    random = np.random.default_rng(2)
    corners = spine_corners(STRAIGHT)
    from_zero = 0
    for _ in range(60):
        scene = spine(corners + random.normal(scale=1.5, size=corners.shape), spread=1.5)
        main = measure(scene, only=["cobb_aasce_main"])[0]
        assert isinstance(main, Measurement)
        from_zero += main.low == 0
    assert from_zero >= 54


@pytest.mark.parametrize("spread", [0.3, 2.0, 8.0])
def test_many_spines_at_once_are_each_as_by_itself(spread: float) -> None:
    random = np.random.default_rng(3)
    for corners in spines().values():
        drawn = corners + random.normal(scale=spread, size=(40, *corners.shape))
        height = float(corners[..., 1].max()) + 60
        angles, rules = aasce_of_draws(drawn, height)
        for one, found, rule in zip(drawn, angles, rules, strict=True):
            alone = cobb_aasce(one, height)
            assert found == pytest.approx(alone.angles, abs=1e-8)
            assert list(AasceCase)[int(rule)] is alone.case


def test_quantiles_are_those_of_numpy() -> None:
    values = np.random.default_rng(1).normal(size=501)
    assert quantiles(values) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))
    assert quantiles(np.array([3.0])) == (3.0, 3.0)
    assert quantiles(np.full(10, np.nan)) is None
    assert quantiles(np.where(np.arange(100) < 10, np.nan, 1.0)) is None


def test_an_interval_over_the_turn_of_the_circle() -> None:
    low_high = interval(179.0, np.array([178.0, 179.0, -180.0, -179.0] * 20), turns=True)
    assert low_high is not None
    assert 178 <= low_high[0] < low_high[1] <= 181


def test_as_many_draws_as_asked_for() -> None:
    xy, spread = np.array([5.0, 7.0]), np.array([1.0, 2.0])
    drawn = Draws(20_000).around("L1.TL", xy, spread)
    assert drawn.shape == (20_000, 2)
    assert drawn.mean(axis=0) == pytest.approx(xy, abs=0.05)
    assert drawn.std(axis=0) == pytest.approx(spread, rel=0.02)
    assert (Draws(20_000).around("L1.TL", xy, spread) == drawn).all()
    assert (Draws(20_000).around("L1.TR", xy, spread) != drawn).any()
    scene = head(ORBIT, "orbit-4", spread=1.0)
    widths = {}
    for draws in (0, 50, 500):
        width = measure(scene, only=["iod"], draws=draws)[0]
        assert isinstance(width, Measurement)
        widths[draws] = (width.low, width.high)
    assert widths[0] == (None, None)
    assert widths[50] != widths[500]
