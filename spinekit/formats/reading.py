"""Finding image files and reading them, whatever they are called: the content decides.

`find_files` lists, `read_images` reads; between them nothing is silent: what is passed over carries its
reason, and what cannot be read is one `ReadError` of one line.
"""

from __future__ import annotations

import dataclasses
import math
import os
import re
import stat
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import numpy.typing as npt

from spinekit.core.errors import ReadError, SkipFile, UsageError
from spinekit.core.image import Image, ImageRef
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.files import printable, sha256_of
from spinekit.formats.plugin import MAX_BYTES, MAX_PIXELS, WHOLE_RANGE, ReadOptions, WindowChoice
from spinekit.formats.registry import ImageReader, image_readers

T = TypeVar("T")

SNIFFED_BYTES = 1024
WIDEST_SPACING_MM = 10.0
FINEST_SPACING_MM = 1e-7
WIDEST_WINDOW = 1e9
_NUMBER_LIKE = re.compile(r"[-+.]*\d[\d.eE+-]*")
_ORDINAL = re.compile(r"[1-9][0-9]{0,2}")

COMPANION_NAMES = frozenset({"card.yaml", "thumbs.db", "desktop.ini"})
COMPANION_SUFFIXES = frozenset(
    {".csv", ".html", ".json", ".jsonl", ".log", ".md", ".tsv", ".txt", ".xml", ".yaml", ".yml"}
)
TRUTH_ENDINGS = (".truth.json", ".truth.png")

_UNSUPPORTED = (
    "not supported"  # ends the name of a kind that holds an image: it fails, and is not passed over
)

# What a file is that is no image spinekit reads: first bytes, name, how to mend it.
FOREIGN: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"%PDF", "a PDF document", "export the page as PNG or DICOM"),
    (0, b"PK\x03\x04", "a ZIP archive", "unpack it first"),
    (0, b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (0, b"Rar!", "a RAR archive", "unpack it first"),
    (4, b"ftypavif", "an AVIF image, which is not supported", "convert it to PNG"),
    (4, b"ftyphei", "a HEIC image, which is not supported", "convert it to PNG"),
    (4, b"ftyphev", "a HEIC image, which is not supported", "convert it to PNG"),
    (4, b"ftypmif1", "a HEIC image, which is not supported", "convert it to PNG"),
    (4, b"ftypmsf1", "a HEIC image, which is not supported", "convert it to PNG"),
    (4, b"ftyp", "a video", "export single pictures as PNG or DICOM"),
    (4, b"jP  \r\n\x87\n", "a bare JPEG 2000 image, which is not supported", "convert it to PNG or DICOM"),
    (0, b"\xff\x4f\xff\x51", "a bare JPEG 2000 stream, which is not supported", "convert it to PNG or DICOM"),
    (344, b"n+1\x00", "a NIfTI volume, which is not supported", "export slices as PNG or DICOM"),
)


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that was met below the sources.

    Attributes:
        path: Where it lies.
        root: Folder that its name is made relative to; pass it on in `ReadOptions.root`.
        name: Path relative to ``root``, with ``/`` between folders.
        skip: Why it is passed over, or None for a file to be read.
    """

    path: Path
    root: Path
    name: str
    skip: str | None = None


def find_files(sources: Sequence[Path], exclude: Path | None = None) -> Iterator[FoundFile]:
    """The files below some folders, and files given by name, in an order that never changes.

    Folders are walked in the order of their names in Unicode NFC. Names are relative to the one folder
    given, or to the nearest folder that holds all sources, so that two files never share one. Links are
    not followed, except where a source itself is one. A companion (a table, a truth file) is reported
    with its reason, unless it was named as a source.

    Args:
        sources: Folders and files.
        exclude: The output folder; passed over with all that it holds.

    Yields:
        Each file once; those with ``skip`` are to be counted, not read.

    Raises:
        UsageError: If a source is missing or is the output folder, at the first step.
    """
    if not sources:
        raise UsageError("no input was given -- name a folder or a file")
    ordered = sorted({_absolute(source) for source in sources}, key=lambda path: _sort_key(*path.parts))
    barred = os.path.realpath(exclude) if exclude is not None else None
    for source in ordered:
        _check_source(source, barred)
    root = _common_root(ordered)
    met: set[str] = set()
    for source in ordered:
        found = _walk(source, root, barred) if source.is_dir() else iter([_found(source, root, None)])
        for item in found:
            if str(item.path) not in met:
                met.add(str(item.path))
                yield item


def read_images(path: Path, options: ReadOptions | None = None) -> Iterator[Image]:
    """The images of a file, one per frame or page, recognised by content and not by suffix.

    Args:
        path: A regular file.
        options: How to read; `ReadOptions()` where left out.

    Yields:
        Images with name, hash and size in their `ImageRef`.

    Raises:
        ReadError: If the file is damaged, too large or not an image though its name promises one.
        SkipFile: If it holds no image and its name does not say so either.
    """
    options = options if options is not None else ReadOptions()
    path = Path(path)
    before = _status(path, options.max_bytes)
    reader = _reader_of(path)
    digest = _guarded_hash(path)
    name = _relative_name(_absolute(path), _absolute(options.root or path.parent))
    notes = _misnamed(path, reader)
    images = reader.format.read(path, options)
    while (image := _guarded(path, lambda: next(images, None))) is not None:
        frame = image.ref.frame
        ref = dataclasses.replace(
            image.ref, path=path, sha256=digest, name=name if frame is None else f"{name}#{frame}"
        )
        yield dataclasses.replace(image, ref=ref, warnings=(*notes, *image.warnings))
    after = _status(path, options.max_bytes)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ReadError(path, "the file changed while it was read", "read it again when it is complete")


def read_raw(ref: ImageRef, max_pixels: int = MAX_PIXELS) -> npt.NDArray[Any]:
    """The values of an image before any window or reduction to 8 bits.

    For DICOM these are the values after the modality transformation (Hounsfield units in CT), for other
    images the stored numbers; colour has a third axis. The EXIF turn is applied, so that coordinates
    in `Image.pixels` hold here too.

    Args:
        ref: As `read_images` gave it.
        max_pixels: Limit of size, as in `ReadOptions`.

    Returns:
        (H, W) or (H, W, C).

    Raises:
        ReadError: If the file is gone, has changed since, or cannot be read.
    """
    path = ref.path
    _status(path)
    reader = _reader_of(path)
    if reader.read_raw is None:
        raise ReadError(path, f"{reader.format.title} offers no raw values", "use its 8-bit pixels")
    if ref.sha256 and _guarded_hash(path) != ref.sha256:
        raise ReadError(path, "the file has changed since it was first read", "run the whole analysis again")
    decode = reader.read_raw
    return _guarded(path, lambda: decode(path, ref.frame, max_pixels))


def parse_spacing(text: str) -> Spacing:
    """A spacing as a user states it: ``0.143`` for square pixels, ``0.2x0.1`` for rows x columns, in mm.

    Args:
        text: One number, or the distance between rows, ``x``, and the distance between columns.

    Raises:
        UsageError: If it is no such text; the message says how to write it.
    """
    shown = f"--spacing {text!r}"
    if "," in text:
        raise UsageError(f"{shown}: a comma is not understood -- write decimals with a point, like 0.143")
    if "dpi" in text.lower():
        raise UsageError(f"{shown}: dpi is not a spacing -- give mm per pixel, which is 25.4 / dpi")
    parts = re.split(r"[x×*]", text.lower().replace("mm", "").strip())
    if len(parts) > 2:
        raise UsageError(f"{shown}: {len(parts)} numbers -- give one, or ROWxCOLUMN like 0.2x0.1")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        raise UsageError(f"{shown}: not a number -- give mm per pixel, like 0.143 or 0.2x0.1") from None
    for value in values:
        if not FINEST_SPACING_MM <= value <= WIDEST_SPACING_MM:
            raise UsageError(
                f"{shown}: {value:g} mm per pixel cannot be -- give the distance between two pixel centres "
                f"in mm, above 0 and up to {WIDEST_SPACING_MM:g}, like 0.143"
            )
    return Spacing(values[0], values[-1], SpacingOrigin.STATED)


def parse_window(text: str) -> WindowChoice:
    """A window as a user states it.

    Args:
        text: ``C,W`` (centre and width after the modality transformation, e.g. Hounsfield units), the number
            (from 1) or the name of one of the file's own windows, or ``full``.

    Raises:
        UsageError: If it is none of these; the message says how to write it.
    """
    shown = f"--window {printable(text)!r}"
    how = "give C,W like 300,1500, the number or name of one of the files' own windows, or full"
    bare = text.strip()
    if bare.casefold() == WHOLE_RANGE:
        return WindowChoice(name=WHOLE_RANGE)
    if "," not in bare:
        if not bare or (_NUMBER_LIKE.fullmatch(bare) and not _ORDINAL.fullmatch(bare)):
            raise UsageError(f"{shown}: is no window -- {how}")
        return WindowChoice(name=bare)
    try:
        centre, width = (float(part) for part in bare.split(","))
    except ValueError:
        raise UsageError(f"{shown}: is no pair of numbers -- {how}") from None
    if not math.isfinite(centre) or abs(centre) > WIDEST_WINDOW or not 1 <= width <= WIDEST_WINDOW:
        raise UsageError(f"{shown}: no window has this centre or width -- the width is at least 1; {how}")
    return WindowChoice(centre=centre, width=width)


def _absolute(path: Path) -> Path:
    """Absolute and free of ``..``, but with links left as they are."""
    return Path(os.path.abspath(path))  # noqa: PTH100  (Path.resolve would follow links)


def _sort_key(*names: str) -> list[tuple[str, str]]:
    """Order by NFC first, by the very characters where two names differ in their form alone."""
    return [(unicodedata.normalize("NFC", name), name) for name in names]


def _check_source(source: Path, barred: str | None) -> None:
    """Refuses a source that is missing or is the output folder."""
    if not source.exists():
        raise UsageError(f"{source}: there is no such file or folder -- check the path")
    if barred is not None and os.path.realpath(source) == barred:
        raise UsageError(f"{source}: input and output are the same folder -- choose another with --out")


def _common_root(sources: Sequence[Path]) -> Path:
    """The folder that names are made relative to."""
    folders = [source if source.is_dir() else source.parent for source in sources]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError as error:
        raise UsageError("the inputs lie on different drives -- read each drive by itself") from error


def _relative_name(path: Path, root: Path) -> str:
    """Path below ``root``, posix; as ``%XX`` appear bytes that are no Unicode, and what is no name elsewhere.

    A backslash is a folder on other systems, a letter and a colon a drive: no label that holds one is followed.
    """
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name
    return re.sub(r"[\udc80-\udcff\\]|(?<=^[A-Za-z]):", lambda one: f"%{ord(one[0]) & 0xFF:02X}", name)


def _found(path: Path, root: Path, skip: str | None) -> FoundFile:
    return FoundFile(path, root, _relative_name(path, root), skip)


def _walk(folder: Path, root: Path, barred: str | None) -> Iterator[FoundFile]:
    """All below a folder, one folder's list in memory at a time."""
    try:
        with os.scandir(folder) as listing:
            entries = sorted(listing, key=lambda entry: _sort_key(entry.name))
    except OSError as error:
        yield _found(folder, root, f"the folder cannot be opened ({error.strerror})")
        return
    for entry in entries:
        path = folder / entry.name
        if entry.is_symlink():
            yield _found(path, root, "a symbolic link, not followed")
        elif entry.name.startswith("."):
            yield _found(path, root, "hidden")
        elif entry.is_dir(follow_symlinks=False):
            if _holds_results(path):
                yield _found(path, root, "results of an earlier run")
            elif barred is None or os.path.realpath(path) != barred:
                yield from _walk(path, root, barred)
        elif not entry.is_file(follow_symlinks=False):
            yield _found(path, root, "not a regular file (a pipe, socket or device)")
        else:
            yield _found(path, root, _companion(path))


def _holds_results(folder: Path) -> bool:
    """Whether a folder was written by a run: its overlays are pictures too, but no films."""
    made = any((folder / name).is_file() for name in ("predictions.jsonl", "records.jsonl"))
    return made and (folder / "run.json").is_file()


def _companion(path: Path) -> str | None:
    """Why a file beside the images is none of them, or None."""
    name = path.name.lower()
    if name.endswith(TRUTH_ENDINGS):
        return "truth of a synthetic sample"
    if name not in COMPANION_NAMES and path.suffix.lower() not in COMPANION_SUFFIXES:
        return None
    try:
        # A radiograph may have been renamed .txt on its way through a mail filter.
        is_image = _sniffed(_head(path)) is not None
    except OSError:
        is_image = False
    return None if is_image else f"not an image ({path.suffix.lower()})"


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(SNIFFED_BYTES)


def _sniffed(head: bytes) -> ImageReader | None:
    return next((reader for reader in image_readers() if reader.format.sniff(head)), None)


def _status(path: Path, max_bytes: int = MAX_BYTES) -> os.stat_result:
    """Status of a regular file of bearable size; everything else is refused without opening it."""
    try:
        status = path.stat()
    except OSError as error:
        raise ReadError(path, f"cannot be opened ({error.strerror})", "check path and rights") from error
    except ValueError as error:
        raise ReadError(path, "the path holds a NUL character", "check the path") from error
    if stat.S_ISDIR(status.st_mode):
        raise SkipFile(path, "a folder, not a file", "give it as a source folder")
    if not stat.S_ISREG(status.st_mode):
        raise SkipFile(path, "not a regular file (a pipe, socket or device)", "save it as a file first")
    if status.st_size == 0:
        kind = ReadError if _promised(path) or not path.suffix else SkipFile
        raise kind(path, "the file is empty (0 bytes)", "copy or export it again")
    if status.st_size > max_bytes:
        what = f"{status.st_size} bytes, more than the {max_bytes} that a file may have"
        raise ReadError(path, what, "raise --max-bytes")
    return status


def _guarded_hash(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise ReadError(
            path, f"cannot be read ({error.strerror})", "check the disk and the rights"
        ) from error


def _reader_of(path: Path) -> ImageReader:
    """The reader for a file's content, else the one its name promises if that can do without a mark."""
    try:
        head = _head(path)
    except OSError as error:
        raise ReadError(path, f"cannot be opened ({error.strerror})", "check path and rights") from error
    reader = _sniffed(head)
    if reader is not None:
        return reader
    kind, fix = _foreign(head)
    promised = _promised(path)
    if not promised and not kind.endswith(_UNSUPPORTED):
        raise SkipFile(path, f"not an image, but {kind}", fix)
    if promised and promised[0].format.name == "dicom" and kind == "data of an unknown kind":
        return promised[0]  # files without preamble and meta exist; the reader asks for what it needs
    raise ReadError(path, f"not an image, but {kind}", fix)


def _promised(path: Path) -> list[ImageReader]:
    """The formats whose suffix a file bears."""
    return [item for item in image_readers() if path.suffix.lower() in item.format.suffixes]


def _foreign(head: bytes) -> tuple[str, str]:
    """What the content is instead, and how to mend it."""
    for offset, mark, kind, fix in FOREIGN:
        if head[offset : offset + len(mark)] == mark:
            return kind, fix
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:256].lower()
    fix = "export it as PNG or DICOM"
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page", "download the picture itself: this is a web page, perhaps an error page"
    if b"<svg" in start:
        return "an SVG drawing", fix
    if start.startswith(b"<?xml"):
        return "an XML text", fix
    if head and not any(byte < 9 or 13 < byte < 32 for byte in head):
        return "text", fix
    return "data of an unknown kind", "export it as DICOM, PNG, JPEG or TIFF"


def _misnamed(path: Path, reader: ImageReader) -> tuple[str, ...]:
    """A warning where the suffix belongs to another format than the content."""
    suffix = path.suffix.lower()
    misleading = _promised(path) and reader not in _promised(path)
    return (f"named {suffix}, but its content is {reader.format.name}",) if misleading else ()


def _guarded(path: Path, step: Callable[[], T]) -> T:
    """One step of a reader; the one place where every fault of a codec becomes a `ReadError`.

    Decoders raise some ten kinds of exception on damaged files, so all are caught here. Libraries'
    warnings are kept off the terminal: they may quote a patient's attributes.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            return step()
    except BaseException as error:  # noqa: BLE001  (the documented boundary; interrupts go on)
        _raise_readable(path, error)


def _raise_readable(path: Path, error: BaseException) -> NoReturn:
    """Raises what a reader raised as `ReadError`; its text is left out, since it may quote attributes."""
    kind = type(error).__name__
    # A codec written in Rust panics with a BaseException of this name; others of that kind are no faults.
    if isinstance(error, ReadError) or not (isinstance(error, Exception) or kind == "PanicException"):
        raise error
    if isinstance(error, MemoryError):
        reason, fix = "not enough memory to decode it", "free memory, or lower --max-pixels"
    elif isinstance(error, OSError) and error.strerror:
        reason, fix = f"cannot be read ({error.strerror})", "check the disk and the rights"
    else:
        reason, fix = f"damaged or unusual ({kind})", "export it again from its source"
    raise ReadError(path, reason, fix) from error
