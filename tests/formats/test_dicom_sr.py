"""Structured reports: valid, readable by dcmtk, every number with its unit, every refusal with its reason."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.dicom_maker import save
from spinekit.formats.dicom_origin import read_origin
from spinekit.formats.dicom_sr import report
from spinekit.formats.dicom_sr_places import cut, to_report
from spinekit.formats.reading import read_images
from tests.formats.made_objects import MAKER, SOURCES, complaints, found, measured, read, tool
from tests.formats.seg_objects import frames


def written(source: Path, target: Path) -> Path:
    image = read(source)
    units = {"thoracic_kyphosis": "deg"}
    made = report(read_origin(image, print), found(image), measured(), MAKER, "content", print, units)
    assert made is not None
    return save(made, target)


def items(item: Dataset, kind: str) -> Iterator[Dataset]:
    """All content items of a type, of all depths."""
    for below in item.get("ContentSequence") or ():
        if below.ValueType == kind:
            yield below
        yield from items(below, kind)


def groups(item: Dataset) -> dict[str, Dataset]:
    """The measurement groups by their tracking identifier; that of the refusals has none."""
    found = {}
    for group in items(item, "CONTAINER"):
        if group.ConceptNameCodeSequence[0].CodeValue == "125007":
            names = [text.TextValue for text in items(group, "TEXT")
                     if text.ConceptNameCodeSequence[0].CodeValue == "112039"]  # fmt: skip
            found[names[0] if names else ""] = group
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sr")
    return written(SOURCES["dx"](folder / "film.dcm"), folder / "sr.dcm")


@pytest.mark.parametrize("source", SOURCES)
def test_it_is_valid(source: str, tmp_path: Path) -> None:
    path = SOURCES[source](tmp_path / "film.dcm")
    assert complaints(written(path, tmp_path / "sr.dcm")) == []


@pytest.mark.parametrize("program", ["dsrdump", "dsr2html"])
def test_dcmtk_prints_it_whole(program: str, made: Path) -> None:
    done = subprocess.run([tool(program), made], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    for words in ("Cobb angle", "23.7128", "Horizontal Pixel Spacing", "Measurement not attempted"):
        assert words in done.stdout


def test_numbers_have_ucum_units_and_intervals_theirs(made: Path) -> None:
    of = groups(pydicom.dcmread(made))
    seen = {}
    for name in ("cobb_main", "disc_height_L1_L2", "shift_L1", "share_L2", "height_ratio"):
        (number,) = (n for n in of[name].ContentSequence if n.ValueType == "NUM")
        value = number.MeasuredValueSequence[0]
        unit = value.MeasurementUnitsCodeSequence[0]
        assert unit.CodingSchemeDesignator == "UCUM"
        seen[name] = (float(value.NumericValue), unit.CodeValue)
    assert seen == {
        "cobb_main": (23.7128, "deg"), "disc_height_L1_L2": (7.5, "mm"), "shift_L1": (-3.0, "{pixels}"),
        "share_L2": (41.0, "%"), "height_ratio": (0.93, "1"),
    }  # fmt: skip
    spans = {
        number.ConceptNameCodeSequence[0].CodeValue: (
            float(number.MeasuredValueSequence[0].NumericValue),
            number.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue,
        )
        for number in items(of["cobb_main"], "NUM")
        if number.RelationshipType == "HAS PROPERTIES"
    }
    assert spans == {"371886008": (2.7872, "deg"), "371885007": (3.7128, "deg")}


def test_a_refusal_has_no_value_but_a_qualifier_and_its_reason(made: Path) -> None:
    of = groups(pydicom.dcmread(made))
    (number,) = (n for n in of[""].ContentSequence if n.ValueType == "NUM")
    assert len(number.MeasuredValueSequence) == 0
    assert number.ConceptNameCodeSequence[0].CodeMeaning == "Angle"
    qualifier = number.NumericValueQualifierCodeSequence[0]
    assert (qualifier.CodeValue, qualifier.CodingSchemeDesignator) == ("114007", "DCM")
    assert number.ContentSequence[0].TextValue == "thoracic_kyphosis: T4 was not found"


def test_landmarks_and_lines_lie_where_they_were_found(made: Path) -> None:
    item = pydicom.dcmread(made)
    of = groups(item)
    (corner,) = items(of["L1.TL"], "SCOORD")
    assert (corner.GraphicType, list(corner.GraphicData)) == ("POINT", [4.5, 10.5])
    assert [group for group in of if group.startswith("T12.")] == ["T12.TL", "T12.TR", "T12.BL", "T12.BR"]
    upper, lower, apex = items(of["cobb_main"], "SCOORD")
    assert (upper.GraphicType, list(upper.GraphicData)) == ("POLYLINE", [3.5, 2.5, 20.5, 3.5])
    assert lower.GraphicData[0] == 0.0
    assert lower.GraphicData[2] == item_columns(made)
    # The point beyond the film is left out.
    assert (apex.GraphicType, list(apex.GraphicData)) == ("POINT", [10.5, 12.5])
    for place in items(item, "SCOORD"):
        reference = place.ContentSequence[0].ReferencedSOPSequence[0]
        assert reference.ReferencedSOPInstanceUID == pydicom.dcmread(made.parent / "film.dcm").SOPInstanceUID


def item_columns(made: Path) -> float:
    return float(pydicom.dcmread(made.parent / "film.dcm").Columns)


def test_the_calibration_is_told_with_its_source(made: Path, tmp_path: Path) -> None:
    words = [text.TextValue for text in items(groups(pydicom.dcmread(made))["calibration"], "TEXT")]
    assert "source: ImagerPixelSpacing" in words
    assert any("detector plane" in line for line in words)
    image = read(SOURCES["cr"](tmp_path / "film.dcm"))
    bare = replace(found(image), image=replace(image.ref, spacing=None))
    without = report(read_origin(image, print), bare, (), MAKER, "c", print)
    assert without is not None
    group = groups(without)["calibration"]
    assert not list(items(group, "NUM"))
    assert "in pixels" in " ".join(text.TextValue for text in items(group, "TEXT"))


def test_doubts_and_details_are_comments(made: Path) -> None:
    of = groups(pydicom.dcmread(made))
    words = {name: [text.TextValue for text in items(of[name], "TEXT")] for name in of}
    assert "side: image right" in words["cobb_main"]
    assert "to be reviewed: look at L2" in words["disc_height_L1_L2"]
    assert "scale: detector" in words["disc_height_L1_L2"]
    sites = [code.ConceptCodeSequence[0].CodeMeaning for code in items(of["disc_height_L1_L2"], "CODE")]
    assert sites == ["L1 vertebra", "L2 vertebra"]


def test_it_is_preliminary_unverified_and_for_research(made: Path) -> None:
    item = pydicom.dcmread(made)
    assert (item.PreliminaryFlag, item.VerificationFlag) == ("PRELIMINARY", "UNVERIFIED")
    assert item.SeriesDescription.startswith("RESEARCH ONLY, not for diagnosis")
    assert item.ContentDate == pydicom.dcmread(made.parent / "film.dcm").ContentDate
    assert "InstanceCreationDate" not in item


def test_writing_again_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    assert written(made.parent / "film.dcm", tmp_path / "sr.dcm").read_bytes() == made.read_bytes()


def test_frames_are_named(tmp_path: Path) -> None:
    image = list(read_images(frames(tmp_path / "film.dcm", 3)))[2]
    sr = report(read_origin(image, print), found(image), measured(), MAKER, "c", print)
    assert sr is not None
    references = {
        p.ContentSequence[0].ReferencedSOPSequence[0].ReferencedFrameNumber for p in items(sr, "SCOORD")
    }
    assert references == {3}


def test_nothing_found_gives_nothing(tmp_path: Path) -> None:
    image = read(SOURCES["dx"](tmp_path / "film.dcm"))
    empty = replace(found(image), instances=())
    assert report(read_origin(image, print), empty, (), MAKER, "c", print) is None


coordinates = st.floats(-500, 500, allow_nan=False)


@given(st.tuples(coordinates, coordinates), st.tuples(coordinates, coordinates))
def test_a_cut_line_lies_on_the_image_and_on_the_line(
    start: tuple[float, float], end: tuple[float, float]
) -> None:
    ends = cut(start, end, 100, 80)
    inside = [0 <= x <= 100 and 0 <= y <= 80 for x, y in (start, end)]
    if ends is None:
        assert not any(inside)
        return
    assert (ends >= 0).all()
    assert (ends <= [100, 80]).all()
    for was, now, within in zip((start, end), ends, inside, strict=True):
        if within:
            assert np.allclose(was, now, atol=1e-6)
    way = np.subtract(end, start)
    for point in ends:
        off = way[0] * (point[1] - start[1]) - way[1] * (point[0] - start[0])
        assert abs(off) <= 1e-6 * max(1.0, float(np.hypot(*way)) ** 2)


def test_pixel_centres_are_halves() -> None:
    assert to_report([(0.0, 0.0)]).tolist() == [[0.5, 0.5]]


def test_a_stated_spacing_is_told_as_such(tmp_path: Path) -> None:
    image = read(SOURCES["dx"](tmp_path / "film.dcm"))
    stated = replace(found(image), image=replace(image.ref, spacing=Spacing(0.2, 0.1, SpacingOrigin.STATED)))
    sr = report(read_origin(image, print), stated, (), MAKER, "c", print)
    assert sr is not None
    values = [float(n.MeasuredValueSequence[0].NumericValue) for n in items(groups(sr)["calibration"], "NUM")]
    assert values == [0.1, 0.2]
