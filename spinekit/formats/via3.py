"""Projects of the VGG Image Annotator 3, brought into the shapes and attributes of version 2.

A project is a JSON object of ``file`` (by number: name, kind), ``view`` (which files are shown together),
``attribute`` (by number: name, kind, options) and ``metadata``: each ``xy`` begins with the number of its
shape, ``av`` holds values by attribute, of a choice the option's number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spinekit.core.errors import AnnotationError
from spinekit.files import printable

_PARTS = ("project", "attribute", "file", "metadata", "view")
_IMAGE = 2  # the annotator's number for a file that is an image; 4 is a video, 8 sound
_BY_PATH = 3  # a file named by its path in ``src``
_CHECKBOX = 2
_POINT, _RECT, _CIRCLE, _ELLIPSE, _LINE, _POLYLINE, _POLYGON, _EXTREME_RECT, _EXTREME_CIRCLE = range(1, 10)
_FIELDS: Mapping[int, tuple[str, tuple[str, ...]]] = {
    _POINT: ("point", ("cx", "cy")),
    _RECT: ("rect", ("x", "y", "width", "height")),
    _CIRCLE: ("circle", ("cx", "cy", "r")),
    _ELLIPSE: ("ellipse", ("cx", "cy", "rx", "ry")),
}
_WITHOUT_AREA: Mapping[int, str] = {_LINE: "line", _EXTREME_CIRCLE: "circle by three points"}


@dataclass(slots=True)
class ProjectFile:
    """One file of a project.

    Attributes:
        name: Its file name.
        place: For messages.
        attributes: What is said of the whole file, by attribute name.
        rows: Place, shape and attributes of every region, as version 2 has them.
        passed: Why which regions cannot be read, one line each.
    """

    name: str
    place: str
    attributes: dict[str, Any] = field(default_factory=dict)
    rows: list[tuple[str, Any, Any]] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)


def is_project(content: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a project of version 3."""
    return {"metadata", "config"} <= content.keys() or set(_PARTS) <= content.keys()


def project_files(
    content: Mapping[str, Any], path: Path
) -> tuple[list[ProjectFile], dict[str, tuple[str, ...]]]:
    """The files of a project, and the options of those attributes that offer a choice.

    Args:
        content: The JSON object.
        path: Its file, for messages.

    Raises:
        AnnotationError: If a part is missing or broken.
    """
    for part in _PARTS:
        if not isinstance(content.get(part), dict):
            raise AnnotationError(f"{path}: is of VIA 3 but has no object {part!r} -- save the project again")
    attributes = {key: _Attribute.of(about) for key, about in content["attribute"].items()}
    files = {key: _file(key, about, path) for key, about in content["file"].items()}
    shown = {key: _first_file(key, view, files, path) for key, view in content["view"].items()}
    for key, about in content["metadata"].items():
        place = f"{path}: metadata {printable(str(key)[:40])!r}"
        if not isinstance(about, dict):
            raise AnnotationError(f"{place} is no object -- save the project again")
        owner = shown.get(str(about.get("vid")))
        if owner is None:
            raise AnnotationError(f"{place} belongs to no view of the project -- save the project again")
        _add(owner, about, attributes, place)
    return list(files.values()), {item.name: item.choice for item in attributes.values() if item.choice}


@dataclass(frozen=True, slots=True)
class _Attribute:
    name: str
    options: Mapping[str, str]
    several: bool

    @classmethod
    def of(cls, about: object) -> _Attribute:
        """An attribute's definition; what is broken in it counts as not said."""
        content = about if isinstance(about, dict) else {}
        options = content.get("options")
        told = options if isinstance(options, dict) else {}
        return cls(
            str(content.get("aname", "")),
            {str(key): str(text) for key, text in told.items()},
            content.get("type") == _CHECKBOX,
        )

    @property
    def choice(self) -> tuple[str, ...]:
        """The texts to choose from, in order."""
        return tuple(self.options.values())

    def text(self, value: object) -> str:
        """What a value means; of several ticked boxes nothing can be said."""
        given = str(value)
        if self.several and "," in given:
            return ""
        return self.options.get(given, given)


def _file(key: str, about: object, path: Path) -> ProjectFile:
    place = f"{path}: file {printable(str(key)[:40])!r}"
    content = about if isinstance(about, dict) else {}
    named = content.get("src") if content.get("loc") == _BY_PATH else content.get("fname")
    name = named or content.get("fname") or content.get("src")
    if not isinstance(name, str):
        raise AnnotationError(f"{place} has no fname -- save the project again")
    found = ProjectFile(name, place)
    if content.get("type", _IMAGE) != _IMAGE:
        raise AnnotationError(
            f"{place}: {printable(name[:80])} is a video or sound -- spinekit reads projects of images"
        )
    return found


def _first_file(key: str, view: object, files: Mapping[str, ProjectFile], path: Path) -> ProjectFile:
    listed = view.get("fid_list") if isinstance(view, dict) else None
    numbers = [str(item) for item in listed] if isinstance(listed, list) else []
    if len(numbers) != 1 or numbers[0] not in files:
        raise AnnotationError(
            f"{path}: view {printable(str(key)[:40])!r} shows {len(numbers)} files that can be told apart -- "
            "spinekit reads views of one image"
        )
    return files[numbers[0]]


def _add(
    owner: ProjectFile, about: Mapping[str, Any], attributes: Mapping[str, _Attribute], place: str
) -> None:
    """Adds what one metadata entry says to its file: a region, or words about the whole file."""
    values = about.get("av")
    said = {
        attributes[key].name: attributes[key].text(value)
        for key, value in (values if isinstance(values, dict) else {}).items()
        if key in attributes
    }
    xy = about.get("xy")
    if not xy:
        owner.attributes.update(said)
        return
    number, numbers = _taken_apart(xy)
    if number in _WITHOUT_AREA:
        owner.passed.append(f"{place}: a {_WITHOUT_AREA[number]} encloses nothing and is passed over")
        return
    owner.rows.append((place, _shape(number, numbers, place), said))


def _taken_apart(xy: object) -> tuple[int, list[Any]]:
    """The number of a shape, 0 where it is none, and what follows it."""
    number, *values = xy if isinstance(xy, list) else [None]
    return (number, values) if isinstance(number, int) and not isinstance(number, bool) else (0, values)


def _shape(number: int, values: list[Any], place: str) -> dict[str, Any]:
    """A shape as version 2 has it; its numbers are checked where regions are read."""
    if number in _FIELDS:
        name, fields = _FIELDS[number]
        if len(values) != len(fields):
            raise AnnotationError(f"{place}: {len(values)} numbers for a {name} -- draw it again")
        return {"name": name, **dict(zip(fields, values, strict=True))}
    if number in {_POLYLINE, _POLYGON, _EXTREME_RECT}:
        name = "polyline" if number == _POLYLINE else "polygon"
        shape = {"name": name, "all_points_x": values[::2], "all_points_y": values[1::2]}
        return _bounds(shape, place) if number == _EXTREME_RECT else shape
    raise AnnotationError(
        f"{place}: its xy does not begin with the number of a shape, 1 to 9 -- draw it again"
    )


def _bounds(shape: Mapping[str, Any], place: str) -> dict[str, Any]:
    """The rectangle about the four outermost points of a thing."""
    axes = shape["all_points_x"], shape["all_points_y"]
    if not all(axes) or not all(isinstance(value, int | float) for axis in axes for value in axis):
        raise AnnotationError(f"{place}: a rectangle without its outermost points -- draw it again")
    (left, top), (right, bottom) = (tuple(side(axis) for axis in axes) for side in (min, max))
    return {"name": "rect", "x": left, "y": top, "width": right - left, "height": bottom - top}
