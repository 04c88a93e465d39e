"""What annotations hold, counted in one pass, and what of it a format cannot carry."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from spinekit.core.landmarks import Visibility
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.translate import Translated
from spinekit.formats.plugin import KEEPABLE, AnnotationFormat
from spinekit.formats.sources import points_box

_WORDS = re.compile(r"\b[a-z]{2,} [a-z]{2,}\b")
_OWN_BOX_PX = 1.0  # a box nearer than this to the shape's own bounds says nothing that the shape does not


@dataclass(slots=True)
class Survey:
    """Counts over scenes.

    Attributes:
        task: Of the schema of the scenes.
        images: Scenes.
        instances: Things in them.
        rasters: Scenes with a class for every pixel.
        held: For each of `spinekit.formats.plugin.KEEPABLE`, how many things hold it.
        labels: Instances by label.
        readers: Instances by reader, those with one.
        left_out: Instances that the user's map leaves out, by label.
        fallen: Placed points without a place in the wanted schema, by name.
        probabilities: Rasters whose probability is of another class than the wanted schema's.
    """

    task: str = ""
    images: int = 0
    instances: int = 0
    rasters: int = 0
    held: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    readers: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    fallen: Counter[str] = field(default_factory=Counter)
    probabilities: int = 0

    @property
    def empty(self) -> bool:
        """Whether there is nothing to convert."""
        return not self.instances and not self.rasters


def count_scene(survey: Survey, scene: Scene) -> None:
    """Adds a scene to the counts."""
    survey.task = scene.schema.task
    survey.images += 1
    survey.instances += len(scene.instances)
    survey.rasters += scene.raster is not None
    held = survey.held
    held["raster"] += scene.raster is not None
    held["spacing"] += scene.image.spacing is not None
    held["covariates"] += bool(scene.covariates)
    held["groups"] += bool(scene.group)
    held["order"] += len(scene.instances) > 1 and not scene.schema.levels
    for item in scene.instances:
        survey.labels[item.label] += 1
        if item.reader is not None:
            survey.readers[item.reader] += 1
        held.update(_holds(item))


def count_translated(survey: Survey, translated: Translated, wanted_gone: frozenset[str]) -> None:
    """Adds what fell out of a scene in translation.

    Args:
        survey: The counts.
        translated: The scene.
        wanted_gone: Landmarks that the user asked to leave out; they are not lost.
    """
    survey.left_out.update(translated.instances)
    for name, count in translated.points.items():
        if name not in wanted_gone:
            survey.fallen[name] += count
    survey.probabilities += translated.rasters


def _holds(item: Instance) -> set[str]:
    """What of `KEEPABLE` an instance holds."""
    points, outline = item.landmarks, item.outline
    placed = points is not None and bool((points.visibility != Visibility.ABSENT).any())
    shaped = placed or (outline is not None and bool(outline.rings))
    facts = {
        "labels": True,
        "boxes": shaped and _has_own_box(item),
        "rectangles": not shaped,
        "landmarks": placed,
        "visibility": points is not None and bool((points.visibility == Visibility.OCCLUDED).any()),
        "outlines": outline is not None and bool(outline.rings),
        "holes": outline is not None and bool(outline.holes),
        "scores": item.author is Author.MODEL or item.score != 1.0,
        "readers": item.reader is not None,
    }
    return {name for name, true in facts.items() if true}


def _has_own_box(item: Instance) -> bool:
    """Whether the box says more than the bounds of the outline, or else of the points."""
    if item.outline is not None and item.outline.rings:
        bounds = item.outline.box
    elif item.landmarks is not None:
        bounds = points_box(item.landmarks.xy)
    else:
        return False
    return not np.allclose(item.box, bounds, rtol=0.0, atol=_OWN_BOX_PX)


def losses(survey: Survey, target: AnnotationFormat, kept_beside: frozenset[str]) -> dict[str, str]:
    """What the target cannot carry of what is there, each with its words.

    Args:
        survey: Counts over all scenes.
        target: The format to be written.
        kept_beside: What is written beside the annotation (``spacing`` in a manifest).

    Returns:
        From the name in `KEEPABLE` (or ``points``) to words such as ``holes in shapes (3)``.
    """
    kept = target.keeps_of(survey.task) | kept_beside
    found = {
        name: f"{words} ({survey.held[name]})"
        for name, words in KEEPABLE.items()
        if survey.held[name] and name not in kept
    }
    if survey.fallen:
        names = ", ".join(f"{name} ({count})" for name, count in survey.fallen.most_common(8))
        more = len(survey.fallen) - 8
        rest = f" and {more} more" if more > 0 else ""
        found["points"] = f"landmarks that the schema lacks: {names}{rest}"
    if survey.probabilities:
        found["probability"] = f"probabilities of a class that the schema lacks ({survey.probabilities})"
    return found


def reasons(notices: Sequence[str]) -> dict[str, int]:
    """How often each kind of notice was given, most first: without places, and of several without numbers."""
    kinds: dict[str, list[str]] = {}
    for notice in notices:
        kinds.setdefault(reason(notice), []).append(notice)
    counted = {kind if len(told) > 1 else _words(told[0]): len(told) for kind, told in kinds.items()}
    return dict(Counter(counted).most_common())


def said_of(notice: str) -> tuple[str, str]:
    """What a line about something passed over is about, and what it says, without advice.

    ``a.csv: line 3: x.png: not in films: passed over`` gives ``x.png`` and ``not in films``.
    """
    told = notice.split(" -- ", maxsplit=1)[0].removesuffix(": passed over")
    about, _, what = told.rpartition(": ")
    return about.rpartition(": ")[-1].strip(), what.strip()


def reason(notice: str) -> str:
    """What a line says, without saying of which: its last part that is made of words, without names and numbers."""
    what = re.sub(r"'[^']*'|\"[^\"]*\"", "...", _words(notice))
    return re.sub(r"(?<![\w.-])-?\d+(?:\.\d+)?(?!\w)", "N", what).strip()


def _words(notice: str) -> str:
    """The last part of a line that is made of words, without paths and advice."""
    told = notice.split(" -- ", maxsplit=1)[0].removesuffix(": passed over")
    parts = told.split(": ")
    spoken = [part for part in parts[1:] if _WORDS.search(part)] or parts
    return re.sub(r"\S*/\S+", "...", spoken[-1]).strip()
