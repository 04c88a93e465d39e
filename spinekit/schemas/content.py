"""From the plain content of a YAML file to a `Schema`: every key known, every name text and told once."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

from spinekit.core.schema import LandmarkDefinition, MeasurementFormula, Schema
from spinekit.schemas.norm_content import grades_of, least_change_of, norms_of, rules_of
from spinekit.schemas.place import Place, nearest

TASKS = ("pose", "seg", "sem", "detect")
UNITS = ("deg", "length", "mm", "%", "ratio")
_MEASUREMENT_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CONSTRUCTION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_']*")
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
    "constructions",
    "results",
    "colours",
)
ANALYSIS_KEYS = ("title", "landmarks", "constructions", "measurements", "results")


def to_schema(content: object, source: str) -> tuple[Schema, tuple[str, ...]]:
    """A schema from the content of its file.

    Args:
        content: As `spinekit.schemas.strict_yaml.load_yaml` gives it.
        source: What to call the file in a message.

    Returns:
        The schema, and the names of other schemas or analyses whose measurements it shares.

    Raises:
        UsageError: Names the file, the place in it and how to mend it.
    """
    top = Place(source, "the schema", content)
    keys = top.keys(KEYS, ("name", "version", "title", "task", "view", "classes"))
    version = keys["version"].value
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise keys["version"].wrong("must be a whole number from 1")
    classes = keys["classes"].names()
    if not classes:
        raise keys["classes"].wrong("is empty")
    landmarks = _landmarks(keys["landmarks"]) if "landmarks" in keys else ()
    names = tuple(landmark.name for landmark in landmarks)
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
        measurements=_formulas(keys["measurements"]) if "measurements" in keys else (),
        code_measurements=keys["code_measurements"].names() if "code_measurements" in keys else (),
        colours=_colours(keys["colours"], classes) if "colours" in keys else {},
        constructions=_constructions(keys["constructions"]) if "constructions" in keys else {},
        results=rules_of(keys["results"]) if "results" in keys else (),
    )
    if schema.task == "pose" and not landmarks:
        raise top.wrong("is a pose schema without landmarks")
    return schema, _lenders(keys["measurements_from"]) if "measurements_from" in keys else ()


def to_analysis(content: object, source: str) -> Schema:
    """Measurements to be borrowed, as the content of a file that holds them and no set of points of its own.

    Args:
        content: As `spinekit.schemas.strict_yaml.load_yaml` gives it.
        source: What to call the file in a message.

    Returns:
        The points that the measurements name, their constructions, formulas, norms and grades.

    Raises:
        UsageError: Names the file, the place in it and how to mend it.
    """
    keys = Place(source, "the analysis", content).keys(ANALYSIS_KEYS, ("title",))
    return Schema(
        name=Path(source).stem,
        version=1,
        title=keys["title"].text(),
        task="pose",
        view="any",
        classes=("any",),
        landmarks=_landmarks(keys["landmarks"]) if "landmarks" in keys else (),
        measurements=_formulas(keys["measurements"]) if "measurements" in keys else (),
        constructions=_constructions(keys["constructions"]) if "constructions" in keys else {},
        results=rules_of(keys["results"]) if "results" in keys else (),
    )


def _lenders(place: Place) -> tuple[str, ...]:
    return (place.text(),) if isinstance(place.value, str) else place.names()


def _constructions(place: Place) -> dict[str, str]:
    found = {}
    for name, formula in place.keys(None).items():
        if not isinstance(name, str) or not _CONSTRUCTION_NAME.fullmatch(name):
            raise place.wrong(f"has the name {name!r} -- letters, digits, _ and ' make a name such as MP")
        found[name] = formula.text()
    return found


def _landmarks(place: Place) -> tuple[LandmarkDefinition, ...]:
    found = tuple(_landmark(item) for item in place.items())
    place.told_once([name for landmark in found for name in (landmark.name, *landmark.aliases)])
    return found


def _landmark(place: Place) -> LandmarkDefinition:
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


def _formulas(place: Place) -> tuple[MeasurementFormula, ...]:
    found = tuple(_formula(item) for item in place.items())
    place.told_once([formula.name for formula in found])
    return found


def _formula(place: Place) -> MeasurementFormula:
    needed = ("name", "unit", "formula", "definition")
    keys = place.keys((*needed, "title", "source", "groups", "norms", "grades", "least_change"), needed)
    name = keys["name"].text()
    if not _MEASUREMENT_NAME.fullmatch(name):
        raise keys["name"].wrong(
            f"is {name!r} -- small letters, digits and _ make a name such as facial_angle"
        )
    groups = keys["groups"].names() if "groups" in keys else ()
    for group in groups:
        if not _MEASUREMENT_NAME.fullmatch(group):
            raise keys["groups"].wrong(
                f"tells {group!r} -- small letters, digits and _ make a name such as downs"
            )
    return MeasurementFormula(
        name=name,
        unit=keys["unit"].choice(UNITS),
        formula=keys["formula"].text(),
        definition=keys["definition"].text(),
        title=keys["title"].text() if "title" in keys else "",
        source=keys["source"].text() if "source" in keys else "",
        groups=groups,
        norms=norms_of(keys["norms"]) if "norms" in keys else (),
        grades=grades_of(keys["grades"]) if "grades" in keys else (),
        least_change=least_change_of(keys["least_change"]) if "least_change" in keys else None,
    )


def _pairs(place: Place, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
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


def _mirrored(place: Place, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    pairs = _pairs(place, names)
    place.told_once([name for pair in pairs for name in pair])
    return pairs


def _colours(place: Place, classes: Sequence[str]) -> dict[str, str]:
    return {name: colour.text() for name, colour in place.keys(classes, ()).items()}
