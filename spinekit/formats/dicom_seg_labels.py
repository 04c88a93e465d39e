"""What a segment of a DICOM segmentation is called in a schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.dicom_seg_object import Segment
from spinekit.formats.sources import all_labels, class_label
from spinekit.formats.vertebra_codes import level_of_code, level_of_text

_WHOLE_BONES = frozenset(
    {("51282000", "SCT"), ("272673000", "SCT"), ("3138006", "SCT"), ("T-11500", "SRT"), ("T-D016E", "SRT")}
)
"""Property types (vertebra, bone) that leave it to the anatomic region to say which one."""


def label_of(segment: Segment, schema: Schema, alone: bool, path: Path, notice: Callable[[str], None]) -> str:
    """The class or level of a segment: by its label, else its code, else a name such as ``vertebrae_L1``.

    Args:
        segment: The segment.
        schema: Names the classes.
        alone: Whether it is the only segment: with a schema of one class it is that, whatever it is called.
        path: The segmentation, for messages.
        notice: Told where label and code contradict each other.

    Raises:
        AnnotationError: If it fits no class; the message lists those allowed.
    """
    folded = {name.casefold(): name for name in all_labels(schema)}
    own = folded.get(segment.label.casefold())
    coded = coded_level(segment)
    if own is not None:
        if coded is not None and coded != own and coded in folded.values():
            notice(
                f"{path}: segment {segment.number} is labelled {own}, its code says {coded} -- the label counts"
            )
        return own
    meant = [coded, level_of_text(segment.label), *(meaning for *_, meaning in segment.concepts[:1])]
    for name in meant:
        if name is not None and name.casefold() in folded:
            return folded[name.casefold()]
    if alone and len(schema.classes) == 1:
        return schema.classes[0]
    return class_label(segment.label or "(no label)", schema, f"{path}: segment {segment.number}")


def name_of(segment: Segment) -> str:
    """What a segment calls itself: the level of its label or code, or else its label or its code's meaning."""
    spoken = f"vertebra {segment.label.upper()}" if len(segment.label) <= 3 else segment.label
    level = level_of_text(spoken)
    meaning = segment.concepts[0][2] if segment.concepts else ""
    return level or coded_level(segment) or printable(segment.label or meaning or f"segment {segment.number}")


def coded_level(segment: Segment) -> str | None:
    """The vertebra that the codes of a segment name, or None.

    The anatomic region counts only where the property type is a bone: a lesion in L1 is no L1.
    """
    for index, (value, scheme, _) in enumerate(segment.concepts):
        if index and segment.concepts[0][:2] not in _WHOLE_BONES:
            return None
        level = level_of_code(value, scheme)
        if level is not None:
            return level
    return None
