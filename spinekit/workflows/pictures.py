"""Images of data sets: their pixels, and copies under names that are safe and used once."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image as PillowImage

from spinekit.core.errors import ReadError
from spinekit.core.image import Image, ImageRef, UInt8Array
from spinekit.files import atomic_path, sha256_of
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import read_images
from spinekit.formats.sources import FOUND_SUFFIXES
from spinekit.formats.yolo_layout import bare_name

_DICOM = frozenset({".dcm", ".dicom", ".ima", ""})
_LONGEST = 150  # characters of a file's stem


def read_picture(ref: ImageRef, options: ReadOptions | None = None) -> Image:
    """The image that a label belongs to, the right frame of a file that holds several.

    Args:
        ref: With the size that the labels were made on.
        options: How it is read; None for the usual recipe.

    Raises:
        ReadError: If the file cannot be read, or is of another size than its labels.
    """
    for image in read_images(ref.path, options):
        if ref.frame is None or image.ref.frame == ref.frame:
            if image.pixels.shape == (ref.height, ref.width):
                return image
            raise ReadError(
                ref.path,
                f"{image.pixels.shape[1]}x{image.pixels.shape[0]} pixels, but its labels are for "
                f"{ref.width}x{ref.height}",
                "pair the labels with the image they were drawn on",
            )
    raise ReadError(
        ref.path, f"holds no frame {ref.frame}", "pair the labels with the file they were made on"
    )


def free_name(name: str, taken: set[str]) -> str:
    """A relative name that no image has yet; it is then taken.

    Args:
        name: As wished, with ``/`` between folders; characters that file systems mind become ``_``, folders called
            ``images``, ``labels`` and the like fall out, since the copy lies below one of them.
        taken: Names in use, as `name_taken` compares them; added to.
    """
    path = PurePosixPath(_plain(name))
    stem, suffix, number = path.stem[:_LONGEST], path.suffix, 1
    while name_taken(found := path.with_name(stem + suffix).as_posix(), taken):
        number += 1
        stem = f"{path.stem[:_LONGEST]}_{number}"
    taken.add(_folded(found))
    return found


def name_taken(name: str, taken: set[str]) -> bool:
    """Whether an image has this name already, but for the case of letters and the suffix.

    Label files drop the suffix, and some file systems the case.

    Args:
        name: Relative, with ``/`` between folders.
        taken: Filled by `free_name`.
    """
    return _folded(_plain(name)) in taken


def _plain(name: str) -> str:
    parts = [part for part in PurePosixPath(bare_name(name)).parts if part not in {"..", ".", "/"}] or [
        "image"
    ]
    return "/".join(re.sub(r'[\x00-\x1f<>:"\\|?*#]+', "_", part) for part in parts)


def _folded(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix().casefold()


def write_picture(pixels: UInt8Array, folder: Path, name: str, ref: ImageRef) -> ImageRef:
    """Writes grey pixels as PNG, without any remark of their origin, and gives their reference.

    Args:
        pixels: (H, W) uint8.
        folder: Of the images.
        name: Below it, ending in ``.png``.
        ref: Size, spacing and aspect of the pixels.

    Raises:
        EnvironmentFaultError: If it cannot be written.
    """
    target = folder / name
    with atomic_path(target) as temporary:
        PillowImage.fromarray(np.ascontiguousarray(pixels)).save(temporary, compress_level=1)
    return replace(ref, path=target, name=name, frame=None, sha256=sha256_of(target), hints={})


def copy_picture(ref: ImageRef, folder: Path, taken: set[str], wished: str = "") -> ImageRef:
    """A copy of an image in a folder: ordinary pictures byte by byte, DICOM and single frames as 8-bit PNG.

    A PNG carries no attribute of the patient, a copied DICOM file would.

    Args:
        ref: The image.
        folder: Where to.
        taken: Names in use; added to.
        wished: Name of the copy, where it is to be another.

    Raises:
        ReadError: If it cannot be read.
        EnvironmentFaultError: If it cannot be written.
    """
    name = wished or ref.name or ref.path.name
    suffix = PurePosixPath(name).suffix.lower()
    if ref.frame is None and suffix in FOUND_SUFFIXES - _DICOM:
        name = free_name(name, taken)
        target = folder / name
        try:
            content = ref.path.read_bytes()
        except OSError as error:
            raise ReadError(
                ref.path, f"cannot be read ({error.strerror})", "check path and rights"
            ) from error
        with atomic_path(target) as temporary:
            temporary.write_bytes(content)
        return replace(ref, path=target, name=name)
    frame = "" if ref.frame is None else f"_{ref.frame}"
    stem = PurePosixPath(name.partition("#")[0]).with_suffix("").as_posix()
    return write_picture(read_picture(ref).pixels, folder, free_name(f"{stem}{frame}.png", taken), ref)
