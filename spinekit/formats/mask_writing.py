"""Writes masks that `spinekit.formats.mask` reads back to the pixel, with the ``masks.yaml`` that says how.

Instances are numbered by their label: 1 for the first label of the schema, 2 for the second, and so on, the
same in every mask. A second body of one label has its value plus ``step``. Bodies that overlap cannot share
a page: those lie on further pages of a TIFF. Rasters are class indices.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.outline import Outline, to_mask
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import atomic_path, printable, write_text
from spinekit.formats.mask_table import FILE
from spinekit.formats.rings import corner_outline
from spinekit.formats.sources import all_labels, label_index, split_frame, unsafe_name
from spinekit.schemas.strict_yaml import dump_yaml

FOLDER = "masks"
_LARGEST = (1 << 16) - 1
_EVEN = 0.5
_SUFFIXES = (".png", ".tif")

Numbers = npt.NDArray[np.uint16]


def write(scenes: Iterable[Scene], out: Path) -> list[Path]:
    """Writes ``masks/<name>.png`` for every scene and ``masks.yaml``, one scene at a time.

    A mask is called like its image, in the same subfolder; where two images differ in their suffix alone
    the second keeps it (``a.dcm.png``). Frame 3 of ``x.dcm`` is ``x#3.png``.

    Args:
        scenes: All of one schema. A raster of a probability alone is taken for its class from 0.5 on.
        out: Folder to write below.

    Returns:
        The files written.

    Raises:
        AnnotationError: If an instance has no outline, or none that covers a pixel.
        UsageError: If the schemas differ, or an image's name is not safe.
    """
    written: list[Path] = []
    taken: set[str] = set()
    schema: Schema | None = None
    for scene in scenes:
        if schema is not None and scene.schema.fingerprint() != schema.fingerprint():
            raise UsageError(f"{scene.image.name}: is of schema {scene.schema.name}, others of {schema.name}")
        schema = scene.schema
        pages = [_raster(scene)] if schema.task == "sem" else _pages(scene)
        name = _free_name(scene, taken)
        path, other = (
            out / FOLDER / f"{name}{suffix}" for suffix in _SUFFIXES[:: 1 if len(pages) == 1 else -1]
        )
        _save(pages, path)
        other.unlink(missing_ok=True)  # of an earlier writing: one image has one mask
        written.append(path)
    if schema is not None:
        write_text(out / FILE, dump_yaml(_table(schema)))
        written.append(out / FILE)
    return written


def step_of(schema: Schema) -> int:
    """What the values of two bodies of one label differ by: a power of ten above all labels' values."""
    return int(10 ** len(str(len(all_labels(schema)))))


def _table(schema: Schema) -> dict[str, object]:
    head: dict[str, object] = {"schema": schema.name}
    if schema.task == "sem":
        return {**head, "kind": "classes", "values": dict(enumerate(schema.classes))}
    values = dict(enumerate(all_labels(schema), 1))
    return {**head, "kind": "instances", "values": values, "step": step_of(schema)}


def _free_name(scene: Scene, taken: set[str]) -> str:
    """The name of a scene's mask without suffix, unlike all others whatever their case."""
    name = scene.image.name or scene.image.path.name
    reason = unsafe_name(name)
    if reason:
        raise UsageError(f"{printable(name)}: {reason}")
    file, frame = split_frame(name)
    stem = PurePosixPath(file).with_suffix("").as_posix()
    found = f"{stem}{frame}"
    if found.casefold() in taken:
        found = f"{file}{frame}"
    if found.casefold() in taken:
        raise UsageError(f"{printable(name)}: two images have this name -- write each of them once")
    taken.add(found.casefold())
    return found


def _raster(scene: Scene) -> npt.NDArray[np.uint8]:
    """Class indices of every pixel; outlines are painted over the first class where there is no raster."""
    height, width = scene.image.height, scene.image.width
    raster = scene.raster
    labels = np.zeros((height, width), dtype=np.uint8)
    if raster is not None and raster.labels is not None:
        labels = raster.labels
    elif raster is not None and raster.probability is not None:
        labels = np.where(raster.probability >= _EVEN, len(scene.schema.classes) - 1, 0).astype(np.uint8)
    else:
        for item in scene.instances:
            labels[_pixels(item, scene)] = scene.schema.classes.index(item.label)
    if labels.shape != (height, width):
        raise AnnotationError(
            f"{scene.image.name}: a raster of {labels.shape} does not fit -- mend the source"
        )
    return labels


def _pages(scene: Scene) -> list[Numbers]:
    """The bodies' values, on as few pages as overlaps allow."""
    step, times = step_of(scene.schema), dict[str, int]()
    pages: list[Numbers] = []
    for item in scene.instances:
        value = label_index(item.label, scene.schema) + 1 + step * times.get(item.label, 0)
        times[item.label] = times.get(item.label, 0) + 1
        if value > _LARGEST:
            raise AnnotationError(
                f"{scene.image.name}: {times[item.label]} bodies called {item.label} are too many for values up "
                f"to {_LARGEST} -- write it in another format"
            )
        mask = _pixels(item, scene)
        page = next((page for page in pages if not page[mask].any()), None)
        if page is None:
            page = np.zeros(mask.shape, dtype=np.uint16)
            pages.append(page)
        page[mask] = value
    return pages or [np.zeros((scene.image.height, scene.image.width), dtype=np.uint16)]


def _pixels(item: Instance, scene: Scene) -> npt.NDArray[np.bool_]:
    """The pixels of a body."""
    outline: Outline | None = item.outline
    if outline is None and item.landmarks is not None:
        outline = corner_outline(item.landmarks, scene.schema)
    if outline is None or not outline.rings:
        raise AnnotationError(
            f"{scene.image.name}: {item.label} has no outline -- write it in a format of points or boxes"
        )
    mask = to_mask(outline, scene.image.height, scene.image.width)
    if not mask.any():
        raise AnnotationError(
            f"{scene.image.name}: {item.label} covers no pixel -- write it in a format of outlines"
        )
    return mask


def _save(pages: Sequence[npt.NDArray[np.uint8] | Numbers], path: Path) -> None:
    """One page as PNG, several as TIFF; of 8 bits where the values allow it."""
    largest = max(int(page.max(initial=0)) for page in pages)
    kind = np.uint8 if largest < 256 else np.uint16
    first, *others = [PillowImage.fromarray(page.astype(kind)) for page in pages]
    with atomic_path(path) as temporary:
        if others:
            first.save(temporary, save_all=True, append_images=others, compression="tiff_adobe_deflate")
        else:
            first.save(temporary)
