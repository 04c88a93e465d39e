"""Plots of a run for people who compare: the spine's tilt level by level. Each is the bytes of a PNG."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.views.plots import INK, finished, new_figure, plain_name

_COLOURS = (INK, "#c8553d")
_MOST_LINES = 60
_LEAST_BAND = 4


def profile_chart(levels: Sequence[str], profiles: Mapping[str, FloatArray], title: str) -> bytes:
    """The tilt of each body from the head down: a faint line an image, the median, the middle half of the images.

    Of fewer than four images each is drawn and no median.

    Args:
        levels: L names, cranial to caudal.
        profiles: (N, L) degrees by run, NaN where a body was not found; two runs at most.
        title: Above them.
    """
    figure, axes = new_figure(4.8, 1.6 + 0.26 * max(len(levels), 5))
    down = np.arange(len(levels))
    axes.axvline(0, color="#8a97a6", linewidth=0.7)
    for colour, (name, tilts) in zip(_COLOURS, profiles.items(), strict=False):
        label, few = f"{plain_name(name)} (n = {len(tilts)})", len(tilts) < _LEAST_BAND
        for k, line in enumerate(tilts if len(tilts) <= _MOST_LINES else ()):
            style = {"linewidth": 1.5, "alpha": 0.9} if few else {"linewidth": 0.6, "alpha": 0.35}
            axes.plot(line, down, color=colour, label=label if few and k == 0 else None, **style)
        if few:  # of three films a median says less than the films
            continue
        with warnings.catch_warnings(action="ignore", category=RuntimeWarning):  # a level that no image shows
            low, middle, high = np.nanpercentile(tilts, (25, 50, 75), axis=0)
        axes.fill_betweenx(down, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(middle, down, color=colour, linewidth=2, label=label)
    axes.set_yticks(down, [plain_name(level) for level in levels])
    axes.invert_yaxis()
    axes.set_xlabel("tilt of the body, degrees (+: the image's right is lower)")
    axes.legend(fontsize=8, frameon=False, loc="best")
    return finished(figure, axes, title)
