"""What divides data badly: one patient, one film or its likeness in two parts, parts that are empty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spinekit.core.finding import Finding, Rule, Severity
from spinekit.core.image import FloatArray

GROUP_IN_PARTS = Rule(
    "group-in-two-parts",
    Severity.ERROR,
    "one patient, visit or series is in two parts",
    "divide by group: spinekit dataset split",
)
IMAGE_IN_PARTS = Rule(
    "image-in-two-parts",
    Severity.ERROR,
    "the same image is in two parts",
    "keep one: a score on an image that was trained on says nothing",
)
LIKENESS_IN_PARTS = Rule(
    "alike-in-two-parts",
    Severity.WARNING,
    "two nearly equal images are in two parts",
    "keep them together: spinekit dataset split joins near-duplicates",
)
SAME_IMAGE = Rule(
    "same-image",
    Severity.WARNING,
    "two files hold the very same image",
    "keep one, or see that both labels agree",
)
PART_EMPTY = Rule(
    "part-empty",
    Severity.ERROR,
    "a part holds no labelled image",
    "divide the data anew: spinekit dataset split",
)
CLASS_WITHOUT_EXAMPLE = Rule(
    "class-without-example",
    Severity.WARNING,
    "a class without an example",
    "label some, or take the class out of the list",
)
CLASS_UNTAUGHT = Rule(
    "class-not-in-train",
    Severity.WARNING,
    "a class occurs, but not in train",
    "divide the data anew: what was never shown cannot be found",
)
RULES = (
    GROUP_IN_PARTS, IMAGE_IN_PARTS, LIKENESS_IN_PARTS, SAME_IMAGE, PART_EMPTY, CLASS_WITHOUT_EXAMPLE, CLASS_UNTAUGHT,
)  # fmt: skip

LIKENESS = 0.984
"""Correlation of thumbnails: films of one visit reach 0.978, retakes exceed this."""

_ROWS = 512


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """What is known of an image when parts are judged.

    Attributes:
        name: Of the image.
        part: ``train``, ``val``, ``test``, or empty where nothing says.
        group: Patient, visit or series, or empty.
        sha256: Of its file, or empty.
        likeness: (D,) of unit length from `spinekit.workflows.split.thumbnail`, or None.
        labels: Classes of its instances.
    """

    name: str
    part: str
    group: str = ""
    sha256: str = ""
    likeness: FloatArray | None = None
    labels: frozenset[str] = frozenset()


def part_faults(films: Sequence[Film], parts: Sequence[str], source: str) -> Iterator[Finding]:
    """What is wrong with how films are divided.

    Args:
        films: All of a data set.
        parts: Those that there should be.
        source: What divides them, for messages about no film.
    """
    for part in parts:
        if not any(film.part == part for film in films):
            yield Finding(PART_EMPTY, source, part, "no labelled image")
    yield from _groups(films)
    yield from _same(films)
    yield from _alike(films)


def class_faults(films: Sequence[Film], classes: Sequence[str], source: str) -> Iterator[Finding]:
    """Classes that nothing shows, and those that are shown in val or test alone."""
    where: Mapping[str, set[str]] = defaultdict(set)
    for film in films:
        for label in film.labels:
            where[label].add(film.part)
    trained = any(film.part == "train" for film in films)
    for label in classes:
        if label not in where:
            yield Finding(CLASS_WITHOUT_EXAMPLE, source, label, "no instance")
        elif trained and "train" not in where[label]:
            yield Finding(CLASS_UNTAUGHT, source, label, f"only in {', '.join(sorted(where[label]))}")


def _groups(films: Sequence[Film]) -> Iterator[Finding]:
    by_group: dict[str, list[Film]] = defaultdict(list)
    for film in films:
        if film.group and film.part:
            by_group[film.group].append(film)
    for group, members in sorted(by_group.items()):
        first: dict[str, str] = {}
        for film in members:
            first.setdefault(film.part, film.name)
        if len(first) > 1:
            words = ", ".join(f"{part} ({name})" for part, name in first.items())
            yield Finding(GROUP_IN_PARTS, members[0].name, group, f"in {words}")


def _same(films: Sequence[Film]) -> Iterator[Finding]:
    by_hash: dict[str, list[Film]] = defaultdict(list)
    for film in films:
        if film.sha256:
            by_hash[film.sha256].append(film)
    for members in by_hash.values():
        first, *others = members
        for other in others:
            if "#" in other.name and "#" in first.name:
                continue  # frames of one file
            apart = first.part and other.part and first.part != other.part
            where = f" ({first.part}), here in {other.part}" if apart else ""
            if first.group and other.group and first.group != other.group:
                where += f", though one is of {first.group}, the other of {other.group}"
            yield Finding(
                IMAGE_IN_PARTS if apart else SAME_IMAGE,
                other.name,
                "",
                f"the same bytes as {first.name}{where}",
            )


def _alike(films: Sequence[Film]) -> Iterator[Finding]:
    seen = [film for film in films if film.likeness is not None and film.part]
    if len({film.part for film in seen}) < 2:
        return
    table = np.array([film.likeness for film in seen])
    for start in range(0, len(seen), _ROWS):
        likeness = table[start : start + _ROWS] @ table.T
        for i, j in np.argwhere(likeness > LIKENESS).tolist():
            one, other = seen[start + i], seen[j]
            if j <= start + i or one.part == other.part or one.sha256 == other.sha256:
                continue
            if one.group and one.group == other.group:
                continue  # told as a group
            words = f"correlation {likeness[i, j]:.3f} with {one.name} ({one.part}), here in {other.part}"
            yield Finding(LIKENESS_IN_PARTS, other.name, "", words)
