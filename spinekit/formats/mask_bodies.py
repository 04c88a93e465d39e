"""From the values of a mask to the scene: instances with exact borders, or a raster; and what to notice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import BoolArray
from spinekit.core.outline import Outline, ring_area, to_outline
from spinekit.core.scene import Instance, Raster
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.mask_meaning import check_exact
from spinekit.formats.mask_pixels import MaskPage, Values, counts_of, listed
from spinekit.formats.mask_split import Body, bodies
from spinekit.formats.mask_table import MaskTable

SPLIT = "split"
"""Flag of bodies that were parted from others that they touch."""

_NOTABLE_PART = 0.2
_JOINED = 1.8
_FEW = 3
Notice = Callable[[str], None]


def instances_of(
    page: MaskPage, table: MaskTable, schema: Schema, path: Path, notice: Notice
) -> list[Instance]:
    """The bodies in a mask, in the order of their values, those of one value from the top down.

    Args:
        page: The values.
        table: What they mean, in the schema's words.
        schema: Its levels occur once per image.
        path: The mask, for messages.
        notice: Told of what was split, left out, or looks doubtful.

    Raises:
        AnnotationError: If a value has no meaning.
    """
    counts = counts_of(page.values)
    _check_known(counts, page, table, path)
    unnamed = frozenset(value for value in counts if value and table.named(value) is None)
    if len(unnamed) >= _FEW:
        check_exact(page.values, unnamed, path, page.colours)
    found: list[Instance] = []
    for value, place in _places(page.values, counts):
        label = table.label(value)
        if not label:
            continue
        mask: BoolArray = page.values[place] == value
        whole = Body(place, mask)
        if table.kind == "instances" or (table.kind == "classes" and label in schema.levels):
            found.append(_instance(label, whole))
            continue
        parts, specks = bodies(mask, part_touching=table.kind == "binary")
        if specks:
            notice(f"{path}: {label}: {specks} specks of a few pixels -- passed over")
        moved = [Body(_moved(part.place, place), part.mask, part.split) for part in parts]
        _tell_of_parts(moved, label, path, notice)
        found += [_instance(label, part) for part in moved]
    return found


def raster_of(page: MaskPage, table: MaskTable, schema: Schema, path: Path) -> Raster:
    """Class indices of every pixel.

    Raises:
        AnnotationError: If a value has no meaning.
    """
    counts = counts_of(page.values)
    _check_known(counts, page, table, path)
    labels = np.zeros(page.values.shape, dtype=np.uint8)
    for value in counts:
        label = table.label(value)
        if label and schema.classes.index(label):
            labels[page.values == value] = schema.classes.index(label)
    return Raster(labels)


def outline_at(mask: BoolArray, top: int, left: int) -> Outline:
    """The borders of a piece of a mask whose first pixel lies at (left, top) of the whole, px."""
    found, shift = to_outline(mask), np.array([left, top], dtype=np.float64)
    return Outline(tuple(ring + shift for ring in found.rings), tuple(hole + shift for hole in found.holes))


def tell_of_levels(instances: Iterable[Instance], schema: Schema, path: Path, notice: Notice) -> None:
    """Tells of levels that are there twice or in pieces, left out between others, or out of their order."""
    levels = [item for item in instances if item.label in schema.levels]
    for label, count in Counter(item.label for item in levels).items():
        if count > 1:
            notice(f"{path}: {label} is there {count} times -- two masks for one level?")
    for item in levels:
        areas = [abs(ring_area(ring)) for ring in item.outline.rings] if item.outline else []
        notable = sum(area >= _NOTABLE_PART * max(areas) for area in areas)
        if notable > 1:
            notice(f"{path}: {item.label} lies in {notable} separate parts -- two bodies of one name?")
    ranks = sorted((schema.levels.index(item.label), item) for item in {i.label: i for i in levels}.values())
    for (rank, item), (after, following) in pairwise(ranks):
        if after > rank + 1:
            left_out = schema.levels[rank + 1 : after]
            notice(
                f"{path}: the levels jump from {item.label} to {following.label}, without {', '.join(left_out)}"
            )
    for above, below in disordered([item for _, item in ranks]):
        notice(f"{path}: {below} lies on the wrong side of {above} -- are their names exchanged?")


def disordered(ordered: list[Instance]) -> list[tuple[str, str]]:
    """Pairs of successive levels that run against the course of the whole spine.

    Args:
        ordered: Cranial to caudal.
    """
    if len(ordered) < _FEW:
        return []
    middles = np.array([_middle(item) for item in ordered])
    course = middles[-1] - middles[0]
    steps = np.diff(middles, axis=0) @ course
    return [(ordered[i].label, ordered[i + 1].label) for i in np.flatnonzero(steps <= 0).tolist()]


def runs_upwards(ordered: list[Instance]) -> bool:
    """Whether levels, cranial to caudal, follow each other up the image rather than down or across."""
    if len(ordered) < 2:
        return False
    across, down = np.array(_middle(ordered[-1])) - np.array(_middle(ordered[0]))
    return bool(down < 0 and abs(down) > abs(across))


def _middle(item: Instance) -> tuple[float, float]:
    left, top, right, bottom = item.box
    return (left + right) / 2, (top + bottom) / 2


def _check_known(counts: dict[int, int], page: MaskPage, table: MaskTable, path: Path) -> None:
    if page.colours and not table.colours:
        raise AnnotationError(
            f"{path}: is a colour image ({listed(list(counts), True)}), but {printable(table.source)} tells no "
            "colours -- save the mask with one value per class, or tell colours in masks.yaml"
        )
    unknown = [value for value in counts if table.label(value) is None]
    if not unknown:
        return
    if len(unknown) > 2:
        check_exact(page.values, frozenset(unknown), path, page.colours)
    known = listed(sorted(table.values), table.colours, 30) or "none"
    pixels = sum(counts[value] for value in unknown)
    share = pixels / max(sum(amount for value, amount in counts.items() if value), 1)
    edges = "along smoothed borders? " if share < 0.3 and len(unknown) > 1 else ""
    raise AnnotationError(
        f"{path}: {len(unknown)} values without meaning ({listed(unknown, page.colours)}, {pixels} px): {edges}"
        f"known are {known} -- save exact class values, or name them in masks.yaml"
    )


def _places(values: Values, counts: dict[int, int]) -> list[tuple[int, tuple[slice, slice]]]:
    """Each value with its bounding box."""
    from scipy import ndimage

    numbers = sorted(counts)
    if numbers[-1] < 1 << 16:
        boxes = ndimage.find_objects(values.astype(np.int32) + 1)
        return [(value, boxes[value]) for value in numbers]
    # Colours: numbered anew, since a box is made for every number up to the largest.
    boxes = ndimage.find_objects(np.searchsorted(np.array(numbers), values).astype(np.int32) + 1)
    return [(value, boxes[rank]) for rank, value in enumerate(numbers)]


def _moved(inner: tuple[slice, slice], outer: tuple[slice, slice]) -> tuple[slice, slice]:
    """A place within a box as a place in the whole."""
    (rows, columns), (top, left) = inner, (outer[0].start, outer[1].start)
    return slice(rows.start + top, rows.stop + top), slice(columns.start + left, columns.stop + left)


def _instance(label: str, body: Body) -> Instance:
    outline = outline_at(body.mask, body.place[0].start, body.place[1].start)
    return Instance(label, outline.box, outline, flags=(SPLIT,) if body.split else ())


def _tell_of_parts(parts: list[Body], label: str, path: Path, notice: Notice) -> None:
    split = sum(part.split for part in parts)
    if split:
        notice(f"{path}: {label}: {split} bodies that touched were parted -- look at them")
    areas = [int(np.count_nonzero(part.mask)) for part in parts]
    if len(parts) >= _FEW:
        joined = sum(area > _JOINED * float(np.median(areas)) for area in areas)
        if joined:
            notice(f"{path}: {label}: {joined} bodies are much larger than the others -- several joined?")
