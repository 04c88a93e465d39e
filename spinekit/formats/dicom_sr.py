"""Measurements and landmarks as a DICOM structured report: TID 1500 in the Comprehensive SR class.

Comprehensive, not Enhanced: dcmtk refuses the latter with tracking identifiers. Order of the groups: the calibration,
the measurements in the order of the schema, the landmarks, and last, in one group, what was refused. That group
carries no tracking identifier, since it is no finding to be followed; viewers that draw measurements pass it over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from spinekit.core.measurement import Measurement, NotMeasured, Result
from spinekit.core.notice import RESEARCH_USE
from spinekit.core.scene import Scene
from spinekit.formats.dicom_codes import dcm, sct
from spinekit.formats.dicom_maker import (
    MANUFACTURER,
    Kind,
    Maker,
    derived_uid,
    finish,
    instance_uid,
    made_from,
    series_uid,
)
from spinekit.formats.dicom_origin import Origin
from spinekit.formats.dicom_sr_groups import (
    calibration_group,
    comment,
    landmark_groups,
    measurement_group,
    refused_item,
)

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

REPORT = Kind("dicom-sr", 9003, "measurements")
_PROCEDURE = ("363679005", "Imaging procedure")
_MEASUREMENTS = "126010"


def report(
    origin: Origin,
    scene: Scene,
    results: Sequence[Result],
    maker: Maker,
    content: str,
    notice: Callable[[str], None],
    units: Mapping[str, str] = MappingProxyType({}),
) -> Dataset | None:
    """All measurements and landmarks of a scene, or None where it has neither.

    Args:
        origin: The source.
        scene: What was found.
        results: What was measured or refused.
        maker: Version and model.
        content: Hash of scene and results, for the UID.
        notice: Told of points beyond the image.
        units: Of what was refused, by its name, where it is known: an angle that was refused is still one.

    Raises:
        ReadError: If no object can be made from the source's header.
    """
    measured = [result for result in results if isinstance(result, Measurement)]
    refused = [result for result in results if isinstance(result, NotMeasured)]
    with made_from(origin.path):
        landmarks = landmark_groups(scene, origin, maker, notice)
        if not measured and not refused and not landmarks:
            return None
        groups = [
            calibration_group(scene, origin),
            *(measurement_group(result, scene, origin, maker) for result in measured),
            *landmarks,
        ]
        made = _document(origin, groups, maker, content)
        _add_library(made, origin)
        _add_refused(made, refused, units)
        _separate(made)
        finish(made, origin, maker)
        return made


def _document(origin: Origin, groups: list[Any], maker: Maker, content: str) -> Dataset:
    from highdicom.sr import (
        ComprehensiveSR,
        DeviceObserverIdentifyingAttributes,
        MeasurementReport,
        ObservationContext,
        ObserverContext,
    )

    device = DeviceObserverIdentifyingAttributes(
        uid=derived_uid("device", maker.version, maker.model, maker.model_sha256),
        name=MANUFACTURER,
        manufacturer_name=MANUFACTURER,
        model_name=maker.model or "labels",
        serial_number=maker.version,
    )
    observer = ObserverContext(dcm("121007", "Device"), device)
    tree = MeasurementReport(
        observation_context=ObservationContext(observer_device_context=observer),
        procedure_reported=sct(*_PROCEDURE),
        imaging_measurements=groups,
        title=dcm("126000", "Imaging Measurement Report"),
    )
    made: Dataset = ComprehensiveSR(
        evidence=[origin.item],
        content=tree,
        series_instance_uid=series_uid(origin, REPORT, maker),
        series_number=REPORT.number,
        sop_instance_uid=instance_uid(origin, REPORT, maker, content),
        instance_number=origin.number,
        manufacturer=MANUFACTURER,
        is_complete=True,
        series_description=REPORT.description,
        manufacturer_model_name=maker.model or "labels",
        software_versions=maker.version,
        device_serial_number=maker.version,
    )
    return made


def _add_library(made: Dataset, origin: Origin) -> None:
    """The image library (TID 1600), which some viewers need to find the image.

    The library's own writer puts the spacing of the detector under a name that says nothing of it; here it holds the
    reference alone, and the calibration has a group of its own.
    """
    from highdicom.sr import ContainerContentItem, ContentSequence, ImageContentItem

    frames = None if origin.frame is None else [origin.frame]
    image = ImageContentItem(
        sct("260753009", "Source"), origin.item.SOPClassUID, origin.item.SOPInstanceUID, frames,
        relationship_type="CONTAINS",
    )  # fmt: skip
    group = ContainerContentItem(dcm("126200", "Image Library Group"), relationship_type="CONTAINS")
    group.ContentSequence = ContentSequence([image])
    library = ContainerContentItem(dcm("111028", "Image Library"), relationship_type="CONTAINS")
    library.ContentSequence = ContentSequence([group])
    items = list(made.ContentSequence)
    made.ContentSequence = [*items[:-1], library, items[-1]]


def _separate(item: Dataset) -> None:
    """Says of every container that its items stand by themselves: readers then print what each is called."""
    if item.ValueType == "CONTAINER":
        item.ContinuityOfContent = "SEPARATE"
    for below in item.get("ContentSequence") or ():
        _separate(below)


def _add_refused(made: Dataset, refused: Sequence[NotMeasured], units: Mapping[str, str]) -> None:
    """Appends what was refused, after the library has read the rest: it cannot read a NUM without a value."""
    from highdicom.sr import ContainerContentItem
    from pydicom.sequence import Sequence as Items

    (measurements,) = (
        item for item in made.ContentSequence if item.ConceptNameCodeSequence[0].CodeValue == _MEASUREMENTS
    )
    groups = list(measurements.ContentSequence)
    if refused:
        group = ContainerContentItem(dcm("125007", "Measurement Group"), relationship_type="CONTAINS")
        group.ContentSequence = Items(
            [comment(RESEARCH_USE), *(refused_item(one, units.get(one.name, "")) for one in refused)]
        )
        groups.append(group)
    measurements.ContentSequence = Items(groups)
