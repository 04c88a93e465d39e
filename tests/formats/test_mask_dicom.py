"""DICOM films beside masks as PNG, matched by name: sizes, spacing, age and sex, groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError
from spinekit.core.schema import Schema
from spinekit.core.spacing import SpacingOrigin
from spinekit.formats import mask
from spinekit.formats.plugin import LabelOptions
from tests.formats.seg_objects import COLUMNS, ROWS, film, frames

BODY = Schema("bodies", 1, "Bodies", "seg", "test", ("vertebra",))


def binary() -> npt.NDArray[np.uint8]:
    values = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
    values[4:12, 10:22] = 255
    values[16:24, 10:22] = 255
    return values


def data_set(folder: Path, layout: str) -> Path:
    """Three films of two persons with their masks."""
    images, masks = (folder / "dicom", folder / "mask") if layout == "apart" else (folder, folder)
    masks.mkdir(parents=True, exist_ok=True)
    images.mkdir(parents=True, exist_ok=True)
    for name, patient in (("001", "ZQ-1"), ("002", "ZQ-2"), ("003", "ZQ-1")):
        person = {"PatientID": patient, "PatientAge": "063Y", "PatientSex": "F"}
        film(images / f"{name}.dcm", name, attributes=person)
        PillowImage.fromarray(binary()).save(masks / f"{name}.png")
    return folder


@pytest.mark.parametrize("layout", ["apart", "together"])
def test_films_and_masks_of_one_name(tmp_path: Path, layout: str) -> None:
    folder = data_set(tmp_path, layout)
    heard: list[str] = []
    scenes = list(mask.read(folder, BODY, LabelOptions(notice=heard.append)))
    assert [scene.image.name for scene in scenes] == ["001.dcm", "002.dcm", "003.dcm"]
    for scene in scenes:
        assert [item.box for item in scene.instances] == [(9.5, 3.5, 21.5, 11.5), (9.5, 15.5, 21.5, 23.5)]
        assert scene.covariates == {"age_years": 63.0, "sex": "F"}
        assert scene.image.spacing is not None
        assert scene.image.spacing.origin is SpacingOrigin.DETECTOR
        assert scene.image.spacing.row_mm == 0.5
        assert "ZQ" not in scene.group
    assert scenes[0].group == scenes[2].group != scenes[1].group
    assert len(heard) == 1  # that the masks were taken for binary ones


def test_the_size_must_be_the_films(tmp_path: Path) -> None:
    folder = data_set(tmp_path, "apart")
    PillowImage.fromarray(binary()[:20, :30]).save(folder / "mask" / "002.png")
    match = rf"002\.png: is 30 x 20 px, its image 002\.dcm {COLUMNS} x {ROWS} -- export both at one size"
    with pytest.raises(AnnotationError, match=match):
        list(mask.read(folder, BODY))
    PillowImage.fromarray(np.ascontiguousarray(binary().T)).save(folder / "mask" / "002.png")
    with pytest.raises(AnnotationError, match=r"turned by a quarter\?"):
        list(mask.read(folder, BODY))


def test_a_film_that_cannot_be_read_is_told_or_refused(tmp_path: Path) -> None:
    folder = data_set(tmp_path, "apart")
    path = folder / "dicom" / "002.dcm"
    path.write_bytes(path.read_bytes()[:-300])
    heard: list[str] = []
    scenes = list(mask.read(folder, BODY, LabelOptions(notice=heard.append)))
    assert [scene.image.name for scene in scenes] == ["001.dcm", "003.dcm"]
    assert any("002.png: its image 002.dcm" in line and "passed over" in line for line in heard)
    with pytest.raises(AnnotationError, match=r"002\.png: its image 002\.dcm: .* -- mend or replace it"):
        list(mask.read(folder, BODY, LabelOptions(allow_missing=False)))


def test_frames_of_a_film_and_pages_of_its_mask(tmp_path: Path) -> None:
    frames(tmp_path / "dicom" / "run.dcm", 2)
    (tmp_path / "mask").mkdir()
    first, second = binary(), np.roll(binary(), 3, axis=1)
    PillowImage.fromarray(first).save(
        tmp_path / "mask" / "run.tif", save_all=True, append_images=[PillowImage.fromarray(second)]
    )
    scenes = list(mask.read(tmp_path, BODY))
    assert [scene.image.name for scene in scenes] == ["run.dcm#0", "run.dcm#1"]
    assert [scene.instances[0].box[0] for scene in scenes] == [9.5, 12.5]
