from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from spinekit.core.image import ImageRef
from spinekit.phantoms import membrane_tile, to_scene
from spinekit.schemas import load_schema


@pytest.mark.parametrize("seed", range(4))
def test_membranes_enclose_cells_and_are_dark(seed: int) -> None:
    phantom = membrane_tile(seed)
    assert phantom.mask is not None
    assert set(np.unique(phantom.mask)) == {0, 1}
    membrane = phantom.mask == 1
    assert 0.15 < membrane.mean() < 0.3  # ISBI 2012: 0.22 to 0.25
    _, cells = ndimage.label(~membrane)
    assert 100 < cells < 220  # ISBI 2012: 130 to 140
    grey = phantom.pixels.astype(float)
    assert grey[~membrane].mean() - grey[membrane].mean() > 50
    assert 110 < grey.mean() < 150


def test_the_scene_is_a_raster_of_classes() -> None:
    phantom = membrane_tile(1, size=128)
    schema = load_schema("em-membrane")
    scene = to_scene(phantom, ImageRef(Path("tile.png"), 128, 128), schema)
    assert scene.instances == ()
    assert scene.raster is not None
    assert scene.raster.labels is not None
    assert phantom.mask is not None
    assert np.array_equal(scene.raster.labels == schema.classes.index("membrane"), phantom.mask == 1)


def test_the_same_seed_gives_the_same_tile() -> None:
    first, second = membrane_tile(2, size=160), membrane_tile(2, size=160)
    assert np.array_equal(first.pixels, second.pixels)
    assert first.mask is not None
    assert second.mask is not None
    assert np.array_equal(first.mask, second.mask)
    assert not np.array_equal(first.pixels, membrane_tile(3, size=160).pixels)
