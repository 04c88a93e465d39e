"""Annotations of tools that spinekit does not read, known by sight, with what to export there instead."""

from __future__ import annotations

import itertools
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from spinekit.formats.sources import FOUND_SUFFIXES

_PEEK_BYTES = 16_384
_MOST_FILES = 200
_MOST_IMAGES = 10_000
_FOR_PEOPLE = frozenset({".md", ".pdf", ".html"})
_SHOWN_SUFFIXES = 5


@dataclass(frozen=True, slots=True)
class ForeignTool:
    """Another tool's file.

    Attributes:
        name: What it is, e.g. ``an export of Labelbox``.
        advice: What to do instead.
        marks: Patterns that the file's beginning holds, all of them.
    """

    name: str
    advice: str
    marks: tuple[re.Pattern[bytes], ...]


def _tool(name: str, advice: str, *marks: bytes) -> ForeignTool:
    return ForeignTool(name, advice, tuple(re.compile(mark, re.DOTALL) for mark in marks))


_NUMBERS = rb"(?: -?\d+(?:\.\d+)?)"
_AS_COCO = "export there as COCO JSON"

# By what the files themselves hold: the tools' names stand in their own documentation of these keys.
TOOLS: tuple[ForeignTool, ...] = (
    _tool("an export of Labelbox", "turn it into COCO JSON with Labelbox's own tools", rb'"data_row"\s*:'),
    _tool(
        "attributes alone, without annotations, of the VGG Image Annotator",
        "export the annotations there",
        rb'\A\s*\{\s*"region"\s*:\s*\{\s*"[^"]*"\s*:\s*\{\s*"type"\s*:\s*"(?:text|dropdown|radio|checkbox|image)"',
    ),
    _tool("KITTI labels", "turn them into COCO JSON or YOLO", rb"\A\S+" + _NUMBERS + rb"{14,15}\s*(?:\n|\Z)"),
    _tool("predictions of Lightly", "ask Lightly for COCO JSON", rb'"predictions"\s*:', rb'"file_name"\s*:'),
    _tool(
        "CVAT XML for video",
        "export as 'CVAT for images 1.1'",
        rb"\A\s*(?:<\?xml.*?\?>\s*)?<annotations",
        rb"<track\b|<mode>interpolation</mode>",
    ),
    _tool("an annotation of Supervisely", _AS_COCO, rb'"classTitle"\s*:', rb'"(?:points|geometryType)"\s*:'),
    _tool(
        "XML of the old LabelMe web tool",
        "open it in today's LabelMe and save it as JSON",
        rb"<annotation>",
        rb"<pt>\s*<x>|LabelMe Webtool",
    ),
    _tool("an export of Label Studio", _AS_COCO, rb'"(?:annotations|completions)"\s*:', rb'"from_name"\s*:'),
    _tool("an annotation of Darwin (V7)", _AS_COCO, rb'"schema_ref"\s*:\s*"[^"]*darwin'),
    _tool("a points file of tpsDig", "digitise in LabelMe or write COCO keypoints", rb"\ALM3?=\d+"),
    _tool("an NRRD volume", "save the slices as mask PNG, or as DICOM SEG", rb"\ANRRD000"),
    _tool("a NIfTI volume", "save the slices as mask PNG, or as DICOM SEG", rb"\A.{344}n[+i]1\0"),
    _tool("a ZIP archive", "unpack it first", rb"\APK\x03\x04"),
    _tool("a gzip archive", "unpack it first", rb"\A\x1f\x8b"),
    _tool("a PDF document", "export the annotations themselves", rb"\A%PDF"),
    _tool("a web page", "download the file itself, not the page about it", rb"(?i)\A\s*<(?:!doctype )?html"),
)
_PICTURE = re.compile(rb"\A(?:\x89PNG|\xff\xd8\xff|GIF8|BM|II\*\0|MM\0\*|RIFF....WEBP|.{128}DICM)", re.DOTALL)


def foreign_tool(path: Path) -> ForeignTool | None:
    """The tool whose annotation lies there, or None where it is none of `TOOLS`; never raises."""
    for file in _some_files(path):
        head = _head(file)
        for tool in TOOLS:
            if all(mark.search(head) for mark in tool.marks):
                return tool
    return None


def seen(path: Path) -> str:
    """What lies there in a few words: ``a picture``, ``12 .jpg, 3 .txt``, ``nothing``."""
    if path.is_file():
        head = _head(path)
        if not head:
            return "an empty file"
        return "a picture without labels" if _PICTURE.match(head) else f"a {path.suffix or 'nameless'} file"
    suffixes = Counter(file.suffix.lower() or "without suffix" for file in _some_files(path))
    counted = [f"{count} {suffix}" for suffix, count in suffixes.most_common(_SHOWN_SUFFIXES)]
    return ", ".join(counted) or "an empty folder"


def nothing_but_images(path: Path) -> bool:
    """Whether nothing lies there that labels could be in: pictures and words for people, or nothing at all."""
    if path.is_file():
        head = _head(path)
        return not head or bool(_PICTURE.match(head))
    return all(
        file.suffix.lower() in FOUND_SUFFIXES or file.suffix.lower() in _FOR_PEOPLE or not file.stat().st_size
        for file in _some_files(path, _MOST_IMAGES)
    )


def _some_files(path: Path, most: int = _MOST_FILES) -> Iterator[Path]:
    """The file itself, or the first files below a folder; links are not followed."""
    if path.is_file():
        return iter((path,))

    def below() -> Iterator[Path]:
        for folder, subfolders, files in os.walk(path):
            subfolders.sort()
            for name in sorted(files):
                file = Path(folder, name)
                if file.is_file() and not file.is_symlink():
                    yield file

    return itertools.islice(below(), most)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_PEEK_BYTES)
    except OSError:
        return b""
