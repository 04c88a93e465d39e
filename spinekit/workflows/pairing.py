"""Two streams of scenes of the same images brought together by name, with as few of them waiting as can be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from spinekit.anatomy.hidden import seen_alone
from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.scene import Scene
from spinekit.core.spacing import Spacing
from spinekit.files import printable
from spinekit.formats.neutral import neutral_name
from spinekit.formats.sources import csv_rows, plain_cell
from spinekit.workflows.consensus import mean_of_readers
from spinekit.workflows.grouping import Table
from spinekit.workflows.scoring import Pair

_REFUSED = frozenset({"abstained", "failed"})


@dataclass(slots=True)
class Unpaired:
    """What a pairing found besides its pairs.

    Attributes:
        without_answer: Images of the truth that count as not answered.
        not_predicted: Images of the truth that were not asked for, left out.
        without_truth: Predictions of images that the truth does not hold, left out.
        left_out: How many images of the truth were left out, by reason.
        unlike: Images that cannot be compared, one line each.
        groups: Group of each paired image, where it is known.
        noted: How many of the paired images have true labels that carry a remark.
    """

    without_answer: list[str] = field(default_factory=list)
    not_predicted: list[str] = field(default_factory=list)
    without_truth: list[str] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    unlike: list[str] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)
    noted: int = 0


@dataclass(frozen=True, slots=True)
class PairingRules:
    """What is paired and how.

    Attributes:
        part: Part of the split that is evaluated; None for all.
        table: The split, with columns ``part`` and maybe ``group``; None where there is none.
        skip_noted: Whether images whose true labels carry a remark are left out.
        count_missing: Whether an image of the truth without a prediction counts as not answered.
        refused: Images that the prediction's own run gave up, which always do.
        spacing: Stated by the user; overrides what both say.
    """

    part: str | None = None
    table: Table | None = None
    skip_noted: bool = False
    count_missing: bool = False
    refused: frozenset[str] = frozenset()
    spacing: Spacing | None = None


def paired(
    predicted: Iterable[Scene], truth: Iterable[Scene], rules: PairingRules, unpaired: Unpaired
) -> Iterator[Pair]:
    """Pairs of one image each.

    Both streams are read in turn; a scene waits until its partner comes, so streams of one order need no memory. What
    is left at the end is matched by the bytes of its film, by the last part of its name, then by that without suffix,
    where only one of each is left.

    Args:
        predicted: Scenes.
        truth: Scenes of the same schema.
        rules: What is paired.
        unpaired: Filled with everything else.

    Raises:
        AnnotationError: If a stream holds an image twice.
    """
    wanted = _wanted(truth, rules, unpaired)
    true_waiting: dict[str, Scene] = {}
    found_waiting: dict[str, Scene] = {}
    for true, found in _in_turn(_once(wanted, "TRUTH"), _once(predicted, "PRED")):
        for scene, own, other in ((true, true_waiting, found_waiting), (found, found_waiting, true_waiting)):
            if scene is None:
                continue
            name = scene.image.name
            if name in other:
                partner = other.pop(name)
                both = (scene, partner) if own is true_waiting else (partner, scene)
                yield from _comparable(*both, rules, unpaired)
            else:
                own[name] = scene
    for key in (_content, _last_part, _stem):
        for true_name, found_name in _by_key(true_waiting, found_waiting, key):
            both = true_waiting.pop(true_name), found_waiting.pop(found_name)
            yield from _comparable(*both, rules, unpaired)
    for name, scene in true_waiting.items():
        if rules.count_missing or _refused(scene, rules):
            unpaired.without_answer.append(name)
            yield _pair(scene, None, rules, unpaired)
        else:
            unpaired.not_predicted.append(name)
    unpaired.without_truth += found_waiting


def refused_images(source: Path) -> frozenset[str]:
    """Images that a run of ``spinekit predict`` gave up, from the ``failures.csv`` beside its predictions.

    Args:
        source: The predictions, a file or folder.
    """
    path = (source if source.is_dir() else source.parent) / "failures.csv"
    if not path.is_file():
        return frozenset()
    rows = [row for _, row in csv_rows(path)]
    if not rows or rows[0][:2] != ["file", "status"]:
        return frozenset()
    return frozenset(plain_cell(row[0]) for row in rows[1:] if len(row) > 1 and row[1] in _REFUSED)


def by_one_reader(
    scenes: Iterable[Scene], reader: str | None, option: str, notice: Callable[[str], None]
) -> Iterator[Scene]:
    """Scenes as one reader sees them: the one named, or the mean of several.

    Args:
        scenes: Where instances may be of several readers.
        reader: Who; None for the mean.
        option: With which the user names a reader, for messages.
        notice: Told once that readers were averaged.

    Raises:
        UsageError: If there is no such reader, or if several drew outlines, which have no mean.
    """
    seen: dict[str, None] = {}
    told = False
    for scene in scenes:
        readers = dict.fromkeys(item.reader for item in scene.instances if item.reader is not None)
        seen |= readers
        if reader is not None:
            kept = tuple(item for item in scene.instances if item.reader == reader)
            if kept or not scene.instances:
                yield replace(scene, instances=kept)
            else:
                notice(f"{printable(scene.image.name)}: not read by {printable(reader)} -- left out")
            continue
        if len(readers) < 2:
            yield scene
            continue
        if any(item.outline is not None for item in scene.instances):
            names = ", ".join(map(printable, readers))
            raise UsageError(
                f"{printable(scene.image.name)}: outlines of several readers ({names}) have no mean -- "
                f"name one with {option}"
            )
        if not told:
            names = ", ".join(map(printable, readers))
            notice(
                f"{printable(scene.image.name)} and others: the mean of {names} -- name one of them with {option}"
            )
            told = True
        yield mean_of_readers(scene)
    if reader is not None and reader not in seen:
        there = f"the readers are {', '.join(map(printable, seen))}" if seen else "no reader is named in it"
        raise UsageError(f"{option} {printable(reader)}: there is no such reader -- {there}")


def _wanted(truth: Iterable[Scene], rules: PairingRules, unpaired: Unpaired) -> Iterator[Scene]:
    """The scenes of the truth that are to be evaluated."""
    for scene in truth:
        if rules.part is not None and rules.table is not None:
            part = rules.table.cell(scene.image.name, "part")
            if part != rules.part:
                unpaired.left_out[f"they are in part {part}" if part else "they are in no part"] += 1
                continue
        if scene.notes and rules.skip_noted:
            unpaired.left_out["their true labels carry a remark"] += 1
            continue
        yield scene


def _once(scenes: Iterable[Scene], side: str) -> Iterator[Scene]:
    seen: set[str] = set()
    for scene in scenes:
        name = scene.image.name
        if name in seen:
            raise AnnotationError(f"{side}: {printable(name)} comes twice -- keep one of its labels")
        seen.add(name)
        yield scene


def _in_turn(
    truth: Iterator[Scene], predicted: Iterator[Scene]
) -> Iterator[tuple[Scene | None, Scene | None]]:
    while True:
        both = next(truth, None), next(predicted, None)
        if both == (None, None):
            return
        yield both


def _content(scene: Scene) -> str:
    """The film's bytes, by which a run may call it; a scene without a hash is like no other."""
    image = scene.image
    return f"{image.sha256}#{image.frame}" if image.sha256 else f"{id(scene)}"


def _last_part(scene: Scene) -> str:
    return PurePosixPath(scene.image.name).name


def _stem(scene: Scene) -> str:
    return PurePosixPath(scene.image.name).stem


def _refused(scene: Scene, rules: PairingRules) -> bool:
    """Whether the prediction's own run gave an image of the truth up, under its own name or a neutral one."""
    image = scene.image
    frame = "" if image.frame is None else f"#{image.frame}"
    neutral = {f"{neutral_name(image.sha256, '.dcm')}{frame}"} if image.sha256 else set()
    return not rules.refused.isdisjoint({image.name, _last_part(scene), *neutral})


def _by_key(
    true: dict[str, Scene], found: dict[str, Scene], key: Callable[[Scene], str]
) -> list[tuple[str, str]]:
    """Names of scenes that agree by a key that occurs once on each side."""
    ours, theirs = ({name: key(scene) for name, scene in side.items()} for side in (true, found))
    once, other = Counter(ours.values()), Counter(theirs.values())
    by_key = {value: name for name, value in theirs.items() if other[value] == 1}
    return [(name, by_key[value]) for name, value in ours.items() if once[value] == 1 and value in by_key]


def _comparable(truth: Scene, predicted: Scene, rules: PairingRules, unpaired: Unpaired) -> Iterator[Pair]:
    ours, theirs = truth.image, predicted.image
    if (ours.height, ours.width) != (theirs.height, theirs.width):
        unpaired.unlike.append(
            f"{printable(ours.name)}: predicted on {theirs.width}x{theirs.height} pixels, labelled on "
            f"{ours.width}x{ours.height} -- predict the image that was labelled"
        )
        return
    for side, scene in (("labelled", truth), ("predicted", predicted)):
        raster = scene.raster
        shapes = (
            []
            if raster is None
            else [part.shape for part in (raster.labels, raster.probability) if part is not None]
        )
        if any(shape != (ours.height, ours.width) for shape in shapes):
            unpaired.unlike.append(
                f"{printable(ours.name)}: the {side} classes are {shapes[0][1]}x{shapes[0][0]} pixels, the image "
                f"{ours.width}x{ours.height} -- write them at the size of the image"
            )
            return
    yield _pair(truth, predicted, rules, unpaired)


def _pair(truth: Scene, predicted: Scene | None, rules: PairingRules, unpaired: Unpaired) -> Pair:
    """Both with one spacing: the one stated, the truth's, or the prediction's."""
    image = truth.image
    unpaired.noted += bool(truth.notes)
    spacing = rules.spacing or image.spacing or (predicted.image.spacing if predicted is not None else None)
    group = rules.table.cell(image.name, "group") if rules.table is not None else ""
    if group or truth.group:
        unpaired.groups[image.name] = group or truth.group
    told = replace(truth, image=replace(image, spacing=spacing))
    if predicted is None:
        return Pair(image.name, told, None)
    known = replace(predicted.image, spacing=spacing, aspect=image.aspect)
    # A body that was drawn where it must be has not been found.
    return Pair(image.name, told, replace(seen_alone(predicted), image=known))
