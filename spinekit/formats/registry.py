"""Finds the formats: every module of this package that holds a module-level ``FORMAT``.

A module with an `ImageFormat` may also hold ``read_raw(path, frame, max_pixels)``, which gives the values
of one frame before any window. Modules are imported when formats are first asked for, never before.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import numpy.typing as npt

from spinekit.core.errors import UsageError
from spinekit.formats.plugin import AnnotationFormat, ImageFormat

_IMAGES = b"\nFORMAT = ImageFormat("  # how a module begins to declare one

RawReader = Callable[[Path, int | None, int], npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class ImageReader:
    """An image format with its way to the values before the window.

    Attributes:
        format: What the format declares of itself.
        read_raw: Path, frame (None for a file that holds one) and the limit of pixels to an array
            (H, W) or (H, W, C); None where the format offers none.
    """

    format: ImageFormat
    read_raw: RawReader | None


@functools.cache
def image_readers() -> tuple[ImageReader, ...]:
    """The image formats with their raw readers, by name; formats of labels are not loaded for them."""
    return tuple(
        ImageReader(declared, getattr(module, "read_raw", None))
        for module, declared in _declared(_IMAGES)
        if isinstance(declared, ImageFormat)
    )


def image_formats() -> tuple[ImageFormat, ...]:
    """The image formats, by name."""
    return tuple(reader.format for reader in image_readers())


@functools.cache
def annotation_formats() -> tuple[AnnotationFormat, ...]:
    """The annotation formats, by name."""
    return tuple(declared for _, declared in _declared() if isinstance(declared, AnnotationFormat))


def annotation_format(name: str) -> AnnotationFormat:
    """The annotation format of that name.

    Args:
        name: As on the command line, e.g. ``via``; case does not matter.

    Raises:
        UsageError: If there is none; the message offers the nearest names.
    """
    known = {item.name: item for item in annotation_formats()}
    wanted = name.strip().lower()
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)
    offer = f"did you mean {' or '.join(near)}?" if near else f"choose one of {', '.join(known)}"
    raise UsageError(f"no annotation format is called {name!r} -- {offer}")


def annotation_notes(name: str) -> str:
    """What the module of an annotation format says of it: conventions, half pixels, limits.

    Args:
        name: As `annotation_format` takes it.

    Raises:
        UsageError: If there is none.
    """
    wanted = annotation_format(name)
    return next(module.__doc__ or "" for module, declared in _declared() if declared is wanted)


@functools.cache
def _declared(line: bytes = b"") -> tuple[tuple[object, ImageFormat | AnnotationFormat], ...]:
    """Module and its ``FORMAT``, for every module that holds one and ``line`` in its text, by the format's name."""
    import spinekit.formats as package

    found: dict[str, tuple[object, ImageFormat | AnnotationFormat]] = {}
    for entry in pkgutil.iter_modules(package.__path__, prefix=f"{package.__name__}."):
        if line not in _text(entry.name, otherwise=line):
            continue
        module = importlib.import_module(entry.name)
        declared = getattr(module, "FORMAT", None)
        if not isinstance(declared, ImageFormat | AnnotationFormat):
            continue
        if declared.name in found:
            raise RuntimeError(f"two modules declare a format called {declared.name!r}")
        found[declared.name] = (module, declared)
    return tuple(found[name] for name in sorted(found))


def _text(module: str, otherwise: bytes) -> bytes:
    """The source of a module, which need not be loaded for that; ``otherwise`` where it is not to be had."""
    spec = importlib.util.find_spec(module)
    if spec is None or not isinstance(spec.loader, SourceFileLoader):
        return otherwise
    try:
        return Path(spec.loader.path).read_bytes()
    except OSError:
        return otherwise
