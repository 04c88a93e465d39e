"""Every annotation format that reads and writes gives back what it says it keeps."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.formats.plugin import AnnotationFormat, LabelOptions
from spinekit.formats.registry import annotation_formats
from tests.formats.annotation_samples import (
    POSE,
    SEG,
    assert_kept,
    pose_instances,
    save_image,
    shape_instances,
)

BOTH_WAYS = [item for item in annotation_formats() if item.read and item.write]


def round_trip(form: AnnotationFormat, schema: Schema, instances: tuple[Instance, ...], folder: Path) -> None:
    assert form.read is not None
    assert form.write is not None
    images = folder.parent / "images"
    refs = [save_image(images / name) for name in ("a film.png", "b.png")]
    scenes = [Scene(refs[0], schema, instances), Scene(refs[1], schema)]
    files = form.write(iter(scenes), folder / "out")
    assert files
    assert all(file.is_file() for file in files)
    read = list(form.read(folder / "out", schema, LabelOptions(images)))
    assert len(read) == 2
    for came, went in zip(read, scenes, strict=True):
        assert_kept(came, went, form.keeps)


@pytest.mark.parametrize("form", BOTH_WAYS, ids=lambda form: str(form.name))
class TestRoundTrip:
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(instances=pose_instances(), number=st.integers(0, 1 << 62))
    def test_landmarks(
        self, form: AnnotationFormat, instances: tuple[Instance, ...], number: int, tmp_path: Path
    ) -> None:
        if "landmarks" not in form.keeps:
            pytest.skip("the format keeps no landmarks")
        round_trip(form, POSE, instances, tmp_path / str(number))

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(instances=shape_instances(), number=st.integers(0, 1 << 62))
    def test_shapes(
        self, form: AnnotationFormat, instances: tuple[Instance, ...], number: int, tmp_path: Path
    ) -> None:
        if "outlines" not in form.keeps:
            pytest.skip("the format keeps no outlines")
        round_trip(form, SEG, instances, tmp_path / str(number))
