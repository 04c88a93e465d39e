from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Scene
from spinekit.runs import Journal
from spinekit.schemas import load_schema
from spinekit.workflows import building
from spinekit.workflows.predictions import Films

POINTS = Scene(ImageRef(Path("a.png"), 9, 9, name="a.png"), load_schema("orbit-4"))
MASKS = Scene(ImageRef(Path("b.png"), 9, 9, name="b.png"), load_schema("mri-lumbar"))


@dataclass(frozen=True)
class PointsAlone:
    """A format that holds points and nothing else."""

    def write(self, scenes: Iterable[Scene], folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        for scene in scenes:
            (folder / f"{scene.image.name}.txt").write_text("begun")
            if not scene.schema.landmarks:
                raise AnnotationError(f"{scene.image.name}: has no landmarks -- write it in another format")


def saved(folder: Path, scenes: list[Scene], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    def made(*_: object) -> Iterator[Scene]:
        return iter(scenes)

    monkeypatch.setattr(building, "annotation_format", lambda _: PointsAlone())
    monkeypatch.setattr(building, "_scenes", made)
    nothing = cast("Any", None)
    return building.save_as("points", folder, cast("Journal", nothing), (), cast("Films", nothing))


def test_what_a_format_cannot_hold_is_left_out_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (line,) = saved(tmp_path, [POINTS, MASKS], monkeypatch)
    assert line.startswith("--save points: mri-lumbar is left out: b.png: has no landmarks")
    assert [path.name for path in (tmp_path / "points").rglob("*.txt")] == ["a.png.txt"]


def test_nothing_half_stays_where_nothing_can_be_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(saved(tmp_path, [MASKS], monkeypatch)) == 1
    assert not list(tmp_path.iterdir())


def test_what_can_be_held_is_not_spoken_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert saved(tmp_path, [POINTS], monkeypatch) == []
    assert (tmp_path / "points" / "a.png.txt").is_file()
