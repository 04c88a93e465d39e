"""Looks a labelled data set through: what training would drop in silence or learn wrongly, and what cannot be.

Labels are read once and every fault is kept; then bodies and landmarks are held against those of the other images,
images are decoded, and the parts of a split are held against each other.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from spinekit.anatomy import plausible_points, plausible_spine, unlike_shape, unlike_spine
from spinekit.anatomy.exchange import Exchange
from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.finding import Finding, Rule, Severity
from spinekit.files import printable
from spinekit.formats import image_faults, yolo_faults, yolo_settings_faults
from spinekit.formats.aasce import read_angles
from spinekit.formats.detection import detect_format
from spinekit.formats.image_faults import look_at
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.registry import annotation_format
from spinekit.formats.sources import image_folder
from spinekit.formats.yolo_layout import label_files
from spinekit.measures.cobb import Endplate, cobb_aasce
from spinekit.schemas.made import schema_from_names
from spinekit.workflows import check_gathering, check_parts, check_yolo
from spinekit.workflows.check_gathering import (
    IMAGE_WITHOUT_LABEL,
    Gathered,
    Progress,
    broken,
    gather_all,
    known_schema,
    named_schema,
    told,
    unknown_classes,
)
from spinekit.workflows.check_parts import Film, class_faults, part_faults
from spinekit.workflows.check_yolo import YoloGathered, gather_yolo
from spinekit.workflows.labelled import find_labelled, read_labelled
from spinekit.workflows.split import PARTS, read_split, thumbnail

ANGLES_DISAGREE = Rule(
    "angles-disagree",
    Severity.WARNING,
    "the table of angles does not follow from the corners",
    "measure the film anew: corners or angles were changed alone",
)
RULES: tuple[Rule, ...] = (
    *check_gathering.RULES,
    *yolo_settings_faults.RULES,
    *yolo_faults.RULES,
    *check_yolo.RULES,
    *plausible_points.RULES,
    *plausible_spine.RULES,
    *unlike_spine.RULES,
    *unlike_shape.RULES,
    ANGLES_DISAGREE,
    *image_faults.RULES,
    *check_parts.RULES,
)
_WHOLE_FILM = frozenset({plausible_spine.FLAT_BODIES.name, plausible_spine.SPINE_TURNED.name})
_ANGLE_PRINTED = 0.5  # degrees; tables agree to 0.001 where they follow from the corners
_SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """What to check.

    Attributes:
        data: Folder or file of the annotations.
        data_format: Their format, or None to tell it by the content.
        schema: Name or file of the landmark or class set, or None to tell it by the names.
        images: Folder of the images, where it is another.
        split: Table with ``name,group,part``; None to look for ``split.csv`` beside the data.
        pixels: Whether to decode the images.
    """

    data: Path
    data_format: str | None = None
    schema: str | None = None
    images: Path | None = None
    split: Path | None = None
    pixels: bool = True


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found.

    Attributes:
        findings: Errors first, each rule together.
        format: Of the annotations.
        schema: Name of the landmark or class set.
        images: Images with a label.
        instances: Things labelled in them.
        yolo: Where the data are YOLO rows, what mending needs; otherwise None.
        exchanges: By image, landmarks that are to be taken from each other's place.
    """

    findings: tuple[Finding, ...]
    format: str
    schema: str
    images: int
    instances: int
    yolo: YoloGathered | None
    exchanges: dict[str, list[Exchange]]

    @property
    def counts(self) -> dict[Severity, int]:
        """Findings by severity."""
        found = Counter(finding.rule.severity for finding in self.findings)
        return {severity: found[severity] for severity in _SEVERITIES}

    @property
    def bad(self) -> bool:
        """Whether there is more than notes."""
        return any(finding.rule.severity is not Severity.NOTE for finding in self.findings)

    @property
    def by_rule(self) -> list[tuple[Rule, int, int]]:
        """Each rule with its findings and the files that they are in, in the order of the findings."""
        files: dict[str, set[str]] = defaultdict(set)
        counted: Counter[str] = Counter()
        rules: dict[str, Rule] = {}
        for finding in self.findings:
            rules[finding.rule.name] = finding.rule
            files[finding.rule.name].add(finding.file)
            counted[finding.rule.name] += 1
        return [(rule, counted[name], len(files[name])) for name, rule in rules.items()]


def check(settings: CheckSettings, on_progress: Progress | None = None) -> CheckReport:
    """Looks a data set through.

    Args:
        settings: What to check.
        on_progress: Told of work: what, how much is done, of how much (0: unknown).

    Raises:
        UsageError: If there is no such data, or its format or schema cannot be told.
    """
    if not settings.data.exists():
        raise UsageError(f"{printable(str(settings.data))}: no such file or folder -- check the path")
    name = (settings.data_format or detect_format(settings.data).name).strip().lower()
    form = annotation_format(name)
    yolo: YoloGathered | None = None
    if form.name == "yolo" and _has_rows(settings.data):
        yolo = _gather_rows(settings, on_progress)
        gathered = yolo.gathered
    else:
        gathered = _gather_any(settings, form.name, on_progress)
    gathered.findings += unlike_spine.unlike_others(gathered.spines, _known_wrong(gathered))
    for finding, exchange in unlike_shape.unlike_shapes(gathered.shapes, gathered.schema):
        gathered.findings.append(finding)
        if exchange is not None:
            gathered.exchanges.setdefault(finding.file, []).append(exchange)
    if form.name == "aasce":
        gathered.findings += _angles(settings.data, gathered)
    _divide(settings, gathered)
    films = _films(gathered, settings.pixels, yolo is not None, on_progress)
    source = printable(settings.data.name)
    gathered.findings += class_faults(films, _taught(gathered), source)
    gathered.findings += part_faults(films, PARTS[:2] if gathered.parts else (), source)
    return CheckReport(
        _ordered(gathered.findings),
        form.name,
        gathered.schema.name,
        len(gathered.seen),
        sum(entry.instances for entry in gathered.seen),
        yolo,
        gathered.exchanges,
    )


def _taught(gathered: Gathered) -> tuple[str, ...]:
    """The classes that should have examples; of levels those between the first and the last that occur."""
    schema = gathered.schema
    if not schema.levels:
        return schema.classes
    seen = {label for entry in gathered.seen for label in entry.labels}
    places = [place for place, level in enumerate(schema.levels) if level in seen]
    return schema.levels[min(places) : max(places) + 1] if places else ()


def _has_rows(data: Path) -> bool:
    """Whether a YOLO data set has label files, rather than masks."""
    return bool(label_files(data if data.is_dir() else data.parent))


def _gather_rows(settings: CheckSettings, on_progress: Progress | None) -> YoloGathered:
    try:
        return gather_yolo(settings.data, settings.images, named_schema(settings.schema), on_progress)
    except AnnotationError as error:
        raise UsageError(str(error)) from error


def _gather_any(settings: CheckSettings, data_format: str, on_progress: Progress | None) -> Gathered:
    """Reads annotations by their format's own reader, and in its own names where the wanted ones do not fit."""
    notices: list[str] = []
    options = LabelOptions(images=settings.images, notice=notices.append)
    named = named_schema(settings.schema)
    try:
        found = find_labelled(settings.data, data_format, named, options)
    except AnnotationError as error:
        empty = named or schema_from_names(data_format, "pose", ())
        return Gathered(settings.data, empty, [broken(str(error), settings.data)])
    if named is None:
        known = known_schema(found.own)
        found = found if known is found.own else find_labelled(settings.data, data_format, known, options)
    gathered = Gathered(settings.data, found.schema)
    used = found.own.levels or found.own.classes
    points = found.own.landmark_names
    unknown = () if named is None else tuple(unknown_classes(used, named, settings.data.name, points))
    if unknown:
        # Read on in the data's own names: everything else can still be looked at.
        gathered.findings += unknown
        found = replace(found, schema=found.own, names=None)
        gathered.schema = found.own
    gather_all(read_labelled(found), gathered, on_progress)
    # What was read as it lies is found again among the scenes.
    gathered.findings += [
        told(line, settings.data) for line in dict.fromkeys(notices) if not line.endswith(" -- kept")
    ]
    if settings.images is not None:
        seen = {entry.image.path for entry in gathered.seen}
        listed = image_folder(settings.images)
        lines = [name for name, path in listed.paths.items() if path not in seen]
        gathered.findings += [Finding(IMAGE_WITHOUT_LABEL, name, "", "no label") for name in lines]
    return gathered


def _known_wrong(gathered: Gathered) -> dict[str, frozenset[str]]:
    """By image the bodies that break a rule by themselves: comparing them would only repeat it."""
    places: dict[str, set[str]] = defaultdict(set, {name: {"*"} for name in gathered.partial})
    rules = {rule.name for rule in plausible_spine.RULES}
    for finding in gathered.findings:
        if finding.rule.name in rules:
            whole = finding.rule.name in _WHOLE_FILM
            places[finding.file].update(["*"] if whole else finding.place.split(" and "))
    return {file: frozenset(found) for file, found in places.items()}


def _angles(data: Path, gathered: Gathered) -> list[Finding]:
    """Films of the AASCE tables whose three angles are not those of their corners."""
    try:
        stated = read_angles(data)
    except AnnotationError as error:
        return [broken(str(error), data)]
    heights = {entry.image.name: entry.image.height for entry in gathered.seen}
    by_name = {Path(name).name: angles for name, angles in stated.items()}
    found: list[Finding] = []
    for spine in gathered.spines:
        angles = by_name.get(Path(spine.image).name)
        if angles is None:
            continue
        try:
            own = cobb_aasce(spine.quads, heights[spine.image], Endplate.INFERIOR).angles
        except ValueError:
            continue
        off = float(np.abs(np.array(own) - np.array(angles)).max())
        if off > _ANGLE_PRINTED:
            words = f"{_degrees(angles)} in the table, {_degrees(own)} from the corners"
            found.append(Finding(ANGLES_DISAGREE, spine.image, "angles.csv", words))
    return found


def _degrees(angles: tuple[float, float, float]) -> str:
    return ", ".join(f"{angle:.1f}" for angle in angles)


def _divide(settings: CheckSettings, gathered: Gathered) -> None:
    """Takes the parts of a table of the split, where there is one."""
    folder = settings.data if settings.data.is_dir() else settings.data.parent
    path = settings.split or folder / "split.csv"
    if settings.split is None and (gathered.parts or not path.is_file()):
        return
    parts = read_split(path)
    by_file = {Path(name).name: part for name, part in parts.items()}
    for entry in gathered.seen:
        name = entry.image.name
        part = parts.get(name) or by_file.get(Path(name).name)
        if part is not None:
            gathered.parts[name] = part


def _films(
    gathered: Gathered, pixels: bool, trained_as_it_is: bool, on_progress: Progress | None
) -> list[Film]:
    """The images with their parts, and with their pixels looked at where that is wanted."""
    unlabelled = [(ref, "", frozenset[str]()) for ref in gathered.unlabelled]
    entries = [*((entry.image, entry.group, entry.labels) for entry in gathered.seen), *unlabelled]
    films: list[Film] = []
    for number, (ref, group, labels) in enumerate(entries, start=1):
        film = Film(ref.name, gathered.parts.get(ref.name, ""), group, ref.sha256, None, labels)
        if pixels:
            looked = look_at(ref.path, ref.name, ref.frame, trained_as_it_is)
            gathered.findings += looked.findings
            if looked.pixels is not None:
                film = replace(film, likeness=thumbnail(looked.pixels))
            if on_progress is not None:
                on_progress("looking at images", number, len(entries))
        films.append(film)
    return films


def _ordered(findings: list[Finding]) -> tuple[Finding, ...]:
    """Errors first, each rule together in the order of `RULES`; one that was told twice once."""
    rank = {rule.name: place for place, rule in enumerate(RULES)}

    def key(finding: Finding) -> tuple[int, int]:
        return _SEVERITIES.index(finding.rule.severity), rank[finding.rule.name]

    return tuple(sorted(dict.fromkeys(findings), key=key))
