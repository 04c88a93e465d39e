"""A corrected copy of a YOLO data set: rows and ``data.yaml`` changed as little as can be, all else copied."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from spinekit.anatomy.exchange import Exchange
from spinekit.core.errors import EnvironmentFaultError
from spinekit.files import write_text
from spinekit.formats.sources import read_text
from spinekit.formats.yolo_faults import ROW_EMPTY, ROW_RANGE, ROW_TWICE
from spinekit.schemas.strict_yaml import dump_yaml
from spinekit.workflows.check_yolo import YoloFile, YoloGathered

_BOX = 5


def mend_yolo(found: YoloGathered, exchanges: Mapping[str, Sequence[Exchange]], out: Path) -> list[str]:
    """Copies a data set and corrects the copy.

    Args:
        found: The data set, as read by a check.
        exchanges: By image, landmarks to be exchanged.
        out: A folder that does not exist.

    Returns:
        What was changed, one line each.
    """
    changes: list[str] = []
    try:
        _copy(found, out, changes)
    except OSError as error:
        raise EnvironmentFaultError(
            f"{out}: cannot be written ({error.strerror}) -- free space or rights"
        ) from error
    for file in found.files:
        lines = _mended_rows(file, found, exchanges.get(file.image.name, ()))
        if lines is not None:
            text, told = lines
            write_text(out / file.path.relative_to(found.folder), text)
            changes += told
    changes += _mended_settings(found, out)
    return changes


def _copy(found: YoloGathered, out: Path, changes: list[str]) -> None:
    for path in _files(found.folder):
        if path.suffix == ".cache":
            changes.append(f"{path.relative_to(found.folder).as_posix()}: left out, it is made anew")
            continue
        _copy_file(path, out / path.relative_to(found.folder))
    refs = [*(entry.image for entry in found.gathered.seen), *found.gathered.unlabelled]
    for path, name in sorted({(ref.path, ref.name.partition("#")[0]) for ref in refs}):
        if not path.is_relative_to(found.folder):
            _copy_file(path, out / "images" / name)


def _files(folder: Path) -> Iterator[Path]:
    """The files of a folder; links are not followed."""
    for here, folders, files in os.walk(folder):
        folders.sort()
        yield from (path for name in sorted(files) if not (path := Path(here, name)).is_symlink())


def _copy_file(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _mended_rows(
    file: YoloFile, found: YoloGathered, exchanges: Sequence[Exchange]
) -> tuple[str, list[str]] | None:
    """The text of a label file with its rows corrected, and what was changed; None where nothing is."""
    rows_of = file.faults.rows
    orders: dict[int, tuple[int, ...]] = {rows_of[item.instance].line: item.order for item in exchanges}
    dropped: dict[int, str] = {}
    clipped: set[int] = set()
    for finding in file.faults.findings:
        place = finding.place.removeprefix("line ")
        if finding.rule in (ROW_EMPTY, ROW_TWICE):
            dropped[int(place)] = finding.rule.name
        elif finding.rule is ROW_RANGE and finding.why.startswith("by "):
            clipped.add(int(place))
    if not (orders or dropped or clipped):
        return None
    rows, told = [], []
    for number, line in enumerate(read_text(file.path).splitlines(), start=1):
        place = f"{file.name}: line {number}"
        if number in dropped:
            told.append(f"{place}: removed ({dropped[number]})")
            continue
        tokens = line.split()
        if number in clipped:
            tokens = _clipped(tokens, found)
            told.append(f"{place}: moved by less than 1 px to the edge of the image")
        if number in orders and found.columns:
            tokens = _exchanged(tokens, found.columns, orders[number])
            names = found.schema.landmark_names
            moved = [names[k] for k, taken in enumerate(orders[number]) if k != taken]
            told.append(f"{place}: exchanged {', '.join(moved)}")
        rows.append(" ".join(tokens) if number in clipped or number in orders else line)
    return "".join(f"{row}\n" for row in rows), told


def _exchanged(tokens: list[str], columns: Sequence[int], order: Sequence[int]) -> list[str]:
    """A pose row with its points in another order."""
    each = (len(tokens) - _BOX) // len(columns)
    points = [tokens[_BOX + each * k : _BOX + each * (k + 1)] for k in range(len(columns))]
    mended = list(points)
    for landmark, taken in enumerate(order):
        mended[columns[landmark]] = points[columns[taken]]
    return [*tokens[:_BOX], *(token for point in mended for token in point)]


def _clipped(tokens: list[str], found: YoloGathered) -> list[str]:
    """A row whose box and points lie within 0..1; visibilities stay as they are."""
    _, each = found.settings.points
    points = found.columns and len(tokens) > _BOX
    if len(tokens) == _BOX or points:
        box = _box([float(token) for token in tokens[1:_BOX]])
        rest = tokens[_BOX:]
        each = each or (len(rest) // len(found.columns) if points else 2)
        kept = [token if each == 3 and place % 3 == 2 else _part(token) for place, token in enumerate(rest)]
        return [tokens[0], *box, *kept]
    return [tokens[0], *(_part(token) for token in tokens[1:])]


def _box(values: list[float]) -> list[str]:
    x, y, width, height = values
    sides = [(x - width / 2, x + width / 2), (y - height / 2, y + height / 2)]
    if all(low >= 0 and high <= 1 for low, high in sides):
        return [f"{value:.7g}" for value in values]
    (left, right), (top, bottom) = ((max(low, 0.0), min(high, 1.0)) for low, high in sides)
    return [f"{value:.7f}" for value in ((left + right) / 2, (top + bottom) / 2, right - left, bottom - top)]


def _part(token: str) -> str:
    value = float(token)
    return token if 0 <= value <= 1 else f"{min(max(value, 0.0), 1.0):g}"


def _mended_settings(found: YoloGathered, out: Path) -> list[str]:
    """Completes the copy's ``data.yaml`` from the schema, and says what was done to it."""
    raw, schema = found.settings, found.schema
    if raw.path is not None and not raw.content:
        return []  # broken, or of Darknet: left as it is
    content: dict[Any, Any] = dict(raw.content)
    name = raw.path.name if raw.path is not None else "data.yaml"
    told: list[str] = []

    def put(key: str, value: object, why: str) -> None:
        content[key] = value
        told.append(f"{name}: {key}: {why}")

    for key in ("download", "path"):
        stated = content.get(key)
        if stated and not (key == "path" and Path(str(stated)).is_absolute()):
            del content[key]
            told.append(f"{name}: {key}: removed")
    if isinstance(content.get("path"), str) and not Path(content["path"]).exists():
        del content["path"]
        told.append(f"{name}: path: removed, there is no such folder")
    if not raw.class_names and schema.classes:
        put("names", list(schema.classes), "added, of the schema")
    count = len(raw.class_names) or len(schema.classes)
    if "nc" in content and content["nc"] != count:
        put("nc", count, "as many as names")
    for part in ("train", "val"):
        if not content.get(part) and (out / "images").is_dir():
            nested = out / "images" / part
            put(part, f"images/{part}" if nested.is_dir() else "images", "added")
    if found.columns:
        told += _mended_points(content, found, name)
    if told:
        write_text(out / name, dump_yaml(content))
    return told


def _mended_points(content: dict[Any, Any], found: YoloGathered, name: str) -> list[str]:
    """Completes what is said of keypoints."""
    schema, columns = found.schema, found.columns
    told: list[str] = []
    if "kpt_shape" not in content:
        kinds = {kind for file in found.files for kind in file.faults.kinds}
        if "pose" not in kinds:
            return []
        content["kpt_shape"] = [len(columns), 3]
        told.append(f"{name}: kpt_shape: added")
    landmark_of = {column: landmark for landmark, column in enumerate(columns)}
    if schema.mirrored:
        flip = schema.flip_index()
        wanted = [columns[flip[landmark_of[column]]] for column in range(len(columns))]
        if content.get("flip_idx") != wanted:
            told.append(
                f"{name}: flip_idx: {'corrected' if 'flip_idx' in content else 'added'}, of the schema"
            )
            content["flip_idx"] = wanted
    sigmas = content.get("kpt_oks_sigmas")
    if not isinstance(sigmas, list) or len(sigmas) != len(columns):
        content["kpt_oks_sigmas"] = [schema.landmarks[landmark_of[k]].sigma for k in range(len(columns))]
        told.append(f"{name}: kpt_oks_sigmas: added, of the schema")
    return told
