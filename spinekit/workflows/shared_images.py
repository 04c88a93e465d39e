"""Images that several data sets label: found by their bytes, and what is said of them laid together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from spinekit.core.image import ImageRef
from spinekit.core.scene import Scene
from spinekit.formats.dicom_person import group_of
from spinekit.workflows.labelled import Labelled, read_labelled

ImageKey = tuple[str, int | None]
_SALT = "merged"


@dataclass(frozen=True, slots=True)
class Said:
    """What one source says of an image.

    Attributes:
        source: Which, by its place.
        scene: What.
    """

    source: int
    scene: Scene


@dataclass(frozen=True, slots=True)
class Shared:
    """What is known of several data sets before anything is written.

    Attributes:
        times: How often an image is labelled, of those that more than one source labels.
        groups: The joined name of a source's group, where its images lead to another.
        images: How many images each source labels.
    """

    times: Counter[ImageKey]
    groups: dict[str, str]
    images: tuple[int, ...]


def image_key(ref: ImageRef) -> ImageKey:
    """What two references of one image have in common: the hash of the file and the frame."""
    return ref.sha256, ref.frame


def own_group(source: str, scene: Scene) -> str:
    """A group apart from those of other sources; the image's name where it has none.

    Where labels name none, the patient of a DICOM file is one: the same in every source.
    """
    patient = "" if scene.group else group_of(scene.image.path, _SALT)
    return patient or f"{source}/{scene.group or scene.image.name}"


def shared_images(found: Sequence[Labelled], names: Sequence[str]) -> Shared:
    """Images that several sources label, and the groups that they show to be one.

    Args:
        found: The sources; their annotations are read through.
        names: What each is called.
    """
    groups: dict[ImageKey, list[str]] = {}
    sources: dict[ImageKey, set[int]] = {}
    images = [0] * len(found)
    for number, source in enumerate(found):
        for scene in read_labelled(source):
            images[number] += 1
            if scene.image.sha256:
                groups.setdefault(image_key(scene.image), []).append(own_group(names[number], scene))
                sources.setdefault(image_key(scene.image), set()).add(number)
    root: dict[str, str] = {}

    def top(group: str) -> str:
        while (above := root.get(group, group)) != group:
            group = above
        return group

    shared = [key for key, homes in sources.items() if len(homes) > 1]
    for key in shared:
        for group in groups[key][1:]:
            first, second = sorted((top(groups[key][0]), top(group)))
            if first != second:
                root[second] = first
    times = Counter({key: len(groups[key]) for key in shared})
    return Shared(times, {group: top(group) for group in root}, tuple(images))


def laid_together(said: Sequence[Said], names: Sequence[str]) -> tuple[Scene, list[str]]:
    """All that is said of one image, and what two sources both say of it.

    What is labelled twice stays apart, as by two readers of the sources' names; of two rasters the first counts.

    Args:
        said: By each source.
        names: Of these sources.
    """
    scene = said[0].scene
    if len(said) == 1:
        return scene, []
    name, both = scene.image.name, " and ".join(dict.fromkeys(names))
    counts = Counter(label for one in said for label in {item.label for item in one.scene.instances})
    doubled = {label for label, count in counts.items() if count > 1}
    conflicts = [f"{name}: {', '.join(sorted(doubled))} labelled by {both}"] if doubled else []
    instances = [
        replace(item, reader=item.reader or source) if item.label in doubled else item
        for one, source in zip(said, names, strict=True)
        for item in one.scene.instances
    ]
    levels = {level: place for place, level in enumerate(scene.schema.levels)}
    instances.sort(key=lambda item: levels.get(item.label, len(levels)))
    rasters = [one.scene.raster for one in said if one.scene.raster is not None]
    if len(rasters) > 1:
        conflicts.append(f"{name}: a raster by {both}, the first is kept")
    notes = tuple(dict.fromkeys(note for one in said for note in one.scene.notes))
    raster = rasters[0] if rasters else None
    return replace(scene, instances=tuple(instances), raster=raster, notes=notes), conflicts
