"""Spines drawn from what was learnt of a view, and films of candidates made of them; no pixels are rendered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.outline import Outline
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.schemas.spine_prior import SpinePrior


def drawn_spine(prior: SpinePrior, seed: int, width: float = 60.0, unlike: float = 0.5) -> FloatArray:
    """(L, 4, 2) corners of a spine; ``unlike`` is how far it strays from the mean, in the learnt spreads."""
    random = np.random.default_rng(seed)
    count = len(prior.levels)

    def strays(sd: FloatArray) -> FloatArray:
        # Neighbours stray together.
        noise = random.normal(size=len(sd) + 2)
        return np.asarray(unlike * sd * (noise[:-2] + noise[1:-1] + noise[2:]) / np.sqrt(3))

    w = width * np.exp(prior.log_width + strays(prior.width_sd))
    h = width * np.exp(prior.ratio + prior.log_height + strays(prior.height_sd))
    gaps = np.exp(prior.pitch + strays(prior.pitch_sd)) * (h[1:] + h[:-1]) / 2
    tilts = np.cumsum(np.append(0.0, prior.tilt + strays(prior.tilt_sd)))
    tilts -= tilts.mean()
    centre, quads = np.array([0.0, 0.0]), []
    for k in range(count):
        if k:
            way = np.radians(prior.bend[k - 1] - (tilts[k] + tilts[k - 1]) / 2)
            centre = centre + gaps[k - 1] * np.array([np.sin(way), np.cos(way)])
        quads.append(centre + quad(w[k], h[k], tilts[k]))
    found = np.array(quads)
    return np.asarray(found - found.min(axis=(0, 1)) + [3 * width, 4 * width])


def quad(width: float, height: float, tilt: float) -> FloatArray:
    """(4, 2) corners TL, TR, BL, BR around the origin."""
    turn = np.radians(tilt)
    across = np.array([np.cos(turn), np.sin(turn)]) * width / 2
    down = np.array([-np.sin(turn), np.cos(turn)]) * height / 2
    return np.array([-across - down, across - down, -across + down, across + down])


def film(
    quads: FloatArray,
    schema: Schema,
    scores: float | Sequence[float] = 0.8,
    below: float | None = None,
    shares: FloatArray | None = None,
    as_outline: bool = False,
) -> Scene:
    """Candidates on a film that reaches ``below`` px under the last of them (three widths where None)."""
    known = np.broadcast_to(np.asarray(scores, dtype=np.float64), len(quads))
    low = float(np.nanmax(quads[..., 1])) if len(quads) else 100.0
    height = int(low + (300.0 if below is None else below))
    width = int(np.nanmax(quads[..., 0])) + 200 if len(quads) else 400
    items = []
    for index, corners in enumerate(quads):
        (left, top), (right, bottom) = np.nanmin(corners, axis=0), np.nanmax(corners, axis=0)
        points = None if as_outline else landmarks(schema.landmark_names, corners, np.full(4, 0.9))
        items.append(
            Instance(
                schema.classes[0],
                (float(left), float(top), float(right), float(bottom)),
                Outline((corners[[0, 1, 3, 2]],)) if as_outline else None,
                points,
                float(known[index]),
                Author.MODEL,
                level_shares=None if shares is None else shares[index],
            )
        )
    return Scene(ImageRef(Path("film.png"), height, width, name="film.png"), schema, tuple(items))


def labels(scene: Scene) -> list[str]:
    """What the instances are called, in order."""
    return [item.label for item in scene.instances]
