"""What the values of masks mean where no table says so: read off the values where only one reading is sound.

- A semantic schema takes values as class indices, and 0 and 255 as the two classes of a binary one.
- A schema of one class takes a single value 1 or 255 as a binary mask, more values as numbers of bodies.
- Several classes without levels are 1, 2, ... in order.
- Levels are named only where no other reading is left: by values 1 to n that all masks hold, where a single
  run of whole regions (C, T, L, ...) of the schema has n levels, so 1 to 5 can only be L1 to L5; or in a
  schema of a single region by their order. The caller is told, and a spine that then runs upwards is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

from spinekit.core.errors import AnnotationError
from spinekit.core.schema import Schema
from spinekit.formats.mask_pixels import (
    Values,
    counts_of,
    listed,
    looks_like_picture,
    mask_pages,
    thin_values,
)
from spinekit.formats.mask_table import FILE, MaskTable, to_write
from spinekit.formats.sources import all_labels

MEMBRANE: Mapping[int, str] = MappingProxyType({0: "membrane", 255: "cell"})
"""Values of the ISBI 2012 EM challenge: black lines on white cells."""

TAKEN = f" -- write a {FILE} where that is wrong"
"""Ends a line about a reading that was taken because no other is sound: nothing has to be mended."""

_MEMBRANES = "em-membrane"
_BINARY_VALUES = ({1}, {255})


@dataclass(frozen=True, slots=True)
class Survey:
    """Which values some masks hold.

    Attributes:
        values: All of them but 0.
        everywhere: Those that every mask with any value holds.
        colours: Whether they are colours.
    """

    values: frozenset[int]
    everywhere: frozenset[int]
    colours: bool


def derived(masks: Iterable[Path], schema: Schema, folder: Path) -> tuple[MaskTable, str]:
    """The meaning of masks that no table explains.

    All masks are opened once for it, one at a time.

    Args:
        masks: Their files.
        schema: Gives the classes and levels.
        folder: Of the masks, for messages.

    Returns:
        The table, and a line for the user where it rests on more than the order of the classes.

    Raises:
        AnnotationError: If there is no reading, or more than one; the message shows the table to write.
    """
    if schema.name == _MEMBRANES:
        return MaskTable("classes", MEMBRANE, source=folder.name), ""
    survey = surveyed(masks)
    if survey.colours:
        raise AnnotationError(
            f"{folder}: the masks are coloured ({listed(sorted(survey.values), True)}), but nothing says what "
            f"colours mean -- write {to_write(sorted(survey.values), list(all_labels(schema)), True)}"
        )
    if schema.task == "sem":
        binary = len(schema.classes) == 2 and survey.values == {255}
        numbers = (0, 255) if binary else range(256)
        return MaskTable("classes", dict(zip(numbers, schema.classes, strict=False)), source=folder.name), ""
    if len(schema.classes) == 1:
        return _of_one_class(survey, schema, folder)
    if not schema.levels:
        return MaskTable("classes", dict(enumerate(schema.classes, 1)), source=folder.name), ""
    return _of_levels(survey, schema, folder)


def surveyed(masks: Iterable[Path]) -> Survey:
    """The values of masks, opened one at a time.

    Raises:
        AnnotationError: If one cannot be read, is a picture, or has smoothed borders.
    """
    found: frozenset[int] = frozenset()
    everywhere: frozenset[int] | None = None
    colours = False
    for path, values, coloured in _all_pages(masks):
        colours = colours or coloured
        here = frozenset(counts_of(values)) - {0}
        if len(here) > 2:
            check_exact(values, here, path, coloured)
        found |= here
        if here:
            everywhere = here if everywhere is None else everywhere & here
    return Survey(found, everywhere or frozenset(), colours)


def check_exact(values: Values, of_interest: frozenset[int], path: Path, colours: bool) -> None:
    """Refuses a photograph in place of a mask, and shades along smoothed borders.

    Args:
        values: (H, W).
        of_interest: Values that are to be whole bodies.
        path: For the message.
        colours: Whether the values are colours.

    Raises:
        AnnotationError: Listing the values.
    """
    shown = f"{len(of_interest)} values ({listed(sorted(of_interest), colours)})"
    if looks_like_picture(values):
        raise AnnotationError(
            f"{path}: {shown} lie scattered as in a picture: is it the image itself? -- save exact class values"
        )
    thin = thin_values(values) & of_interest
    if len(thin) > 2 and 2 * len(thin) > len(of_interest):
        raise AnnotationError(
            f"{path}: of {shown} {len(thin)} occur along borders only, as smoothing leaves them "
            "-- save and resize the mask without smoothing (nearest neighbour)"
        )


def _all_pages(masks: Iterable[Path]) -> Iterator[tuple[Path, Values, bool]]:
    for path in masks:
        for page in mask_pages(path):
            yield path, page.values, page.colours


def _of_one_class(survey: Survey, schema: Schema, folder: Path) -> tuple[MaskTable, str]:
    label, values = schema.classes[0], set(survey.values)
    if not values or values in _BINARY_VALUES:
        ground = dict.fromkeys(values or {1}, label)
        return MaskTable("binary", ground, source=folder.name), (
            f"{folder}: the masks, without {FILE}, are binary, and each separate body is taken for one {label}{TAKEN}"
        )
    if len(schema.levels) > 1 and survey.everywhere == set(range(1, len(schema.levels) + 1)) == values:
        return _in_order(schema.levels, folder, schema)
    return MaskTable("instances", {}, any_body=label, source=folder.name), (
        f"{folder}: without {FILE} each value numbers one {label}{TAKEN}"
    )


def _of_levels(survey: Survey, schema: Schema, folder: Path) -> tuple[MaskTable, str]:
    """Levels by their values where no other reading is left."""
    regions = [
        list(group) for _, group in groupby(schema.levels, key=lambda level: level.rstrip("0123456789"))
    ]
    values = set(survey.values)
    if not values:
        return MaskTable("classes", {}, source=folder.name), ""
    if len(regions) == 1 and max(values) <= len(schema.levels):
        return _in_order(schema.levels, folder, schema)
    runs = [
        [level for region in regions[start:end] for level in region]
        for start in range(len(regions))
        for end in range(start + 1, len(regions) + 1)
    ]
    fitting = [run for run in runs if len(run) == len(values) > 1]
    if len(fitting) == 1 and values == survey.everywhere == set(range(1, len(values) + 1)):
        return _in_order(tuple(fitting[0]), folder, schema)
    raise AnnotationError(
        f"{folder}: values {listed(sorted(values), False, 12)}, but nothing says which of the "
        f"{len(schema.levels)} levels of {schema.name} they are -- write "
        f"{to_write(sorted(values), list(schema.levels[-6:]), False)}"
    )


def _in_order(levels: tuple[str, ...], folder: Path, schema: Schema) -> tuple[MaskTable, str]:
    table = MaskTable("classes", dict(enumerate(levels, 1)), source=f"{folder.name}: derived from its values")
    return table, (
        f"{folder}: without {FILE} values 1 to {len(levels)} are read as {levels[0]} to {levels[-1]}, the only "
        f"part of {schema.name} of as many levels{TAKEN}"
    )
