"""What became of a file, as one line of JSON and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from spinekit.core.errors import AnnotationError
from spinekit.core.json_numbers import may_overflow

_STATUSES = {"ok", "abstained", "failed", "skipped"}
_KEPT_AS_TEXT = {"scene", "results", "image"}  # long, and written on more often than looked into

_Members = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Output:
    """A file that was written for an image.

    Attributes:
        path: Relative to the run's folder, with ``/``.
        sha256: Of its bytes.
    """

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ImageOutcome:
    """What became of one image of a file, or of a file that holds none.

    Attributes:
        name: `ImageRef.name`, or the file's.
        status: ``ok``, ``abstained``, ``failed`` or ``skipped``.
        reason: Why it gave no result, or empty.
        model: That read it.
        warnings: What a reader should know of the image.
        outputs: Written for it.
        scene: What was found as a line of JSON, or empty.
        results: What was measured as a list of JSON.
        image: What is known of an image without a scene, as JSON, or empty.
    """

    name: str
    status: str
    reason: str = ""
    model: str = ""
    warnings: tuple[str, ...] = ()
    outputs: tuple[Output, ...] = ()
    scene: str = ""
    results: str = "[]"
    image: str = ""


@dataclass(frozen=True, slots=True)
class FileOutcome:
    """What became of one file.

    Attributes:
        file: Name relative to the folder that was read.
        sha256: Of its bytes; empty where it could not be read.
        images: One for each, at least one.
    """

    file: str
    sha256: str
    images: tuple[ImageOutcome, ...]

    @property
    def failed(self) -> bool:
        """Whether any part of it failed."""
        return any(image.status == "failed" for image in self.images)


def outcome_to_line(outcome: FileOutcome) -> str:
    """A file's outcome as one line of JSON, without the line's end."""
    images = ",".join(_image_to_text(image) for image in outcome.images)
    head = _dumped({"file": outcome.file, "sha256": outcome.sha256})
    return f'{head[:-1]},"images":[{images}]}}'


def _image_to_text(image: ImageOutcome) -> str:
    """Scene and results are JSON already, and may be long: they are put in as they are."""
    head = _dumped(
        {
            "name": image.name,
            "status": image.status,
            "reason": image.reason,
            "model": image.model,
            "warnings": image.warnings,
            "outputs": [{"path": output.path, "sha256": output.sha256} for output in image.outputs],
        }
    )
    told = f',"image":{image.image}' if image.image else ""
    return f'{head[:-1]}{told},"scene":{image.scene or "null"},"results":{image.results}}}'


def outcome_from_line(line: str, where: str) -> FileOutcome:
    """The outcome of a line.

    Raises:
        AnnotationError: If it is broken.
    """
    try:
        content = _cut(line) or _parsed(line)
        return FileOutcome(
            _text(content["file"]),
            _text(content["sha256"]),
            tuple(_image_from_members(item) for item in content["images"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise AnnotationError(
            f"{where}: is no record of a file ({error}) -- run again with --force"
        ) from error


def _parsed(line: str) -> _Members:
    """A line however it is written; what is kept as text is written anew."""
    content: _Members = json.loads(line)
    for item in content["images"]:
        for name in _KEPT_AS_TEXT & set(item):
            absent = name == "scene" and item[name] is None
            item[name] = None if absent else _dumped(item[name])
    return content


def _cut(line: str) -> _Members | None:
    """A line as `outcome_to_line` writes it, with no space between its members; None for any other.

    What is kept as text is cut out of it, which takes a third of the time of writing it anew.
    """
    if may_overflow(line):
        return None
    try:
        content, end = _members(line, 0, _of_file)
    except (ValueError, IndexError, RecursionError):
        return None
    return None if line[end:].strip() else content


_Read = Callable[[str, str, int], tuple[Any, int]]


def _members(text: str, at: int, read: _Read) -> tuple[_Members, int]:
    """The members of an object that begins at a place, each as ``read`` gives it, and the place behind it.

    Raises:
        ValueError, IndexError: If there is no object, or space in it.
    """
    found: _Members = {}
    if text[at] != "{":
        raise ValueError("no object")
    while text[at] != "}":
        name, at = _value("", text, at + 1)  # behind the brace or the comma
        if not isinstance(name, str) or text[at] != ":":
            raise ValueError("no member")
        found[name], at = read(name, text, at + 1)
        if text[at] not in ",}":
            raise ValueError("no end of a member")
    return found, at + 1


def _of_file(name: str, text: str, at: int) -> tuple[Any, int]:
    if name != "images":
        return _value(name, text, at)
    if text[at] != "[":
        raise ValueError("no list")
    images: list[_Members] = []
    while text[at] != "]":
        image, at = _members(text, at + 1, _of_image)
        images.append(image)
        if text[at] not in ",]":
            raise ValueError("no end of an image")
    return images, at + 1


def _of_image(name: str, text: str, at: int) -> tuple[Any, int]:
    value, end = _value(name, text, at)
    absent = name == "scene" and value is None
    return (text[at:end] if name in _KEPT_AS_TEXT and not absent else value), end


def _value(_: str, text: str, at: int) -> tuple[Any, int]:
    return json.JSONDecoder(parse_constant=_refused).raw_decode(text, at)


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _image_from_members(item: Mapping[str, Any]) -> ImageOutcome:
    if item["status"] not in _STATUSES:
        raise ValueError(f"status {item['status']!r}")
    return ImageOutcome(
        _text(item["name"]),
        item["status"],
        _text(item["reason"]),
        _text(item["model"]),
        tuple(_text(warning) for warning in item["warnings"]),
        tuple(Output(_text(output["path"]), _text(output["sha256"])) for output in item["outputs"]),
        item["scene"] or "",
        item["results"],
        item.get("image", ""),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{str(value)[:40]!r} instead of a text")
    return value


def _dumped(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
