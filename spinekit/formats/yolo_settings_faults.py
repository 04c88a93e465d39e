"""Faults of a YOLO data set's ``data.yaml``: those the library dies of, and those it takes in silence.

`yolo_settings` refuses a broken file at its first fault; here all are told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinekit.core.errors import UsageError
from spinekit.core.finding import Finding, Rule, Severity
from spinekit.core.schema import Schema
from spinekit.files import printable
from spinekit.schemas import load_yaml

SETTINGS_BROKEN = Rule(
    "settings-broken", Severity.ERROR, "data.yaml cannot be read", "correct the line; see docs/data.md"
)
SETTINGS_MISSING = Rule(
    "settings-missing",
    Severity.NOTE,
    "there is no data.yaml",
    "write one with names, train and val before training with Ultralytics (--fix does)",
)
CLASS_NAMES = Rule(
    "class-names",
    Severity.ERROR,
    "class names are missing, doubled, no text, or not as many as nc",
    "list one name for each class number from 0 on, and leave nc out",
)
KEYPOINT_SHAPE = Rule(
    "keypoint-shape",
    Severity.ERROR,
    "kpt_shape is missing or does not fit",
    "write kpt_shape: [points, 3], three numbers for each point",
)
NO_VISIBILITY = Rule(
    "keypoint-visibility",
    Severity.WARNING,
    "points come without visibility, so that an absent one at 0,0 is learnt as a real point",
    "write x y v for each point and kpt_shape: [points, 3]",
)
FLIP_INDEX = Rule(
    "flip-index",
    Severity.ERROR,
    "flip_idx exchanges the wrong points when an image is mirrored",
    "let each left point and its right one name each other, all others themselves (--fix takes the schema's)",
)
FLIP_MISSING = Rule(
    "flip-index-missing",
    Severity.WARNING,
    "without flip_idx the library turns mirroring off",
    "add flip_idx, or set fliplr: 0 knowingly (--fix adds the schema's)",
)
SIGMAS = Rule(
    "keypoint-sigmas",
    Severity.WARNING,
    "without kpt_oks_sigmas every point gets 1/K, under which misses of many pixels count as hits",
    "add kpt_oks_sigmas, 0.05 for well seen points (--fix adds the schema's)",
)
DOWNLOAD = Rule(
    "settings-download",
    Severity.ERROR,
    "a download entry is run as a program by the library",
    "remove it (--fix does)",
)
PLACES = Rule(
    "settings-places",
    Severity.WARNING,
    "where the images lie is missing, or means another place elsewhere",
    "name train and val; leave path out or make it absolute (--fix does)",
)
RULES = (
    SETTINGS_BROKEN, SETTINGS_MISSING, CLASS_NAMES, KEYPOINT_SHAPE, NO_VISIBILITY, FLIP_INDEX, FLIP_MISSING, SIGMAS,
    DOWNLOAD, PLACES,
)  # fmt: skip

SIDES = (("left", "right"), ("l", "r"), ("tl", "tr"), ("bl", "br"), ("lt", "rt"))


@dataclass(frozen=True, slots=True)
class RawSettings:
    """A ``data.yaml`` as it stands.

    Attributes:
        path: The file; None where there is none.
        content: Its entries; empty where it cannot be read.
        findings: What is wrong with it.
    """

    path: Path | None
    content: dict[Any, Any]
    findings: tuple[Finding, ...]

    @property
    def points(self) -> tuple[int, int]:
        """Points a row and numbers a point; zeros where rows are no poses or ``kpt_shape`` is wrong."""
        shape = self.content.get("kpt_shape")
        if isinstance(shape, list) and len(shape) == 2 and all(type(value) is int for value in shape):
            return (shape[0], shape[1]) if shape[0] > 0 and shape[1] in {2, 3} else (0, 0)
        return 0, 0

    @property
    def class_names(self) -> dict[int, str]:
        """Class names by number, as far as they can be made out."""
        names = self.content.get("names")
        numbered = dict(enumerate(names)) if isinstance(names, list) else names
        if not isinstance(numbered, dict):
            return {}
        return {key: str(name) for key, name in numbered.items() if type(key) is int and key >= 0}


def settings_faults(path: Path | None, folder: Path, schema: Schema | None) -> RawSettings:
    """Reads a ``data.yaml`` for its faults.

    Args:
        path: The file, or None where there is none.
        folder: Of the data set, for what is said of no file.
        schema: What the points are called, where that is known.
    """
    if path is None:
        return RawSettings(None, {}, (Finding(SETTINGS_MISSING, str(folder), "", "no data.yaml here"),))
    if path.suffix.lower() not in {".yaml", ".yml"}:
        return RawSettings(path, {}, ())
    try:
        content = load_yaml(path, number_keys=True)
    except UsageError as error:
        words = printable(str(error).removeprefix(str(path)).lstrip(":, "))
        return RawSettings(path, {}, (Finding(SETTINGS_BROKEN, path.name, "", words.split(" -- ")[0]),))
    if not isinstance(content, dict):
        return RawSettings(path, {}, (Finding(SETTINGS_BROKEN, path.name, "", "it holds no entries"),))
    told = [
        Finding(rule, path.name, place, why)
        for faults in (
            _names(content),
            _points(content),
            _flip(content, schema),
            _places(content, path.parent),
        )
        for rule, place, why in faults
    ]
    return RawSettings(path, content, tuple(told))


_Fault = tuple[Rule, str, str]


def _names(content: dict[Any, Any]) -> Iterator[_Fault]:
    names, count = content.get("names"), content.get("nc")
    if names is None and count is None:
        yield CLASS_NAMES, "names", "there is no names entry"
        return
    numbered = dict(enumerate(names)) if isinstance(names, list) else names
    if names is not None and not isinstance(numbered, dict):
        yield CLASS_NAMES, "names", f"it is {_shown(names)}, no list"
        return
    numbered = numbered or {}
    for key, name in numbered.items():
        if type(key) is not int or key < 0:
            yield CLASS_NAMES, "names", f"{_shown(key)} is no class number"
        if not isinstance(name, str):
            # YAML 1.1 reads no, on and 1.0 as values.
            yield CLASS_NAMES, "names", f"class {_shown(key)} is {_shown(name)}, no text: quote it"
    numbers = {key for key in numbered if type(key) is int}
    gaps = sorted(set(range(len(numbered))) - numbers)
    if numbered and gaps:
        yield CLASS_NAMES, "names", f"{len(numbered)} classes, but number {gaps[0]} is missing"
    texts = [name for name in numbered.values() if isinstance(name, str)]
    for name in sorted({name for name in texts if texts.count(name) > 1}):
        yield CLASS_NAMES, "names", f"{_shown(name)} stands for {texts.count(name)} classes"
    if count is not None and names is not None and count != len(numbered):
        yield CLASS_NAMES, "nc", f"nc is {_shown(count)}, names has {len(numbered)}"


def _points(content: dict[Any, Any]) -> Iterator[_Fault]:
    shape = content.get("kpt_shape")
    if shape is None:
        if any(key in content for key in ("flip_idx", "kpt_names", "kpt_oks_sigmas")):
            yield KEYPOINT_SHAPE, "kpt_shape", "missing, though other entries speak of points"
        return
    whole = isinstance(shape, list) and len(shape) == 2 and all(type(value) is int for value in shape)
    if not whole or shape[0] < 1 or shape[1] not in {2, 3}:
        yield KEYPOINT_SHAPE, "kpt_shape", f"it is {_shown(shape)}"
        return
    if shape[1] == 2:
        yield NO_VISIBILITY, "kpt_shape", f"it is {_shown(shape)}"
    named = content.get("kpt_names")
    lists = list(named.values()) if isinstance(named, dict) else [named]
    for names in lists if named is not None else ():
        if not isinstance(names, list) or len(names) != shape[0]:
            yield KEYPOINT_SHAPE, "kpt_names", f"{_counted(names)} names for {shape[0]} points"
    sigmas = content.get("kpt_oks_sigmas")
    if sigmas is None:
        yield SIGMAS, "kpt_oks_sigmas", f"missing: each of {shape[0]} points gets {1 / shape[0]:.2f}"
    elif not isinstance(sigmas, list) or len(sigmas) != shape[0]:
        yield SIGMAS, "kpt_oks_sigmas", f"{_counted(sigmas)} values for {shape[0]} points"
    elif not all(isinstance(value, int | float) and 0 < value < 1 for value in sigmas):
        yield SIGMAS, "kpt_oks_sigmas", "every value must lie between 0 and 1"


def _flip(content: dict[Any, Any], schema: Schema | None) -> Iterator[_Fault]:
    shape, flip = content.get("kpt_shape"), content.get("flip_idx")
    if not isinstance(shape, list) or not shape or type(shape[0]) is not int:
        return
    count = shape[0]
    if flip is None:
        yield FLIP_MISSING, "flip_idx", "missing"
        return
    if not isinstance(flip, list) or len(flip) != count:
        yield FLIP_INDEX, "flip_idx", f"{_counted(flip)} numbers for {count} points"
        return
    if sorted(map(repr, flip)) != sorted(map(repr, range(count))):
        yield FLIP_INDEX, "flip_idx", f"it does not hold each of 0 to {count - 1} once"
        return
    odd = [index for index, other in enumerate(flip) if flip[other] != index]
    if odd:
        first = odd[0]
        why = f"point {first} goes to {flip[first]}, which goes to {flip[flip[first]]}: mirroring twice is no rest"
        yield FLIP_INDEX, "flip_idx", why
        return
    known = schema is not None and len(schema.landmarks) == count and bool(schema.mirrored)
    if known and schema is not None:
        wanted = schema.flip_index()
        if tuple(flip) != wanted:
            yield FLIP_INDEX, "flip_idx", f"it is {_shown(flip)}, the schema {schema.name} has {list(wanted)}"
        return
    yield from _unpaired(_point_names(content, schema, count), flip)


def _unpaired(names: list[str], flip: list[int]) -> Iterator[_Fault]:
    """Names that speak of a side, whose point is not exchanged with that of the other side."""
    for index, other in enumerate(flip[: len(names)]):
        partner = _other_side(names[index], names)
        if partner is not None and partner != other and index < partner:
            why = f"{printable(names[index])} and {printable(names[partner])} are not exchanged"
            yield FLIP_INDEX, "flip_idx", why


def _other_side(name: str, names: list[str]) -> int | None:
    """Index of the point of the same name on the other side, or None."""
    folded = [item.casefold() for item in names]
    words = name.casefold().replace("-", "_").replace(" ", "_").split("_")
    spelled = name.casefold()
    for place, word in enumerate(words):
        for pair in (*SIDES, *((b, a) for a, b in SIDES)):
            if word != pair[0]:
                continue
            start = len("_".join(words[:place])) + bool(place)
            twin = spelled[:start] + pair[1] + spelled[start + len(word) :]
            if twin in folded:
                return folded.index(twin)
    return None


def _point_names(content: dict[Any, Any], schema: Schema | None, count: int) -> list[str]:
    named = content.get("kpt_names")
    first = next(iter(named.values()), None) if isinstance(named, dict) else named
    if isinstance(first, list) and len(first) == count:
        return [str(name) for name in first]
    return list(schema.landmark_names) if schema is not None and len(schema.landmarks) == count else []


def _places(content: dict[Any, Any], folder: Path) -> Iterator[_Fault]:
    if content.get("download"):
        yield DOWNLOAD, "download", "present"
    root = content.get("path")
    if isinstance(root, str) and not Path(root).is_absolute():
        yield PLACES, "path", f"{_shown(root)} is taken relative to where the training is started"
    for part in ("train", "val"):
        if not content.get(part):
            yield PLACES, part, "missing"
    base = folder / root if isinstance(root, str) else folder
    for part in ("train", "val", "test"):
        for place in part_places(content, part):
            if not (base / place).exists() and not (folder / place).exists():
                yield PLACES, part, f"{_shown(place)} is not there"


def part_places(content: dict[Any, Any], part: str) -> list[str]:
    """The folders and lists of images that an entry ``train``, ``val`` or ``test`` names."""
    value = content.get(part)
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, str) and item.strip() and "://" not in item]


def _counted(value: object) -> str:
    return str(len(value)) if isinstance(value, list) else f"{_shown(value)}, no list of"


def _shown(value: object) -> str:
    return printable(repr(value)[:60])
