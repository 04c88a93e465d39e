"""Reading a data set for a check: every scene once, every fault kept, nothing stopped by the first one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from spinekit.anatomy.exchange import Exchange, corner_exchanges
from spinekit.anatomy.plausible_points import implausible_instances
from spinekit.anatomy.plausible_spine import implausible
from spinekit.anatomy.spine_bodies import Spine, spines
from spinekit.anatomy.unlike_shape import Shape, shapes
from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.finding import Finding, Rule, Severity
from spinekit.core.image import ImageRef
from spinekit.core.level_points import level_point
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.core.translate import labels_of, translation
from spinekit.files import printable
from spinekit.formats.mask_meaning import TAKEN
from spinekit.schemas import load_schema, nearest, schema_names

LABELS_BROKEN = Rule(
    "labels-broken",
    Severity.ERROR,
    "the annotations cannot be read on from here",
    "correct the place and check again: what comes after it was not looked at",
)
PASSED_OVER = Rule(
    "passed-over",
    Severity.WARNING,
    "reading passed over or repaired something",
    "correct the annotation",
)
READING_TAKEN = Rule(
    "reading-taken",
    Severity.NOTE,
    "nothing says what the values mean, and the only sound reading was taken",
    "see that it is meant; a masks.yaml beside the masks says it for good",
)
LABEL_WITHOUT_IMAGE = Rule(
    "label-without-image",
    Severity.WARNING,
    "a label whose image is not there",
    "add the image, or name its folder with --images",
)
IMAGE_WITHOUT_LABEL = Rule(
    "image-without-label",
    Severity.NOTE,
    "an image without a label: training takes it as background, or not at all",
    "label it, or leave it out",
)
IMAGE_UNMARKED = Rule(
    "image-without-instances",
    Severity.NOTE,
    "a label that says that there is nothing: training takes the image as background",
    "see that this is meant",
)
CLASS_UNKNOWN = Rule(
    "class-unknown",
    Severity.ERROR,
    "a class that the landmark or class set does not have",
    "correct the name, or choose the set with --schema",
)
RULES = (
    LABELS_BROKEN, PASSED_OVER, READING_TAKEN, LABEL_WITHOUT_IMAGE, IMAGE_WITHOUT_LABEL, IMAGE_UNMARKED,
    CLASS_UNKNOWN,
)  # fmt: skip

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much (0 where unknown)."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An image and what was said of it.

    Attributes:
        image: The image.
        group: What must stay with it.
        labels: Classes of its instances.
        instances: How many.
    """

    image: ImageRef
    group: str
    labels: frozenset[str]
    instances: int


@dataclass(slots=True)
class Gathered:
    """What one pass over a data set leaves.

    Attributes:
        source: The data set, for findings about no file of it.
        schema: Of its scenes.
        findings: In the order of reading.
        seen: Its images.
        spines: Of all images.
        shapes: Landmark sets of all images.
        unlabelled: Images without a label.
        partial: Images of which a row could not be used, so that their bodies are not all.
        parts: Part of each image, by name; empty where nothing divides them.
        exchanges: By image, landmarks that are to be taken from each other's place.
    """

    source: Path
    schema: Schema
    findings: list[Finding] = field(default_factory=list)
    seen: list[Seen] = field(default_factory=list)
    spines: list[Spine] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    unlabelled: list[ImageRef] = field(default_factory=list)
    partial: set[str] = field(default_factory=set)
    parts: dict[str, str] = field(default_factory=dict)
    exchanges: dict[str, list[Exchange]] = field(default_factory=dict)


def gather(scene: Scene, gathered: Gathered) -> None:
    """Adds a scene: its findings, and what comparing it with others needs."""
    gathered.findings += implausible_instances(scene)
    for spine in spines(scene):
        gathered.spines.append(spine)
        gathered.findings += implausible(spine, scene.schema)
    gathered.shapes += shapes(scene)
    swapped = list(corner_exchanges(scene))
    if swapped:
        gathered.exchanges[scene.image.name] = swapped
    labels = {item.label for item in scene.instances}
    marked = len(scene.instances)
    if scene.raster is not None and scene.raster.labels is not None:
        labels |= {scene.schema.classes[index] for index in np.unique(scene.raster.labels).tolist()}
        marked += 1
    if not marked:
        gathered.findings.append(Finding(IMAGE_UNMARKED, scene.image.name, "", "no instance"))
    gathered.seen.append(Seen(scene.image, scene.group, frozenset(labels), marked))


def gather_all(scenes: Iterator[Scene], gathered: Gathered, on_progress: Progress | None) -> None:
    """Adds scenes until they end or the annotations are broken."""
    try:
        for number, scene in enumerate(scenes, start=1):
            gather(scene, gathered)
            if on_progress is not None:
                on_progress("reading labels", number, 0)
    except AnnotationError as error:
        gathered.findings.append(broken(str(error), gathered.source))


def broken(message: str, source: Path) -> Finding:
    """The finding that an error of a reader makes, out of ``file: place: why -- mend``."""
    file, place, why = split_message(message, source)
    rule = CLASS_UNKNOWN if "is no label of" in why else LABELS_BROKEN
    return Finding(rule, file, place, why if rule is LABELS_BROKEN else why + _hint(message))


def _hint(message: str) -> str:
    _, _, mend = message.partition(" -- ")
    return f" ({mend.split('?')[0]}?)" if mend.startswith("did you mean") else ""


def told(line: str, source: Path) -> Finding:
    """The finding that a notice of a reader makes."""
    file, place, why = split_message(line, source)
    if line.endswith(TAKEN):
        return Finding(READING_TAKEN, file, place, why)
    return Finding(LABEL_WITHOUT_IMAGE if ": not in " in line else PASSED_OVER, file, place, why)


def split_message(message: str, source: Path) -> tuple[str, str, str]:
    """File, place and reason of a line ``file: place: why -- mend``; the file relative to the source."""
    text = printable(message)
    words = text.split(" -- ")[0].removesuffix(": passed over")
    file, name = str(source), source.name
    if words.startswith(file):
        rest = words[len(file) :]
        inner, _, words = rest.partition(": ")
        name = inner.lstrip("/\\") or name
    place, _, why = words.rpartition(": ")
    return name, place, why


def known_schema(own: Schema) -> Schema:
    """The schema that ships whose names these are, otherwise the schema itself.

    Only schemas with the very landmarks count, and all labels must be theirs; of several the one with the
    fewest labels besides.
    """
    fitting = []
    for name in schema_names():
        schema = load_schema(name)
        if schema.task != own.task or len(schema.landmarks) != len(own.landmarks):
            continue
        pairs = translation(own, schema)
        labels = all(pairs.labels.get(label) in labels_of(schema) for label in labels_of(own))
        points = {pairs.landmarks.get(point) for point in own.landmark_names} == set(schema.landmark_names)
        if labels and points and (own.landmarks or schema.levels):
            fitting.append(schema)
    return min(fitting, key=lambda schema: len(labels_of(schema)), default=own)


def unknown_classes(
    names: Sequence[str], schema: Schema, place: str, points: Sequence[str] = ()
) -> Iterator[Finding]:
    """Class names of a data set that a schema does not have, with the nearest that it has.

    Args:
        names: Of the classes.
        schema: What they should be of.
        place: Where they stand, for the findings.
        points: Names of the data set's landmarks. Where each says its vertebra (``L1TL``), points make the bodies
            and the name of the class says nothing.
    """
    if points and all(level_point(point, schema) is not None for point in points):
        return
    known = {label.casefold() for label in labels_of(schema)}
    for name in names:
        if name.strip().casefold() not in known:
            words = (
                f"{printable(name[:60])!r} is no label of {schema.name}: {nearest(name, labels_of(schema))}"
            )
            yield Finding(CLASS_UNKNOWN, place, "", words)


def named_schema(name: str | None) -> Schema | None:
    """The schema that a user names, or None."""
    try:
        return None if name is None else load_schema(name)
    except UsageError as error:
        raise UsageError(f"--schema: {error}") from None
