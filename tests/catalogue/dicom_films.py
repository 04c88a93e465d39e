"""Bad and odd DICOM files."""

from __future__ import annotations

import random
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from PIL import Image as PillowImage
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID

from spinekit.formats import dicom_header
from tests.catalogue.entry import ABSTAINED, FAILED, READ, SKIPPED, Film
from tests.formats.dicom_objects import RAMP, dataset, save

Make = Callable[[Path], object]
RLE = UID("1.2.840.10008.1.2.5")
SEED = 5


def bundled(name: str, called: str = "") -> Make:
    """A file that pydicom carries."""

    def make(folder: Path) -> object:
        found = get_testdata_file(name, download=False)
        assert isinstance(found, str)
        return shutil.copyfile(found, folder / (called or Path(name).name))

    return make


def content(name: str, data: bytes) -> Make:
    return lambda folder: (folder / name).write_bytes(data)


def made(pixels: np.ndarray[Any, Any] = RAMP, name: str = "a.dcm", **attributes: Any) -> Make:  # noqa: ANN401
    """A small film with attributes of its own; None takes one away."""
    return lambda folder: save(folder, dataset(pixels, attributes), name)


def stated(keyword: str, kind: str, value: object) -> Make:
    """A small film with an attribute whose value no library would write."""

    def make(folder: Path) -> object:
        item = dataset()
        item.add_new(keyword, kind, value)
        return save(folder, item, "a.dcm")

    return make


def picture(name: str) -> Make:
    return lambda folder: PillowImage.fromarray((RAMP >> 4).astype(np.uint8)).save(folder / name, "png")


def bare(folder: Path) -> object:
    """Without preamble and header."""
    item = dataset()
    del item.file_meta
    return item.save_as(folder / "IM0001", implicit_vr=True, little_endian=True, enforce_file_format=False)


def compressed(uid: UID, frame: bytes, side: int = 0) -> Make:
    """A code stream that is none of that syntax, in a film that says it is of that size."""

    def make(folder: Path) -> object:
        item = dataset()
        if side:
            item.Rows = item.Columns = side
        item.PixelData = encapsulate([frame])
        item["PixelData"].is_undefined_length = True
        item.file_meta.TransferSyntaxUID = uid
        path = folder / "a.dcm"
        return pydicom.dcmwrite(path, item, implicit_vr=False, little_endian=True, enforce_file_format=False)

    return make


def deflated(folder: Path) -> object:
    """Some 300 kB that unfold to 300 MB of one attribute."""
    found = get_testdata_file("image_dfl.dcm", download=False)
    assert isinstance(found, str)
    whole = Path(found).read_bytes()
    head = whole[: dicom_header._meta_end(whole)[0]]
    packer, block = zlib.compressobj(1, wbits=-zlib.MAX_WBITS), b"\0" * (1 << 20)
    parts = [packer.compress(b"\x28\x00\x10\x00US\2\0\1\0"), *(packer.compress(block) for _ in range(300))]
    return (folder / "a.dcm").write_bytes(head + b"".join(parts) + packer.flush())


def archived(folder: Path) -> object:
    with zipfile.ZipFile(folder / "films.zip", "w") as archive:
        archive.writestr("a.dcm", b"x")
    return archive


def twice(folder: Path) -> None:
    item = dataset()
    item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = "1.2.3.29"
    for name in ("a.dcm", "b.dcm"):
        save(folder, item, name)


def crowded(folder: Path) -> object:
    """Ten thousand private attributes, and sequences in sequences."""
    item, inner = dataset(), Dataset()
    for _ in range(150):
        outer = Dataset()
        outer.add_new(0x00400260, "SQ", Sequence([inner]))
        inner = outer
    item.add_new(0x00400260, "SQ", Sequence([inner]))
    for number in range(40):
        block = item.private_block(0x0011 + 2 * number, "maker", create=True)
        for element in range(250):
            block.add_new(element, "LO", "x" * 40)
    return save(folder, item, "a.dcm")


def cut(folder: Path) -> object:
    path = save(folder, dataset(), "a.dcm")
    return path.write_bytes(path.read_bytes()[:-100])


FILMS: tuple[Film, ...] = (
    Film("D1", content("a.dcm", b""), FAILED, r"the file is empty \(0 bytes\) -- copy"),
    Film("D2", picture("a.dcm"), READ, "named .dcm, but its content is"),
    Film("D3 txt", picture("a.txt"), READ, "as stored, 8 bits"),
    Film("D3 no suffix", made(name="IM1"), READ, "percentiles 0.5 to 99.5"),
    Film("D4", bare, READ, "no file header: the transfer syntax was guessed"),
    Film("D4 unfit", bundled("no_meta.dcm"), FAILED, "not a DICOM image"),
    Film("D5", content("a.dcm", random.Random(SEED).randbytes(4000)), FAILED, "not a DICOM image -- export"),
    Film("D6", bundled("meta_missing_tsyntax.dcm"), FAILED, r"TransferSyntaxUID \(0002,0010\) is missing"),
    Film("D7", bundled("MR_truncated.dcm"), FAILED, "8192 bytes expected, 8130 found"),
    Film("D7 made", cut, FAILED, "cut off within PixelData"),
    Film("D8", bundled("rtplan_truncated.dcm"), FAILED, "cut off within BeamSequence"),
    Film("D9", compressed(RLE, b"\2\0\0\0\x40\0\0\0" + b"\0" * 7800, 60000), FAILED,
         "exceed the limit of 200 million -- raise it with --max-pixels"),
    Film("D9 filled", compressed(RLE, b"\2\0\0\0\x40\0\0\0" + b"\0" * 7800, 14000), FAILED, "can never fill"),
    Film("D10", deflated, FAILED, "its deflated content exceeds 256 MiB"),
    Film("D11 undecodable", bundled("JPEG-lossy.dcm"), FAILED, "JPEG Extended.* cannot be decoded"),
    Film("D11 unknown", compressed(UID("1.2.3.4.5"), b"x"), FAILED, "unknown transfer syntax 1.2.3.4.5"),
    Film("D12", compressed(UID("1.2.840.10008.1.2.4.102"), b"x"), FAILED, "video is not supported"),
    Film("D13 plan", bundled("rtplan.dcm"), SKIPPED, r"without an image \(RT Plan Storage\)"),
    Film("D13 report", bundled("reportsi.dcm"), SKIPPED, "Basic Text SR Storage"),
    Film("D14 DICOMDIR", bundled("dicomdirtests/DICOMDIR"), SKIPPED, "only lists other files -- give the folder"),
    Film("D14 gzip", bundled("zipMR.gz"), SKIPPED, "gzip archive -- unpack it first"),
    Film("D14 zip", archived, SKIPPED, "ZIP archive -- unpack it first"),
    Film("D15", made(PhotometricInterpretation="MONOCHROME1"), READ, "'inversion': 'MONOCHROME1'"),
    Film("D16", made(PhotometricInterpretation="MONOCHROME1", PresentationLUTShape="INVERSE"), READ, "MONOCHROME1"),
    Film("D17", made(np.stack([RAMP, RAMP // 2, RAMP])), READ, ".", images=3),
    Film("D18 colour", bundled("SC_rgb_gdcm_KY.dcm"), READ, "RGB to BT.601 luma"),
    Film("D18 palette", bundled("OBXXXX1A_rle.dcm"), READ, "PALETTE COLOR to BT.601 luma"),
    Film("D19 zero", made(PixelSpacing=[0, 0]), READ, "PixelSpacing"),
    Film("D19 negative", made(PixelSpacing=[-0.1, 0.1]), READ, "PixelSpacing"),
    Film("D19 one", stated("PixelSpacing", "DS", "0.1"), READ, "PixelSpacing"),
    Film("D19 three", stated("PixelSpacing", "DS", ["0.1", "0.1", "0.1"]), READ, "PixelSpacing"),
    Film("D19 comma", stated("PixelSpacing", "LO", "0,143"), READ, "PixelSpacing"),
    Film("D19 nan", stated("PixelSpacing", "LO", ["nan", "nan"]), READ, "PixelSpacing"),
    Film("D20", made(ImagerPixelSpacing=[0.2, 0.2]), READ, "'spacing': 'ImagerPixelSpacing'"),
    Film("D22 zero", made(WindowCenter=100, WindowWidth=0), READ,
         r"WindowWidth \(0028,1051\) is 0: the window is not used"),
    Film("D22 missing", made(), READ, "percentiles 0.5 to 99.5"),
    Film("D23", made(np.full_like(RAMP, 7)), ABSTAINED, "no contrast"),
    Film("D24", made(RAMP | 0xF000), READ, "."),
    Film("D26 unknown", made(SpecificCharacterSet="ISO_IR 999", PatientName="A^B"), READ, "."),
    Film("D26 escapes", made(SpecificCharacterSet="\\ISO 2022 IR 87", PatientName="\x1b$B\xff\x1b[31m"), READ, "."),
    Film("D27", made(PatientName='"><img src=x onerror=alert(1)>', PatientID="=cmd|'/c calc'!A1"), READ, "."),
    Film("D28", crowded, READ, "."),
    Film("D29", twice, READ, ".", images=2),
    Film("D30", made(BurnedInAnnotation="YES"), READ, "BurnedInAnnotation"),
    Film("D32 bad VR", bundled("badVR.dcm"), FAILED, r"NumberOfFrames \(0028,0008\) is not a whole number"),
    Film("D32 absent", made(Rows=None), FAILED, r"Rows \(0028,0010\) is missing"),
    Film("D32 decimal", stated("Rows", "DS", "64.5"), FAILED, r"Rows \(0028,0010\)"),
)  # fmt: skip
