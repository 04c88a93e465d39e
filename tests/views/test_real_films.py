"""Overlays of real films, where the folder of real data is given by SPINEKIT_DATA."""

from __future__ import annotations

import csv
import os
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest

from spinekit.core.image import Image, ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Instance, Scene
from spinekit.views.labels import place_labels
from spinekit.views.overlay import draw_overlay
from spinekit.views.style import scale_for
from tests.views.scenes import SPINE, pointed
from tests.views.test_placement import inside, overlap

FOLDER = os.environ.get("SPINEKIT_DATA", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="SPINEKIT_DATA does not name the folder of real data")


def read(path: Path) -> Image:
    pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    grey = np.asarray(pixels, dtype=np.uint8)
    return Image(ImageRef(path, grey.shape[0], grey.shape[1]), grey)


@pytest.mark.parametrize("row", [0, 60, 120])
def test_names_on_real_skulls_do_not_overlap(row: int) -> None:
    folder = Path(FOLDER) / "ceph_isbi2015"
    with (folder / "train_senior.csv").open() as stream:
        name, *numbers = list(csv.reader(stream))[1 + row]
    image = read(next(folder.rglob(name)))
    xy = np.array([float(number) for number in numbers]).reshape(-1, 2)
    scene = pointed(image, tuple(f"P{k}" for k in range(19)), xy)
    shape = (image.ref.height, image.ref.width)
    texts = place_labels(scene, [], scale_for(*shape), shape, named=True).texts
    assert len(texts) == 19
    assert all(inside(text.box, *shape) for text in texts)
    assert not any(overlap(a.box, b.box) for a, b in combinations(texts, 2))


@pytest.mark.parametrize("row", [0, 200])
def test_a_real_spine_is_drawn_over_its_bodies_only(row: int) -> None:
    folder = Path(FOLDER) / "aasce2019"
    with (folder / "filenames.csv").open() as stream:
        name = list(csv.reader(stream))[row][0]
    with (folder / "landmarks.csv").open() as stream:
        numbers = np.array(list(csv.reader(stream))[row], dtype=float)
    image = read(folder / "images" / name)
    xy = np.stack([numbers[:68] * image.ref.width, numbers[68:] * image.ref.height], axis=1).reshape(17, 4, 2)
    items = tuple(
        Instance(f"V{k}", (0, 0, 1, 1), landmarks=landmarks(("TL", "TR", "BL", "BR"), body))
        for k, body in enumerate(xy)
    )
    picture = draw_overlay(image, Scene(image.ref, SPINE, items))[: image.ref.height]
    changed = (picture != image.pixels[..., None]).any(axis=2)
    assert 0.01 < changed.mean() < 0.25
    for body in xy:
        for x, y in np.clip(body.round().astype(int), 0, np.array(image.pixels.shape)[::-1] - 1).tolist():
            assert changed[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].any()
