"""Every annotation format that reads and writes gives back what it says it keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from spinekit.core.outline import Outline
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.plugin import AnnotationFormat, LabelOptions
from spinekit.formats.registry import annotation_formats
from tests.formats.annotation_samples import (
    HEIGHT,
    POSE,
    SEG,
    SEM,
    WIDTH,
    assert_kept,
    body,
    pose_instances,
    save_image,
    shape_instances,
)

BOTH_WAYS = [item for item in annotation_formats() if item.read and item.write]
BOXES = Schema("things", 1, "Things in boxes", "detect", "test", ("L1", "L2", "L3"))
BODY = body("L1", [[2, 3], [12, 4], [3, 13], [13, 14]])
SPACING = Spacing(0.2, 0.1, SpacingOrigin.DETECTOR)
few = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def round_trip(form: AnnotationFormat, scene: Scene, folder: Path) -> None:
    """Writes a scene and an empty one, reads both and compares."""
    assert form.read is not None
    assert form.write is not None
    images = folder / "images"
    refs = [save_image(images / name) for name in ("a film.png", "b.png")]
    first = replace(scene, image=replace(refs[0], spacing=scene.image.spacing))
    empty = replace(first, image=refs[1], instances=(), covariates={}, group="")
    if scene.raster is not None:
        empty = replace(empty, raster=Raster(np.zeros((HEIGHT, WIDTH), np.uint8)))
    files = form.write(iter([first, empty]), folder / "out")
    assert files
    assert all(file.is_file() for file in files)
    read = list(form.read(folder / "out", scene.schema, LabelOptions(images)))
    assert len(read) == 2
    for came, went in zip(read, [first, empty], strict=True):
        assert_kept(came, went, form.keeps_of(scene.schema.task))


def scene_of(folder: Path, schema: Schema, instances: tuple[Instance, ...] = ()) -> Scene:
    return Scene(save_image(folder / "images" / "a film.png"), schema, instances)


@st.composite
def boxes(draw: st.DrawFn) -> tuple[Instance, ...]:
    """Up to three boxes that nothing else is known of."""
    found = []
    for label in draw(st.lists(st.sampled_from(BOXES.classes), unique=True).map(sorted)):
        left, top = draw(st.integers(1, WIDTH - 12)), draw(st.integers(1, HEIGHT - 12))
        width, height = draw(st.integers(2, 10)), draw(st.integers(2, 10))
        found.append(Instance(label, (float(left), float(top), float(left + width), float(top + height))))
    return tuple(found)


def of_two_readers(instances: tuple[Instance, ...]) -> tuple[Instance, ...]:
    return tuple(replace(item, reader=reader) for item in instances for reader in ("ann", "bob"))


def needs(form: AnnotationFormat, task: str, *what: str) -> None:
    """Skips what a format does not promise."""
    for name in what:
        if name not in form.keeps_of(task):
            pytest.skip(f"{form.name} keeps no {name} in a {task} schema")


@pytest.mark.parametrize("form", BOTH_WAYS, ids=lambda form: str(form.name))
class TestRoundTrip:
    @few
    @given(instances=pose_instances(), number=st.integers(0, 1 << 62))
    def test_landmarks(
        self, form: AnnotationFormat, instances: tuple[Instance, ...], number: int, tmp_path: Path
    ) -> None:
        needs(form, "pose", "landmarks")
        folder = tmp_path / str(number)
        round_trip(form, scene_of(folder, POSE, instances), folder)

    @few
    @given(instances=shape_instances(), number=st.integers(0, 1 << 62))
    def test_shapes(
        self, form: AnnotationFormat, instances: tuple[Instance, ...], number: int, tmp_path: Path
    ) -> None:
        needs(form, "seg", "outlines")
        folder = tmp_path / str(number)
        round_trip(form, scene_of(folder, SEG, instances), folder)

    @few
    @given(instances=boxes(), number=st.integers(0, 1 << 62))
    def test_boxes(
        self, form: AnnotationFormat, instances: tuple[Instance, ...], number: int, tmp_path: Path
    ) -> None:
        needs(form, "detect", "rectangles")
        folder = tmp_path / str(number)
        round_trip(form, scene_of(folder, BOXES, instances), folder)

    def test_a_box_among_shapes(self, form: AnnotationFormat, tmp_path: Path) -> None:
        needs(form, "seg", "outlines", "rectangles")
        ring = np.array([[2.0, 3], [12, 3], [12, 13], [2, 13]])
        shape = Instance("L1", (2, 3, 12, 13), Outline((ring,)))
        box = Instance("L2", (4, 15, 14, 25))
        round_trip(form, scene_of(tmp_path, SEG, (shape, box)), tmp_path)

    @few
    @given(
        labels=arrays(np.uint8, (HEIGHT, WIDTH), elements=st.integers(0, 1)), number=st.integers(0, 1 << 62)
    )
    def test_rasters(
        self, form: AnnotationFormat, labels: npt.NDArray[np.uint8], number: int, tmp_path: Path
    ) -> None:
        needs(form, "sem", "raster")
        folder = tmp_path / str(number)
        round_trip(form, replace(scene_of(folder, SEM), raster=Raster(labels)), folder)

    @pytest.mark.parametrize(
        ("what", "changed"),
        [
            ("groups", lambda scene: replace(scene, group="visit 12")),
            ("covariates", lambda scene: replace(scene, covariates={"age_years": 63.0, "sex": "F"})),
            ("covariates", lambda scene: replace(scene, covariates={"sex": "M"})),
            ("readers", lambda scene: replace(scene, instances=of_two_readers(scene.instances))),
            ("spacing", lambda scene: replace(scene, image=replace(scene.image, spacing=SPACING))),
        ],
    )
    def test_what_is_known_beside(
        self, form: AnnotationFormat, what: str, changed: Callable[[Scene], Scene], tmp_path: Path
    ) -> None:
        needs(form, "pose", "landmarks", what)
        round_trip(form, changed(scene_of(tmp_path, POSE, (BODY,))), tmp_path)
