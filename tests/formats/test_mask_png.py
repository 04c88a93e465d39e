from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError
from spinekit.core.outline import to_mask
from spinekit.core.schema import Schema
from spinekit.formats import mask_png
from spinekit.schemas import load_schema
from tests.formats.annotation_samples import HEIGHT, SEG, SEM, WIDTH, real_data, save_image

THINGS = Schema("things", 1, "Two things", "seg", "test", ("ring", "blob"))


def blank(dtype: npt.DTypeLike = np.uint8) -> npt.NDArray[np.uint8]:
    return np.zeros((HEIGHT, WIDTH), dtype=dtype)


def pair(tmp_path: Path, mask: npt.NDArray[np.generic], name: str = "a", suffix: str = "") -> Path:
    save_image(tmp_path / "images" / f"{name}.png")
    (tmp_path / "masks").mkdir(exist_ok=True)
    PillowImage.fromarray(mask).save(tmp_path / "masks" / f"{name}{suffix}.png")
    return tmp_path


def ring_and_blob() -> npt.NDArray[np.uint8]:
    mask = blank()
    mask[3:12, 4:14] = 1
    mask[5:8, 6:9] = 0
    mask[20:25, 20:30] = 2
    return mask


def test_values_are_classes_in_order_and_borders_are_exact(tmp_path: Path) -> None:
    mask = ring_and_blob()
    (scene,) = mask_png.read(pair(tmp_path, mask), THINGS)
    assert [item.label for item in scene.instances] == ["ring", "blob"]
    for value, item in enumerate(scene.instances, 1):
        assert item.outline is not None
        assert (to_mask(item.outline, HEIGHT, WIDTH) == (mask == value)).all()
    assert scene.instances[0].outline is not None
    assert len(scene.instances[0].outline.holes) == 1


@pytest.mark.parametrize("mode", ["P", "I;16", "RGB", "L"])
def test_kinds_of_png_that_hold_the_same_values(tmp_path: Path, mode: str) -> None:
    mask = ring_and_blob()
    pair(tmp_path, mask)
    if mode == "P":
        image = PillowImage.fromarray(mask, "P")
        image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    elif mode == "I;16":
        image = PillowImage.fromarray(mask.astype(np.uint16))
    else:
        image = PillowImage.fromarray(mask).convert(mode)
    image.save(tmp_path / "masks" / "a.png")
    (scene,) = mask_png.read(tmp_path, THINGS)
    assert [item.box for item in scene.instances] == [(3.5, 2.5, 13.5, 11.5), (19.5, 19.5, 29.5, 24.5)]


def test_black_membranes_are_the_second_class(tmp_path: Path) -> None:
    mask = blank()
    mask[:, 5:] = 255
    (scene,) = mask_png.read(pair(tmp_path, mask), SEM)
    assert scene.raster is not None
    assert scene.raster.labels is not None
    np.testing.assert_array_equal(scene.raster.labels, np.where(mask == 0, 1, 0))


def test_levels_in_order_where_all_are_there(tmp_path: Path) -> None:
    mask = ring_and_blob()
    mask[0, :5] = 3
    (scene,) = mask_png.read(pair(tmp_path, mask), SEG)
    assert [item.label for item in scene.instances] == ["L1", "L2", "L3"]


def test_levels_are_never_guessed(tmp_path: Path) -> None:
    folder = pair(tmp_path, ring_and_blob(), "S01_sag32")
    with pytest.raises(AnnotationError, match=r"values 0, 1, 2, but nothing says which of the 25 levels"):
        list(mask_png.read(folder, load_schema("vertebrae")))
    (scene,) = mask_png.read(folder, load_schema("vertebrae"), values=mask_png.LUMBAR)
    assert [item.label for item in scene.instances] == ["L1", "L2"]
    assert scene.group == "S01"
    (folder / "masks" / "classes.csv").write_text("value,label\n0,\n1,T12\n2,L1\n")
    (scene,) = mask_png.read(folder, load_schema("vertebrae"))
    assert [item.label for item in scene.instances] == ["T12", "L1"]


def test_a_table_of_values_with_an_unknown_label_is_refused(tmp_path: Path) -> None:
    folder = pair(tmp_path, ring_and_blob())
    (folder / "masks" / "classes.csv").write_text("value,label\n1,rign\n2,blob\n")
    with pytest.raises(AnnotationError, match="did you mean ring"):
        list(mask_png.read(folder, THINGS))
    (folder / "masks" / "classes.csv").write_text("1,ring\n")
    with pytest.raises(AnnotationError, match="line 1 is not value,label"):
        list(mask_png.read(folder, THINGS))


def test_an_empty_mask_is_a_scene_with_a_note(tmp_path: Path) -> None:
    (scene,) = mask_png.read(pair(tmp_path, blank()), THINGS)
    assert scene.instances == ()
    assert scene.notes == ("the mask is empty",)


def test_values_without_meaning_are_listed(tmp_path: Path) -> None:
    mask = ring_and_blob()
    mask[0, 0] = 7
    with pytest.raises(AnnotationError, match=r"1 values without meaning \(7\): known are 0, 1, 2"):
        list(mask_png.read(pair(tmp_path, mask), THINGS))


def test_an_image_in_place_of_a_mask_is_noticed(tmp_path: Path) -> None:
    mask = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)).astype(np.uint8)
    with pytest.raises(AnnotationError, match="is it the image itself"):
        list(mask_png.read(pair(tmp_path, mask), THINGS))


def test_sizes_must_agree(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=f"is 5 x 4 px, its image {WIDTH} x {HEIGHT}"):
        list(mask_png.read(pair(tmp_path, np.zeros((4, 5), np.uint8)), THINGS))


def test_a_colour_mask_is_refused(tmp_path: Path) -> None:
    mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    mask[3:5, 3:5, 0] = 200
    with pytest.raises(AnnotationError, match="is a colour image"):
        list(mask_png.read(pair(tmp_path, mask), THINGS))


def test_what_has_no_partner_is_left_out_and_named(tmp_path: Path) -> None:
    folder = pair(tmp_path, blank(), suffix="_mask")
    pair(folder, blank(), "b")
    (folder / "images" / "b.png").unlink()
    save_image(folder / "images" / "c.png")
    assert [scene.image.name for scene in mask_png.read(folder, THINGS)] == ["a.png"]
    assert mask_png.left_out(folder) == (
        f"b.png: no image of this name in {folder / 'images'}",
        f"c.png: no mask in {folder / 'masks'}",
    )


def test_no_pair_at_all_is_an_error(tmp_path: Path) -> None:
    folder = pair(tmp_path, blank())
    (folder / "images" / "a.png").rename(folder / "images" / "z.png")
    with pytest.raises(AnnotationError, match="pair them by name"):
        list(mask_png.read(folder, THINGS))
    (folder / "images").rename(folder / "pictures")
    with pytest.raises(AnnotationError, match="no folder images/"):
        list(mask_png.read(folder / "masks", THINGS))


def test_real_sections_and_slices_are_read() -> None:
    sections = list(mask_png.read(real_data() / "em_isbi2012", load_schema("em-membrane")))
    assert len(sections) == 25
    for scene in sections:
        assert scene.raster is not None
        assert scene.raster.labels is not None
        assert 0.15 < scene.raster.labels.mean() < 0.35  # membranes are about a fifth of a section
    slices = list(mask_png.read(real_data() / "mri_lumbar", load_schema("vertebrae"), values=mask_png.LUMBAR))
    assert len(slices) == 199
    assert len({scene.group for scene in slices}) == 40
    assert {tuple(item.label for item in scene.instances) for scene in slices} == {
        ("L1", "L2", "L3", "L4", "L5")
    }
