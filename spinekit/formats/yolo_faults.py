"""Faults of YOLO label files, row by row.

The library drops a whole image for one row that it does not like, with a line in its log alone; a reader stops
there. Here every row is looked at, and those without a fault become instances.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.finding import Finding, Rule, Severity
from spinekit.core.image import ImageRef
from spinekit.core.outline import ring_area
from spinekit.core.scene import Instance
from spinekit.files import printable
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.sources import read_text
from spinekit.formats.yolo_rows import RowMeaning, parse_row

ROW_NUMBER = Rule(
    "row-number",
    Severity.ERROR,
    "a row holds what is no number: training drops the image",
    "write numbers with a decimal point, separated by blanks",
)
ROW_COLUMNS = Rule(
    "row-columns",
    Severity.ERROR,
    "a row has the wrong count of numbers, or differs in kind from the others: training drops the image",
    "write class and box, class and pairs of x y, or class, box and all points, the same in every row",
)
ROW_CLASS = Rule(
    "row-class",
    Severity.ERROR,
    "a class number without a name: training drops the image",
    "correct the number, or add its name to data.yaml",
)
ROW_RANGE = Rule(
    "row-range",
    Severity.ERROR,
    "a coordinate outside 0..1: training drops the image, or cuts the shape in silence",
    "divide x by the image's width and y by its height; write 0 0 0 for an absent point (--fix clips up to 1 px)",
)
ROW_EMPTY = Rule(
    "row-empty",
    Severity.ERROR,
    "a box or polygon encloses nothing",
    "draw it again or remove the row (--fix removes it)",
)
ROW_TWICE = Rule(
    "row-twice",
    Severity.WARNING,
    "a row repeats another: training drops it",
    "remove it (--fix does)",
)
ROW_VISIBILITY = Rule(
    "row-visibility",
    Severity.ERROR,
    "a point's visibility is wrong",
    "write 0 (absent, with 0 0), 1 (occluded) or 2 (visible)",
)
LABEL_TEXT = Rule(
    "label-text",
    Severity.ERROR,
    "a label file is no readable text: training drops the image",
    "save it as UTF-8 text",
)
RULES = (
    ROW_NUMBER, ROW_COLUMNS, ROW_CLASS, ROW_RANGE, ROW_EMPTY, ROW_TWICE, ROW_VISIBILITY, LABEL_TEXT,
)  # fmt: skip

_BOX = 5
_LEAST_AREA = 1e-6  # px^2


@dataclass(frozen=True, slots=True)
class Row:
    """A row without a fault that would cost its image.

    Attributes:
        line: Counted from 1.
        instance: What it describes.
    """

    line: int
    instance: Instance


@dataclass(frozen=True, slots=True)
class LabelFaults:
    """A label file that was looked through.

    Attributes:
        rows: Those that can be used.
        findings: What is wrong with it.
        kinds: Kinds of rows it holds: ``box``, ``polygon``, ``pose``.
        unread: How many rows, repeated ones aside, describe nothing that can be used.
    """

    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    kinds: frozenset[str]
    unread: int = 0


def label_faults(path: Path, name: str, meaning: RowMeaning, image: ImageRef) -> LabelFaults:
    """Looks through a label file.

    Args:
        path: The file.
        name: What to call it.
        meaning: What its columns mean.
        image: For its size.
    """
    try:
        text = read_text(path) if path.stat().st_size else ""
    except (AnnotationError, OSError) as error:
        words = str(error).removeprefix(f"{path}: ").split(" -- ")[0]
        blank = isinstance(error, AnnotationError) and "is empty" in words
        return LabelFaults((), () if blank else (Finding(LABEL_TEXT, name, "", words),), frozenset())
    rows: list[Row] = []
    findings: list[Finding] = []
    met: dict[str, int] = {}
    kinds: set[str] = set()
    for number, line in enumerate(text.splitlines(), start=1):
        tokens = line.split()
        if not tokens:
            continue
        place = f"line {number}"
        first = met.setdefault(" ".join(tokens), number)
        if first != number:
            findings.append(Finding(ROW_TWICE, name, place, f"the same as line {first}"))
            continue
        faults = list(row_faults(tokens, meaning, image))
        findings += [Finding(rule, name, place, why) for rule, why in faults]
        kinds.add(kind_of(len(tokens), meaning))
        if all(rule is ROW_RANGE and why.startswith("by ") for rule, why in faults):
            instance = _parsed(line, f"{path}: {place}", meaning, image)
            if instance is not None:
                rows.append(Row(number, instance))
    if len(kinds) > 1:
        findings.append(
            Finding(ROW_COLUMNS, name, "", f"holds rows of different kinds: {', '.join(sorted(kinds))}")
        )
    return LabelFaults(tuple(rows), tuple(findings), frozenset(kinds), len(met) - len(rows))


def kind_of(count: int, meaning: RowMeaning) -> str:
    """What a row of so many numbers is."""
    if meaning.keypoints and count > _BOX:
        return "pose"
    return "box" if count == _BOX else "polygon"


def row_faults(tokens: list[str], meaning: RowMeaning, image: ImageRef) -> Iterator[tuple[Rule, str]]:
    """What is wrong with one row; the first fault that makes the rest meaningless ends it.

    Args:
        tokens: The row, at least one token.
        meaning: What its columns mean.
        image: For its size.
    """
    values = [_number(token) for token in tokens]
    wrong = next(
        (token for token, value in zip(tokens, values, strict=True) if not math.isfinite(value)), None
    )
    if wrong is not None:
        yield ROW_NUMBER, f"{printable(wrong[:30])!r}"
        return
    if values[0] != int(values[0]) or int(values[0]) not in meaning.names:
        yield ROW_CLASS, f"class {printable(tokens[0][:20])}; classes go from 0 to {len(meaning.names) - 1}"
    wanted = _wanted(len(values), meaning)
    if wanted:
        yield ROW_COLUMNS, f"{len(values)} numbers; {wanted}"
        return
    pose = meaning.keypoints > 0 and len(values) > _BOX
    if len(values) == _BOX or pose:
        yield from _box(values[1:_BOX], image)
    if pose:
        yield from _points(np.array(values[_BOX:]).reshape(meaning.keypoints, -1), meaning, image)
    elif len(values) > _BOX:
        ring = np.array(values[1:]).reshape(-1, 2)
        yield from _range(ring, "a vertex", image)
        if abs(ring_area(ring * [image.width, image.height])) < _LEAST_AREA:
            yield ROW_EMPTY, f"a polygon of {len(ring)} vertices without area"


def _number(token: str) -> float:
    try:
        return float(token)
    except ValueError:
        return math.nan


def _wanted(count: int, meaning: RowMeaning) -> str:
    """What count of numbers would be right; empty where this one is."""
    points = meaning.keypoints
    if points:
        columns = (meaning.columns,) if meaning.columns else (2, 3)
        fitting = [_BOX + points * each for each in columns]
        if count in fitting or (count == _BOX and not meaning.columns):
            return ""
        return f"class, box and {points} points make {' or '.join(map(str, fitting))}"
    if count == _BOX or (count >= 7 and count % 2 == 1):
        return ""
    return "a box has 5, a polygon 7 or any greater odd count"


def _box(box: list[float], image: ImageRef) -> Iterator[tuple[Rule, str]]:
    x, y, width, height = box
    if min(width, height) <= 0:
        yield ROW_EMPTY, f"a box of {width:g} x {height:g}"
        return
    if max(box) > 1.5 or min(box) < -0.5:
        yield ROW_RANGE, f"a box at {x:g}, {y:g} of {width:g} x {height:g}: these are pixels, not parts"
        return
    edges = np.array([[x - width / 2, y - height / 2], [x + width / 2, y + height / 2]])
    yield from _range(edges, "the box", image, bearable=1e-6)


def _points(table: np.ndarray, meaning: RowMeaning, image: ImageRef) -> Iterator[tuple[Rule, str]]:
    xy = table[:, :2]
    if table.shape[1] == 3:
        seen = table[:, 2]
        if not bool(np.isin(seen, (0, 1, 2)).all()):
            yield ROW_VISIBILITY, f"{next(value for value in seen.tolist() if value not in (0, 1, 2)):g}"
        origin = np.flatnonzero((seen > 0) & (xy == 0).all(axis=1))
        if origin.size:
            yield ROW_VISIBILITY, f"point {origin[0]} at 0 0 is called visible"
        absent = seen == 0
    else:
        absent = (xy == 0).all(axis=1)
    if bool((xy[absent] < 0).any()):
        yield (
            ROW_RANGE,
            f"point {np.flatnonzero(absent & (xy < 0).any(axis=1))[0]} is absent and not written 0 0 0",
        )
    del meaning
    yield from _range(xy[~absent], "a point", image)


def _range(unit: np.ndarray, what: str, image: ImageRef, bearable: float = 0.0) -> Iterator[tuple[Rule, str]]:
    """Coordinates outside 0..1, with how far that is in pixels."""
    if not unit.size:
        return
    over = np.maximum(unit - 1.0, -unit).max(axis=0)
    if float(over.max()) <= bearable:
        return
    pixels = float((over * [image.width, image.height]).max())
    if pixels < 1.0:
        yield ROW_RANGE, f"by {pixels:.2f} px: {what}"
    elif float(unit.max()) > 1.5:
        yield ROW_RANGE, f"{what} at {unit.max():g}: these are pixels, not parts"
    else:
        yield ROW_RANGE, f"{what} lies {pixels:.0f} px outside the image of {image.width} x {image.height}"


def _parsed(line: str, place: str, meaning: RowMeaning, image: ImageRef) -> Instance | None:
    """The instance of a row that has no fault, or None."""
    try:
        return parse_row(line, place, meaning, image, LabelOptions())
    except AnnotationError:
        return None
