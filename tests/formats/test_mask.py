"""Masks are read to the pixel, told apart by their values, and refused in one line where they are no masks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError
from spinekit.core.outline import to_mask
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.formats import mask as masks
from spinekit.formats.mask_pixels import MaskPage, mask_pages
from spinekit.formats.plugin import LabelOptions
from spinekit.schemas import load_schema
from tests.formats.annotation_samples import HEIGHT, POSE, SEG, SEM, WIDTH, real_data, save_image
from tests.formats.mask_samples import THINGS, blank, chain, pair, ring_and_blob

BODY = Schema("bodies", 1, "Bodies", "seg", "test", ("vertebra",))


def read(folder: Path, schema: Schema, images: Path | None = None) -> tuple[list[Scene], list[str]]:
    """The scenes, and what was noticed."""
    heard: list[str] = []
    return list(masks.read(folder, schema, LabelOptions(images, notice=heard.append))), heard


def refused(folder: Path, schema: Schema, match: str, options: LabelOptions | None = None) -> None:
    with pytest.raises(AnnotationError, match=match) as caught:
        list(masks.read(folder, schema, options or LabelOptions()))
    assert "\n" not in str(caught.value)
    assert " -- " in str(caught.value)


def labels(scene: Scene) -> list[str]:
    return [item.label for item in scene.instances]


class TestKinds:
    def test_values_are_classes_in_order_and_borders_are_exact(self, tmp_path: Path) -> None:
        values = ring_and_blob()
        ((scene,), _) = read(pair(tmp_path, values), THINGS)
        assert labels(scene) == ["ring", "blob"]
        for value, item in enumerate(scene.instances, 1):
            assert item.outline is not None
            assert (to_mask(item.outline, HEIGHT, WIDTH) == (values == value)).all()
        assert scene.instances[0].outline is not None
        assert len(scene.instances[0].outline.holes) == 1

    def test_classes_fall_into_bodies_and_levels_do_not(self, tmp_path: Path) -> None:
        values = blank()
        values[2:6, 2:8], values[12:16, 2:8] = 1, 1
        ((scene,), _) = read(pair(tmp_path / "a", values), THINGS)
        assert labels(scene) == ["ring", "ring"]
        values[22:26, 2:8], values[26:29, 2:8] = 2, 3
        ((scene,), heard) = read(pair(tmp_path / "b", values), SEG)
        assert labels(scene) == ["L1", "L2", "L3"]
        assert scene.instances[0].outline is not None
        assert len(scene.instances[0].outline.rings) == 2
        assert any("L1 lies in 2 separate parts" in line for line in heard)

    def test_numbers_of_bodies_of_the_only_class(self, tmp_path: Path) -> None:
        values = blank()
        for number in (1, 2, 3):
            values[8 * number : 8 * number + 5, 4:12] = number
        values[5:8, 20:30] = 2  # a second part of body 2
        ((scene,), heard) = read(pair(tmp_path, values), BODY)
        assert labels(scene) == ["vertebra"] * 3
        assert scene.instances[1].outline is not None
        assert len(scene.instances[1].outline.rings) == 2
        assert any("each value numbers one vertebra" in line for line in heard)

    @pytest.mark.parametrize("value", [1, 255])
    def test_a_binary_mask_gives_a_body_for_each_part(self, tmp_path: Path, value: int) -> None:
        values = blank()
        values[2:6, 2:8], values[12:16, 2:8] = value, value
        ((scene,), heard) = read(pair(tmp_path, values), BODY)
        assert [item.box for item in scene.instances] == [(1.5, 1.5, 7.5, 5.5), (1.5, 11.5, 7.5, 15.5)]
        assert all(item.flags == () for item in scene.instances)
        assert any("are binary" in line for line in heard)

    def test_touching_bodies_are_parted_flagged_and_told(self, tmp_path: Path) -> None:
        values = chain(3)
        ((scene,), heard) = read(pair(tmp_path, values * np.uint8(255)), BODY)
        assert len(scene.instances) == 3
        assert all(item.flags == ("split",) for item in scene.instances)
        assert any("3 bodies that touched were parted" in line for line in heard)
        together = np.zeros(values.shape, dtype=int)
        for item in scene.instances:
            assert item.outline is not None
            together += to_mask(item.outline, *values.shape)
        assert (together == values).all()  # nothing lost, nothing twice

    def test_one_class_with_levels_all_there(self, tmp_path: Path) -> None:
        values = ring_and_blob()
        values[26:29, 20:30] = 3
        ((scene,), _) = read(pair(tmp_path, values), POSE)
        assert labels(scene) == ["L1", "L2", "L3"]

    def test_black_membranes_are_the_second_class(self, tmp_path: Path) -> None:
        values = blank()
        values[:, 5:] = 255
        ((scene,), _) = read(pair(tmp_path, values), SEM)
        assert scene.raster is not None
        assert scene.raster.labels is not None
        np.testing.assert_array_equal(scene.raster.labels, np.where(values == 0, 1, 0))

    def test_class_indices_of_a_semantic_schema(self, tmp_path: Path) -> None:
        tissue = Schema("tissue", 1, "Tissue", "sem", "test", ("air", "fat", "bone"))
        ((scene,), _) = read(pair(tmp_path, ring_and_blob()), tissue)
        assert scene.raster is not None
        np.testing.assert_array_equal(scene.raster.labels, ring_and_blob())

    def test_both_values_of_a_semantic_schema_of_two(self, tmp_path: Path) -> None:
        cells = Schema("cells", 1, "Cells", "sem", "test", ("cell", "membrane"))
        ((scene,), _) = read(pair(tmp_path, (ring_and_blob() > 0).astype(np.uint8) * 255), cells)
        assert scene.raster is not None
        np.testing.assert_array_equal(scene.raster.labels, ring_and_blob() > 0)


class TestFiles:
    @pytest.mark.parametrize("mode", ["P", "I;16", "RGB", "L", "LA", "I", "F"])
    def test_kinds_of_file_that_hold_the_same_values(self, tmp_path: Path, mode: str) -> None:
        values = ring_and_blob()
        pair(tmp_path, values)
        if mode == "P":
            image = PillowImage.fromarray(values, "P")
            image.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
        elif mode == "I;16":
            image = PillowImage.fromarray(values.astype(np.uint16))
        else:
            image = PillowImage.fromarray(values).convert(mode)
        (tmp_path / "masks" / "a.png").unlink()
        image.save(tmp_path / "masks" / ("a.tif" if mode in "IF" else "a.png"))
        ((scene,), _) = read(tmp_path, THINGS)
        assert [item.box for item in scene.instances] == [(3.5, 2.5, 13.5, 11.5), (19.5, 19.5, 29.5, 24.5)]

    def test_one_bit(self, tmp_path: Path) -> None:
        pair(tmp_path, ring_and_blob())
        PillowImage.fromarray(ring_and_blob() == 2).save(tmp_path / "masks" / "a.png")
        ((scene,), _) = read(tmp_path, BODY)
        assert [item.box for item in scene.instances] == [(19.5, 19.5, 29.5, 24.5)]

    def test_pages_of_a_mask_are_layers_of_one_image(self, tmp_path: Path) -> None:
        folder = pair(tmp_path, blank())
        (folder / "masks" / "a.png").unlink()
        first, second = ring_and_blob() == 1, blank()
        second[8:15, 8:25] = 2  # overlaps
        save_pages(folder / "masks" / "a.tif", [first.astype(np.uint8), second])
        ((scene,), _) = read(folder, THINGS)
        assert labels(scene) == ["ring", "blob"]
        assert scene.instances[1].box == (7.5, 7.5, 24.5, 14.5)

    def test_pages_of_a_mask_are_those_of_the_image(self, tmp_path: Path) -> None:
        grey = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)).astype(np.uint8)
        save_pages(tmp_path / "images" / "a.tif", [grey, grey + 1, grey + 2])
        pages = [blank() for _ in range(3)]
        for index, page in enumerate(pages):
            page[4 : 8 + index, 4:9] = 1
        save_pages(tmp_path / "masks" / "a.tif", pages)
        scenes, _ = read(tmp_path, BODY)
        assert [scene.image.name for scene in scenes] == ["a.tif#0", "a.tif#1", "a.tif#2"]
        assert [scene.instances[0].box[3] for scene in scenes] == [7.5, 8.5, 9.5]
        save_pages(tmp_path / "masks" / "a.tif", pages[:2])
        scenes, heard = read(tmp_path, BODY)
        assert scenes == []
        assert any("2 pages of mask for 3 frames of image" in line for line in heard)

    def test_a_mask_of_one_frame(self, tmp_path: Path) -> None:
        grey = np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)).astype(np.uint8)
        save_pages(tmp_path / "images" / "a.tif", [grey, grey + 1, grey + 2])
        (tmp_path / "masks").mkdir()
        PillowImage.fromarray(ring_and_blob()).save(tmp_path / "masks" / "a#2.png")
        ((scene,), _) = read(tmp_path, THINGS)
        assert scene.image.name == "a.tif#2"


class TestLevels:
    def test_in_order_where_all_are_there(self, tmp_path: Path) -> None:
        values = ring_and_blob()
        values[26:29, 20:30] = 3
        ((scene,), heard) = read(pair(tmp_path, values), SEG)
        assert labels(scene) == ["L1", "L2", "L3"]
        assert any("values 1 to 3 are read as L1 to L3" in line for line in heard)

    def test_five_values_can_only_be_lumbar(self, tmp_path: Path) -> None:
        ((scene,), heard) = read(pair(tmp_path, five()), load_schema("vertebrae"))
        assert labels(scene) == ["L1", "L2", "L3", "L4", "L5"]
        assert any("the only part of vertebrae of as many levels" in line for line in heard)
        assert labels(read(tmp_path, load_schema("mri-lumbar"))[0][0]) == ["L1", "L2", "L3", "L4", "L5"]

    def test_not_where_a_mask_lacks_one(self, tmp_path: Path) -> None:
        pair(tmp_path, five())
        refused(
            pair(tmp_path, np.where(five() == 3, 0, five()).astype(np.uint8), "b"),
            load_schema("vertebrae"),
            r"values 1, 2, 3, 4, 5, but nothing says which of the 25 levels .* write masks\.yaml beside",
        )

    def test_not_where_they_run_upwards(self, tmp_path: Path) -> None:
        upside = np.where(five() > 0, 6 - five(), 0).astype(np.uint8)
        refused(
            pair(tmp_path, upside), load_schema("vertebrae"), "L5 lies above L1: are they counted from below"
        )

    def test_never_guessed_but_stated(self, tmp_path: Path) -> None:
        folder = pair(tmp_path, ring_and_blob(), "S01_sag32")
        refused(folder, load_schema("vertebrae"), "values 1, 2, but nothing says which of the 25 levels")
        (folder / "masks.yaml").write_text("kind: classes\nvalues: {1: T12, 2: L1}\n")
        ((scene,), heard) = read(folder, load_schema("vertebrae"))
        assert labels(scene) == ["T12", "L1"]
        assert scene.group == "S01"
        assert heard == []

    def test_a_jump_a_double_and_an_exchange_are_noticed(self, tmp_path: Path) -> None:
        folder = pair(tmp_path, five())
        text = "kind: instances\nvalues: {1: L1, 2: L3, 3: L2, 4: L5, 5: L5}\n"
        (folder / "masks" / "masks.yaml").write_text(text)
        _, heard = read(folder, load_schema("vertebrae"))
        assert any("L5 is there 2 times" in line for line in heard)
        assert any("jump from L3 to L5, without L4" in line for line in heard)
        assert any("L3 lies on the wrong side of L2" in line for line in heard)


class TestPairs:
    def test_an_empty_mask_is_a_scene_with_a_note(self, tmp_path: Path) -> None:
        ((scene,), heard) = read(pair(tmp_path, blank()), THINGS)
        assert scene.instances == ()
        assert scene.notes == ("the mask is empty",)
        assert any("a.png: holds nothing but background" in line for line in heard)

    def test_what_has_no_partner_is_told_or_refused(self, tmp_path: Path) -> None:
        folder = pair(tmp_path, ring_and_blob(), suffix="_mask")
        pair(folder, blank(), "b")
        (folder / "images" / "b.png").unlink()
        save_image(folder / "images" / "c.png")
        (scenes, heard) = read(folder, THINGS)
        assert [scene.image.name for scene in scenes] == ["a.png"]
        assert heard == [
            f"{folder / 'masks' / 'b.png'}: no image of this name in {folder / 'images'} -- passed over",
            f"{folder / 'images' / 'c.png'}: has no mask in {folder / 'masks'} -- passed over",
        ]
        refused(
            folder,
            THINGS,
            r"2 masks and 2 images: masks without image: b\.png; images without mask: c\.png",
            LabelOptions(allow_missing=False),
        )

    def test_two_masks_of_one_image(self, tmp_path: Path) -> None:
        folder = pair(pair(tmp_path, blank()), blank(), suffix="_mask")
        refused(folder, THINGS, r"a_mask\.png: and a\.png are both masks of a\.png")

    def test_one_folder_for_both(self, tmp_path: Path) -> None:
        save_image(tmp_path / "a.png")
        save_image(tmp_path / "b.jpg")
        PillowImage.fromarray(ring_and_blob()).save(tmp_path / "a_mask.png")
        PillowImage.fromarray(ring_and_blob()).save(tmp_path / "b.png")
        scenes, heard = read(tmp_path, THINGS)
        assert [scene.image.name for scene in scenes] == ["a.png", "b.jpg"]
        assert heard == []

    def test_subfolders_and_suffixes_keep_namesakes_apart(self, tmp_path: Path) -> None:
        for name in ("x/a.png", "y/a.png", "y/a.bmp"):
            save_image(tmp_path / "images" / name)
            (tmp_path / "masks" / name).parent.mkdir(parents=True, exist_ok=True)
        for name in ("x/a.png", "y/a.png", "y/a.bmp.png"):
            PillowImage.fromarray(ring_and_blob()).save(tmp_path / "masks" / name)
        scenes, heard = read(tmp_path, THINGS)
        assert [scene.image.name for scene in scenes] == ["x/a.png", "y/a.bmp", "y/a.png"]
        assert heard == []

    def test_no_pair_at_all(self, tmp_path: Path) -> None:
        folder = pair(tmp_path, blank())
        (folder / "images" / "a.png").rename(folder / "images" / "z.png")
        refused(folder, THINGS, "pair them by name")
        (folder / "images").rename(folder / "pictures")
        refused(folder / "masks", THINGS, "no folder images/")
        refused(tmp_path / "nowhere", THINGS, "no such folder")

    def test_a_thousand_masks_do_not_pile_up(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for index in range(5):
            pair(tmp_path, ring_and_blob(), f"a{index}")
        (tmp_path / "masks.yaml").write_text("values: {1: ring, 2: blob}\n")
        opened: list[Path] = []

        def spy(path: Path, by_colour: bool = False) -> Iterator[MaskPage]:
            opened.append(path)
            return mask_pages(path, by_colour)

        monkeypatch.setattr(masks, "mask_pages", spy)
        scenes = masks.read(tmp_path, THINGS)
        next(scenes)
        assert len(opened) == 1  # one mask open for the first scene, the others untouched
        assert len(list(scenes)) == 4


def test_real_sections_and_slices_are_read() -> None:
    sections = list(masks.read(real_data() / "em_isbi2012", load_schema("em-membrane")))
    assert len(sections) == 25
    for scene in sections:
        assert scene.raster is not None
        assert scene.raster.labels is not None
        assert 0.15 < scene.raster.labels.mean() < 0.35  # membranes are about a fifth of a section
    slices, heard = read(real_data() / "mri_lumbar", load_schema("vertebrae"))
    assert len(slices) == 199
    assert len({scene.group for scene in slices}) == 40
    assert {tuple(labels(scene)) for scene in slices} == {("L1", "L2", "L3", "L4", "L5")}
    assert sum("values 1 to 5 are read as L1 to L5" in line for line in heard) == 1


def test_only_folders_of_masks_are_recognised(tmp_path: Path) -> None:
    folder = pair(tmp_path / "a", ring_and_blob())
    assert masks.FORMAT.detect is not None
    assert masks.FORMAT.detect(folder)
    assert masks.FORMAT.detect(folder / "masks")
    assert not masks.FORMAT.detect(folder / "images")
    assert not masks.FORMAT.detect(folder / "masks" / "a.png")
    assert not masks.FORMAT.detect(tmp_path / "nothing")
    (folder / "data.yaml").write_text("names: []")
    assert not masks.FORMAT.detect(folder)
    pictures = pair(tmp_path / "b", blank())
    save_image(pictures / "masks" / "c.png", 200, 300)
    save_image(pictures / "images" / "c.png", 200, 300)
    assert not masks.FORMAT.detect(pictures)
    assert masks.FORMAT.detect(real_data() / "mri_lumbar")
    assert masks.FORMAT.detect(real_data() / "em_isbi2012")
    for other in ("aasce2019", "ceph_isbi2015", "orbit", "spine_lateral", "dicom/other_modality"):
        assert not masks.FORMAT.detect(real_data() / other), other


def five() -> npt.NDArray[np.uint8]:
    """Five bodies below one another, 1 to 5."""
    values = blank()
    for number in range(1, 6):
        values[5 * number : 5 * number + 4, 10:20] = number
    return values


def save_pages(path: Path, pages: list[npt.NDArray[np.uint8]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    first, *others = [PillowImage.fromarray(page) for page in pages]
    first.save(path, save_all=True, append_images=others)
