"""Plots of an evaluation: errors, agreement, curves and confusion. Each is the bytes of a PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.views.plots import INK, encoded, finished, new_figure, plain_name
from spinekit.views.wording import plain

_FAINT = "#8a97a6"
_WARM = "#c8553d"
_PALE = "#cfe3f1"
_COLUMNS = 5
_MOST_CLOUDS = 40
_MOST_LABELLED = 30  # classes of a confusion matrix whose counts are written into it


def error_boxes(
    errors: Mapping[str, Sequence[float]], title: str, unit: str, limits: Sequence[float]
) -> bytes:
    """Horizontal boxes of errors: quartiles, whiskers to the last point within 1.5 times the box, dots beyond.

    Args:
        errors: By name; none may be without any.
        title: Above them.
        unit: Below the axis.
        limits: Errors at which a faint line is drawn.
    """
    figure, axes = new_figure(7.0, 1.4 + 0.24 * max(len(errors), 2))
    axes.boxplot(
        [np.asarray(values) for values in errors.values()],
        orientation="horizontal", widths=0.6, patch_artist=True,
        boxprops={"facecolor": _PALE, "edgecolor": INK}, medianprops={"color": INK},
        whiskerprops={"color": INK}, capprops={"color": INK},
        flierprops={"marker": ".", "markersize": 3, "markerfacecolor": INK, "markeredgecolor": "none"},
    )  # fmt: skip
    for limit in limits:
        axes.axvline(limit, color=_FAINT, linewidth=0.7, linestyle=":", zorder=0)
    axes.set_yticks(range(1, len(errors) + 1), [plain_name(name) for name in errors])
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.set_xlim(left=0)
    return finished(figure, axes, title)


def error_scatter(clouds: Mapping[str, FloatArray], title: str, unit: str) -> bytes:
    """Where predictions lie around the truth, a small map for each name, all to one scale.

    Args:
        clouds: (N, 2) predicted minus true, x right and y down; at most 40 are drawn.
        title: Above them.
        unit: Of the axes.
    """
    shown = [(name, cloud) for name, cloud in clouds.items() if len(cloud)][:_MOST_CLOUDS]
    reach = max((float(np.percentile(np.abs(cloud), 98)) for _, cloud in shown), default=1.0) or 1.0
    columns = min(_COLUMNS, max(len(shown), 1))
    rows = -(-len(shown) // columns)
    figure, _ = new_figure(1.7 * columns + 0.4, 1.85 * rows + 0.6, axes=False)
    for place, (name, cloud) in enumerate(shown, start=1):
        axes = figure.add_subplot(rows, columns, place)
        axes.axhline(0, color=_FAINT, linewidth=0.6)
        axes.axvline(0, color=_FAINT, linewidth=0.6)
        axes.plot(cloud[:, 0], cloud[:, 1], ".", color=INK, markersize=3, alpha=0.6)
        axes.plot(*cloud.mean(axis=0), "+", color=_WARM, markersize=8)
        axes.set_title(plain_name(name), fontsize=8)
        axes.set_xlim(-reach, reach)
        axes.set_ylim(reach, -reach)
        axes.set_aspect("equal")
        axes.tick_params(labelsize=6)
    figure.suptitle(f"{title} ({unit}; + is the mean)", fontsize=10)
    return encoded(figure)


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """Two series of one measurement.

    Attributes:
        first: (N,) e.g. predicted.
        second: (N,) e.g. true.
        difference: (N,) first minus second, angles wrapped.
        bias: Mean of the differences.
        lower: Lower limit of agreement.
        upper: Upper limit of agreement.
    """

    first: FloatArray
    second: FloatArray
    difference: FloatArray
    bias: float
    lower: float
    upper: float


def bland_altman_charts(series: Mapping[str, Differences], title: str, up: str = "predicted - true") -> bytes:
    """Difference against mean of two series, with bias and limits of agreement, a small plot for each name.

    Args:
        series: By name with unit.
        title: Above them.
        up: What the difference is of.
    """
    columns = min(3, len(series))
    rows = -(-len(series) // columns)
    figure, _ = new_figure(3.2 * columns + 0.4, 2.5 * rows + 0.5, axes=False)
    for place, (name, both) in enumerate(series.items(), start=1):
        axes = figure.add_subplot(rows, columns, place)
        axes.plot(both.second + both.difference / 2, both.difference, ".", color=INK, markersize=4, alpha=0.7)
        axes.axhline(0, color=_FAINT, linewidth=0.6)
        axes.axhline(both.bias, color=_WARM, linewidth=1)
        for limit in (both.lower, both.upper):
            axes.axhline(limit, color=_WARM, linewidth=0.8, linestyle="--")
        axes.set_title(plain_name(name), fontsize=8)
        axes.set_xlabel("mean of both", fontsize=7)
        axes.set_ylabel(plain_name(up), fontsize=7)
        axes.tick_params(labelsize=6)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    between = " " if columns > 2 else "\n"  # one plot is narrower than these words
    figure.suptitle(f"{plain(title)}{between}(line: bias; dashes: limits of agreement)", fontsize=10)
    return encoded(figure)


def curve_chart(
    x: FloatArray,
    lines: Mapping[str, FloatArray],
    title: str,
    across: str,
    up: str,
    mark: float | None = None,
) -> bytes:
    """Curves between 0 and 1.

    Args:
        x: (N,) places across.
        lines: (N,) heights by name.
        title: Above them.
        across: Name of the horizontal axis.
        up: Name of the vertical one.
        mark: Where a faint upright line is drawn, or None.
    """
    figure, axes = new_figure(5.5, 4.2)
    for colour, (name, heights) in zip((INK, _WARM, _FAINT), lines.items(), strict=False):
        axes.plot(x, heights, color=colour, label=plain_name(name))
    if mark is not None:
        axes.axvline(mark, color=_FAINT, linewidth=0.8, linestyle=":")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    if len(lines) > 1:
        axes.legend(fontsize=8, frameon=False)
    return finished(figure, axes, title)


def confusion_chart(counts: FloatArray, rows: Sequence[str], columns: Sequence[str], title: str) -> bytes:
    """Counts by true (rows) and predicted (columns), shaded by the share of the row.

    Args:
        counts: (R, C).
        rows: R names.
        columns: C names.
        title: Above them.
    """
    height, width = counts.shape
    figure, axes = new_figure(2.0 + 0.34 * max(width, 5), 1.6 + 0.32 * max(height, 4))
    total = counts.sum(axis=1, keepdims=True)
    share = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    if max(height, width) <= _MOST_LABELLED:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                colour = "white" if share[row, column] > 0.5 else "black"
                axes.text(column, row, f"{count:.0f}", ha="center", va="center", fontsize=7, color=colour)
    axes.set_xticks(range(width), [plain_name(name) for name in columns], rotation=60, ha="right")
    axes.set_yticks(range(height), [plain_name(name) for name in rows])
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    return finished(figure, axes, title)
