from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread

from spinekit.formats.dicom_identity import read_identity
from tests.conftest import CHECKOUT

SAMPLE = CHECKOUT / "datasets" / "samples" / "spine-ap-01.dcm"


def written(path: Path, patient: str, study: str) -> Path:
    item = dcmread(SAMPLE)
    item.PatientID, item.StudyInstanceUID = patient, study
    item.save_as(path)
    return path


def test_a_patient_is_one_in_all_visits_and_named_in_none(tmp_path: Path) -> None:
    first = read_identity(written(tmp_path / "a.dcm", "ZQ-4711", "1.2.3"), "salt")
    second = read_identity(written(tmp_path / "b.dcm", "ZQ-4711", "1.2.4"), "salt")
    other = read_identity(written(tmp_path / "c.dcm", "ZQ-4712", "1.2.3"), "salt")
    assert first is not None
    assert second is not None
    assert other is not None
    assert first.patient == second.patient != other.patient
    assert len({first.visit, second.visit, other.visit}) == 3
    assert "4711" not in first.patient + first.visit
    salted = read_identity(tmp_path / "a.dcm", "another")
    assert salted is not None
    assert salted.patient != first.patient


def test_a_file_without_a_patient_says_so(tmp_path: Path) -> None:
    found = read_identity(written(tmp_path / "a.dcm", "", "1.2.3"), "salt")
    assert found is not None
    assert found.patient == ""
    assert found.visit.startswith("visit-")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"\0" * 128 + b"DICM" + b"\xff" * 40])
def test_what_cannot_be_read_is_nobody(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    found = read_identity(path, "salt")
    assert found is None or found.patient == ""


def test_a_missing_file_is_nobody(tmp_path: Path) -> None:
    assert read_identity(tmp_path / "none.dcm", "salt") is None
