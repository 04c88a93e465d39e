"""Lateral spines with exact truth as scenes: named points, or masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from spinekit.anatomy import with_corners
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.outline import Outline, to_mask, to_outline
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.phantoms.profile import LEVELS, POINTS, Curves, Faults, Profile, lateral_profile
from spinekit.schemas import load_schema

HEIGHT, WIDTH = 1500, 700
MM = 0.5  # of a pixel
_ONE_PLATE = {"C2": (0, 1), "S1": (2, 3)}  # rows of points that sets do not give


def placed(xy: FloatArray, scale: float = 1 / MM) -> FloatArray:
    """mm of a profile in px of the film."""
    return np.asarray(xy * scale + (320, 1250))


def lateral(
    profile: Profile | None = None,
    schema: Schema | str = "spine-lateral-pelvis",
    *,
    spread: float | None = None,
    spacing: Spacing | None = None,
) -> Scene:
    """The truth of a profile as a faultless reader's points."""
    shape = profile or lateral_profile()
    used = load_schema(schema) if isinstance(schema, str) else schema
    items = []
    for level, body in zip(LEVELS, shape.corners, strict=True):
        xy = np.full((len(used.landmarks), 2), np.nan)
        xy[[used.landmark_names.index(name) for name in POINTS]] = placed(body)
        xy[list(_ONE_PLATE.get(level, ()))] = np.nan
        items.append(_pointed(level, xy, used, spread))
    if "FH1" in used.levels:
        for label, centre in zip(("FH1", "FH2"), shape.hips, strict=True):
            xy = np.full((len(used.landmarks), 2), np.nan)
            xy[used.landmark_names.index("centre")] = placed(centre)
            items.append(_pointed(label, xy, used, spread))
    return Scene(film(spacing), used, tuple(items))


def film(spacing: Spacing | None = None) -> ImageRef:
    return ImageRef(Path("film.png"), HEIGHT, WIDTH, spacing or Spacing(MM, MM, SpacingOrigin.FIDUCIAL))


def _pointed(label: str, xy: FloatArray, schema: Schema, spread: float | None) -> Instance:
    sigma = None if spread is None else np.full(xy.shape, spread)
    return Instance(label, (0, 0, 1, 1), landmarks=landmarks(schema.landmark_names, xy, spread=sigma))


def masked(
    profile: Profile, schema: str = "mri-lumbar", scale: float = 2.0, *, mirror: bool = False
) -> Scene:
    """The bodies of a profile that a set has, rastered and fitted again; ``scale`` px make a mm."""
    used = load_schema(schema)
    chosen = [
        (level, ring) for level, ring in zip(LEVELS, profile.rings, strict=True) if level in used.levels
    ]
    everything = np.concatenate([ring for _, ring in chosen])
    start = everything.min(axis=0) * scale - 10.3
    width, height = np.ceil(everything.max(axis=0) * scale - start + 10).astype(int).tolist()
    items = []
    for level, ring in chosen:
        mask = to_mask(Outline((ring * scale - start,)), height, width)
        items.append(Instance(level, (0, 0, 1, 1), outline=to_outline(mask[:, ::-1] if mirror else mask)))
    spacing = Spacing(1 / scale, 1 / scale, SpacingOrigin.TOMOGRAPHIC)
    return with_corners(Scene(ImageRef(Path("slice.png"), height, width, spacing), used, tuple(items)))


__all__ = ["MM", "Curves", "Faults", "film", "lateral", "lateral_profile", "masked", "placed"]
