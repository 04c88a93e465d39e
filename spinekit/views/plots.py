"""Plain plots for looking over numbers: bars, boxes, maps. Each is the bytes of a PNG.

Figures are drawn without pyplot, so nothing is kept and no window system is asked for.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.views.wording import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#2f6f9f"
_DPI = 110
_MOST_MAPS = 36
_COLUMNS = 6


def bar_chart(values: Mapping[str, float], title: str) -> bytes:
    """Horizontal bars, each with its number.

    Args:
        values: Length of each bar by its name, in the order given from the top.
        title: Above them.
    """
    figure, axes = new_figure(7.0, 1.2 + 0.24 * max(len(values), 2))
    bars = axes.barh([plain_name(name) for name in values], list(values.values()), color=INK)
    axes.bar_label(bars, labels=[f"{value:,.0f}" for value in values.values()], padding=3, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.14)
    return finished(figure, axes, title)


def box_chart(values: Mapping[str, Sequence[float]], title: str, unit: str) -> bytes:
    """Horizontal boxes from the lower to the upper quartile, whiskers to least and most.

    Args:
        values: Numbers by name; none may be without any.
        title: Above them.
        unit: Below the axis.
    """
    figure, axes = new_figure(7.0, 1.4 + 0.24 * max(len(values), 2))
    axes.boxplot(
        [np.asarray(numbers) for numbers in values.values()],
        orientation="horizontal", whis=(0, 100), widths=0.6, patch_artist=True,
        boxprops={"facecolor": "#cfe3f1", "edgecolor": INK}, medianprops={"color": INK},
        whiskerprops={"color": INK}, capprops={"color": INK},
    )  # fmt: skip
    axes.set_yticks(range(1, len(values) + 1), [plain_name(name) for name in values])
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    if min(min(numbers) for numbers in values.values()) >= 0:
        axes.set_xlim(left=0)
    return finished(figure, axes, title)


def scatter_chart(points: Sequence[tuple[float, float, float]], title: str, across: str, up: str) -> bytes:
    """Dots whose area follows a count.

    Args:
        points: Place across, place up, and count.
        title: Above them.
        across: Name of the horizontal axis.
        up: Name of the vertical one.
    """
    figure, axes = new_figure(5.5, 5.0)
    x, y, counts = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
    axes.scatter(x, y, s=18 + 240 * counts / counts.sum(), color=INK, alpha=0.55, edgecolors="none")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.set_xlim(0, 1.1 * x.max())
    axes.set_ylim(0, 1.1 * y.max())
    return finished(figure, axes, title)


def heat_maps(maps: Mapping[str, FloatArray], title: str) -> bytes:
    """Small maps beside each other, each from nothing (white) to its own most (dark).

    Args:
        maps: (H, W) counts by name, first row on top; at most 36 are drawn.
        title: Above them.
    """
    shown = list(maps.items())[:_MOST_MAPS]
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure, _ = new_figure(1.7 * columns + 0.4, 1.95 * rows + 0.6, axes=False)
    for place, (name, counts) in enumerate(shown, start=1):
        axes = figure.add_subplot(rows, columns, place)
        axes.imshow(counts, cmap="Blues", extent=(0, 1, 1, 0), vmin=0, vmax=max(float(counts.max()), 1.0))
        axes.set_title(f"{plain_name(name)} ({counts.sum():,.0f})", fontsize=8)
        axes.set_xticks([])
        axes.set_yticks([])
    left_out = len(maps) - len(shown)
    figure.suptitle(title + (f"; {left_out} more are not shown" if left_out else ""), fontsize=10)
    return encoded(figure)


def new_figure(width: float, height: float, axes: bool = True) -> tuple[Figure, Any]:
    """An empty figure and its axes.

    Args:
        width: Inches.
        height: Inches.
        axes: Whether it gets axes at once; None otherwise.
    """
    # Without its fonts at hand the library writes what it is doing.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot() if axes else None


def plain_name(text: str) -> str:
    """A name as plain text: no mathematics between dollars, no characters that a font lacks."""
    return plain(text).replace("$", r"\$")[:40]


def finished(figure: Figure, axes: Any, title: str) -> bytes:  # noqa: ANN401  (matplotlib's axes have no narrow type)
    """A figure of a single plot with its title, as the bytes of a PNG.

    Args:
        figure: Of `new_figure`.
        axes: Its axes.
        title: Above them.
    """
    axes.set_title(title, fontsize=10)
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return encoded(figure)


def encoded(figure: Figure) -> bytes:
    """PNG without date or author, so that equal numbers give equal bytes."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=_DPI, metadata={"Software": None})
    return stream.getvalue()
