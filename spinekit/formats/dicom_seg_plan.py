"""Where the frames of DICOM segmentations lie: which of them on which image. No pixel is read for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from spinekit.core.errors import AnnotationError
from spinekit.core.schema import Schema
from spinekit.formats.dicom_seg_labels import label_of
from spinekit.formats.dicom_seg_object import SegFrame, SegObject, read_object
from spinekit.formats.dicom_sources import SourceIndex, same_plane
from spinekit.formats.plugin import LabelOptions

THRESHOLD = 0.5
"""The least fraction or probability of a pixel that counts as covered."""

Place = tuple[str, int | None]
"""SOPInstanceUID of an image and its frame, from 0, or None where it has but one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Which frames of which segmentations lie on which image.

    Attributes:
        objects: The segmentations, without pixels.
        labels: Of each object, the label of each segment.
        on: For each image (UID and frame) the numbers of object and frame.
    """

    objects: list[SegObject] = field(default_factory=list)
    labels: list[dict[int, str]] = field(default_factory=list)
    on: dict[Place, list[tuple[int, SegFrame]]] = field(default_factory=dict)


def planned(files: list[Path], schema: Schema, sources: SourceIndex, options: LabelOptions) -> Plan:
    """Where all frames lie; no pixel is read.

    Args:
        files: The segmentations.
        schema: Names the classes.
        sources: The images at hand.
        options: Says who is told, and whether an image may be missing.

    Raises:
        AnnotationError: If a segmentation is damaged, names an unknown class, or lies on no image at hand.
    """
    plan = Plan()
    for number, file in enumerate(files):
        found = read_object(file)
        plan.objects.append(found)
        plan.labels.append(_labels(found, schema, options.notice))
        if found.kind == "FRACTIONAL":
            words = found.fraction.lower() or "fractions"
            options.notice(f"{file}: {words} -- pixels from {THRESHOLD:g} on count as covered")
        places = [_place(frame, found, sources) for frame in found.frames]
        for frame, place in zip(found.frames, places, strict=True):
            if place[0] in sources.by_uid:
                plan.on.setdefault(place, []).append((number, frame))
        covered = dict.fromkeys(uid for uid, _ in places)
        for uid in covered:
            if uid not in sources.by_uid:
                tell_missing(f"source image not found: {uid}", file, options)
        for uid in found.referenced:
            if uid not in covered and uid in sources.by_uid and sources.by_uid[uid].frames == 1:
                plan.on.setdefault((uid, None), [])
    if not plan.on:
        raise _nowhere(files[0], plan, sources)
    return plan


def _nowhere(file: Path, plan: Plan, sources: SourceIndex) -> AnnotationError:
    """The complaint that not one source image is at hand."""
    wanted = list(dict.fromkeys(uid for found in plan.objects for uid in _wanted(found)))
    more = f" and {len(wanted) - 3} more" if len(wanted) > 3 else ""
    return AnnotationError(
        f"{file}: source image not found: {', '.join(wanted[:3]) or 'none is named'}{more} "
        f"-- lay the images into {sources.folder.root}, or name their folder with --images"
    )


def _wanted(found: SegObject) -> list[str]:
    return [source[0] for frame in found.frames for source in frame.sources] or list(found.referenced)


def _labels(found: SegObject, schema: Schema, notice: Callable[[str], None]) -> dict[int, str]:
    """The class of each segment; the background of a label map has none."""
    segments = [segment for segment in found.segments.values() if segment.number]
    used = {frame.segment for frame in found.frames}
    labels = {}
    for segment in segments:
        if found.kind != "LABELMAP" and segment.number not in used:
            notice(f"{found.path}: segment {segment.number} has no frame -- passed over")
            continue
        labels[segment.number] = label_of(segment, schema, len(segments) == 1, found.path, notice)
    return labels


def _place(frame: SegFrame, found: SegObject, sources: SourceIndex) -> Place:
    """The image that a frame lies on, by its reference or else by its place in the patient."""
    where = f"{found.path}: frame {frame.index + 1}"
    named = list(frame.sources)
    if not named and len(found.referenced) == 1:
        named = [(found.referenced[0], None)]
    if not named and frame.plane is not None:
        named = [(uid, None) for uid in found.referenced or tuple(sources.by_uid)]
    if len(named) > 1:
        known = [place for place in named if (source := sources.by_uid.get(place[0])) and source.plane]
        named = [place for place in known if same_plane(sources.by_uid[place[0]].plane, frame.plane)]
    if len(named) != 1:
        count = "several source images" if len(frame.sources) > 1 else "no source image"
        raise AnnotationError(
            f"{where}: names {count}, and its place fits {len(named)} -- export it with references"
        )
    source = sources.by_uid.get(named[0][0])
    if source is not None and not same_plane(source.plane, frame.plane):
        raise AnnotationError(
            f"{where}: lies in another plane than its source image {source.name} -- export it on the image's own grid"
        )
    if source is not None and source.frames == 1:
        return named[0][0], None
    return named[0]


def tell_missing(reason: str, file: Path, options: LabelOptions) -> None:
    """Tells of an image that cannot be had, or refuses to go on without it.

    Raises:
        AnnotationError: Where ``options.allow_missing`` is off.
    """
    if not options.allow_missing:
        raise AnnotationError(
            f"{file}: {reason} -- lay the image into the folder of the images, or name that"
        )
    options.notice(f"{file}: {reason} -- passed over")


def rivals(frames: list[tuple[int, SegFrame]], plan: Plan) -> bool:
    """Whether several segmentations of one image name the same things: they are by different readers."""
    named: dict[int, set[str]] = {}
    for number, frame in frames:
        labels = plan.labels[number]
        one = [labels[frame.segment]] if frame.segment in labels else []
        named.setdefault(number, set()).update(one if frame.segment is not None else labels.values())
    return sum(map(len, named.values())) > len(set().union(*named.values()))
