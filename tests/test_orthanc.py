"""What is written goes through an archive: Orthanc on loopback stores it both ways and gives it back whole."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from email.parser import BytesParser
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pydicom
import pytest

from spinekit.workflows.dicom_outputs import DICOM_KINDS, write_dicom
from tests.formats.made_objects import MAKER, SOURCES, found, measured, picture, read, tool

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
PATIENCE = 60.0


class Archive(NamedTuple):
    """A running Orthanc."""

    http: int
    dicom: int

    def get(self, path: str, accept: str = "*/*") -> tuple[bytes, str]:
        """Content of an address and its type."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", headers={"Accept": accept})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read(), str(answer.headers["Content-Type"])

    def stow(self, path: Path) -> dict[str, object]:
        """Stores a file over the web (PS3.18 10.5)."""
        body = b"--part\r\nContent-Type: application/dicom\r\n\r\n" + path.read_bytes() + b"\r\n--part--\r\n"
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}/dicom-web/studies",
            body,
            {"Content-Type": 'multipart/related; type="application/dicom"; boundary=part',
             "Accept": "application/dicom+json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            told: dict[str, object] = json.loads(answer.read())
            return told


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    program = shutil.which("Orthanc")
    if program is None or not PLUGIN.is_file():
        pytest.skip("Debian's orthanc and orthanc-dicomweb are not installed")
    folder = tmp_path_factory.mktemp("orthanc")
    place = Archive(free_port(), free_port())
    settings = {
        "Name": "test", "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"),
        "HttpPort": place.http, "DicomPort": place.dicom, "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False, "DicomCheckCalledAet": False, "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(settings), "utf-8")
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen([program, folder / "orthanc.json"], stdout=log, stderr=log)
    try:
        _await(place, running, folder / "log")
        yield place
    finally:
        running.terminate()
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait(20)


def _await(place: Archive, running: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if running.poll() is not None:
            pytest.skip(f"Orthanc does not start here: {log.read_text('utf-8', 'replace')[-300:]}")
        try:
            place.get("/system")
        except OSError:
            time.sleep(0.3)
        else:
            return
    pytest.skip("Orthanc does not answer here")


@pytest.fixture(scope="module", params=["dx", "mr"])
def objects(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A source and one object of every kind made from it."""
    folder = tmp_path_factory.mktemp(request.param)
    source = SOURCES[request.param](folder / "film.dcm")
    image = read(source)
    written = [source]
    for kind in DICOM_KINDS:
        written += write_dicom(
            kind,
            image,
            found(image),
            measured(),
            picture(image),
            folder / kind,
            model_sha256=MAKER.model_sha256,
        )
    assert len(written) == 1 + len(DICOM_KINDS)
    return written


def address(item: pydicom.Dataset) -> str:
    series = f"/dicom-web/studies/{item.StudyInstanceUID}/series/{item.SeriesInstanceUID}"
    return f"{series}/instances/{item.SOPInstanceUID}"


def fetched(archive: Archive, item: pydicom.Dataset, folder: Path) -> pydicom.Dataset:
    """An object as WADO-RS gives it back."""
    body, kind = archive.get(address(item), 'multipart/related; type="application/dicom"')
    message = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    (part,) = (part for part in message.walk() if not part.is_multipart())
    content = part.get_payload(decode=True)
    assert isinstance(content, bytes)
    (folder / "back.dcm").write_bytes(content)
    return pydicom.dcmread(folder / "back.dcm")


def same(one: pydicom.Dataset, other: pydicom.Dataset) -> bool:
    return bool(one.to_json_dict() == other.to_json_dict())


def test_all_are_stored_over_the_web_and_come_back_whole(
    archive: Archive, objects: list[Path], tmp_path: Path
) -> None:
    for path in objects:
        told = archive.stow(path)
        assert not (told.get("00081198") or {}).get("Value"), f"{path.name}: {told}"  # type: ignore[attr-defined]
        item = pydicom.dcmread(path)
        back = fetched(archive, item, tmp_path)
        assert same(back, item), path.name
        if "PixelData" in item:
            assert back.PixelData == item.PixelData
    study = pydicom.dcmread(objects[0]).StudyInstanceUID
    series = json.loads(archive.get(f"/dicom-web/studies/{study}/series", "application/dicom+json")[0])
    assert sorted(found["00080060"]["Value"][0] for found in series) == sorted(
        ["OT", "SEG", "SEG", "SR", str(pydicom.dcmread(objects[0]).Modality)]
    )


def test_all_are_stored_by_the_old_protocol(archive: Archive, objects: list[Path]) -> None:
    for path in objects:
        done = subprocess.run(
            [tool("storescu"), "-v", "-R", "127.0.0.1", str(archive.dicom), path],
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        if "labelmap" in path.name and done.returncode:
            # This dcmtk is older than label maps, and does not know their class to offer it.
            assert "SOP class" in done.stderr or "presentation context" in done.stderr.lower()
            continue
        assert done.returncode == 0, done.stderr
        assert "Success" in done.stderr + done.stdout
        item = pydicom.dcmread(path)
        assert archive.get(address(item), 'multipart/related; type="application/dicom"')[0]


def test_pictures_are_drawn_from_what_is_stored(archive: Archive, objects: list[Path]) -> None:
    (capture,) = (path for path in objects if path.name.endswith(".sc.dcm"))
    archive.stow(capture)
    item = pydicom.dcmread(capture)
    body, _ = archive.get(f"{address(item)}/rendered", "image/png")
    from io import BytesIO

    from PIL import Image

    with Image.open(BytesIO(body)) as drawn:
        assert np.array_equal(np.asarray(drawn.convert("RGB")), item.pixel_array)
