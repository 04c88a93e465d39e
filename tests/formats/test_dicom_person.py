"""Age, sex and group of DICOM images; the patient's number never comes out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinekit.formats.dicom_identity import read_identity
from spinekit.formats.dicom_person import covariates_of, group_of
from tests.formats.annotation_samples import real_data, save_image
from tests.formats.seg_objects import film


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"PatientAge": "063Y", "PatientSex": "F"}, {"age_years": 63.0, "sex": "F"}),
        ({"PatientAge": "018M", "PatientSex": "M"}, {"age_years": 1.5, "sex": "M"}),
        ({"PatientAge": "010W", "PatientSex": ""}, {"age_years": 0.19}),
        ({"PatientAge": "010D"}, {"age_years": 0.03}),
        ({"PatientAge": "000Y"}, {}),
        ({"PatientAge": "63"}, {}),
        ({"PatientAge": "999Y"}, {}),
        ({"PatientBirthDate": "19500101", "StudyDate": "20200101"}, {"age_years": 70.0}),
        (
            {"PatientBirthDate": "19500101", "StudyDate": "", "AcquisitionDate": "20200702"},
            {"age_years": 70.5},
        ),
        ({"PatientBirthDate": "20300101"}, {}),
        ({"PatientBirthDate": "19509999"}, {}),
        ({"PatientSex": "O"}, {}),
        ({"PatientSex": None, "PatientBirthDate": None}, {}),
    ],
)
def test_age_and_sex(tmp_path: Path, attributes: dict[str, Any], expected: dict[str, float | str]) -> None:
    path = film(tmp_path / "film.dcm", attributes=attributes)
    assert covariates_of(path) == expected


def test_an_age_that_contradicts_the_dates_is_told(tmp_path: Path) -> None:
    heard: list[str] = []
    attributes = {"PatientAge": "063Y", "PatientBirthDate": "19000101", "StudyDate": "20200101"}
    path = film(tmp_path / "film.dcm", attributes=attributes)
    assert covariates_of(path, heard.append) == {"age_years": 63.0}
    assert heard == [
        f"{path}: PatientAge and the time since PatientBirthDate differ by years -- PatientAge is taken"
    ]


def test_the_group_is_the_persons_and_tells_no_number(tmp_path: Path) -> None:
    one = film(tmp_path / "1.dcm", "a", attributes={"PatientID": "ZQ-123456"})
    two = film(tmp_path / "2.dcm", "b", attributes={"PatientID": "ZQ-123456"})
    other = film(tmp_path / "3.dcm", "c", attributes={"PatientID": "ZQ-123457"})
    group = group_of(one, "set")
    assert group == group_of(two, "set")
    assert group != group_of(other, "set")
    assert group != group_of(one, "another set")
    assert "123456" not in group
    identity = read_identity(one, "set")
    assert identity is not None
    assert group == identity.patient  # a split by patient and the reader agree
    issued = film(tmp_path / "4.dcm", "d", attributes={"PatientID": "ZQ-123456", "IssuerOfPatientID": "X"})
    assert group_of(issued, "set") != group


def test_files_that_name_nobody(tmp_path: Path) -> None:
    picture = save_image(tmp_path / "a.png").path
    broken = tmp_path / "b.dcm"
    broken.write_bytes(bytes(128) + b"DICM" + b"\xff" * 200)
    nameless = film(tmp_path / "c.dcm", attributes={"PatientID": ""})
    for path in (picture, broken, tmp_path / "nothing.dcm", tmp_path, nameless):
        assert group_of(path) == ""
        assert covariates_of(path) == {}


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_files_never_raise(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "film.dcm"
    if not path.exists():
        film(path, attributes={"PatientAge": "063Y"})
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, 1500))] = data.draw(st.integers(0, 255))
    changed = tmp_path / "changed.dcm"
    changed.write_bytes(content)
    known = covariates_of(changed)
    assert set(known) <= {"age_years", "sex"}
    assert isinstance(group_of(changed), str)


def test_a_real_patient_is_known_by_age_alone() -> None:
    path = real_data() / "dicom" / "other_modality" / "pydicomdata__liver.dcm"
    assert covariates_of(path) == {"age_years": 60.0, "sex": "M"}
    assert str(pydicom.dcmread(path, stop_before_pixels=True).PatientID) not in group_of(path)
