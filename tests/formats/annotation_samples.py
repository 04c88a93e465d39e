"""Schemas, images and scenes that the tests of annotation formats share."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as PillowImage

from spinekit.core.image import ImageRef
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.outline import Outline, to_mask, to_outline
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.files import sha256_of

HEIGHT, WIDTH = 30, 40
CORNERS = ("TL", "TR", "BL", "BR")

POSE = Schema(
    name="bodies",
    version=1,
    title="Three bodies with corners",
    task="pose",
    view="test",
    classes=("vertebra",),
    levels=("L1", "L2", "L3"),
    landmarks=tuple(LandmarkDefinition(name, "a corner", (name.lower(),)) for name in CORNERS),
    edges=(("TL", "TR"), ("TR", "BR"), ("BR", "BL"), ("BL", "TL")),
    mirrored=(("TL", "TR"), ("BL", "BR")),
)
SEG = Schema("shapes", 1, "Three shapes", "seg", "test", ("L1", "L2", "L3"), ("L1", "L2", "L3"))
SEM = Schema("em-membrane", 1, "Cells and membranes", "sem", "test", ("cell", "membrane"))


def real_data() -> Path:
    """Folder of the real data; skips the test where it is not at hand."""
    folder = os.environ.get("SPINEKIT_DATA")
    if not folder:
        pytest.skip("SPINEKIT_DATA does not name the folder of the real data")
    return Path(folder)


def save_image(path: Path, height: int = HEIGHT, width: int = WIDTH) -> ImageRef:
    """A grey PNG with a gradient, and its reference."""
    if path.exists():
        return ImageRef(path, height, width, sha256=sha256_of(path), name=path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.add.outer(np.arange(height), np.arange(width)).astype(np.uint8)
    PillowImage.fromarray(pixels).save(path)
    return ImageRef(path, height, width, sha256=sha256_of(path), name=path.name)


def body(label: str, xy: list[list[float]], score: float = 1.0) -> Instance:
    """An instance of four corners; NaN where one is absent."""
    points = np.array(xy, dtype=np.float64)
    absent = np.isnan(points).any(axis=1)
    visibility = np.where(absent, Visibility.ABSENT, Visibility.VISIBLE).astype(np.int8)
    present = points[~absent]
    (left, top), (right, bottom) = present.min(axis=0), present.max(axis=0)
    box = (float(left), float(top), float(right), float(bottom))
    author = Author.HUMAN if score == 1.0 else Author.MODEL
    return Instance(label, box, landmarks=Landmarks(CORNERS, points, visibility), score=score, author=author)


@st.composite
def pose_instances(draw: st.DrawFn) -> tuple[Instance, ...]:
    """Up to three bodies with corners anywhere in the image, some absent, some occluded."""
    found = []
    for label in draw(st.lists(st.sampled_from(POSE.levels), unique=True).map(sorted)):
        xy = draw(
            arrays(
                np.float64,
                (4, 2),
                elements=st.floats(1, HEIGHT - 2, width=32).map(lambda value: round(value, 3)),
                unique=True,
            )
        )
        visibility = draw(arrays(np.int8, 4, elements=st.sampled_from([0, 1, 2])))
        visibility[draw(st.integers(0, 3))] = Visibility.VISIBLE
        xy[visibility == Visibility.ABSENT] = np.nan
        score = draw(st.sampled_from([1.0, 0.25, 0.875]))
        item = body(label, xy.tolist(), score)
        found.append(replace(item, landmarks=Landmarks(CORNERS, xy, visibility)))
    return tuple(found)


@st.composite
def shape_instances(draw: st.DrawFn) -> tuple[Instance, ...]:
    """Up to three shapes with any number of parts and holes."""
    found = []
    for label in draw(st.lists(st.sampled_from(SEG.levels), unique=True).map(sorted)):
        small = draw(arrays(np.bool_, (6, 7)).filter(lambda mask: bool(mask.any())))
        mask = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
        top, left = draw(st.integers(0, HEIGHT - 6)), draw(st.integers(0, WIDTH - 7))
        mask[top : top + 6, left : left + 7] = small
        outline = to_outline(mask)
        score = draw(st.sampled_from([1.0, 0.5]))
        author = Author.HUMAN if score == 1.0 else Author.MODEL
        found.append(Instance(label, outline.box, outline, score=score, author=author))
    return tuple(found)


def same_mask(one: Outline | None, other: Outline | None, image: ImageRef) -> bool:
    """Whether two outlines cover the same pixels."""
    if one is None or other is None:
        return one is other
    masks = [to_mask(outline, image.height, image.width) for outline in (one, other)]
    return bool((masks[0] == masks[1]).all())


def assert_kept(read: Scene, written: Scene, keeps: frozenset[str]) -> None:
    """That a scene came back with all that a format says it keeps."""
    assert read.image.name == written.image.name
    if "groups" in keeps:
        assert read.group == written.group
    if "covariates" in keeps:
        assert dict(read.covariates) == dict(written.covariates)
    if "spacing" in keeps:
        assert read.image.spacing == written.image.spacing
    if "raster" in keeps and written.raster is not None:
        assert read.raster is not None
        assert read.raster.labels is not None
        assert written.raster.labels is not None
        np.testing.assert_array_equal(read.raster.labels, written.raster.labels)
    assert len(read.instances) == len(written.instances)
    came_all, went_all = list(read.instances), list(written.instances)
    if "order" not in keeps:
        came_all.sort(key=lambda item: item.label)
        went_all.sort(key=lambda item: item.label)
    for came, went in zip(came_all, went_all, strict=True):
        _assert_instance_kept(came, went, written.image, keeps)


def _assert_instance_kept(came: Instance, went: Instance, image: ImageRef, keeps: frozenset[str]) -> None:
    if "labels" in keeps:
        assert came.label == went.label
    if "readers" in keeps:
        assert came.reader == went.reader
    if "scores" in keeps:
        assert came.score == went.score
        assert came.author == went.author
    shaped = went.outline is not None or went.landmarks is not None
    if ("boxes" if shaped else "rectangles") in keeps and min(
        went.box[2] - went.box[0], went.box[3] - went.box[1]
    ) >= 1:
        # A box without extent may be widened to a pixel: no network learns from it otherwise.
        np.testing.assert_allclose(came.box, went.box, atol=1e-3)
    if "outlines" in keeps and went.outline is not None:
        assert came.outline is not None
        assert same_mask(came.outline, went.outline, image)
        if "holes" in keeps:
            assert len(came.outline.holes) == len(went.outline.holes)
    if "landmarks" in keeps and went.landmarks is not None:
        assert came.landmarks is not None
        np.testing.assert_allclose(came.landmarks.xy, went.landmarks.xy, atol=1e-3)
        if "visibility" in keeps:
            np.testing.assert_array_equal(came.landmarks.visibility, went.landmarks.visibility)
