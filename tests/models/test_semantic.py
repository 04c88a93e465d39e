"""Reading pixel by pixel: a section read in all its positions gives the same answer whichever way it lies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

torch = pytest.importorskip("torch")

from spinekit.files import sha256_of  # noqa: E402
from spinekit.models.canvas import Canvas  # noqa: E402
from spinekit.models.computed import EngineChoice  # noqa: E402
from spinekit.models.semantic import PixelReader  # noqa: E402
from spinekit.models.unet import UNet, save_unet  # noqa: E402
from spinekit.models.weights import ModelCard, find_card  # noqa: E402


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    """A small network with weights by chance, whose answer depends on how an image lies."""
    path = tmp_path_factory.mktemp("sem") / "weights.pt"
    torch.manual_seed(4)
    save_unet(UNet(2, (8, 8, 8, 8)), 2, path)
    return replace(
        find_card("em-sem"),
        weights=path,
        sha256=sha256_of(path),
        canvas=Canvas(64, 64),
        enlarge=1,
        turned=True,
    )


def section() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 255, (64, 64)).astype(np.uint8)


def test_a_section_that_is_turned_or_mirrored_is_read_alike(card: ModelCard) -> None:
    reader, pixels = PixelReader(card, EngineChoice(threads=1)), section()
    upright = reader.probability(pixels)
    for other in (np.rot90, np.fliplr, np.flipud):
        turned = reader.probability(np.ascontiguousarray(other(pixels)))
        np.testing.assert_allclose(turned, other(upright), atol=1e-5)


def test_what_has_an_up_is_read_as_it_lies(card: ModelCard) -> None:
    reader, pixels = PixelReader(replace(card, turned=False), EngineChoice(threads=1)), section()
    turned = reader.probability(np.ascontiguousarray(np.rot90(pixels)))
    assert np.abs(turned - np.rot90(reader.probability(pixels))).max() > 1e-3


def test_larger_images_are_read_in_tiles_without_a_seam(card: ModelCard) -> None:
    pixels = np.random.default_rng(5).integers(0, 255, (150, 90)).astype(np.uint8)
    found = PixelReader(card, EngineChoice(threads=1)).probability(pixels)
    assert found.shape == (150, 90)
    assert np.isfinite(found).all()
    assert 0 <= found.min() <= found.max() <= 1
