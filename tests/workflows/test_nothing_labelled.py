"""Data without a single label end with 3, whatever else they lack; assumptions of a reader are no warnings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from tests.cli.conftest import Say, say
from tests.formats.annotation_samples import save_image

__all__ = ["say"]


@pytest.mark.parametrize("verb", ["convert", "stats", "split", "preview", "check", "merge", "augment"])
@pytest.mark.parametrize("stated", [True, False])
def test_label_files_without_a_line(say: Say, tmp_path: Path, verb: str, stated: bool) -> None:
    save_image(tmp_path / "set" / "images" / "a.png")
    (tmp_path / "set" / "labels").mkdir()
    (tmp_path / "set" / "labels" / "a.txt").touch()
    words = {
        "convert": ("convert", "set", "out", "--to", "coco"),
        "merge": ("dataset", "merge", "set", "--schema", "vertebrae", "--out", "out"),
        "augment": ("dataset", "augment", "set", "--rotate", "5", "--out", "out"),
        "preview": ("dataset", "preview", "set", "--out", "sheet.png"),
    }.get(verb, ("dataset", verb, "set"))
    if verb == "merge" and stated:
        pytest.skip("a schema is named, and an image without a label is an image")
    ended = say(*words, *(("--from", "yolo") if stated else ()))
    assert ended.code == 3, ended.err
    assert verb == "check" or ended.error()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "verb", ["convert", "stats", "split", "preview", "check", "merge", "augment", "evaluate"]
)
@pytest.mark.parametrize("source", ["films", "films/a.png", "empty"])
def test_images_alone(say: Say, tmp_path: Path, verb: str, source: str) -> None:
    save_image(tmp_path / "films" / "a.png")
    save_image(tmp_path / "films" / "more" / "b.png")
    (tmp_path / "empty").mkdir()
    words = {
        "convert": ("convert", source, "out", "--to", "coco"),
        "merge": ("dataset", "merge", source, source, "--schema", "vertebrae", "--out", "out"),
        "augment": ("dataset", "augment", source, "--rotate", "5", "--out", "out"),
        "preview": ("dataset", "preview", source, "--out", "sheet.png"),
        "evaluate": ("evaluate", source, source),
    }.get(verb, ("dataset", verb, source))
    ended = say(*words)
    assert ended.code == 3, ended.err
    assert "and no annotation -- name the folder or file" in ended.error()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("form", ["yolo", "labelme", "voc", "cvat", "coco", "via", "scenes"])
def test_images_alone_that_are_said_to_be_labelled(say: Say, tmp_path: Path, form: str) -> None:
    save_image(tmp_path / "films" / "a.png")
    ended = say("convert", "films", "out", "--to", "coco", "--from", form)
    assert ended.code in (1, 3), ended.err
    assert ended.error()
    assert not (tmp_path / "out").exists()


def masks(folder: Path, values: np.ndarray) -> Path:
    save_image(folder / "images" / "a.png")
    (folder / "masks").mkdir()
    PillowImage.fromarray(values).save(folder / "masks" / "a.png")
    return folder


def test_a_reading_taken_is_a_note(say: Say, tmp_path: Path) -> None:
    values = np.zeros((30, 40), np.uint8)
    for level in range(1, 6):
        values[5 * level - 3 : 5 * level, 10:25] = level
    ended = say("dataset", "check", masks(tmp_path / "set", values), "--schema", "mri-lumbar", "--no-pixels")
    assert "note reading-taken" in ended.err
    assert "0 warnings" in ended.err
    assert ended.code == 0, ended.err


def test_masks_without_a_body_are_nothing(say: Say, tmp_path: Path) -> None:
    ended = say("convert", masks(tmp_path / "set", np.zeros((30, 40), np.uint8)), "out", "--to", "coco")
    assert ended.code == 3, ended.err
    assert "no label" in ended.error()
