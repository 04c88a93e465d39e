"""The drawing over a film: where it lies, what it marks, and that its text stays text."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest

from spinekit.core.landmarks import Landmarks, Visibility, landmarks
from spinekit.core.measurement import Status
from spinekit.core.norm import Comparison, Norm, NormBand, NormKind, Verdict
from spinekit.core.scene import Raster, Scene
from spinekit.views.film_layers import ELLIPSE, film_layers
from spinekit.views.norm_bar import Usual, norm_bar, usual_of
from tests.views.scenes import MEMBRANE, cobb, film, pointed, stack

NAMES = ("A", "B", "C")
XY = np.array([[10.0, 20.0], [30.0, 40.0], [50.0, 25.0]])


def drawing(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def group(svg: str, name: str) -> ET.Element | None:
    return next((item for item in drawing(svg).iter("g") if item.get("class") == name), None)


def test_the_centre_of_the_first_pixel_is_half_a_pixel_from_the_corner() -> None:
    scene = pointed(film(60, 80), NAMES, np.array([[0.0, 0.0], [9.25, 3.5], [79.0, 59.0]]))
    layers = film_layers(scene, ())
    marks = group(layers.svg, "landmarks")
    assert marks is not None
    assert marks[-1].get("d") == "M0.5 0.5h0M9.75 4h0M79.5 59.5h0"
    assert drawing(layers.svg).get("viewBox") == "0 0 80 60"


def test_an_ellipse_holds_95_percent() -> None:
    """The share of a two-dimensional normal within k standard deviations is 1 - exp(-k^2 / 2)."""
    assert 1 - math.exp(-(ELLIPSE**2) / 2) == pytest.approx(0.95)
    scene = pointed(film(60, 80), NAMES, XY)
    (item,) = scene.instances
    spread = np.array([[2.0, 1.0], [np.nan, np.nan], [0.5, 3.0]])
    points = landmarks(NAMES, XY, None, spread)
    layers = film_layers(replace(scene, instances=(replace(item, landmarks=points),)), ())
    found = group(layers.svg, "ellipses")
    assert found is not None
    rounds = [[float(e.get(key, "")) for key in ("cx", "cy", "rx", "ry")] for e in found.iter("ellipse")]
    assert rounds[0] == pytest.approx([10.5, 20.5, 2 * ELLIPSE, ELLIPSE], abs=0.01)
    assert len(rounds) == 2  # a spread that is not known is not drawn


def test_only_layers_that_hold_something_are_switched() -> None:
    assert film_layers(pointed(film(60, 80), NAMES, XY), ()).layers == ("landmarks", "names")
    scene = stack(film(900, 500), outlines=True)
    assert film_layers(scene, (cobb(stack(film(900, 500)), "T10", "L4"),)).layers == (
        "masks",
        "lines",
        "names",
    )


def test_what_is_in_doubt_is_dashed_and_asks_in_its_name() -> None:
    scene = stack(film(900, 500), flags={"L2": ("inferred",)}, outlines=True)
    layers = film_layers(scene, ())
    bodies = group(layers.svg, "masks")
    names = group(layers.svg, "names")
    assert bodies is not None
    assert names is not None
    assert [path.get("class", "") for path in bodies].count("body dashed") == 1
    assert [text.text for text in names.iter("text")].count("L2 ?") == 1


def test_a_hidden_point_is_a_ring_and_an_absent_one_is_nothing() -> None:
    scene = pointed(film(60, 80), NAMES, XY)
    visibility = np.array([Visibility.VISIBLE, Visibility.OCCLUDED, Visibility.ABSENT], dtype=np.int8)
    xy = np.where((visibility == Visibility.ABSENT)[:, None], np.nan, XY)
    (item,) = scene.instances
    points = Landmarks(NAMES, xy, visibility)
    svg = film_layers(replace(scene, instances=(replace(item, landmarks=points),)), ()).svg
    assert svg.count("hollow") == 1
    assert "nan" not in svg
    assert ">C<" not in svg


def test_a_semantic_answer_is_a_picture_whose_ground_is_clear() -> None:
    image = film(12, 16)
    labels = np.zeros((12, 16), dtype=np.uint8)
    labels[:, :4] = 1
    layers = film_layers(Scene(image.ref, MEMBRANE, raster=Raster(labels)), ())
    assert layers.layers == ("masks",)
    address = re.search(r'href="data:image/png;base64,([^"]+)"', layers.svg)
    assert address
    import base64
    import io

    from PIL import Image

    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(address[1]))).convert("RGBA"))
    assert picture.shape == (12, 16, 4)
    assert ((picture[..., 3] > 0) == (labels == 1)).all()


def test_every_measurement_can_be_lit_up_by_its_row() -> None:
    scene = stack(film(900, 500))
    results = (cobb(scene, "T10", "L4"), cobb(scene, "L1", "L5", "cobb_aasce_second", Status.REVIEW))
    lit = group(film_layers(scene, results).svg, "lit")
    assert lit is not None
    assert [item.get("class") for item in lit] == ["m0", "m1"]


@pytest.mark.parametrize("words", ["<script>alert(1)</script>", '"><a href="x', "&amp;", "\u202egpj"])
def test_names_and_values_stay_text(words: str) -> None:
    scene = pointed(film(600, 800), (words, "B", "C"), 10 * XY)
    svg = film_layers(scene, (), words, lambda _: words).svg
    tags = {item.tag for item in drawing(svg).iter()}
    assert tags <= {"svg", "g", "path", "text"}
    assert "\u202e" not in svg


def test_a_colour_of_a_schema_is_a_colour_or_nothing() -> None:
    scene = stack(film(900, 500), outlines=True)
    schema = replace(scene.schema, colours={"L1": '"/><script>', "L2": "#123456"})
    svg = film_layers(replace(scene, schema=schema), ()).svg
    assert "script" not in svg
    assert 'fill="#123456"' in svg


def beside(expected: str, kind: NormKind = NormKind.SD, verdict: Verdict = Verdict.WITHIN) -> Comparison:
    return Comparison(Norm("Steiner", 1953, "adults", kind, (NormBand(),)), expected, verdict)


@pytest.mark.parametrize(
    ("expected", "kind", "usual"),
    [
        ("82 ± 2", NormKind.SD, Usual(78, 86, 82)),
        ("0.3 ± 0.1", NormKind.TARGET, Usual(0.2, 0.4, 0.3)),
        ("-3 ± 1", NormKind.SD, Usual(-5, -1, -3)),
        ("62 to 65", NormKind.RANGE, Usual(62, 65)),
        ("up to 40", NormKind.RANGE, Usual(None, 40)),
        ("from 3.5", NormKind.RANGE, Usual(3.5, None)),
        ("", NormKind.SD, None),
        ("<script>", NormKind.SD, None),
    ],
)
def test_a_norm_band_is_two_standard_deviations_or_what_its_source_gives(
    expected: str, kind: NormKind, usual: Usual | None
) -> None:
    found = usual_of(beside(expected, kind))
    assert found == usual or (
        found is not None
        and usual is not None
        and (found.low, found.high, found.mean) == pytest.approx((usual.low, usual.high, usual.mean))
    )


@pytest.mark.parametrize("value", [-1e6, 60.0, 82.0, 86.5, 1e6])
def test_a_value_far_off_its_norm_stays_on_the_bar(value: float) -> None:
    scene = stack(film(900, 500))
    result = replace(cobb(scene, "T10", "L4"), value=value, low=value - 3, high=value + 3)
    bar = norm_bar(result, beside("82 ± 2"), "a & b")
    assert bar is not None
    for number in re.findall(r' (?:x|cx|x1|x2)="([^"]+)"', bar):
        assert 0 <= float(number) <= 132
    for number in re.findall(r"[ML](-?[\d.]+) ", bar):
        assert 0 <= float(number) <= 132
    assert "a &amp; b" in bar
