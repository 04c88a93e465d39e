"""Samples: synthetic films as DICOM and PNG, with their exact truth beside them.

For each film ``<name>.dcm`` or ``<name>.png`` there is ``<name>.truth.json`` and, where the truth is an area,
``<name>.truth.png`` (0 = membrane, 255 = cell, as in the ISBI 2012 challenge). ``card.yaml`` says what they
are.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import cv2
import numpy as np
import numpy.typing as npt

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.files import write_bytes, write_text
from spinekit.formats.dicom_film import write_film
from spinekit.phantoms import (
    Facing,
    Kind,
    Phantom,
    membrane_tile,
    orbit_slice,
    skull_lateral,
    spine_ap,
    spine_lateral,
)

KINDS: tuple[Kind, ...] = get_args(Kind)
UNASKED: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "spine-lateral")
"""Kinds that are made where none is named: those of ``datasets/samples``. Lateral films are drawn where asked for."""

SCHEMAS: dict[Kind, str] = {
    "spine-ap": "spine-ap",
    "spine-lateral": "spine-lateral",
    "skull-lateral": "ceph-27",
    "orbit": "orbit-4",
    "membrane": "em-membrane",
}

_COBB_ANGLES = (24.0, 41.0, 58.0, 12.0, 33.0, 70.0)
_SPINE_ROWS, _SKULL_ROWS = 1000, 840
_DEEP, _EIGHT = 12, 8  # bits
_MOST = 1000  # films of each kind
_FIRST_SEED = 1 << 32  # apart from the seeds of films that are mixed into trainings: samples stay unseen


@dataclass(frozen=True, slots=True)
class _Order:
    """One film to be made: its place among those of its kind decides the file format."""

    kind: Kind
    index: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.index + 1:02d}"

    @property
    def suffix(self) -> str:
        return ".dcm" if self.index % 3 == 0 else ".png"

    @property
    def bits(self) -> int:
        """12 in DICOM and in every third radiograph (a PNG of 16 bits), otherwise 8; membranes always 8."""
        if self.kind == "membrane" or self.index % 3 == 1:
            return _EIGHT
        return _EIGHT if self.kind == "orbit" and self.suffix == ".png" else _DEEP

    def phantom(self) -> Phantom:
        """The film and its truth."""
        match self.kind:
            case "spine-ap":
                angle = _COBB_ANGLES[self.index % len(_COBB_ANGLES)]
                return spine_ap(self.seed, _SPINE_ROWS, cobb_deg=angle, bits=self.bits)
            case "spine-lateral":
                # The header of a DICOM film says that the patient looks to the left.
                facing: Facing = "left" if self.suffix == ".dcm" else "right"
                return spine_lateral(self.seed, _SPINE_ROWS, self.bits, part="whole", facing=facing)
            case "skull-lateral":
                return skull_lateral(self.seed, _SKULL_ROWS, bits=self.bits)
            case "orbit":
                return orbit_slice(self.seed, bits=self.bits)
            case "membrane":
                return membrane_tile(self.seed)


def write_samples(out: Path, *, count: int = 2, seed: int = 1, kinds: Sequence[Kind] = UNASKED) -> list[Path]:
    """Writes synthetic films with their truth.

    Of each kind the first film is DICOM, the second an 8-bit PNG, the third a PNG (of 16 bits for
    radiographs), and so on in turn.

    Args:
        out: Folder; made where missing. Files of the same names are replaced, others stay.
        count: Films of each kind.
        seed: Films of two seeds differ; the same seed gives the same films.
        kinds: Which kinds.

    Returns:
        The files written, films and companions, in order.

    Raises:
        UsageError: For a count outside 1 .. 1000, a negative seed, or an unknown kind.
        EnvironmentFaultError: If the folder cannot be written.
    """
    if not 1 <= count <= _MOST:
        raise UsageError(f"the count must lie between 1 and {_MOST}, not {count}")
    if seed < 0:
        raise UsageError(f"the seed must not be negative: {seed}")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown or not kinds:
        raise UsageError(
            f"there is no kind {', '.join(unknown) or '(none given)'} -- choose of {', '.join(KINDS)}"
        )
    written: list[Path] = []
    for kind in dict.fromkeys(kinds):
        for index in range(count):
            written += _write_one(out, _Order(kind, index, _FIRST_SEED + _MOST * seed + index))
    card = out / "card.yaml"
    write_text(card, _card(count, seed, list(dict.fromkeys(kinds))))
    return [*written, card]


def _write_one(out: Path, order: _Order) -> list[Path]:
    """One film, its truth and its mask."""
    phantom = order.phantom()
    film = out / f"{order.name}{order.suffix}"
    if order.suffix == ".dcm":
        facts = phantom.facts
        write_film(
            phantom.pixels,
            film,
            kind=order.kind,
            uid_seed=f"{order.kind}-{order.seed}",
            bits=order.bits,
            spacing=phantom.spacing,
            window=(facts["window_center"], facts["window_width"]) if "window_center" in facts else None,
            inverted=order.kind == "skull-lateral",
            compressed=True,
        )
    else:
        # A PNG knows 8 and 16 bits: 12 stay in the lower part of 16, as converters leave them.
        _write_png(film, phantom.pixels)
    written = [film, out / f"{order.name}.truth.json"]
    write_text(written[1], json.dumps(_truth(order, phantom, film.name), indent=1) + "\n")
    if phantom.mask is not None:
        written.append(out / f"{order.name}.truth.png")
        _write_png(written[2], np.where(phantom.mask > 0, 0, 255).astype(np.uint8))
    return written


def _write_png(path: Path, pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> None:
    """A PNG, whole or not at all."""
    done, content = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise EnvironmentFaultError(f"{path}: the PNG could not be encoded")
    write_bytes(path, content.tobytes())


def _truth(order: _Order, phantom: Phantom, film: str) -> dict[str, Any]:
    """What is exactly true of a film, ready for JSON."""
    truth: dict[str, Any] = {
        "film": film,
        "synthetic": True,
        "kind": order.kind,
        "schema": SCHEMAS[order.kind],
        "seed": order.seed,
        "width": phantom.width,
        "height": phantom.height,
        "coordinates": "px, x right, y down, pixel centres at integers",
    }
    if phantom.spacing is not None:
        truth["spacing_mm"] = round(phantom.spacing.row_mm, 8)
        truth["spacing_origin"] = phantom.spacing.origin.value
    if phantom.facts:
        truth["facts"] = {name: round(value, 6) for name, value in phantom.facts.items()}
    if phantom.names:
        truth["points"] = {
            label: {
                name: [round(float(x), 6), round(float(y), 6)]
                for name, (x, y) in zip(phantom.names, points, strict=True)
            }
            for label, points in zip(phantom.labels, phantom.points, strict=True)
        }
    if phantom.mask is not None:
        truth["mask"] = f"{order.name}.truth.png"
        truth["mask_values"] = {"0": "membrane", "255": "cell"}
    return truth


def _card(count: int, seed: int, kinds: list[Kind]) -> str:
    """What the folder holds, as YAML."""
    return (
        "name: samples\n"
        f"title: Synthetic films ({', '.join(kinds)}) with exact truth\n"
        "origin: drawn by spinekit.phantoms from made-up anatomy; no film shows a patient\n"
        "licence: AGPL-3.0-or-later\n"
        f'made_by: "spinekit samples: count {count}, seed {seed}"\n'
        "schemas:\n"
        + "".join(f"  {kind}: {SCHEMAS[kind]}\n" for kind in kinds)
        + "truth: <film>.truth.json (points in px), <film>.truth.png (0 membrane, 255 cell)\n"
        "use: trying out and testing; figures measured on these films say nothing about patients\n"
    )
