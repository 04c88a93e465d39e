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
