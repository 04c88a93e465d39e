"""The names that an export of the VGG Image Annotator uses for its classes and points."""

from __future__ import annotations

from collections import Counter

from spinekit.formats.marks import OBJECT, UNLABELLED
from spinekit.formats.plugin import Vocabulary
from spinekit.formats.via_entries import Export
from spinekit.formats.via_regions import LABEL_KEYS, LANDMARK_KEYS, Region


def names_of(export: Export, class_attribute: str | None) -> Vocabulary | None:
    """Task, classes and landmarks of an export; None where it holds nothing but points that nobody named.

    The class is the attribute that the user names; otherwise, of those that usually hold one, the one that
    most regions have, and of several the one with the fewest values. Regions without it are `UNLABELLED`.

    Args:
        export: All its files.
        class_attribute: The attribute that holds the class, or None.

    Raises:
        AnnotationError: If a cell is no JSON.
    """
    regions = [region for entry in export.entries for region in entry.regions()]
    points = [region for region in regions if region.kind == "point"]
    shapes = [region for region in regions if region.kind != "point"]
    landmarks = _texts(points, LANDMARK_KEYS[:3])
    bearers = regions if landmarks else shapes
    if points and not landmarks:
        spoken = [next(iter(region.text(LANDMARK_KEYS[3:])), "") for region in points]
        landmarks = tuple(dict.fromkeys(spoken)) if all(spoken) else ()
    if not regions or (points and not shapes and not landmarks):
        return None
    classes = _classes(export, bearers, class_attribute or _class_key(bearers))
    return Vocabulary(_task(regions), classes, landmarks)


def _texts(regions: list[Region], keys: tuple[str, ...]) -> tuple[str, ...]:
    """What the first of some attributes says in each region, in order of first mention."""
    return tuple(dict.fromkeys(text for region in regions for text in region.text(keys)[:1]))


def _class_key(regions: list[Region]) -> str | None:
    """The attribute that most regions have among those that usually hold a class."""
    values = {key: Counter(text for region in regions for text in region.text((key,))) for key in LABEL_KEYS}
    used = [key for key in LABEL_KEYS if values[key]]
    return min(used, key=lambda key: (-values[key].total(), len(values[key])), default=None)


def _classes(export: Export, regions: list[Region], key: str | None) -> tuple[str, ...]:
    told = [next(iter(region.text((key,))), "") if key else "" for region in regions]
    named = {name for name in told if name}
    offered = [name for name in export.choices.get(key or "", ()) if name in named]
    classes = (*offered, *sorted(named - set(offered)))
    if not classes:
        return (OBJECT,)
    return (*classes, UNLABELLED) if "" in told and UNLABELLED not in named else classes


def _task(regions: list[Region]) -> str:
    """What most of the shapes are good for."""
    kinds = Counter({"point": "pose", "rect": "detect"}.get(region.kind, "seg") for region in regions)
    return kinds.most_common(1)[0][0]
