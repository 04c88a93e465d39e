"""DICOM segmentations written: one segment an instance, pixel for pixel on the image that it was found in.

``BINARY`` by default, which every reader knows; overlapping bodies stay whole in it. ``LABELMAP`` (Sup. 243) is
smaller and young: a pixel belongs to one segment alone, the later one. Levels carry their SNOMED CT code.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from spinekit.core.image import BoolArray
from spinekit.core.outline import to_mask
from spinekit.core.scene import Author, Scene
from spinekit.files import printable
from spinekit.formats.dicom_codes import dcm, sct, structure_code
from spinekit.formats.dicom_maker import (
    CREATOR,
    EXPLICIT_LITTLE,
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

if TYPE_CHECKING:
    from highdicom import AlgorithmIdentificationSequence
    from pydicom.dataset import Dataset

BINARY = Kind("dicom-seg", 9001, "masks")
LABELMAP = Kind("dicom-seg-labelmap", 9002, "label map")
_CT, _CAPTURE = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7"
_MOST_SEGMENTS = 255  # numbers of a label map are 8 bits wide


def segmentation(
    origin: Origin,
    scene: Scene,
    maker: Maker,
    content: str,
    notice: Callable[[str], None],
    kind: Kind = BINARY,
) -> Dataset | None:
    """The masks of a scene as one object, or None where nothing in it has a shape or a pixel.

    Args:
        origin: The source.
        scene: Instances with outlines, or a raster whose first class is the ground.
        maker: Version and model.
        content: Hash of the scene, for the UID.
        notice: Told of shapes without a pixel, and of overlaps that a label map cannot hold.
        kind: `BINARY` or `LABELMAP`.

    Raises:
        ReadError: If no object can be made from the source's header.
    """
    named = _masks(scene, notice)[:_MOST_SEGMENTS]
    if not named:
        return None
    if kind is LABELMAP:
        _tell_overlaps(named, origin, notice)
    labels, pixels = [label for label, _ in named], _pixels(named, kind)
    del named  # the masks of a whole spine are hundreds of megabytes
    with made_from(origin.path):
        from highdicom.seg import Segmentation

        described = [
            _description(number, label, origin, scene, maker) for number, label in enumerate(labels, 1)
        ]
        made: Dataset = Segmentation(
            source_images=[_as_single_frame(origin)],
            pixel_array=pixels,
            segmentation_type="LABELMAP" if kind is LABELMAP else "BINARY",
            segment_descriptions=described,
            series_instance_uid=series_uid(origin, kind, maker),
            series_number=kind.number,
            sop_instance_uid=instance_uid(origin, kind, maker, content),
            instance_number=origin.number,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=maker.model or "labels",
            software_versions=maker.version,
            device_serial_number=maker.version,
            content_creator_name=CREATOR,
            content_description="Masks; research use only",
            content_label="SPINEKIT",
            series_description=kind.description,
            transfer_syntax_uid=EXPLICIT_LITTLE,
        )
        _name_class(made, origin)
        # A radiograph has no plane, and on the way through the library its orientation gets lost.
        if "FrameOfReferenceUID" not in origin.item:
            made.PatientOrientation = origin.item.get("PatientOrientation", "")
        if origin.frame is not None:
            _name_frame(made, origin.frame)
        finish(made, origin, maker)
        return made


def _masks(scene: Scene, notice: Callable[[str], None]) -> list[tuple[str, BoolArray]]:
    """Label and mask of each segment; a raster has one a class but the first."""
    image = scene.image
    if scene.raster is not None:
        labels = scene.raster.labels
        if labels is None:
            return []
        found = [(name, labels == index) for index, name in enumerate(scene.schema.classes) if index]
    else:
        found = [
            (item.label, to_mask(item.outline, image.height, image.width))
            for item in scene.instances
            if item.outline is not None
        ]
    for label, mask in found:
        if not mask.any():
            notice(f"{image.path}: {printable(label)} covers no pixel: left out of the segmentation")
    return [(label, mask) for label, mask in found if mask.any()]


def _pixels(named: list[tuple[str, BoolArray]], kind: Kind) -> npt.NDArray[np.uint8]:
    """(1, H, W, segments) bits, or (1, H, W) numbers of segments."""
    if kind is not LABELMAP:
        return np.stack([mask for _, mask in named], axis=-1)[None].view(np.uint8)
    painted = np.zeros(named[0][1].shape, dtype=np.uint8)
    for number, (_, mask) in enumerate(named, 1):
        painted[mask] = number
    return painted[None]


def _tell_overlaps(named: list[tuple[str, BoolArray]], origin: Origin, notice: Callable[[str], None]) -> None:
    """Counts the pixels that belong to several segments; a label map keeps the last of them."""
    several = int(np.count_nonzero(np.sum([mask for _, mask in named], axis=0) > 1))
    if several:
        notice(
            f"{origin.path}: bodies overlap in {several} px: a label map gives each to the later one -- "
            "save dicom-seg to keep both"
        )


def _description(number: int, label: str, origin: Origin, scene: Scene, maker: Maker) -> Any:  # noqa: ANN401
    """What a segment is, and what found it (PS3.3 C.8.20.4)."""
    from highdicom.seg import SegmentDescription

    by_model = scene.raster is not None or any(
        item.author is Author.MODEL for item in scene.instances if item.label == label
    )
    automatic = by_model and bool(scene.model)
    return SegmentDescription(
        segment_number=number,
        segment_label=printable(label)[:64],
        segmented_property_category=sct("91723000", "Anatomical Structure"),
        segmented_property_type=structure_code(label),
        algorithm_type="AUTOMATIC" if automatic else "MANUAL",
        algorithm_identification=algorithm(maker) if automatic else None,
        tracking_uid=tracking_uid(origin, scene.schema.name, label, str(number)),
        tracking_id=printable(label)[:64],
    )


def algorithm(maker: Maker) -> AlgorithmIdentificationSequence:
    """Name, version and weights of a model, of the family that DICOM calls artificial intelligence."""
    from highdicom import AlgorithmIdentificationSequence

    parameters = {"weights_sha256": maker.model_sha256} if maker.model_sha256 else None
    return AlgorithmIdentificationSequence(
        name=maker.model[:64],
        family=dcm("123110", "Artificial Intelligence"),
        version=maker.version,
        source=MANUFACTURER,
        parameters=parameters,
    )


def tracking_uid(origin: Origin, *words: str) -> str:
    """The UID by which one thing of one patient is followed from study to study.

    Args:
        origin: Names the patient, or where it does not, the study.
        words: Name the thing.
    """
    item = origin.item
    patient = str(item.get("PatientID") or "")
    person = (str(item.get("IssuerOfPatientID") or ""), patient) if patient else (str(item.StudyInstanceUID),)
    return derived_uid("tracking", *person, *words)


def _as_single_frame(origin: Origin) -> Dataset:
    """The source as an image of one frame: the library wants functional groups of what is of an enhanced class."""
    item = deepcopy(origin.item)
    item.SOPClassUID = _CT if "FrameOfReferenceUID" in item else _CAPTURE
    return item


def _name_class(made: Dataset, origin: Origin) -> None:
    """Gives back its own class to every reference to the source."""
    uid, kind = origin.item.SOPInstanceUID, origin.item.SOPClassUID

    def settle(item: Dataset, _: object) -> None:
        if item.get("ReferencedSOPInstanceUID") == uid:
            item.ReferencedSOPClassUID = kind

    made.walk(settle)


def _name_frame(made: Dataset, frame: int) -> None:
    """Says which frame of the source all frames were made from; the library saw it as a single image."""
    for group in made.PerFrameFunctionalGroupsSequence:
        for derivation in group.get("DerivationImageSequence") or ():
            for image in derivation.SourceImageSequence:
                image.ReferencedFrameNumber = frame
