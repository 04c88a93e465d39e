"""The grey-scale pipeline of DICOM (PS3.4 N.2), in its order, with a record of every step.

Stored values -> modality LUT or rescale -> padding set aside -> VOI LUT, or window, or percentiles of the
pixels that count -> 8 bits -> one inversion for MONOCHROME1 or a presentation shape of INVERSE, against
the known range of the output and never against the image's own maximum.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinekit.core.image import BoolArray
from spinekit.core.outline import Outline, to_mask
from spinekit.formats import grey
from spinekit.formats.dicom_header import ImageHeader
from spinekit.formats.dicom_lut import looked_up, lookup_table
from spinekit.formats.dicom_pixels import PALETTE, Frame, colour_to_grey
from spinekit.formats.dicom_values import BadAttributeError, code, decimal, decimals, integer
from spinekit.formats.dicom_window import Rendering, windowed
from spinekit.formats.plugin import WindowChoice

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Values = npt.NDArray[Any]


def group_item(item: Dataset, frame: int, sequence: str) -> Dataset:
    """Where a frame's attributes of one kind stand: its functional group, the shared one, or the object.

    Args:
        item: The object.
        frame: Index of the frame.
        sequence: Keyword of the functional group's sequence, e.g. ``FrameVOILUTSequence``.
    """
    places = []
    per_frame = item.get("PerFrameFunctionalGroupsSequence")
    if isinstance(per_frame, Sequence) and frame < len(per_frame):
        places.append(per_frame[frame])
    shared = item.get("SharedFunctionalGroupsSequence")
    if isinstance(shared, Sequence) and len(shared):
        places.append(shared[0])
    for place in places:
        found = place.get(sequence)
        if isinstance(found, Sequence) and len(found):
            return found[0]
    return item


def modality_values(header: ImageHeader, stored: Values, frame: int, made: Rendering | None = None) -> Values:
    """Values after the modality LUT or the rescale slope and intercept (PS3.3 C.11.1).

    Args:
        header: Of the object.
        stored: Stored values of any shape.
        frame: Index of the frame.
        made: Takes record and warnings, or None.

    Returns:
        Of the same shape: Hounsfield units and the like as float64, or ``stored`` itself.
    """
    made = made if made is not None else Rendering()
    place = group_item(header.item, frame, "PixelValueTransformationSequence")
    tables = place.get("ModalityLUTSequence")
    if isinstance(tables, Sequence) and len(tables):
        try:
            first, entries, _ = lookup_table(header, tables[0], header.signed)
        except BadAttributeError as error:
            made.warnings.append(f"{error}: the modality LUT is not used")
        else:
            made.record["modality"] = f"LUT of {entries.size} entries"
            return looked_up(stored, first, entries)
    return _rescaled(place, stored, made)


def _rescaled(place: Dataset, stored: Values, made: Rendering) -> Values:
    """Values by slope and intercept; ``stored`` itself where these change nothing."""
    try:
        slope, intercept = decimal(place, "RescaleSlope"), decimal(place, "RescaleIntercept")
    except BadAttributeError as error:
        made.warnings.append(f"{error}: not used")
        slope = intercept = None
    if slope == 0:
        made.warnings.append("RescaleSlope (0028,1053) is 0: not used")
        slope = intercept = None
    slope, intercept = 1.0 if slope is None else slope, intercept or 0.0
    made.record["modality"] = f"slope {slope:g}, intercept {intercept:g}"
    if (slope, intercept) == (1.0, 0.0):
        return stored
    return stored * slope + intercept


def render(header: ImageHeader, stored: Values, frame: int, window: WindowChoice | None = None) -> Rendering:
    """The 8-bit picture of a grey frame.

    Args:
        header: Of the object.
        stored: (H, W) stored values.
        frame: Index of the frame.
        window: What the user asks for; None for the file's own.

    Raises:
        ReadError: If the file has no such window.
    """
    made = Rendering()
    padding = _padding(header, stored, made)
    kept = _open_area(header.item, stored.shape, made)
    if padding is not None:
        kept = ~padding if kept is None else kept & ~padding
    levels = grey.levels_of(stored, kept)
    values = modality_values(header, levels.values, frame, made)
    place = group_item(header.item, frame, "FrameVOILUTSequence")
    made.pixels = levels.picture(windowed(header, place, values, levels.counts, window, made))
    made.record["inversion"] = _inversion(header)
    if made.record["inversion"] != "none":
        made.pixels = np.subtract(255, made.pixels, dtype=np.uint8)
    if padding is not None:
        made.pixels[padding] = 0
    return made


def render_colour(header: ImageHeader, frame: Frame) -> Rendering:
    """The 8-bit picture of a colour frame: its luma over the full range of the stored bits, no window."""
    made = Rendering()
    flat = colour_to_grey(frame)
    made.record["colour"] = f"{frame.colour} to BT.601 luma"
    made.record["inversion"] = "none"
    if frame.colour == PALETTE:
        made.pixels, made.record["window"] = grey.full_range(flat)
        return made
    made.record["window"] = f"full range of {header.stored} bits"
    eight = flat.dtype == np.uint8 and header.stored == 8
    made.pixels = flat if eight else grey.linear(flat, 0.0, float(2**header.stored - 1))
    return made


def _inversion(header: ImageHeader) -> str:
    """Why the picture is inverted: MONOCHROME1 and INVERSE name one and the same inversion."""
    if header.photometric == "MONOCHROME1":
        return "MONOCHROME1"
    inverse = code(header.item, "PresentationLUTShape") == "INVERSE"
    return "PresentationLUTShape INVERSE" if inverse else "none"


def _padding(header: ImageHeader, stored: Values, made: Rendering) -> BoolArray | None:
    """The pixels that ``PixelPaddingValue`` and its range limit declare to be no image, or None."""
    ends = []
    for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
        try:
            number = integer(header.item, keyword, header.little_endian)
        except BadAttributeError as error:
            made.warnings.append(f"{error}: not used")
            number = None
        if number is not None:
            ends.append(_as_stored(number, header))
    if not ends or header.pixel_keyword != "PixelData" or "PixelPaddingValue" not in header.item:
        return None
    padding: BoolArray = (stored >= min(ends)) & (stored <= max(ends))
    share = 100.0 * float(padding.mean())
    if not share:
        return None
    made.record["padding"] = f"{share:.2g} % of the pixels, shown black"
    return padding


def _as_stored(number: int, header: ImageHeader) -> int:
    """A number of (possibly wrong) sign and width as a stored value of the image would read."""
    number &= (1 << header.stored) - 1
    return number - (1 << header.stored) if header.signed and number >> (header.stored - 1) else number


def _open_area(item: Dataset, shape: tuple[int, ...], made: Rendering) -> BoolArray | None:
    """The pixels that neither a shutter nor a collimator covers, or None where none is declared."""
    kept: BoolArray | None = None
    for prefix in ("Shutter", "Collimator"):
        for kind in code(item, f"{prefix}Shape").split("\\"):
            try:
                area = _aperture(item, prefix, kind, (shape[0], shape[1]))
            except (BadAttributeError, ValueError, TypeError):
                made.warnings.append(f"{prefix}Shape {kind} is not usable")
                continue
            if area is not None and area.any():
                kept = area if kept is None else kept & area
                made.record["aperture"] = "pixels under shutter or collimator do not count for percentiles"
    return kept


def _aperture(item: Dataset, prefix: str, kind: str, shape: tuple[int, int]) -> BoolArray | None:
    """The open area of a shutter (PS3.3 C.7.6.11) or collimator (C.8.7.3); rows and columns count from 1."""
    rows, columns = np.ogrid[1 : shape[0] + 1, 1 : shape[1] + 1]
    if kind == "RECTANGULAR":
        sides = [f"{prefix}{side}Edge" for side in ("UpperHorizontal", "LowerHorizontal")]
        sides += [f"{prefix}{side}Edge" for side in ("LeftVertical", "RightVertical")]
        top, bottom, left, right = (_edge(item, keyword) for keyword in sides)
        return (rows > top) & (rows < bottom) & (columns > left) & (columns < right)
    if kind == "CIRCULAR":
        centre = decimals(item, f"CenterOfCircular{prefix}") or []
        radius = _edge(item, f"RadiusOfCircular{prefix}")
        row, column = centre
        return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2
    if kind == "POLYGONAL":
        numbers = decimals(item, f"VerticesOfThePolygonal{prefix}") or []
        ring = np.array(numbers, dtype=np.float64).reshape(-1, 2)[:, ::-1] - 1.0
        return to_mask(Outline((ring,)), *shape)
    return None


def _edge(item: Dataset, keyword: str) -> float:
    number = decimal(item, keyword)
    if number is None:
        raise BadAttributeError(keyword, "is missing")
    return number
