"""Images and what is known of their origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinekit.core.spacing import Spacing

UInt8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ImageRef:
    """One image (one frame or page of a file), without its pixels.

    Attributes:
        path: The file.
        height: Rows, after any EXIF turn.
        width: Columns, after any EXIF turn.
        spacing: Pixel spacing, or None where unknown; lengths are then in pixels.
        aspect: Row spacing over column spacing where no spacing in mm is known; 1 for square pixels.
        sha256: Of the file's bytes, hexadecimal; empty where the image never was a file.
        frame: Index of the frame or page, or None for a file that holds a single one.
        name: Path relative to the folder that was read, with ``#<frame>`` for one of several frames;
            it names the outputs.
        provenance: How the 8-bit pixels were made: window recipe, inversion, EXIF turn, notes.
            Never an attribute of the patient.
        hints: Attributes of the file that say what is shown (``modality``, ``body_part``, ``view``).
    """

    path: Path
    height: int
    width: int
    spacing: Spacing | None = None
    aspect: float = 1.0
    sha256: str = ""
    frame: int | None = None
    name: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)

    @property
    def unit(self) -> str:
        """``mm`` where a spacing is known, otherwise ``px``."""
        return "mm" if self.spacing is not None else "px"


@dataclass(frozen=True, slots=True)
class Image:
    """An image ready for a network or an eye.

    Attributes:
        ref: What is known of it.
        pixels: (H, W) uint8 grey values, made by the recipe in ``ref.provenance``.
        warnings: What a reader should know (no spacing, several windows, lossy, ...), one line each.
    """

    ref: ImageRef
    pixels: UInt8Array
    warnings: tuple[str, ...] = ()
