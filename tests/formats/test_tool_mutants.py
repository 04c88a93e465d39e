"""Whatever is broken in a file of an annotation tool, what comes out is scenes or one line that says so."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from spinekit.core.errors import SpinekitError
from spinekit.core.outline import to_outline
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.formats import cvat, labelme, slicer_fcsv, slicer_markups, via, voc
from spinekit.formats.plugin import AnnotationFormat, LabelOptions
from tests.formats.annotation_samples import POSE, SEG, body, save_image
from tests.formats.mutants import mutants
from tests.formats.test_via3 import project
from tests.formats.test_voc import VOC

COUNT = 400
FORMATS = {
    "via": (via.FORMAT, ".csv .json"),
    "labelme": (labelme.FORMAT, ".json"),
    "cvat": (cvat.FORMAT, ".xml"),
    "slicer": (slicer_markups.FORMAT, ".mrk.json"),
    "fcsv": (slicer_fcsv.FORMAT, ".fcsv"),
}


def scenes(schema: Schema, images: Path) -> list[Scene]:
    mask = np.zeros((30, 40), np.bool_)
    mask[3:9, 4:12] = True
    mask[5, 6] = False
    outline = to_outline(mask)
    shape = Instance("L1", outline.box, outline, score=0.5, author=Author.MODEL)
    points = body("L2", [[2, 3], [12, 4], [3, 13], [float("nan")] * 2])
    item = shape if schema is SEG else points
    return [Scene(save_image(images / "a.png"), schema, (item,), group="p1")]


def survives(form: AnnotationFormat, path: Path, schema: Schema, images: Path) -> bool:
    """Reads a broken file in every way; whether it was refused."""
    assert form.read is not None
    assert form.detect is not None
    assert form.vocabulary is not None
    said: list[str] = []
    refused = False
    options = LabelOptions(images, notice=said.append)
    form.detect(path)
    try:
        form.vocabulary(path, options)
        list(form.read(path, schema, options))
    except SpinekitError as error:
        refused = True
        said.append(str(error))
    with contextlib.suppress(SpinekitError):
        list(form.read(path, schema, options))
    for line in said:
        assert "\n" not in line
        assert line.startswith(str(path.parent))
    return refused


@pytest.mark.parametrize("schema", [POSE, SEG], ids=["pose", "seg"])
@pytest.mark.parametrize("name", FORMATS)
def test_mutants_are_read_or_refused_in_one_line(name: str, schema: Schema, tmp_path: Path) -> None:
    form, suffixes = FORMATS[name]
    if schema is SEG and "outlines" not in form.keeps_of("seg"):
        pytest.skip("the format has no shapes")
    assert form.write is not None
    images = tmp_path / "images"
    written = form.write(scenes(schema, images), tmp_path / "out")
    for suffix in suffixes.split():
        seed = next(file for file in written if file.name.endswith(suffix)).read_bytes()
        target = tmp_path / f"a{suffix}"
        refused = 0
        for content in mutants(seed, COUNT):
            target.write_bytes(content)
            refused += survives(form, target, schema, images)
        assert 0 < refused < COUNT


@pytest.mark.parametrize(("form", "suffix"), [(via.FORMAT, ".json"), (voc.FORMAT, ".xml")])
def test_mutants_of_what_is_only_read(form: AnnotationFormat, suffix: str, tmp_path: Path) -> None:
    save_image(tmp_path / "images" / "a.png")
    target = tmp_path / f"a{suffix}"
    refused = 0
    for content in mutants(project() if form is via.FORMAT else VOC, COUNT, start=1):
        target.write_bytes(content)
        refused += survives(form, target, SEG, tmp_path / "images")
    assert 0 < refused < COUNT


def test_mutants_of_a_zip(tmp_path: Path) -> None:
    images = tmp_path / "images"
    (file,) = cvat.write(scenes(SEG, images), tmp_path / "out")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(file, "annotations.xml")
        archive.writestr("images/a.png", b"x")
    target = tmp_path / "a.zip"
    refused = 0
    for content in mutants(stream.getvalue(), COUNT, start=2):
        target.write_bytes(content)
        refused += survives(cvat.FORMAT, target, SEG, images)
    assert 0 < refused <= COUNT
