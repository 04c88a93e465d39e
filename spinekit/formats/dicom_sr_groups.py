"""The groups of a measurement report (TID 1410, 1501): a landmark each, a measurement each, the calibration.

A measurement is a NUM with a UCUM unit, its interval as range of uncertainty (TID 310), inferred from the lines and
points that it was taken from. Its definition, doubts, grade and norms are comments in words. What was refused is a
NUM without a value, whose qualifier says that it was not attempted, with the reason as a comment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from spinekit.core.landmarks import Visibility
from spinekit.core.measurement import Measurement, NotMeasured, Status
from spinekit.core.norm import norm_words
from spinekit.core.scene import Instance, Scene
from spinekit.files import printable
from spinekit.formats.dicom_codes import dcm, levels_in, measurement_code, sct, structure_code, unit_code
from spinekit.formats.dicom_maker import Maker
from spinekit.formats.dicom_origin import Origin
from spinekit.formats.dicom_seg_writing import tracking_uid
from spinekit.formats.dicom_sr_places import coordinates_of, point_region
from spinekit.formats.vertebra_codes import SNOMED_CT

if TYPE_CHECKING:
    from highdicom.sr import (
        AlgorithmIdentification,
        FindingSite,
        ImageRegion,
        MeasurementsAndQualitativeEvaluations,
        TextContentItem,
        TrackingIdentifier,
    )

_DECIMALS = 4  # far more than any reading holds
_COMMENT = ("121106", "Comment")
_UPPER = ("371886008", "+, range of upper measurement uncertainty")
_LOWER = ("371885007", "-, range of lower measurement uncertainty")
NOT_ATTEMPTED = ("114007", "Measurement not attempted")


def comment(text: str, relation: str = "CONTAINS") -> TextContentItem:
    """A remark in words."""
    from highdicom.sr import TextContentItem

    words = "".join(c if ord(c) >= 32 else " " for c in printable(text))
    return TextContentItem(dcm(*_COMMENT), words, relation)


def algorithm_of(maker: Maker) -> AlgorithmIdentification | None:
    """Which model found it (TID 4019); None for a person's labels."""
    from highdicom.sr import AlgorithmIdentification

    if not maker.model:
        return None
    parameters = [f"weights_sha256={maker.model_sha256}"] if maker.model_sha256 else None
    return AlgorithmIdentification(maker.model, maker.version, parameters)


def _tracking(origin: Origin, kind: str, name: str, schema: str) -> TrackingIdentifier:
    from highdicom.sr import TrackingIdentifier

    return TrackingIdentifier(
        uid=tracking_uid(origin, schema, kind, name), identifier=printable(name) or "unnamed"
    )


def landmark_groups(scene: Scene, origin: Origin, maker: Maker, notice: Callable[[str], None]) -> list[Any]:
    """Each landmark that is there as a planar region of one point, called ``L1.TL``, or ``S`` on a single thing.

    Args:
        scene: With landmarks.
        origin: The image.
        maker: Version and model.
        notice: Told of points beyond the image.
    """
    found = []
    alone = len(scene.instances) == 1
    for item in scene.instances:
        for name, xy, seen in _placed(item):
            called = name if alone else f"{item.label}.{name}"
            region = point_region(xy, origin)
            if region is None:
                notice(f"{origin.path}: {printable(called)} lies beyond the image: left out of the report")
                continue
            found.append(_landmark(item, called, region, seen, scene, origin, maker))
    return found


def _placed(item: Instance) -> Iterable[tuple[str, tuple[float, float], bool]]:
    """Name, place and whether seen, of each landmark that is there."""
    points = item.landmarks
    if points is None:
        return
    for name, xy, seen in zip(points.names, points.xy, points.visibility, strict=True):
        if seen != Visibility.ABSENT:
            yield name, (float(xy[0]), float(xy[1])), seen == Visibility.VISIBLE


def _landmark(
    item: Instance,
    called: str,
    region: ImageRegion,
    seen: bool,
    scene: Scene,
    origin: Origin,
    maker: Maker,
) -> Any:  # noqa: ANN401
    from highdicom.sr import PlanarROIMeasurementsAndQualitativeEvaluations

    group = PlanarROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(origin, "landmark", called, scene.schema.name),
        referenced_region=region,
        finding_type=structure_code(item.label),
        algorithm_id=algorithm_of(maker),
    )
    definitions = {landmark.name: landmark.definition for landmark in scene.schema.landmarks}
    words = [definitions.get(called.rpartition(".")[2], "")]
    words += ["" if seen else "occluded", *(f"doubt: {flag}" for flag in item.flags)]
    _extend(group, words)
    return group


def measurement_group(
    result: Measurement, scene: Scene, origin: Origin, maker: Maker
) -> MeasurementsAndQualitativeEvaluations:
    """One value with all that is needed to trust it."""
    from highdicom.sr import (
        Measurement as Quantity,
    )
    from highdicom.sr import (
        MeasurementsAndQualitativeEvaluations,
        SourceImageForMeasurement,
    )

    coordinates = coordinates_of(result.geometry, origin)
    frames = None if origin.frame is None else [origin.frame]
    whole = SourceImageForMeasurement(origin.item.SOPClassUID, origin.item.SOPInstanceUID, frames)
    quantity = Quantity(
        name=measurement_code(result.name, result.unit),
        value=round(float(result.value), _DECIMALS),
        unit=unit_code(result.unit),
        referenced_images=None if coordinates else [whole],
        referenced_coordinates=coordinates or None,
    )
    _add_interval(quantity, result)
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(origin, "measurement", result.name, scene.schema.name),
        finding_sites=_sites(result.name) or None,
        algorithm_id=algorithm_of(maker),
        measurements=[quantity],
    )
    _extend(group, _words(result))
    return group


def _sites(name: str) -> list[FindingSite]:
    from highdicom.sr import FindingSite

    return [FindingSite(structure_code(level)) for level in levels_in(name) if level in SNOMED_CT]


def _add_interval(quantity: Any, result: Measurement) -> None:  # noqa: ANN401  (highdicom has no types here)
    """The ends of the 95 % interval as distances from the value, in its unit (TID 310)."""
    from highdicom.sr import ContentSequence, NumContentItem

    item = quantity[0]
    kept = list(item.get("ContentSequence") or ())
    for end, concept in ((result.high, _UPPER), (result.low, _LOWER)):
        if end is not None and np.isfinite(end):
            span = round(abs(float(end) - float(result.value)), _DECIMALS)
            kept.insert(
                0,
                NumContentItem(
                    sct(*concept), span, unit_code(result.unit), relationship_type="HAS PROPERTIES"
                ),
            )
    if kept:
        item.ContentSequence = ContentSequence(kept)


def _words(result: Measurement) -> list[str]:
    """All that a result says beside its number, a remark each."""
    scale = result.spacing_origin
    return [
        f"definition: {result.method}" if result.method else "",
        f"points: {', '.join(result.landmarks_used)}" if result.landmarks_used else "",
        f"to be reviewed: {result.reason or 'look at it before use'}"
        if result.status is Status.REVIEW
        else "",
        f"scale: {scale.value}" if scale is not None else "",
        f"grade: {result.grade}" if result.grade else "",
        *(f"{key}: {value}" for key, value in result.details.items()),
        *(f"norm: {norm_words(norm)}" for norm in result.norms),
    ]


def _extend(group: Any, words: Iterable[str]) -> None:  # noqa: ANN401  (highdicom has no types here)
    for text in words:
        if text:
            group[0].ContentSequence.append(comment(text))


def calibration_group(scene: Scene, origin: Origin) -> MeasurementsAndQualitativeEvaluations:
    """Where millimetres come from: the spacing used, its label and its source; or that there are none."""
    from highdicom.sr import (
        Measurement as Quantity,
    )
    from highdicom.sr import (
        MeasurementsAndQualitativeEvaluations,
        SourceImageForMeasurement,
    )

    spacing, source = scene.image.spacing, scene.image.provenance.get("spacing", "")
    frames = None if origin.frame is None else [origin.frame]
    image = SourceImageForMeasurement(origin.item.SOPClassUID, origin.item.SOPInstanceUID, frames)
    quantities, words = [], ["calibration: none; lengths are in pixels"]
    if spacing is not None:
        names = (("111026", "Horizontal Pixel Spacing"), ("111066", "Vertical Pixel Spacing"))
        quantities = [
            Quantity(dcm(*name), round(value, 6), unit_code("mm"), referenced_images=[image])
            for name, value in zip(names, (spacing.col_mm, spacing.row_mm), strict=True)
        ]
        words = [f"calibration: {spacing.label}", f"source: {source}" if source else ""]
        words.append("to be reviewed: lengths in the patient are not known exactly" * spacing.needs_review)
    elif scene.image.aspect != 1.0:
        words.append(f"aspect: a pixel is {scene.image.aspect:.4g} times as high as wide")
    group = MeasurementsAndQualitativeEvaluations(
        tracking_identifier=_tracking(origin, "calibration", "calibration", ""),
        measurements=quantities or None,
    )
    _extend(group, words)
    return group


def refused_item(result: NotMeasured, unit: str) -> Any:  # noqa: ANN401  (highdicom has no types here)
    """What could not be measured: a NUM whose value is left out, qualified, with the reason (CID 42)."""
    from highdicom.sr import ContentSequence, NumContentItem

    item = NumContentItem(
        measurement_code(result.name, unit), 0.0, unit_code(unit), dcm(*NOT_ATTEMPTED), "CONTAINS"
    )
    item.MeasuredValueSequence = []
    item.ContentSequence = ContentSequence([comment(f"{result.name}: {result.reason}", "HAS PROPERTIES")])
    return item
