"""DICOM objects beside a run: of whom they speak, what lies beside them, and that they come out the same again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image as PillowImage

from spinekit.core.errors import UsageError
from spinekit.core.image import Image
from spinekit.core.measurement import NotMeasured
from spinekit.workflows.dicom_outputs import DICOM_KINDS, write_dicom
from spinekit.workflows.outputs import check_save
from tests.formats.annotation_samples import real_data
from tests.formats.made_objects import MAKER, NAME, NUMBER, complaints, dx, found, measured, picture, read
from tests.formats.seg_objects import film
from tests.formats.test_dicom_clean import planted
from tests.test_privacy import DATE, MARK, UID


def written(kind: str, image: Image, folder: Path, clean: bool = False) -> list[Path]:
    return write_dicom(
        kind, image, found(image), measured(), picture(image), folder, clean, MAKER.model_sha256, print
    )


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, in which the secret of the pseudonyms is made."""
    monkeypatch.setenv("SPINEKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def uids(item: pydicom.Dataset) -> Iterator[str]:
    """All UIDs that an object names, of its own and of others."""
    for element in item.iterall():
        if element.VR == "UI":
            yield str(element.value)


def test_save_knows_them() -> None:
    assert set(check_save(DICOM_KINDS)) == set(DICOM_KINDS)
    with pytest.raises(UsageError, match="dicom-seg-labelmap"):
        check_save(["dicom-sg"])


@pytest.mark.parametrize("kind", DICOM_KINDS)
def test_one_object_an_image_named_like_it_for_its_owner_alone(kind: str, tmp_path: Path) -> None:
    image = read(dx(tmp_path / "film.dcm"))
    (path,) = written(kind, image, tmp_path / kind)
    assert path == tmp_path / kind / f"film.dcm.{kind.removeprefix('dicom-')}.dcm"
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0
    item, source = pydicom.dcmread(path), pydicom.dcmread(tmp_path / "film.dcm")
    assert (item.PatientName, item.PatientID, item.StudyInstanceUID) == (
        NAME,
        NUMBER,
        source.StudyInstanceUID,
    )
    assert source.SOPInstanceUID in set(uids(item))
    assert item.file_meta.MediaStorageSOPInstanceUID == item.SOPInstanceUID


@pytest.mark.parametrize("clean", [False, True])
@pytest.mark.parametrize("kind", DICOM_KINDS)
def test_a_rerun_gives_the_same_bytes_whatever_the_name_of_the_film(
    kind: str, clean: bool, tmp_path: Path
) -> None:
    first = written(kind, read(dx(tmp_path / "film.dcm")), tmp_path / "1", clean)
    (tmp_path / "other").mkdir()
    again = written(kind, read(dx(tmp_path / "other" / "renamed.dcm")), tmp_path / "2", clean)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]


def test_series_are_of_a_kind_and_objects_of_an_image(tmp_path: Path) -> None:
    one, two = (read(film(tmp_path / f"{n}.dcm", n, attributes={"SeriesInstanceUID": "1.2.9"})) for n in "ab")
    found_in = {
        (kind, image.ref.name): pydicom.dcmread(written(kind, image, tmp_path / kind)[0])
        for kind in DICOM_KINDS
        for image in (one, two)
    }
    assert len({item.SeriesInstanceUID for item in found_in.values()}) == len(DICOM_KINDS)
    assert len({item.SOPInstanceUID for item in found_in.values()}) == 2 * len(DICOM_KINDS)


@pytest.mark.parametrize("kind", DICOM_KINDS)
def test_a_film_that_is_no_dicom_is_wrapped_beside_its_objects(kind: str, tmp_path: Path) -> None:
    grey = (np.add.outer(np.arange(31), np.arange(45)) * 3).astype(np.uint8)
    PillowImage.fromarray(grey).save(tmp_path / "film.png")
    source, made = written(kind, read(tmp_path / "film.png"), tmp_path / kind)
    wrapped, item = pydicom.dcmread(source), pydicom.dcmread(made)
    assert source.name == "film.png.source.dcm"
    assert wrapped.SOPInstanceUID in set(uids(item))
    assert (item.PatientID, item.StudyInstanceUID) == (wrapped.PatientID, wrapped.StudyInstanceUID)
    assert str(wrapped.PatientName) == "Unknown^Patient"
    assert np.array_equal(read(source).pixels, grey)
    errors = [line for line in complaints(source) + complaints(made) if line.startswith("Error")]
    assert errors == [] or kind == "dicom-seg-labelmap"


@pytest.mark.parametrize("kind", DICOM_KINDS)
def test_clean_objects_hold_no_mark_and_speak_of_the_clean_copy(kind: str, tmp_path: Path) -> None:
    path = planted(tmp_path / f"{MARK}.dcm")
    item = pydicom.dcmread(path)
    item.SOPInstanceUID, item.BurnedInAnnotation = UID, "NO"
    item.save_as(path)
    source, made = written(kind, read(path), tmp_path / kind, clean=True)
    for file in (source, made):
        content = file.read_bytes()
        for mark in (MARK, DATE, UID, "MARKED7"):
            assert mark.encode() not in content
            assert mark.encode("utf-16-le") not in content
        assert MARK not in file.name
    item, copy = pydicom.dcmread(made), pydicom.dcmread(source)
    assert copy.SOPInstanceUID in set(uids(item))
    assert item.PatientID == copy.PatientID
    assert item.PatientIdentityRemoved == "YES"
    assert [code.CodeValue for code in item.DeidentificationMethodCodeSequence] == ["113100"]


def test_a_refused_angle_is_still_an_angle(tmp_path: Path) -> None:
    image = read(dx(tmp_path / "film.dcm"))
    refused = tuple(
        NotMeasured(name, "too few bodies") for name in ("cobb_aasce_main", "coronal_balance", "t1_tilt")
    )
    (path,) = write_dicom("dicom-sr", image, found(image), refused, picture(image), tmp_path / "sr")
    numbers = [
        item.ConceptNameCodeSequence[0].CodeMeaning
        for group in pydicom.dcmread(path).ContentSequence[-1].ContentSequence[-1:]
        for item in group.ContentSequence
        if item.ValueType == "NUM"
    ]
    assert numbers == ["Cobb angle", "Distance", "Angle"]


def test_nothing_to_write_is_told(tmp_path: Path) -> None:
    image = read(dx(tmp_path / "film.dcm"))
    scene = found(image)
    told: list[str] = []
    bare = type(scene)(image.ref, scene.schema, model=scene.model)
    for kind in DICOM_KINDS[:3]:
        assert write_dicom(kind, image, bare, (), picture(image), tmp_path / kind, notice=told.append) == []
    assert [line.split(": ")[1] for line in told] == list(DICOM_KINDS[:3])
    assert all("nothing to write" in line for line in told)


def test_an_unknown_kind_is_one_line(tmp_path: Path) -> None:
    image = read(dx(tmp_path / "film.dcm"))
    with pytest.raises(UsageError, match="there is no such kind"):
        written("dicom-xy", image, tmp_path)


REAL = (
    "radiograph/wg04__RG3_RLE",
    "radiograph/wg04__XA1_RLE",
    "other_modality/pydicom__MR_small.dcm",
    "other_modality/cornerstone__CTImage.dcm_JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70.dcm",
)


@pytest.mark.parametrize("name", REAL)
def test_objects_of_real_films_are_valid_and_their_clean_copies_look_alike(name: str, tmp_path: Path) -> None:
    """What stays to be complained of is the source's own value, copied as it is."""
    path = real_data() / "dicom" / name
    if not path.is_file():
        pytest.skip(f"{name} is not among the real data")
    image = read(path)
    own = {"</StudyID", "</StudyDate", "</StudyTime", "</PatientID", "</PatientName"}
    for kind in ("dicom-seg", "dicom-sr", "dicom-sc"):
        (made,) = written(kind, image, tmp_path / kind)
        assert [line for line in complaints(made) if line.split(" - ")[1].split("(")[0] not in own] == []
    source, _ = written("dicom-sc", image, tmp_path / "clean", clean=True)
    again = read(source)
    assert np.array_equal(again.pixels, image.pixels)
    assert again.ref.spacing == image.ref.spacing
