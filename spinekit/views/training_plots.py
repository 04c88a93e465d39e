"""Pictures of a training: curves over epochs and certainty, what was taken for what, points on their way.

Figures are drawn without pyplot, so nothing is kept and no window system is asked for; equal numbers give
equal bytes.
"""

from __future__ import annotations

import io
import itertools
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image as PillowImage

from spinekit.core.image import FloatArray, UInt8Array
from spinekit.views.wording import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS = ("#2f6f9f", "#c2571a", "#3c8d5a", "#7a4fa3", "#b0912f", "#a33f5f", "#4a4a4a", "#2aa1a1")
_TRAIN, _VAL = ", train", ", val"
_DPI = 110
_MOST_LABELS = 30  # of a confusion matrix, beyond which numbers would not be legible
_SIDE = 320  # px of an image in the moving picture
_PER_EPOCH_MS = 350
_LAST_MS = 2000
_TRUTH, _FOUND, _TRAIL = (90, 220, 120), (90, 160, 255), (60, 90, 150)  # blue, green, red


@dataclass(frozen=True, slots=True, eq=False)
class EpochPicture:
    """One val image after one epoch.

    Attributes:
        truth: (N, K, 2) landmarks in px, NaN where absent.
        points: (M, K, 2) landmarks found.
        boxes: (B, 4) left, top, right, bottom.
    """

    truth: FloatArray
    points: FloatArray
    boxes: FloatArray


def line_chart(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    title: str,
    across: str,
    up: str,
    mark: float | None = None,
    share: bool = False,
) -> bytes:
    """Lines in one frame; numbers that are not finite leave a gap.

    Args:
        curves: Places across and up by name; ``x, val`` is drawn dashed in the colour of ``x, train``.
        title: Above them.
        across: Name of the horizontal axis.
        up: Name of the vertical one.
        mark: Place across of a dotted line (the best epoch), or None.
        share: Whether the vertical axis runs from 0 to 1, whatever the lines do.
    """
    figure, axes = _figure(7.6, 4.2)
    kinds = list(dict.fromkeys(_kind(name) for name in curves))
    for name, (x, y) in curves.items():
        values = np.asarray(y, dtype=np.float64)
        axes.plot(
            np.asarray(x, dtype=np.float64),
            np.where(np.isfinite(values), values, np.nan),
            color=_COLOURS[kinds.index(_kind(name)) % len(_COLOURS)], linewidth=1.5, label=_name(name),
            marker="o" if len(values) < 2 else None, markersize=4,
            linestyle="--" if name.endswith(_VAL) else "-",
        )  # fmt: skip
    if mark is not None:
        axes.axvline(mark, color="#888888", linestyle=":", linewidth=1, label=f"best epoch ({mark:g})")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    if share:
        axes.set_ylim(-0.02, 1.02)
    if across == "epoch":  # there is no epoch one and a quarter
        axes.xaxis.get_major_locator().set_params(integer=True)
    if mark is not None or len(curves) > 1:
        axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    axes.set_title(title, fontsize=10)
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return _encoded(figure)


def confusion_chart(counts: FloatArray, labels: Sequence[str], title: str) -> bytes:
    """Counts by what was said (rows) and what was true (columns), shaded by the share of the truth.

    Args:
        counts: (C, C).
        labels: C names.
        title: Above them.
    """
    size = min(max(3.6, 0.42 * len(labels) + 1.6), 14.0)
    figure, axes = _figure(size + 0.6, size)
    totals = np.maximum(counts.sum(axis=0, keepdims=True), 1)
    share = counts / totals
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    names = [_name(label) for label in labels]
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel("true")
    axes.set_ylabel("said")
    if len(labels) <= _MOST_LABELS:
        for row, column in zip(*np.nonzero(counts), strict=True):
            axes.text(
                column, row, f"{counts[row, column]:,.0f}", ha="center", va="center", fontsize=7,
                color="white" if share[row, column] > 0.55 else "#20303c",
            )  # fmt: skip
    axes.set_title(title, fontsize=10)
    axes.tick_params(labelsize=8)
    return _encoded(figure)


def epochs_gif(images: Sequence[UInt8Array], frames: Sequence[tuple[int, Sequence[EpochPicture]]]) -> bytes:
    """A moving picture: how what is found wanders to the truth, an epoch a frame.

    Truth is green, what is found orange, with the way it came in a darker shade.

    Args:
        images: (H, W) grey val images.
        frames: Epoch and, for every image in order, what was found in it.

    Raises:
        ValueError: If there is no frame.
    """
    if not frames:
        raise ValueError("a moving picture needs an epoch")
    drawn = []
    for number, (epoch, _) in enumerate(frames):
        tiles = [
            _tile(pixels, [pictures[place] for _, pictures in frames[: number + 1]])
            for place, pixels in enumerate(images)
        ]
        drawn.append(_strip(tiles, f"epoch {epoch}: true green, found orange, its way brown"))
    palette = _palette()
    pictures = [
        PillowImage.fromarray(frame[..., ::-1]).quantize(palette=palette, dither=PillowImage.Dither.NONE)
        for frame in drawn
    ]
    stream = io.BytesIO()
    durations = [_PER_EPOCH_MS] * (len(pictures) - 1) + [_LAST_MS]
    pictures[0].save(
        stream,
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=durations,
        loop=0,
        optimize=False,
    )
    return stream.getvalue()


def _palette() -> PillowImage.Image:
    """Greys and the colours that are drawn with: one chosen by the pixels would spend none on a few dots."""
    colours = [(grey, grey, grey) for grey in range(0, 256, 2)]
    for colour in (_TRUTH, _FOUND, _TRAIL):
        for share in np.linspace(0.2, 1.0, 12):  # smoothed edges on dark and light ground
            colours += [
                tuple(round(share * part + (1 - share) * ground) for part in colour[::-1])
                for ground in (20, 128, 235)
            ]
    flat = [value for colour in colours for value in colour]
    picture = PillowImage.new("P", (1, 1))
    picture.putpalette(flat + [0] * (768 - len(flat)))
    return picture


def _tile(pixels: UInt8Array, way: Sequence[EpochPicture]) -> UInt8Array:
    """An image with what the last of some epochs found, and the ways of its points."""
    factor = _SIDE / max(pixels.shape)
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    canvas = cv2.cvtColor(cv2.resize(pixels, size, interpolation=method), cv2.COLOR_GRAY2BGR)
    now = way[-1]
    for before, after in itertools.pairwise(way):
        if before.points.shape == after.points.shape:
            for start, end in zip(before.points.reshape(-1, 2), after.points.reshape(-1, 2), strict=True):
                _line(canvas, start * factor, end * factor)
    for left, top, right, bottom in now.boxes * factor:
        first, last = (round(float(left)), round(float(top))), (round(float(right)), round(float(bottom)))
        cv2.rectangle(canvas, first, last, _FOUND, 1, cv2.LINE_AA)
    for points, colour, radius in ((now.truth, _TRUTH, 3), (now.points, _FOUND, 2)):
        for x, y in points.reshape(-1, 2) * factor:
            if np.isfinite(x) and np.isfinite(y):
                cv2.circle(canvas, (round(float(x)), round(float(y))), radius, colour, -1, cv2.LINE_AA)
    return np.asarray(canvas, dtype=np.uint8)


def _line(canvas: UInt8Array, start: FloatArray, end: FloatArray) -> None:
    if np.isfinite(start).all() and np.isfinite(end).all():
        first, last = ((round(float(x)), round(float(y))) for x, y in (start, end))
        cv2.line(canvas, first, last, _TRAIL, 1, cv2.LINE_AA)


def _strip(tiles: Sequence[UInt8Array], words: str) -> UInt8Array:
    """Tiles side by side with a line of words above."""
    height = max(tile.shape[0] for tile in tiles)
    padded = [
        cv2.copyMakeBorder(
            tile, 22, height - tile.shape[0] + 2, 2, 2, cv2.BORDER_CONSTANT, value=(24, 20, 16)
        )
        for tile in tiles
    ]
    strip = np.ascontiguousarray(np.hstack(padded))
    cv2.putText(strip, words, (6, 15), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (230, 230, 230), 1, cv2.LINE_AA)
    return strip


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    # Without its fonts at hand the library writes what it is doing.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _kind(name: str) -> str:
    """What train and val have in common."""
    return name.removesuffix(_VAL).removesuffix(_TRAIN)


def _name(text: str) -> str:
    return plain(text).replace("$", r"\$")[:40]


def _encoded(figure: Figure) -> bytes:
    """PNG without date or author."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None})
    return stream.getvalue()
