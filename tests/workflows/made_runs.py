"""Folders as `spinekit predict` leaves them, made without a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from spinekit.core.image import Image
from spinekit.core.measurement import NotMeasured, Result
from spinekit.core.scene import Scene
from spinekit.formats.result_lines import results_to_line
from spinekit.formats.scenes import to_line
from spinekit.views.overlay import encode_picture
from spinekit.workflows.outputs import output_path
from tests.views.scenes import cobb, film, stack

HOSTILE = "<script>alert(1)<img src=x onerror=alert(2)>"


def one(
    name: str, shift: float = 0.0, height: int = 900, width: int = 500
) -> tuple[Image, Scene, tuple[Result, ...]]:
    """A film with a stack of bodies and some measurements."""
    image = film(height, width)
    image = replace(image, ref=replace(image.ref, name=name, path=Path(name)))
    scene = replace(stack(image, flags={"L2": ("implausible size",)}), image=image.ref)
    main = cobb(scene, "T10", "L4")
    results = (replace(main, value=main.value + shift), NotMeasured("coronal_balance", "C7 was not found"))
    return image, scene, results


def made_run(folder: Path, names: Sequence[str], films: bool = True, shift: float = 0.0) -> Path:
    """A folder with one film a name, one refused by every model, and one that failed."""
    folder.mkdir(parents=True)
    scenes, lines, files = [], [], []
    for k, name in enumerate(names):
        image, scene, results = one(name, shift * (k + 1))
        scenes.append(to_line(scene))
        lines.append(results_to_line(name, results))
        files.append({"name": name, "status": "ok", "reason": "", "sha256": "ab" * 32, "model": "stack-pose"})
        if films:
            keep(folder, image)
    refused, _, _ = one("refused.png")
    if films:
        keep(folder, refused)
    files.append({"name": "refused.png", "status": "abstained", "reason": "no model knows it -- name one"})
    files.append({"name": f"{HOSTILE}.dcm", "status": "failed", "reason": f"cut {HOSTILE} -- copy it again"})
    (folder / "predictions.jsonl").write_text("\n".join(scenes) + "\n", encoding="utf-8")
    (folder / "measurements.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    record = {
        "format": "spinekit-run", "version": 1, "settings": {"model": "auto"}, "models": {"stack-pose": "cd" * 32},
        "versions": {"spinekit": "0.1.0", "numpy": "2"}, "files": files,
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def keep(folder: Path, image: Image) -> None:
    """Lays an image down as a run does."""
    path = output_path(folder / "films", image.ref.name, ".jpg")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_picture(image.pixels, ".jpg", 88))
