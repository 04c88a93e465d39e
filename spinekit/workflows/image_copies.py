"""Copies of images that any tool can open and Ultralytics neither rewrites nor blackens.

Ordinary 8-bit PNG, JPEG and BMP are copied byte by byte. All else (DICOM, 16 bit, palettes, transparency,
several pages, an EXIF turn, a JPEG whose end is not clean) becomes an 8-bit grey PNG by the reader's recorded
recipe. Originals are only ever read.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from PIL import Image as PillowImage

from spinekit.core.errors import ReadError
from spinekit.core.image import ImageRef
from spinekit.files import atomic_path, sha256_of
from spinekit.formats.plugin import ReadOptions
from spinekit.workflows.pictures import free_name, read_picture, write_picture

_SUFFIXES = {"PNG": (".png",), "JPEG": (".jpg", ".jpeg"), "BMP": (".bmp",)}
_EXIF_ORIENTATION = 0x0112


def _unheard(_: str) -> None:
    """Nobody listens."""


def copy_image(
    ref: ImageRef,
    folder: Path,
    taken: set[str],
    options: ReadOptions | None = None,
    hear: Callable[[str], None] = _unheard,
) -> ImageRef:
    """A copy in a folder, and its reference: name, hash, and how it was made in ``provenance``.

    Args:
        ref: The image, of the size that its labels were made on.
        folder: Where to; made where missing.
        taken: Names in use (see `spinekit.workflows.pictures.free_name`); added to.
        options: How an image that is no ordinary picture is read; None for the usual recipe.
        hear: Told of each of its warnings.

    Raises:
        ReadError: If it cannot be read, or is not of that size.
        EnvironmentFaultError: If it cannot be written.
    """
    name = PurePosixPath(ref.name or ref.path.name)
    suffixes = _plain_suffixes(ref)
    if suffixes:
        wished = name if name.suffix.lower() in suffixes else name.with_suffix(suffixes[0])
        copied = free_name(wished.as_posix(), taken)
        with atomic_path(folder / copied) as temporary:
            shutil.copyfile(ref.path, temporary)
        target = folder / copied
        return replace(
            ref, path=target, name=copied, sha256=sha256_of(target), provenance={"copied": "as it was"}
        )
    image = read_picture(ref, options)
    for warning in image.warnings:
        hear(warning)
    frame = "" if ref.frame is None else f"_{ref.frame}"
    bare = PurePosixPath(name.as_posix().rpartition("#")[0]) if ref.frame is not None else name
    copied = free_name(f"{bare.with_suffix('').as_posix()}{frame}.png", taken)
    recipe = dict(image.ref.provenance) or {"written as": "8-bit grey PNG"}
    return replace(write_picture(image.pixels, folder, copied, ref), provenance=recipe)


def _plain_suffixes(ref: ImageRef) -> tuple[str, ...]:
    """The suffixes of an ordinary 8-bit picture of the right size by its content; none for any other file."""
    if ref.frame is not None:
        return ()
    try:
        with ref.path.open("rb") as stream:
            if stream.read(132)[128:] == b"DICM":
                return ()
        with warnings.catch_warnings(action="ignore"), PillowImage.open(ref.path) as image:
            plain = (
                image.format in _SUFFIXES
                and image.mode in {"L", "RGB"}
                and image.size == (ref.width, ref.height)
                and getattr(image, "n_frames", 1) == 1
                and image.getexif().get(_EXIF_ORIENTATION, 1) == 1
            )
            image.load()  # a picture cut short is no ordinary one: the reader says what is wrong with it
            kind = str(image.format)
        if not plain or (kind == "JPEG" and not _ends_clean(ref.path)):
            return ()
    except (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError):
        return ()
    return _SUFFIXES[kind]


def _ends_clean(path: Path) -> bool:
    """Whether a JPEG ends with its end marker; Ultralytics rewrites those that do not."""
    try:
        with path.open("rb") as stream:
            stream.seek(-2, 2)
            return stream.read() == b"\xff\xd9"
    except OSError as error:
        raise ReadError(path, f"cannot be read ({error.strerror})", "check the path") from error
