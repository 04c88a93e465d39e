"""What a YOLO data set says of itself: ``data.yaml``, or the ``obj.data`` and ``obj.names`` of Darknet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any

from spinekit.core.errors import AnnotationError, UsageError
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.formats.sources import all_labels, read_text
from spinekit.schemas.strict_yaml import dump_yaml, load_yaml

NAMES = ("data.yaml", "data.yml", "dataset.yaml", "dataset.yml")
LISTS_OF_NAMES = ("obj.names", "classes.txt", "_darknet.labels")
DARKNET = "obj.data"
_PLACES = ("path", "train", "val", "test")


@dataclass(frozen=True, slots=True)
class DataSettings:
    """The settings of a data set.

    Attributes:
        path: The file that they stand in, or None where there is none.
        names: Class names by number; empty where nothing names them.
        keypoints: Points of each row, 0 where rows are no poses.
        columns: Numbers a point, 2 or 3.
        keypoint_names: Names of the points by class number; empty where their order is all.
        masks: Folder of the masks of a semantic set, relative, or empty.
        root: Where the file says that the data lie, for messages.
    """

    path: Path | None = None
    names: Mapping[int, str] = field(default_factory=dict)
    keypoints: int = 0
    columns: int = 0
    keypoint_names: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    masks: str = ""
    root: str = ""


def settings_of(folder: Path) -> DataSettings:
    """The settings that lie in a folder; empty ones where there are none.

    Raises:
        AnnotationError: If they are broken, or several files could be meant.
    """
    path = settings_file(folder)
    return DataSettings() if path is None else read_settings(path)


def settings_file(folder: Path) -> Path | None:
    """The settings of a folder, or None.

    Raises:
        AnnotationError: If several files could be meant.
    """
    for name in NAMES:
        if (folder / name).is_file():
            return folder / name
    found = [path for path in sorted(folder.glob("*.y*ml")) if is_settings(path)]
    if len(found) > 1:
        names = ", ".join(printable(path.name) for path in found[:5])
        raise AnnotationError(f"{folder}: {names} all describe a data set -- name the one to read")
    if found:
        return found[0]
    lists = (folder / name for name in (DARKNET, *LISTS_OF_NAMES))
    return next((path for path in lists if path.is_file()), None)


def is_settings(path: Path) -> bool:
    """Whether a YAML file is the settings of a data set; a broken one that names its keys counts too."""
    try:
        content = load_yaml(path, number_keys=True)
    except UsageError:
        try:
            head = path.read_bytes()[:4096].decode("utf-8", "replace")
        except OSError:
            return False
        keys = {line.partition(":")[0] for line in head.splitlines() if ":" in line}
        return "names" in keys and not keys.isdisjoint(_PLACES)
    if not isinstance(content, dict) or not ("names" in content or "nc" in content):
        return False
    return any(key in content for key in (*_PLACES, "kpt_shape", "masks_dir")) or set(content) <= {
        "names",
        "nc",
    }


def read_settings(path: Path) -> DataSettings:
    """The settings in a file.

    Args:
        path: A ``data.yaml`` by its suffix, an ``obj.data`` or a list of names, one a line.

    Raises:
        AnnotationError: With file and line, or both numbers that do not fit each other.
    """
    if path.suffix.lower() == ".data":
        return _darknet(path)
    if path.suffix.lower() not in {".yaml", ".yml"}:
        return DataSettings(path, dict(enumerate(_listed_names(path))))
    try:
        content = load_yaml(path, number_keys=True)
    except UsageError as error:
        raise AnnotationError(f"{error} -- correct the YAML") from error
    if not isinstance(content, dict):
        raise AnnotationError(f"{path}: is no data.yaml -- it needs a line such as 'names: [vertebra]'")
    names = _class_names(content, path)
    count, columns = _keypoints(content, path)
    return DataSettings(
        path,
        names,
        count,
        columns,
        _keypoint_names(content, len(names), count, path),
        _text(content, "masks_dir", path),
        _text(content, "path", path),
    )


def settings_text(schema: Schema, task: str, names: Sequence[str], places: Mapping[str, str]) -> str:
    """The text of a ``data.yaml``.

    Args:
        schema: Gives the landmarks.
        task: ``pose``, ``seg``, ``detect`` or ``sem``.
        names: What the class numbers stand for.
        places: ``path`` (left out: the file's own folder), ``train``, ``val``, ``test``.
    """
    content: dict[str, Any] = {**places, "names": list(names)}
    if task == "pose":
        points = list(schema.landmark_names)
        content |= {
            "kpt_shape": [len(points), 3],
            "flip_idx": list(schema.flip_index()),
            # A list of its own for each class: YAML would point to a shared one by an alias.
            "kpt_names": {index: list(points) for index in range(len(names))},
            "kpt_oks_sigmas": [landmark.sigma for landmark in schema.landmarks],
        }
    if task == "sem":
        content["masks_dir"] = "masks"
    return dump_yaml(content)


def validates_on_train(path: Path) -> bool:
    """Whether a ``data.yaml`` names the same images to train on and to judge by.

    Args:
        path: The file, as it was written here.
    """
    content = load_yaml(path, number_keys=True)
    return isinstance(content, dict) and content.get("train") == content.get("val")


def class_names(settings: DataSettings, schema: Schema) -> Mapping[int, str]:
    """What class numbers mean: as the data set says, otherwise the labels of the schema in order."""
    return settings.names or dict(enumerate(all_labels(schema)))


def _class_names(content: dict[Any, Any], path: Path) -> dict[int, str]:
    stated = content.get("names")
    count = content.get("nc")
    if stated is None and "names" not in content and isinstance(count, int):
        return {}
    numbered = dict(enumerate(stated)) if isinstance(stated, list) else stated
    if not isinstance(numbered, dict) or not numbered:
        raise AnnotationError(f"{path}: names is no list of class names -- write names: [vertebra]")
    names: dict[int, str] = {}
    for key, name in numbered.items():
        number = int(key) if isinstance(key, str) and key.isdecimal() else key
        if not isinstance(number, int):
            raise AnnotationError(
                f"{path}: names: {printable(str(key)[:40])} is no class number -- use 0, 1, ..."
            )
        if not isinstance(name, str):
            raise AnnotationError(f"{path}: names: class {number} is {name!r}, no text -- quote the name")
        names[number] = name
    gaps = sorted(set(range(len(names))) - names.keys())
    if gaps:
        raise AnnotationError(
            f"{path}: names: {len(names)} classes, but class {gaps[0]} is missing -- number them from 0 on"
        )
    if "nc" in content and count != len(names):
        raise AnnotationError(f"{path}: nc is {count}, but names has {len(names)} -- correct one of them")
    return dict(sorted(names.items()))


def _keypoints(content: dict[Any, Any], path: Path) -> tuple[int, int]:
    """Points and numbers a point; zeros for a set that has none. What else speaks of them must fit."""
    shape = content.get("kpt_shape")
    if shape is None:
        return 0, 0
    whole = isinstance(shape, list) and len(shape) == 2 and all(type(value) is int for value in shape)
    if not whole or not 1 <= shape[0] <= 10_000 or shape[1] not in {2, 3}:
        raise AnnotationError(
            f"{path}: kpt_shape is {printable(repr(shape)[:40])} -- write [points, 3], or 2 without visibility"
        )
    flip = content.get("flip_idx")
    if flip is not None and (not isinstance(flip, list) or len(flip) != shape[0]):
        counted = len(flip) if isinstance(flip, list) else "no list of"
        raise AnnotationError(
            f"{path}: flip_idx has {counted} numbers, kpt_shape {shape[0]} points -- one for each point"
        )
    if isinstance(flip, list) and sorted(map(repr, flip)) != sorted(map(repr, range(shape[0]))):
        raise AnnotationError(
            f"{path}: flip_idx does not hold each of 0 to {shape[0] - 1} once -- correct it"
        )
    sigmas = content.get("kpt_oks_sigmas")
    if isinstance(sigmas, list) and len(sigmas) != shape[0]:
        raise AnnotationError(
            f"{path}: kpt_oks_sigmas has {len(sigmas)} numbers, kpt_shape {shape[0]} points -- one for each"
        )
    return shape[0], shape[1]


def _keypoint_names(
    content: dict[Any, Any], classes: int, count: int, path: Path
) -> dict[int, tuple[str, ...]]:
    stated = content.get("kpt_names")
    if stated is None or not count:
        return {}
    by_class = dict.fromkeys(range(classes), stated) if isinstance(stated, list) else stated
    if not isinstance(by_class, dict):
        raise AnnotationError(f"{path}: kpt_names is no list of names -- write kpt_names: {{0: [TL, TR]}}")
    names: dict[int, tuple[str, ...]] = {}
    for key, points in by_class.items():
        if not isinstance(key, int) or not isinstance(points, list):
            raise AnnotationError(
                f"{path}: kpt_names: {key!r} is no class with a list of names -- correct it"
            )
        wrong = next((name for name in points if not isinstance(name, str)), None)
        if wrong is not None:
            raise AnnotationError(f"{path}: kpt_names: class {key} has {wrong!r}, no text -- quote the name")
        if len(points) != count or len(set(points)) != count:
            raise AnnotationError(
                f"{path}: kpt_names: class {key} has {len(set(points))} different names, kpt_shape {count} "
                "points -- name each point once"
            )
        names[key] = tuple(points)
    return names


def _text(content: dict[Any, Any], key: str, path: Path) -> str:
    value = content.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise AnnotationError(f"{path}: {key} is {printable(repr(value)[:40])}, no text -- quote it")
    return value


def _darknet(path: Path) -> DataSettings:
    """``obj.data``: lines ``key = value``, of which ``classes`` and ``names`` count."""
    lines = (line.partition("=") for line in read_text(path).splitlines() if "=" in line)
    stated = {key.strip(): value.strip() for key, _, value in lines}
    # Names are given as they lay on another machine: only the last part is looked for, beside the file.
    name = PureWindowsPath(stated.get("names", "")).name or LISTS_OF_NAMES[0]
    names = _listed_names(path.parent / name)
    if stated.get("classes", str(len(names))) != str(len(names)):
        raise AnnotationError(
            f"{path}: classes is {printable(stated['classes'][:20])}, but {printable(name)} has {len(names)} -- "
            "correct one of them"
        )
    return DataSettings(path, dict(enumerate(names)))


def _listed_names(path: Path) -> list[str]:
    return [line.strip() for line in read_text(path).splitlines() if line.strip()]
