"""What is written is read back: holes, parts, doubles and overlaps, to the pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.image import ImageRef
from spinekit.core.outline import to_mask, to_outline
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.formats import mask as masks
from spinekit.formats.plugin import LabelOptions
from spinekit.schemas import load_schema
from tests.formats.annotation_samples import HEIGHT, POSE, SEG, WIDTH, body, save_image
from tests.formats.mask_samples import THINGS

VERTEBRAE = load_schema("vertebrae")
CELLS = load_schema("em-membrane")
TISSUE = Schema("tissue", 1, "Tissue", "sem", "test", ("air", "fat", "bone"))


def shape(label: str, mask: npt.NDArray[np.bool_]) -> Instance:
    outline = to_outline(mask)
    return Instance(label, outline.box, outline)


def square(top: int, left: int, size: int = 6) -> npt.NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    mask[top : top + size, left : left + size] = True
    return mask


def placed(small: npt.NDArray[np.bool_], top: int, left: int) -> npt.NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.bool_)
    mask[top : top + small.shape[0], left : left + small.shape[1]] = small
    return mask


def again(scenes: list[Scene], folder: Path) -> list[Scene]:
    assert masks.FORMAT.write is not None
    masks.FORMAT.write(iter(scenes), folder / "out")
    options = LabelOptions(folder / "images", allow_missing=False)
    return list(masks.read(folder / "out", scenes[0].schema, options))


def drawn(scene: Scene) -> list[tuple[str, bytes]]:
    found = []
    for item in scene.instances:
        assert item.outline is not None
        found.append((item.label, to_mask(item.outline, HEIGHT, WIDTH).tobytes()))
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    shapes=st.lists(
        st.tuples(
            st.sampled_from(["ring", "blob"]),
            arrays(np.bool_, (6, 7)).filter(np.any),
            st.integers(0, HEIGHT - 6),
            st.integers(0, WIDTH - 7),
        ),
        max_size=5,
    ),
    number=st.integers(0, 1 << 62),
)
def test_any_shapes_that_may_overlap(
    shapes: list[tuple[str, npt.NDArray[np.bool_], int, int]], number: int, tmp_path: Path
) -> None:
    folder = tmp_path / str(number)
    image = save_image(folder / "images" / "a.png")
    scene = Scene(
        image, THINGS, tuple(shape(label, placed(small, top, left)) for label, small, top, left in shapes)
    )
    (came,) = again([scene], folder)
    assert sorted(drawn(came)) == sorted(drawn(scene))


def test_values_are_the_same_in_every_mask_and_named(tmp_path: Path) -> None:
    images = [save_image(tmp_path / "images" / name) for name in ("a.png", "b.png")]
    scenes = [
        Scene(images[0], VERTEBRAE, (shape("L1", square(2, 3)),)),
        Scene(images[1], VERTEBRAE, (shape("L2", square(2, 3)),)),
    ]
    again(scenes, tmp_path)
    values = [np.asarray(PillowImage.open(tmp_path / "out" / "masks" / name)) for name in ("a.png", "b.png")]
    assert [np.unique(value).tolist() for value in values] == [[0, 20], [0, 21]]
    assert {value.dtype for value in values} == {np.dtype(np.uint8)}
    text = (tmp_path / "out" / "masks.yaml").read_text()
    assert text.startswith("schema: vertebrae\nkind: instances\nvalues:\n  1: C1\n")
    assert "  20: L1\n  21: L2\n" in text
    assert masks.FORMAT.vocabulary is not None
    vocabulary = masks.FORMAT.vocabulary(tmp_path / "out", LabelOptions())
    assert vocabulary is not None
    assert vocabulary.schema == VERTEBRAE
    assert masks.FORMAT.detect is not None
    assert masks.FORMAT.detect(tmp_path / "out")


def test_a_second_body_of_a_label_and_one_that_overlaps(tmp_path: Path) -> None:
    image = save_image(tmp_path / "images" / "a.png")
    bodies = (shape("L1", square(2, 3)), shape("L1", square(12, 3)), shape("L2", square(14, 5)))
    heard: list[str] = []
    assert masks.FORMAT.write is not None
    written = masks.FORMAT.write([Scene(image, SEG, bodies)], tmp_path / "out")
    assert [path.name for path in written] == ["a.tif", "masks.yaml"]
    options = LabelOptions(tmp_path / "images", notice=heard.append)
    (came,) = masks.read(tmp_path / "out", SEG, options)
    assert drawn(came) == drawn(Scene(image, SEG, bodies))
    assert any("L1 is there 2 times" in line for line in heard)


def test_many_bodies_of_one_class(tmp_path: Path) -> None:
    cells = Schema("cells", 1, "Cells", "seg", "test", ("cell",))
    image = save_image(tmp_path / "images" / "a.png")
    spots = [square(2 * (index // 19), 2 * (index % 19), 1) for index in range(285)]
    scene = Scene(image, cells, tuple(shape("cell", spot) for spot in spots))
    (came,) = again([scene], tmp_path)
    assert drawn(came) == drawn(scene)
    assert np.asarray(PillowImage.open(tmp_path / "out" / "masks" / "a.png")).max() == 2841


@pytest.mark.parametrize("schema", [CELLS, TISSUE])
def test_rasters(tmp_path: Path, schema: Schema) -> None:
    images = [save_image(tmp_path / "images" / name) for name in ("a.png", "b.png")]
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    labels = ((rows + columns) // 7 % len(schema.classes)).astype(np.uint8)
    last = len(schema.classes) - 1
    chances = Raster(probability=np.where(labels == last, 0.9, 0.2).astype(np.float32))
    scenes = [Scene(images[0], schema, raster=Raster(labels)), Scene(images[1], schema, raster=chances)]
    came = again(scenes, tmp_path)
    assert came[0].raster is not None
    assert came[1].raster is not None
    np.testing.assert_array_equal(came[0].raster.labels, labels)
    np.testing.assert_array_equal(came[1].raster.labels, np.where(labels == last, last, 0))


def test_namesakes_in_subfolders_and_of_other_suffixes(tmp_path: Path) -> None:
    scenes = []
    for index, name in enumerate(("x/a.png", "y/a.bmp", "y/a.png", "y/A b.png")):
        ref = save_image(tmp_path / "images" / name)
        ref = ImageRef(ref.path, HEIGHT, WIDTH, sha256=ref.sha256, name=name)
        scenes.append(Scene(ref, SEG, (shape("L1", square(2, 3 + index)),)))
    came = {scene.image.name: drawn(scene) for scene in again(scenes, tmp_path)}
    assert came == {scene.image.name: drawn(scene) for scene in scenes}


def test_corners_that_enclose_a_body_are_filled(tmp_path: Path) -> None:
    image = save_image(tmp_path / "images" / "a.png")
    corners = body("L1", [[2.0, 3.0], [10.0, 3.0], [2.0, 8.0], [10.0, 8.0]])
    (came,) = again([Scene(image, POSE, (corners,))], tmp_path)
    assert came.instances[0].box == (1.5, 2.5, 9.5, 7.5)


def test_what_no_mask_can_hold(tmp_path: Path) -> None:
    image = save_image(tmp_path / "images" / "a.png")
    write = masks.FORMAT.write
    assert write is not None
    boxed = Instance("L1", (1.0, 1.0, 5.0, 5.0))
    with pytest.raises(AnnotationError, match=r"a\.png: L1 has no outline -- "):
        write([Scene(image, SEG, (boxed,))], tmp_path / "out")
    sliver = to_outline(square(2, 3, 1))
    sliver = type(sliver)((sliver.rings[0] * 0.1 + 2.2,))
    with pytest.raises(AnnotationError, match=r"a\.png: L1 covers no pixel -- "):
        write([Scene(image, SEG, (Instance("L1", sliver.box, sliver),))], tmp_path / "out")
    outside = ImageRef(image.path, HEIGHT, WIDTH, name="../a.png")
    with pytest.raises(UsageError, match="climbs out"):
        write([Scene(outside, SEG)], tmp_path / "out")
    with pytest.raises(UsageError, match="others of"):
        write([Scene(image, SEG), Scene(image, THINGS)], tmp_path / "out")
    with pytest.raises(UsageError, match="two images have this name"):
        write([Scene(image, SEG)] * 3, tmp_path / "out")
