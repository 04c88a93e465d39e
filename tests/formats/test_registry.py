from __future__ import annotations

import re
import subprocess
import sys

import pytest

from spinekit.core.errors import UsageError
from spinekit.formats import registry
from spinekit.formats.plugin import KEEPABLE, AnnotationFormat, ImageFormat
from spinekit.formats.registry import (
    annotation_format,
    annotation_formats,
    annotation_notes,
    image_formats,
)
from spinekit.schemas.content import TASKS
from tests.conftest import environment


def test_image_formats_declare_themselves() -> None:
    formats = image_formats()
    assert {"dicom", "raster"} <= {item.name for item in formats}
    assert all(isinstance(item, ImageFormat) for item in formats)
    suffixes = [suffix for item in formats for suffix in item.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(re.fullmatch(r"\.[a-z0-9]+", suffix) for suffix in suffixes)


def test_image_formats_are_found_without_loading_those_of_labels() -> None:
    """A film is read a tenth of a second sooner, here and in the processes that decode."""
    code = """
        import sys
        from spinekit.formats import registry
        found = registry.image_formats()
        assert not {"spinekit.formats.coco", "spinekit.formats.via", "spinekit.formats.scenes"} & set(sys.modules)
        all_of_them = [item for _, item in registry._declared() if isinstance(item, registry.ImageFormat)]
        assert list(found) == all_of_them, all_of_them
    """
    lines = "\n".join(line.strip() for line in code.strip().splitlines())
    subprocess.run([sys.executable, "-c", lines], env=environment(), check=True, timeout=60)


def test_no_content_belongs_to_two_image_formats() -> None:
    heads = [b"\0" * 128 + b"DICM", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0", b"words", b""]
    for head in heads:
        assert sum(item.sniff(head) for item in image_formats()) <= 1


def test_annotation_formats_declare_themselves_in_order() -> None:
    formats = annotation_formats()
    names = [item.name for item in formats]
    assert names == sorted(names)
    for item in formats:
        assert isinstance(item, AnnotationFormat)
        assert item.keeps <= KEEPABLE.keys()
        assert item.read or item.write
        assert item.title
        assert "\n" not in item.title
        assert annotation_format(item.name.upper()) is item


def test_an_unknown_name_is_answered_with_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    known = tuple(AnnotationFormat(name, name, frozenset()) for name in ("coco", "via", "yolo"))
    monkeypatch.setattr(registry, "annotation_formats", lambda: known)
    with pytest.raises(UsageError, match="did you mean yolo"):
        annotation_format("yola")
    with pytest.raises(UsageError, match="choose one of coco, via, yolo"):
        annotation_format("qqq")


def test_every_format_says_how_it_counts_and_what_it_keeps() -> None:
    for item in annotation_formats():
        assert annotation_notes(item.name).strip()
        assert item.keeps_by_task.keys() <= set(TASKS)
        for task in TASKS:
            assert item.keeps <= item.keeps_of(task) <= KEEPABLE.keys()
