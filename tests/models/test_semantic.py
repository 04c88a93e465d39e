"""Reading pixel by pixel: a section read in all its positions gives the same answer whichever way it lies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

torch = pytest.importorskip("torch")

from spinekit.core.image import Image, ImageRef  # noqa: E402
from spinekit.files import sha256_of  # noqa: E402
from spinekit.models.canvas import Canvas  # noqa: E402
from spinekit.models.computed import EngineChoice  # noqa: E402
from spinekit.models.semantic import PixelReader  # noqa: E402
from spinekit.models.unet import UNet, save_unet  # noqa: E402
from spinekit.models.weights import ModelCard, find_card  # noqa: E402
from spinekit.schemas import load_schema  # noqa: E402
from spinekit.workflows.reading import read_with  # noqa: E402


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


def section(height: int = 64, width: int = 64) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, 255, (height, width)).astype(np.uint8)


def test_a_section_that_is_turned_or_mirrored_is_read_alike(card: ModelCard) -> None:
    reader, pixels = PixelReader(card, EngineChoice(threads=1)), section()
    upright = reader.shares(pixels)[-1]
    for other in (np.rot90, np.fliplr, np.flipud):
        turned = reader.shares(np.ascontiguousarray(other(pixels)))[-1]
        np.testing.assert_allclose(turned, other(upright), atol=1e-5)


def test_what_has_an_up_is_read_as_it_lies(card: ModelCard) -> None:
    reader, pixels = PixelReader(replace(card, turned=False), EngineChoice(threads=1)), section()
    turned = reader.shares(np.ascontiguousarray(np.rot90(pixels)))[-1]
    assert np.abs(turned - np.rot90(reader.shares(pixels)[-1])).max() > 1e-3


def test_larger_images_are_read_in_tiles_without_a_seam(card: ModelCard) -> None:
    pixels = np.random.default_rng(5).integers(0, 255, (150, 90)).astype(np.uint8)
    found = PixelReader(card, EngineChoice(threads=1)).shares(pixels)[-1]
    assert found.shape == (150, 90)
    assert np.isfinite(found).all()
    assert 0 <= found.min() <= found.max() <= 1


@pytest.fixture(scope="module")
def tissues(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    """A network by chance that tells three classes of a schema of the user's own."""
    folder = tmp_path_factory.mktemp("tissues")
    schema = folder / "tissues.yaml"
    schema.write_text(
        "{name: tissues, version: 1, title: Tissues, task: sem, view: 'knee, lateral', classes: [air, soft, bone]}"
    )
    path = folder / "weights.pt"
    torch.manual_seed(5)
    save_unet(UNet(3, (8, 8, 8, 8)), 3, path)
    return replace(
        find_card("em-sem"),
        name="tissues",
        schema=str(schema),
        fingerprint=load_schema(schema).fingerprint(),
        weights=path,
        sha256=sha256_of(path),
        canvas=Canvas(64, 64),
        enlarge=1,
        turned=False,
        separation=None,
    )


def test_of_three_classes_the_likeliest_is_taken(tissues: ModelCard) -> None:
    reader = PixelReader(tissues, EngineChoice(threads=1))
    image = Image(ImageRef(Path("knee.png"), 90, 70, name="knee.png"), section(90, 70))
    shares = reader.shares(image.pixels)
    assert shares.shape == (3, 90, 70)
    np.testing.assert_allclose(shares.sum(axis=0), 1, atol=1e-4)
    raster = reader.read(image).raster
    assert raster is not None
    assert raster.labels is not None
    np.testing.assert_array_equal(raster.labels, shares.argmax(axis=0))
    assert raster.probability is None


def test_a_model_of_three_classes_answers_when_it_is_named(tissues: ModelCard) -> None:
    image = Image(ImageRef(Path("knee.png"), 64, 64, name="knee.png"), section())
    found = read_with(PixelReader(tissues, EngineChoice(threads=1)), image)
    assert found.refusal == ""
    assert found.scene is not None
