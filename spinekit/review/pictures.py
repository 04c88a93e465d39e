"""Films as the page wants them: the raw values in 8 or 16 bits, and the window that they were read by."""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinekit.core.errors import ReadError
from spinekit.core.image import ImageRef
from spinekit.formats import grey
from spinekit.formats.reading import read_images, read_raw
from spinekit.workflows.review import ReviewFilm

_KEPT = 4  # decoded films that stay in memory: the one shown, its neighbours, and one of another person
_SAMPLED = 200_000
_NUMBER = r"(-?[\d.]+(?:e[+-]?\d+)?)"
_WINDOW = re.compile(rf"centre {_NUMBER} width {_NUMBER}")
_RANGE = re.compile(rf": {_NUMBER} to {_NUMBER}")
_BITS = re.compile(r"(\d+) bits")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A film ready to be sent.

    Attributes:
        width: Columns.
        height: Rows.
        depth: 8 or 16 bits a pixel, little-endian, row by row.
        low: True value of a stored 0.
        step: True value of one stored step.
        window: Lower and upper end of the window that the film was read by, in true values.
        inverted: Whether low values are bright.
        raw: Whether these are the film's own values; False for the run's 8-bit copy.
        content: The pixels.
    """

    width: int
    height: int
    depth: int
    low: float
    step: float
    window: tuple[float, float]
    inverted: bool
    raw: bool
    content: bytes

    @property
    def facts(self) -> str:
        """All but the pixels, as JSON in ASCII."""
        return json.dumps(
            {
                "width": self.width, "height": self.height, "depth": self.depth, "low": self.low,
                "step": self.step, "window": list(self.window), "inverted": self.inverted, "raw": self.raw,
            }
        )  # fmt: skip


class Pictures:
    """Decodes films when they are asked for and keeps the latest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: dict[int, threading.Lock] = {}
        self._kept: OrderedDict[int, Picture] = OrderedDict()

    def get(self, number: int, film: ReviewFilm) -> Picture:
        """A film's picture.

        Args:
            number: Of the film; what it is kept under.
            film: Where it lies.

        Raises:
            ReadError: If it cannot be read, or is not the film that was predicted on.
        """
        with self._lock:
            busy = self._busy.setdefault(number, threading.Lock())
        with busy:  # two who want one film decode it once
            with self._lock:
                if number in self._kept:
                    self._kept.move_to_end(number)
                    return self._kept[number]
            made = picture_of(film.state.base.image, film.path, film.copy)
            with self._lock:
                self._kept[number] = made
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            return made


def picture_of(image: ImageRef, path: Path | None, copy: Path | None = None) -> Picture:
    """A film out of its file, or out of the 8-bit copy that the run keeps.

    Args:
        image: As it was predicted on.
        path: The film, or None.
        copy: The copy, or None.

    Raises:
        ReadError: If neither can be read, or it is of another size.
    """
    if path is None and copy is None:
        raise ReadError(image.name, "the film was not found", "name its folder with --images")
    if path is None:
        pixels = next(read_images(copy or Path())).pixels
        return _sized(_picture(pixels, (0.0, 255.0), inverted=False, raw=False), image)
    provenance = image.provenance
    if not provenance:
        found = [one.ref for one in read_images(path) if one.ref.frame == image.frame]
        provenance = found[0].provenance if found else {}
    values = read_raw(replace(image, path=path))
    if values.ndim == 3:
        values = grey.luma(values[..., :3])
    window = stated_window(provenance.get("window", "")) or _percentiles(values)
    inverted = provenance.get("inversion", "none") != "none"
    return _sized(_picture(values, window, inverted=inverted, raw=True), image)


def stated_window(words: str) -> tuple[float, float] | None:
    """Ends of the window that provenance tells of; None where it speaks of a table."""
    if "LUT" in words:
        return None
    if found := _WINDOW.search(words):
        centre, width = float(found[1]), float(found[2])
        return centre - width / 2, centre + width / 2
    if found := _RANGE.search(words):
        return float(found[1]), float(found[2])
    if words.startswith("fractions"):
        return 0.0, 1.0
    if found := _BITS.search(words):
        return 0.0, float(2 ** min(int(found[1]), 32) - 1)
    return None


def _percentiles(values: npt.NDArray[Any]) -> tuple[float, float]:
    sample = values.ravel()[:: max(1, values.size // _SAMPLED)].astype(np.float64)
    sample = sample[np.isfinite(sample)]
    if not sample.size:
        return 0.0, 1.0
    low, high = (float(one) for one in np.percentile(sample, (0.5, 99.5)))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _picture(values: npt.NDArray[Any], window: tuple[float, float], *, inverted: bool, raw: bool) -> Picture:
    finite = values if values.dtype.kind in "iub" else values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    depth, step = (8 if high - low <= 255 else 16), 1.0
    stored: npt.NDArray[Any]
    if values.dtype.kind in "iub" and high - low <= 65535:
        kind = np.uint8 if depth == 8 else np.dtype("<u2")
        stored = (values if low == 0 else values.astype(np.int64) - int(low)).astype(kind)
    else:
        # Fractions and wider numbers: 65536 steps between the lowest and the highest are more than any eye tells.
        depth, step = 16, (high - low) / 65535 or 1.0
        stored = np.clip(np.rint((np.nan_to_num(values, nan=low) - low) / step), 0, 65535).astype("<u2")
    height, width = values.shape
    if not window[1] > window[0]:
        window = low, max(high, low + 1.0)
    return Picture(width, height, depth, low, step, window, inverted, raw, stored.tobytes())


def _sized(picture: Picture, image: ImageRef) -> Picture:
    if (picture.height, picture.width) != (image.height, image.width):
        raise ReadError(
            image.name,
            f"is {picture.width} x {picture.height} pixels, and was predicted on as {image.width} x {image.height}",
            "put the film back that the run has read",
        )
    return picture
