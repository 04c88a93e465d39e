"""Films for the command line: good ones from the samples, and every kind of bad one made of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from spinekit.files import sha256_of
from spinekit.formats.neutral import neutral_name
from tests.conftest import CHECKOUT

SAMPLES = CHECKOUT / "datasets" / "samples"
SPINE_PNG = SAMPLES / "spine-ap-02.png"
SPINE_DICOM = SAMPLES / "spine-ap-01.dcm"
MODEL = "spine-ap-pose"


def called(path: Path) -> str:
    """What results call a DICOM file."""
    return neutral_name(sha256_of(path), ".dcm")


def spine_pixels() -> npt.NDArray[np.uint8]:
    """The 8-bit grey pixels of a spine film that ships."""
    pixels = cv2.imread(str(SPINE_PNG), cv2.IMREAD_GRAYSCALE)
    assert pixels is not None
    return np.asarray(pixels, np.uint8)


def good(folder: Path, name: str = "good.png") -> Path:
    """A film that every run can read."""
    folder.mkdir(parents=True, exist_ok=True)
    return Path(shutil.copyfile(SPINE_PNG, folder / name))


def changed_dicom(path: Path, changes: dict[str, object], without: Iterable[str] = ()) -> Path:
    """A sample's DICOM object with other attributes.

    Args:
        path: To write.
        changes: New values by keyword.
        without: Keywords to leave out.
    """
    import pydicom

    item: Any = pydicom.dcmread(SPINE_DICOM)
    for keyword, value in changes.items():
        setattr(item, keyword, value)
    for keyword in without:
        if keyword in item:
            delattr(item, keyword)
    path.parent.mkdir(parents=True, exist_ok=True)
    item.save_as(path, enforce_file_format=False)
    return path


def scenes(out: Path) -> dict[str, dict[str, Any]]:
    """The lines of ``predictions.jsonl`` by the image's name."""
    lines = (out / "predictions.jsonl").read_text("utf-8").splitlines()
    return {line["image"]["name"]: line for line in map(json.loads, lines)}


def reasons(out: Path) -> dict[str, tuple[str, str]]:
    """Status and reason of each file of ``run.json``."""
    record = json.loads((out / "run.json").read_text("utf-8"))
    return {file["name"]: (file["status"], file["reason"]) for file in record["files"]}
