"""What of a scene makes any measurement on it doubtful or impossible: a view that does not fit, weak points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from spinekit.core.landmarks import Visibility
from spinekit.core.measurement import Measurement, Status
from spinekit.core.scene import Instance, Scene

WEAK = 0.3  # score of a point below which a model itself does not stand by it
_SHOWN = 6

# How files name a projection (DICOM ViewPosition, or the words of a view code), by what it is.
_VIEWS = {
    "frontal": ("AP", "PA", "ANTERO-POSTERIOR", "POSTERO-ANTERIOR", "FRONTAL"),
    "lateral": ("LL", "RL", "LAT", "LATERAL", "LEFT LATERAL", "RIGHT LATERAL"),
}


def view_conflict(scene: Scene) -> str:
    """Why nothing can be measured on a film of this view, or an empty text.

    Args:
        scene: Its schema says which view the points are of, its image what the file says of itself.
    """
    said = scene.image.hints.get("view", "").strip().upper()
    shown = next((view for view, words in _VIEWS.items() if said in words), "")
    wanted = next((view for view in _VIEWS if scene.schema.view.endswith(view)), "")
    if not shown or not wanted or shown == wanted:
        return ""
    return f"the file says that its view is {said}, but {scene.schema.name} is of {wanted} films"


def weak_points(scene: Scene) -> Mapping[str, str]:
    """Points that a person should look at before they are measured with, and why.

    Args:
        scene: Points by name.

    Returns:
        By name (``L1.TL``, or ``ANS`` where the scene has one instance) the reason.
    """
    found: dict[str, str] = {}
    single = len(scene.instances) == 1
    for item in scene.instances:
        for name, reason in _weak_of(item):
            found[f"{item.label}.{name}"] = reason
            if single:
                found[name] = reason
    return found


def _weak_of(item: Instance) -> list[tuple[str, str]]:
    points = item.landmarks
    if points is None:
        return []
    weak = [(points.names[i], "is hidden") for i in np.flatnonzero(points.visibility == Visibility.OCCLUDED)]
    if points.score is not None:
        weak += [
            (points.names[i], f"is weak (score {points.score[i]:.2f})")
            for i in np.flatnonzero(points.score < WEAK)
        ]
    return weak


def doubted(result: Measurement, weak: Mapping[str, str]) -> Measurement:
    """The result, in review where a point that went in is weak.

    Args:
        result: As measured.
        weak: From `weak_points`.
    """
    met = [f"{name} {weak[name]}" for name in result.landmarks_used if name in weak] if weak else []
    if not met:
        return result
    more = f" and {len(met) - _SHOWN} more points" if len(met) > _SHOWN else ""
    reason = "; ".join(part for part in (result.reason, ", ".join(met[:_SHOWN]) + more) if part)
    return replace(result, status=Status.REVIEW, reason=reason)
