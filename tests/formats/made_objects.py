"""Sources of DICOM objects that are valid in themselves, findings on them, and the validators that judge both."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset

from spinekit.core.image import Image, UInt8Array
from spinekit.core.landmarks import landmarks
from spinekit.core.measurement import Measurement, MeasurementGeometry, NotMeasured, Result, Status
from spinekit.core.outline import to_outline
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.spacing import SpacingOrigin
from spinekit.formats.dicom_maker import Maker
from spinekit.formats.reading import read_images
from spinekit.schemas import load_schema
from tests.formats.seg_objects import COLUMNS, ROWS, film

MAKER = Maker("0.1.0", "made-up-model", "ab" * 32)
CR, MR = "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.4"
NAME, NUMBER = "Doe^Jane", "PID-4711"


def dx(path: Path) -> Path:
    """A digital radiograph of a spine, with a patient."""
    return film(path, attributes={"PatientName": NAME, "PatientID": NUMBER, "PatientSex": "F"})


def cr(path: Path) -> Path:
    """A computed radiograph: the attributes of its class and no others."""
    item = _common(CR, "CR")
    item.BodyPartExamined, item.ViewPosition = "SPINE", "AP"
    item.ImagerPixelSpacing = ["0.5", "0.5"]
    item.PatientOrientation = ["L", "F"]
    item.WindowCenter, item.WindowWidth = "400", "800"
    return _saved(item, path)


def mr(path: Path) -> Path:
    """A sagittal slice with its place in the patient."""
    item = _common(MR, "MR")
    item.BodyPartExamined = "LSPINE"
    item.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    item.ScanningSequence, item.SequenceVariant, item.ScanOptions = "SE", "NONE", ""
    item.MRAcquisitionType, item.EchoTime, item.EchoTrainLength = "2D", "10", "1"
    item.RepetitionTime, item.MagneticFieldStrength = "600", "1.5"
    item.PatientPosition, item.PositionReferenceIndicator = "HFS", ""
    item.FrameOfReferenceUID = "1.2.3.4.5"
    item.ImageOrientationPatient = ["0", "1", "0", "0", "0", "-1"]
    item.ImagePositionPatient, item.PixelSpacing = ["0", "-10", "20"], ["0.8", "0.8"]
    item.SliceThickness = "4"
    return _saved(item, path)


SOURCES = {"dx": dx, "cr": cr, "mr": mr}


def _common(kind: str, modality: str) -> Dataset:
    item, meta = Dataset(), FileMetaDataset()
    meta.MediaStorageSOPClassUID = item.SOPClassUID = kind
    meta.MediaStorageSOPInstanceUID = item.SOPInstanceUID = f"1.2.3.{modality == 'MR':d}.9"
    meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    meta.ImplementationClassUID, meta.FileMetaInformationVersion = "1.2.3.99", b"\0\1"
    item.file_meta = meta
    item.SpecificCharacterSet = "ISO_IR 192"
    item.PatientName, item.PatientID, item.PatientBirthDate, item.PatientSex = NAME, NUMBER, "19610203", "F"
    item.StudyInstanceUID, item.SeriesInstanceUID = "1.2.3.7", f"1.2.3.7.{modality == 'MR':d}"
    item.StudyDate, item.StudyTime, item.StudyID = "20200102", "101112", "S1"
    item.AccessionNumber, item.ReferringPhysicianName = "A-815", "Roe^Richard"
    item.ContentDate, item.ContentTime = "20200102", "101113"
    item.Modality, item.SeriesNumber, item.InstanceNumber = modality, 3, 5
    item.Manufacturer = "maker"
    grey = (np.add.outer(np.arange(ROWS), np.arange(COLUMNS)) * 10).astype(np.uint16)
    item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
    item.Rows, item.Columns, item.PixelRepresentation = ROWS, COLUMNS, 0
    item.BitsAllocated, item.BitsStored, item.HighBit = 16, 12, 11
    content = grey.tobytes()
    item.add_new("PixelData", "OW", content + b"\0" * (len(content) % 2))
    return item


def _saved(item: Dataset, path: Path) -> Path:
    item.save_as(path, enforce_file_format=True)
    return path


def read(path: Path) -> Image:
    """The one image of a file."""
    (image,) = read_images(path)
    return image


def found(image: Image) -> Scene:
    """Three bodies, of which two overlap and one has a hole, with corners; S1 has no level code of its own."""
    schema = load_schema("spine-ap")
    height, width = image.pixels.shape
    items = []
    for index, (label, top) in enumerate((("T12", 2), ("L1", 9), ("L2", 20))):
        mask = np.zeros((height, width), dtype=bool)
        mask[top : top + 9, 3 + index : 20 + index] = True
        mask[top + 3 : top + 5, 9:12] = index != 1
        xy = np.array([[3, top], [20, top], [3, top + 8], [20, top + 8]], dtype=np.float64) + index
        points = landmarks(schema.landmark_names, np.pad(xy, ((0, len(schema.landmark_names) - 4), (0, 0)),
                                                         constant_values=np.nan))  # fmt: skip
        outline = to_outline(mask)
        items.append(Instance(label, outline.box, outline, points, score=0.9, author=Author.MODEL))
    return Scene(image.ref, schema, tuple(items), model=MAKER.model)


def measured() -> tuple[Result, ...]:
    """One result of every kind."""
    geometry = MeasurementGeometry(
        points={"apex": (10.0, 12.0), "far": (1e4, 1e4)},
        lines={"upper": ((3.0, 2.0), (20.0, 3.0)), "lower": ((-50.0, 20.0), (200.0, 22.0))},
    )
    return (
        Measurement("cobb_main", 23.71284, "deg", "Cobb by endplates", ("T12.TL",), 20.0, 26.5,
                    geometry=geometry, details={"side": "image right"}),
        Measurement("disc_height_L1_L2", 7.5, "mm", "mean height", status=Status.REVIEW, reason="look at L2",
                    spacing_origin=SpacingOrigin.DETECTOR, grade="low"),
        Measurement("shift_L1", -3.0, "px", "sideways", geometry=MeasurementGeometry(points={"c": (5.0, 6.0)})),
        Measurement("share_L2", 41.0, "%", "a share"),
        Measurement("height_ratio", 0.93, "", "a ratio"),
        NotMeasured("thoracic_kyphosis", "T4 was not found"),
    )  # fmt: skip


def picture(image: Image) -> UInt8Array:
    """An overlay: the film with a coloured corner and a strip below."""
    drawn = np.repeat(image.pixels[:, :, None], 3, axis=2)
    drawn[:5, :5] = (255, 128, 0)
    return np.concatenate([drawn, np.full((6, drawn.shape[1], 3), 30, dtype=np.uint8)])


@functools.cache
def tool(name: str) -> str:
    """The path of a program of another maker; the test skips without it."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def complaints(path: Path) -> list[str]:
    """What dciodvfy finds wrong with an object."""
    done = subprocess.run(
        [tool("dciodvfy"), "-new", path], capture_output=True, text=True, check=False, timeout=60
    )
    lines = (done.stderr + done.stdout).splitlines()
    return [line for line in lines if line.startswith(("Error", "Warning"))]


def texts(path: Path) -> str:
    """All of an object as pydicom prints it."""
    return str(pydicom.dcmread(path))
