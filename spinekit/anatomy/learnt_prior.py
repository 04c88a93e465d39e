"""Learning a `SpinePrior` from labelled spines of one view."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from spinekit.anatomy.candidates import Bodies, between, bodies
from spinekit.core.image import FloatArray
from spinekit.schemas.spine_prior import SpinePrior

_LEAST = {"width_sd": 0.03, "height_sd": 0.05, "pitch_sd": 0.05, "tilt_sd": 2.5, "bend_sd": 2.0}
_LEAST_GROWTH = 0.03
_FEW = 30  # spines: of fewer, the spreads of all levels are pooled


def learnt_prior(
    view: str, levels: Sequence[str], films: Sequence[FloatArray], learnt_from: str, symmetric: bool
) -> SpinePrior:
    """The medians and robust spreads of labelled spines.

    Args:
        view: As a schema tells it.
        levels: L names, cranial to caudal.
        films: For each spine (L, 4, 2) corners TL, TR, BL, BR in px (lateral: back on the left), NaN where absent.
        learnt_from: Data and number, for the reader of the file.
        symmetric: Whether left and right mean nothing: then curves to both sides are alike.
    """
    found = [bodies(quads, np.ones(len(quads))) for quads in films]
    width, height = (
        np.array([getattr(spine, name) for spine in found]) for name in ("log_width", "log_height")
    )
    ratio = np.nanmean(height - width, axis=1)
    width, height = (values - np.nanmean(values, axis=1, keepdims=True) for values in (width, height))
    steps = [_steps(spine) for spine in found]
    gaps = {name: np.array([step[name] for step in steps]) for name in steps[0]}
    if symmetric:
        for name in ("tilt", "bend"):
            gaps[name] = np.concatenate([gaps[name], -gaps[name]])
    sds = {
        "width_sd": _spread(width),
        "height_sd": _spread(height),
        "growth_sd": _spread(np.diff(width, axis=1)),
    }
    sds |= {f"{name}_sd": _spread(values) for name, values in gaps.items()}
    least = {**_LEAST, "growth_sd": _LEAST_GROWTH}
    return SpinePrior(
        view=view,
        learnt_from=learnt_from,
        levels=tuple(levels),
        log_width=_filled(_median(width)),
        log_height=_filled(_median(height)),
        ratio=float(np.median(ratio)),
        ratio_sd=float(max(_spread(ratio[:, None])[0], 0.03)),
        evidence={},
        **{name: _median(values) for name, values in gaps.items()},
        **{name: np.maximum(_pooled(values, len(films)), least[name]) for name, values in sds.items()},
    )


def _steps(spine: Bodies) -> dict[str, FloatArray]:
    """(L-1,) what lies between neighbours, by name."""
    pairs = between(spine)
    return {
        "pitch": np.diagonal(pairs.pitch, 1),
        "tilt": np.diagonal(pairs.tilt, 1),
        "bend": np.diagonal(pairs.bend, 1),
    }


def _spread(values: FloatArray) -> FloatArray:
    return np.asarray(1.4826 * _median(np.abs(values - _median(values))))


def _median(values: FloatArray) -> FloatArray:
    """(L,) medians of what is known; NaN where nothing is."""
    known = ~np.isnan(values).all(axis=0)
    return np.asarray(np.where(known, np.nanmedian(np.where(known, values, 0.0), axis=0), np.nan))


def _pooled(spread: FloatArray, films: int) -> FloatArray:
    """Spreads, those of few films replaced by what all levels have together."""
    known = np.where(np.isnan(spread), np.nanmedian(spread), spread)
    return np.asarray(known if films >= _FEW else np.full_like(known, np.sqrt(np.mean(known**2))))


def _filled(values: FloatArray) -> FloatArray:
    """A level that no film shows whole takes the size of its neighbour."""
    known = np.flatnonzero(~np.isnan(values))
    return np.asarray(np.interp(np.arange(len(values)), known, values[known]))
