"""A workbook of measurements, opened again as a spreadsheet would."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from spinekit.core.measurement import Measurement, NotMeasured, Status
from spinekit.formats.excel import write_workbook

NAMESPACE = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
HOSTILE = '=HYPERLINK("http://example.org")'
RESULTS = (
    Measurement(
        "cobb", -12.34567, "deg", "by hand", low=-14.0, high=-11.0, status=Status.REVIEW, reason=HOSTILE
    ),
    NotMeasured("sna", "N is missing"),
)


def written(folder: Path) -> Path:
    path = folder / "measurements.xlsx"
    images = [("a.png", RESULTS), (HOSTILE, (Measurement("sna", 82.0, "deg", "angle"),)), ("empty.png", ())]
    write_workbook(path, images, [("c.dcm", "failed", "is truncated -- copy it again")])
    return path


def part(path: Path, name: str) -> Element:
    with zipfile.ZipFile(path) as book:
        root: Element = fromstring(book.read(name))
    return root


def rows(path: Path, number: int) -> list[list[str | float]]:
    """Cells of a sheet, numbers as numbers; a formula fails."""
    texts = [
        "".join(piece.text or "" for piece in item.iter(f"{{{NAMESPACE['s']}}}t"))
        for item in part(path, "xl/sharedStrings.xml").findall("s:si", NAMESPACE)
    ]
    found: list[list[str | float]] = []
    for row in part(path, f"xl/worksheets/sheet{number}.xml").findall(".//s:row", NAMESPACE):
        cells: list[str | float] = []
        for cell in row.findall("s:c", NAMESPACE):
            assert cell.find("s:f", NAMESPACE) is None, "a formula"
            value = cell.findtext("s:v", "", NAMESPACE)
            cells.append(texts[int(value)] if cell.get("t") == "s" else float(value))
        found.append(cells)
    return found


def test_a_row_a_result(tmp_path: Path) -> None:
    head, first, second, third = rows(written(tmp_path), 1)
    assert head[:3] == ["image", "name", "value"]
    assert first[:6] == ["a.png", "cobb", -12.3457, "deg", -14.0, -11.0]
    assert HOSTILE in first, "text that looks like a formula stays text"
    assert second == ["a.png", "sna", "refused", "N is missing"]
    assert third[:3] == [HOSTILE, "sna", 82.0]


def test_a_row_an_image_and_the_failures(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert rows(path, 2) == [["image", "cobb", "sna"], ["a.png", -12.3457], [HOSTILE, 82.0], ["empty.png"]]
    assert rows(path, 3)[1] == ["c.dcm", "failed", "is truncated -- copy it again"]


def test_equal_results_give_equal_bytes(tmp_path: Path) -> None:
    (tmp_path / "once").mkdir()
    (tmp_path / "again").mkdir()
    assert written(tmp_path / "once").read_bytes() == written(tmp_path / "again").read_bytes()
