"""Every format that is read into every format that is written: what both keep arrives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.outline import Outline
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.formats.plugin import AnnotationFormat, LabelOptions
from spinekit.formats.registry import annotation_formats
from spinekit.workflows.convert import ConvertSettings, convert
from spinekit.workflows.labelled import open_labelled
from tests.formats.annotation_samples import POSE, SEG, assert_kept, body, save_image

BOTH_WAYS = [form for form in annotation_formats() if form.read and form.write]
RING = np.array([[2.5, 3.5], [14.5, 3.5], [14.5, 13.5], [2.5, 13.5]])  # no edge on the centre of a pixel
BODIES = tuple(
    body(level, [[2.0, 3 + y], [12, 3 + y], [2, 8 + y], [12, 8 + y]])
    for y, level in ((0, "L1"), (8, "L2"), (16, "L3"))
)
SHAPES = tuple(
    Instance(level, outline.box, outline)
    for level, outline in ((f"L{n + 1}", Outline((np.add(RING, [8 * n, 7 * n]),))) for n in range(2))
)


def scenes(folder: Path, schema: Schema) -> list[Scene]:
    refs = [save_image(folder / name) for name in ("a.png", "b.png")]
    first, second = (BODIES, BODIES[:2]) if schema is POSE else (SHAPES, SHAPES[1:])
    return [Scene(refs[0], schema, first), Scene(refs[1], schema, second)]


@pytest.mark.parametrize("schema", [POSE, SEG], ids=["pose", "seg"])
@pytest.mark.parametrize("target", BOTH_WAYS, ids=lambda form: f"to_{form.name}")
@pytest.mark.parametrize("source", BOTH_WAYS, ids=lambda form: f"from_{form.name}")
def test_what_both_formats_keep_arrives(
    source: AnnotationFormat, target: AnnotationFormat, schema: Schema, tmp_path: Path
) -> None:
    both = source.keeps_of(schema.task) & target.keeps_of(schema.task)
    if not both & {"landmarks" if schema is POSE else "outlines"}:
        pytest.skip("one of the two has no place for these")
    assert source.write is not None
    images = tmp_path / "in" / (source.images or "images")
    before = scenes(images, schema)
    source.write(iter(before), tmp_path / "in")
    asked = ConvertSettings(source=tmp_path / "in", out=tmp_path / "out", to=target.name, images=images)
    done = convert(asked)
    assert done.source_format == source.name, "found by its content"
    assert (done.images, done.instances, done.lost, done.failed) == (2, 5 if schema is POSE else 3, {}, ())
    where = LabelOptions(tmp_path / "out" / target.images if target.images else images)
    after = list(open_labelled(tmp_path / "out", target.name, schema, where)[1])
    assert len(after) == len(before)
    for came, went in zip(after, before, strict=True):
        assert_kept(came, replace(went, image=replace(went.image, spacing=None)), both - {"boxes"})
