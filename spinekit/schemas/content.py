"""From the plain content of a YAML file to a `Schema`: every key known, every name text and told once."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spinekit.core.errors import UsageError
from spinekit.core.schema import LandmarkDefinition, MeasurementFormula, Schema

TASKS = ("pose", "seg", "sem", "detect")
UNITS = ("deg", "length", "%", "ratio")
_MEASUREMENT_NAME = re.compile(r"[a-z][a-z0-9_]*")
KEYS = (
    "name",
    "version",
    "title",
    "task",
    "view",
    "classes",
    "levels",
    "landmarks",
    "edges",
    "mirrored",
    "measurements",
    "measurements_from",
    "code_measurements",
    "colours",
)


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint ``did you mean X?`` or the list of what there is, to close a message with."""
    options = list(known)
    folded = {option.lower(): option for option in options}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
    if close:
        return f"did you mean {folded[close[0]]}?"
    return f"known: {', '.join(options)}" if options else "there are none"


@dataclass(frozen=True, slots=True)
class _Place:
    """A value and where it stands, so that each complaint names its place."""

    source: str
    where: str
    value: object

    def wrong(self, what: str) -> UsageError:
        return UsageError(f"{self.source}: {self.where} {what}")

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.wrong(f"must be text, not {self.value!r} -- put it in quotes")
        if not self.value.strip():
            raise self.wrong("is empty")
        return self.value

    def choice(self, options: Sequence[str]) -> str:
        value = self.text()
        if value not in options:
            raise self.wrong(f"is {value!r} -- {nearest(value, options)}")
        return value

    def items(self) -> list[_Place]:
        if not isinstance(self.value, list):
            raise self.wrong(f"must be a list, not {self.value!r}")
        return [_Place(self.source, f"{self.where}[{i}]", item) for i, item in enumerate(self.value)]

    def names(self) -> tuple[str, ...]:
        found = tuple(item.text() for item in self.items())
        doubled = sorted({name for name in found if found.count(name) > 1})
        if doubled:
            raise self.wrong(f"tells {', '.join(doubled)} twice")
        return found

    def keys(self, known: Sequence[str], needed: Sequence[str]) -> dict[str, _Place]:
        if not isinstance(self.value, dict):
            raise self.wrong("must be a mapping of keys to values")
        for key in self.value:
            if key not in known:
                raise self.wrong(f"has an unknown key {key!r} -- {nearest(str(key), known)}")
        for key in needed:
            if key not in self.value:
                raise self.wrong(f"lacks the key {key!r}")
        return {k: _Place(self.source, f"{self.where}.{k}", v) for k, v in self.value.items()}


def to_schema(content: object, source: str) -> tuple[Schema, str | None]:
    """A schema from the content of its file.

    Args:
        content: As `spinekit.schemas.strict_yaml.load_yaml` gives it.
        source: What to call the file in a message.

    Returns:
        The schema, and the name of another schema whose measurements it shares, or None.

    Raises:
        UsageError: Names the file, the place in it and how to mend it.
    """
    top = _Place(source, "the schema", content)
    keys = top.keys(KEYS, ("name", "version", "title", "task", "view", "classes"))
    version = keys["version"].value
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise keys["version"].wrong("must be a whole number from 1")
    classes = keys["classes"].names()
    if not classes:
        raise keys["classes"].wrong("is empty")
    landmarks = _landmarks(keys["landmarks"]) if "landmarks" in keys else ()
    names = tuple(landmark.name for landmark in landmarks)
    formulas = (
        tuple(_formula(item) for item in keys["measurements"].items()) if "measurements" in keys else ()
    )
    _told_once([formula.name for formula in formulas], keys.get("measurements", top))
    schema = Schema(
        name=keys["name"].text(),
        version=version,
        title=keys["title"].text(),
        task=keys["task"].choice(TASKS),
        view=keys["view"].text(),
        classes=classes,
        levels=keys["levels"].names() if "levels" in keys else (),
        landmarks=landmarks,
        edges=_pairs(keys["edges"], names) if "edges" in keys else (),
        mirrored=_mirrored(keys["mirrored"], names) if "mirrored" in keys else (),
        measurements=formulas,
        code_measurements=keys["code_measurements"].names() if "code_measurements" in keys else (),
        colours=_colours(keys["colours"], classes) if "colours" in keys else {},
    )
    if schema.task == "pose" and not landmarks:
        raise top.wrong("is a pose schema without landmarks")
    return schema, keys["measurements_from"].text() if "measurements_from" in keys else None


def _landmarks(place: _Place) -> tuple[LandmarkDefinition, ...]:
    found = tuple(_landmark(item) for item in place.items())
    _told_once([name for landmark in found for name in (landmark.name, *landmark.aliases)], place)
    return found


def _landmark(place: _Place) -> LandmarkDefinition:
    keys = place.keys(("name", "definition", "aliases", "sigma"), ("name", "definition"))
    sigma = keys["sigma"].value if "sigma" in keys else 0.05
    if isinstance(sigma, bool) or not isinstance(sigma, int | float) or not 0 < sigma < math.inf:
        raise keys["sigma"].wrong(f"must be a number above 0 such as 0.05, not {sigma!r}")
    aliases = keys["aliases"].names() if "aliases" in keys else ()
    name = keys["name"].text()
    for spoken in (name, *aliases):
        if set(spoken) & set('."\n'):
            raise place.wrong(
                f"is named {spoken!r}, but dots, double quotes and line ends cannot be in a name"
            )
    return LandmarkDefinition(name, keys["definition"].text(), aliases, float(sigma))


def _formulas(place: _Place) -> tuple[MeasurementFormula, ...]:
    found = tuple(_formula(item) for item in place.items())
    _told_once([formula.name for formula in found], place)
    return found


def _formula(place: _Place) -> MeasurementFormula:
    names = ("name", "unit", "formula", "definition")
    keys = place.keys(names, names)
    name = keys["name"].text()
    if not _MEASUREMENT_NAME.fullmatch(name):
        raise keys["name"].wrong(
            f"is {name!r} -- small letters, digits and _ make a name such as facial_angle"
        )
    return MeasurementFormula(
        name, keys["unit"].choice(UNITS), keys["formula"].text(), keys["definition"].text()
    )


def _pairs(place: _Place, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    pairs = []
    for item in place.items():
        pair = item.names()
        if len(pair) != 2:
            raise item.wrong("must be a pair of landmark names")
        for name in pair:
            if name not in names:
                raise item.wrong(f"names {name!r}, which is not a landmark -- {nearest(name, names)}")
        pairs.append((pair[0], pair[1]))
    return tuple(pairs)


def _mirrored(place: _Place, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    pairs = _pairs(place, names)
    _told_once([name for pair in pairs for name in pair], place)
    return pairs


def _colours(place: _Place, classes: Sequence[str]) -> dict[str, str]:
    return {name: colour.text() for name, colour in place.keys(classes, ()).items()}


def _told_once(names: Sequence[str], place: _Place) -> None:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise place.wrong(f"tells {', '.join(doubled)} twice")
