"""Which part of a DICOM image's values the 8 bits show: the file's own choice, or that of the user.

Left to itself: the first VOI LUT, else the first window, else the percentiles of the pixels that count; percentiles,
too, where what the file states shows nothing. What a user asks for is done as asked, or refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinekit.core.errors import ReadError
from spinekit.core.image import UInt8Array
from spinekit.files import printable
from spinekit.formats import grey
from spinekit.formats.dicom_header import ImageHeader
from spinekit.formats.dicom_lut import looked_up, lookup_table
from spinekit.formats.dicom_values import BadAttributeError, code, decimals, stored_text
from spinekit.formats.plugin import WHOLE_RANGE, WindowChoice

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Values = npt.NDArray[Any]

_NUMBER = re.compile(r"[1-9][0-9]{0,2}")
_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")


@dataclass(slots=True)
class Rendering:
    """The 8-bit picture of a frame while it is made.

    Attributes:
        record: Provenance: what was done in each step.
        warnings: One line each.
        pixels: (H, W) the result.
    """

    record: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    pixels: UInt8Array = field(default_factory=lambda: np.zeros((0, 0), dtype=np.uint8))


def windowed(
    header: ImageHeader,
    place: Dataset,
    values: Values,
    counts: npt.NDArray[np.int64],
    choice: WindowChoice | None,
    made: Rendering,
) -> UInt8Array:
    """8 bits for each level.

    Args:
        header: Of the object.
        place: Where the attributes of window and VOI LUT stand.
        values: (N,) levels after the modality transformation.
        counts: (N,) pixels of each that count.
        choice: What the user asks for; None for the file's own.
        made: Takes record and warnings.

    Raises:
        ReadError: If the file has no such window.
    """
    if choice is not None:
        table = _as_chosen(header, place, values, counts, choice, made)
        if _shows_nothing(table, values, counts):
            made.warnings.append(f"the window asked for shows nothing of the image ({made.record['window']})")
        return table
    stated = _by_first_voi_lut(header, place, values, made)
    if stated is None:
        stated = _by_first_window(place, values, made)
    if stated is not None:
        if not _shows_nothing(stated, values, counts):
            return stated
        made.warnings.append(f"the stated window shows nothing of the image ({made.record['window']})")
    low, high = grey.percentile_window(values, counts)
    made.record["window"] = grey.percentile_words(low, high)
    return grey.linear(values, low, high)


def _shows_nothing(table: UInt8Array, values: Values, counts: npt.NDArray[np.int64]) -> bool:
    """Whether pixels that count differ, and none of it is seen."""
    shown, there = table[counts > 0], values[counts > 0]
    return bool(shown.size and shown.min() == shown.max() and there.min() < there.max())


def _as_chosen(
    header: ImageHeader,
    place: Dataset,
    values: Values,
    counts: npt.NDArray[np.int64],
    choice: WindowChoice,
    made: Rendering,
) -> UInt8Array:
    """8 bits for each level as the user asks.

    Raises:
        ReadError: If the file has no such window.
    """
    if choice.width:
        made.record["window"] = f"LINEAR centre {choice.centre:g} width {choice.width:g}, as asked"
        return window(values, choice.centre, choice.width)
    if choice.name == WHOLE_RANGE:
        used = values[(counts > 0) & np.isfinite(values)]
        low, high = (float(used.min()), float(used.max())) if used.size else (0.0, 0.0)
        made.record["window"] = f"full range of the image: {low:g} to {high:g}, as asked"
        return grey.linear(values, low, high)
    return _own(header, place, values, choice.name, made)


def _own(header: ImageHeader, place: Dataset, values: Values, called: str, made: Rendering) -> UInt8Array:
    """8 bits for each level by one of the file's own windows, or by a VOI LUT that has a name.

    Raises:
        ReadError: If there is none of this number or name that can be used.
    """
    windows, names = _windows(place, made)
    tables, table_names = _voi_luts(place)
    wanted = called.casefold()
    number = int(called) - 1 if _NUMBER.fullmatch(called) else -1
    if number < 0 and wanted in names:
        number = names.index(wanted)
    if 0 <= number < len(windows):
        centre, width = windows[number]
        function = _function(place, made)
        if width > 0 and (function != "LINEAR" or width >= 1):
            which = f"window {number + 1} of {len(windows)}"
            made.record["window"] = f"{function} centre {centre:g} width {width:g}, {which}, as asked"
            return window(values, centre, width, function)
    elif number < 0 and wanted in table_names:
        table = _by_voi_lut(header, tables[table_names.index(wanted)], values, made)
        if table is not None:
            made.record["window"] += ", as asked"
            return table
    known = ", ".join(printable(name.upper()) for name in (*names, *table_names) if name)
    offered = f"{len(windows)} window{'s' if len(windows) != 1 else ''}"
    raise ReadError(
        header.path,
        f"has no usable window {printable(called)!r}: it offers {offered}{f', called {known}' if known else ''}",
        "choose one of these with --window, or give C,W or full",
    )


def _windows(place: Dataset, made: Rendering) -> tuple[list[tuple[float, float]], list[str]]:
    """Centres and widths of the file's windows and their names, folded; none where they cannot be read."""
    try:
        centres, widths = decimals(place, "WindowCenter") or [], decimals(place, "WindowWidth") or []
    except BadAttributeError as error:
        made.warnings.append(f"{error}: the window is not used")
        return [], []
    names = (stored_text(place, "WindowCenterWidthExplanation") or "").split("\\")
    return list(zip(centres, widths, strict=False)), [name.strip().casefold() for name in names]


def _voi_luts(place: Dataset) -> tuple[list[Dataset], list[str]]:
    """The file's VOI LUTs and their names, folded."""
    tables = place.get("VOILUTSequence")
    if not isinstance(tables, Sequence):
        return [], []
    return list(tables), [code(table, "LUTExplanation").casefold() for table in tables]


def _function(place: Dataset, made: Rendering) -> str:
    """How a window maps (PS3.3 C.11.2.1.3)."""
    function = code(place, "VOILUTFunction") or "LINEAR"
    if function in _FUNCTIONS:
        return function
    made.warnings.append("VOILUTFunction (0028,1056) is not known: taken as LINEAR")
    return "LINEAR"


def _by_first_voi_lut(
    header: ImageHeader, place: Dataset, values: Values, made: Rendering
) -> UInt8Array | None:
    """By the first VOI LUT (PS3.3 C.11.2.1.1), or None where there is none that can be used."""
    tables, _ = _voi_luts(place)
    if not tables:
        return None
    table = _by_voi_lut(header, tables[0], values, made)
    if table is not None and len(tables) > 1:
        made.warnings.append(f"{len(tables)} VOI LUTs are offered: the first was used")
    return table


def _by_voi_lut(header: ImageHeader, item: Dataset, values: Values, made: Rendering) -> UInt8Array | None:
    """By a VOI LUT, or None where it cannot be used."""
    try:
        first, entries, bits = lookup_table(header, item, bool(values.min() < 0))
    except BadAttributeError as error:
        made.warnings.append(f"{error}: the VOI LUT is not used")
        return None
    taken = max(8, int(entries.max()).bit_length())
    if taken != bits:
        # A table declared deeper than it is would leave the picture dark.
        made.warnings.append(f"the VOI LUT says {bits} bits and takes {taken}: scaled by {taken}")
    made.record["window"] = f"VOI LUT of {entries.size} entries, {taken} bits"
    eight = grey.linear(entries, 0.0, float(2**taken - 1))
    return looked_up(values, first, eight)


def _by_first_window(place: Dataset, values: Values, made: Rendering) -> UInt8Array | None:
    """By the first window (PS3.3 C.11.2.1.2 and .3), or None where there is none that can be used."""
    try:
        centres, widths = decimals(place, "WindowCenter"), decimals(place, "WindowWidth")
    except BadAttributeError as error:
        made.warnings.append(f"{error}: the window is not used")
        return None
    if not centres and not widths:
        return None
    if not centres or not widths:
        missing = "WindowWidth (0028,1051)" if centres else "WindowCenter (0028,1050)"
        made.warnings.append(f"{missing} is missing: the window is not used")
        return None
    function = _function(place, made)
    centre, width = centres[0], widths[0]
    if width <= 0 or (function == "LINEAR" and width < 1):
        made.warnings.append(f"WindowWidth (0028,1051) is {width:g}: the window is not used")
        return None
    if len(centres) > 1:
        made.warnings.append(f"{len(centres)} windows are offered: the first was used")
    made.record["window"] = f"{function} centre {centre:g} width {width:g}"
    return window(values, centre, width, function)


def window(values: Values, centre: float, width: float, function: str = "LINEAR") -> UInt8Array:
    """8 bits by a window of DICOM PS3.3 C.11.2.1.2 (LINEAR, LINEAR_EXACT) or C.11.2.1.3.1 (SIGMOID).

    Args:
        values: Values after the modality transformation, of any shape.
        centre: Of the window.
        width: At least 1 for LINEAR, above 0 for the others.
        function: LINEAR, LINEAR_EXACT or SIGMOID.
    """
    x = values.astype(np.float64)
    if function == "SIGMOID":
        share = 1.0 / (1.0 + np.exp(np.clip(-4.0 * (x - centre) / width, -700, 700)))
    elif function == "LINEAR_EXACT":
        share = (x - centre) / width + 0.5
    elif width == 1:
        share = (x > centre - 0.5).astype(np.float64)
    else:
        share = (x - (centre - 0.5)) / (width - 1.0) + 0.5
    return grey.to_uint8(np.clip(share, 0.0, 1.0) * 255.0)
