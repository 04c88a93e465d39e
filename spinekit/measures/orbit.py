"""Asymmetry of the orbits' widths, refused where the head is turned or the slice is thick."""

from __future__ import annotations

import math
from dataclasses import replace

from spinekit.core.measurement import Measurement, NotMeasured, Result, Status
from spinekit.core.scene import Scene
from spinekit.core.schema import MeasurementFormula
from spinekit.measures.by_formula import Study, measure_formula
from spinekit.measures.interval import Draws
from spinekit.measures.plugin import CodeMeasurement

NAME = "orbit_asymmetry"
MOST_TILT = 3.0  # degrees of the lateral rims' line against the rows; house rule
MOST_THICKNESS = 2.0  # mm of the slice; house rule
THICKNESS_HINT = "slice_thickness_mm"
"""Under this name an image may say how thick its slice is."""

_INDEX = MeasurementFormula(
    NAME,
    "%",
    "200 * ratio(distance(P1, P2) - distance(P3, P4), distance(P1, P2) + distance(P3, P4))",
    f"asymmetry index: widths right minus left over their mean; refused beyond {MOST_TILT:g} deg of tilt or "
    f"{MOST_THICKNESS:g} mm of slice (house rule)",
)
_TILT = MeasurementFormula(
    f"{NAME}_tilt",
    "deg",
    "abs(tilt_difference(horizontal(P1), line(P1, P4)))",
    "tilt of the lateral rims' line",
)


def measure_asymmetry(scene: Scene, draws: Draws) -> tuple[Result, ...]:
    """The asymmetry index of the widths, right minus left (in radiological display) over their mean.

    A turned head is cut at another height on either side, so that its widths cannot be compared: beyond 3 degrees
    between the lateral rims and the image rows there is no value, and where the interval of that tilt reaches
    beyond, a person should look. The same holds for slices thicker than 2 mm, where the image says how thick.

    Args:
        scene: With the points P1 .. P4 of ``orbit-4``.
        draws: For the interval.
    """
    study = Study(scene, draws)
    index, tilt = measure_formula(scene, _INDEX, study), measure_formula(scene, _TILT, study)
    if isinstance(index, NotMeasured):
        return (index,)
    if isinstance(tilt, NotMeasured):
        return (NotMeasured(NAME, tilt.reason),)
    if tilt.value > MOST_TILT:
        return (NotMeasured(NAME, _turned(tilt.value)),)
    thickness = _thickness(scene)
    if thickness is not None and thickness > MOST_THICKNESS:
        limit = f"more than {MOST_THICKNESS:g} mm blur the rims (house rule)"
        return (
            NotMeasured(NAME, f"the slice is {thickness:g} mm thick, {limit} -- measure on a thinner one"),
        )
    return (_told(index, tilt, thickness),)


def _told(index: Measurement, tilt: Measurement, thickness: float | None) -> Measurement:
    """The index with what speaks for and against it."""
    details = {"head tilt": f"{tilt.value:.2f} deg"}
    if thickness is not None:
        details["slice thickness"] = f"{thickness:g} mm"
    if tilt.high is None or tilt.high <= MOST_TILT:
        return replace(index, details=details)
    doubt = f"the head may be turned by more than {MOST_TILT:g} deg (95 % interval up to {tilt.high:.2f})"
    reason = "; ".join(part for part in (index.reason, doubt) if part)
    return replace(index, details=details, status=Status.REVIEW, reason=reason)


def _turned(tilt: float) -> str:
    limit = f"beyond {MOST_TILT:g} deg the widths are not comparable (house rule)"
    return f"the head is turned: the lateral rims tilt by {tilt:.2f} deg, {limit} -- realign the slice"


def _thickness(scene: Scene) -> float | None:
    try:
        told = float(scene.image.hints[THICKNESS_HINT])
    except (KeyError, ValueError):
        return None
    return told if math.isfinite(told) and told > 0 else None


MEASURES = (
    CodeMeasurement(
        name=NAME,
        title="asymmetry index of the orbits' widths, right minus left over their mean; not of a turned head",
        gives=(NAME,),
        measure=measure_asymmetry,
        groups=("orbit",),
        unit="%",
        negated=(NAME,),
        frame=(NAME,),
    ),
)
