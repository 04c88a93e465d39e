"""A small YOLO data set of spines, sound unless a test spoils it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from spinekit.core.image import FloatArray
from tests.anatomy.spines import quads_of

HEIGHT, WIDTH = 1500, 700
SETTINGS = """train: images/train
val: images/val
names: [vertebra]
kpt_shape: [4, 3]
flip_idx: [1, 0, 3, 2]
kpt_names: {0: [TL, TR, BL, BR]}
kpt_oks_sigmas: [0.05, 0.05, 0.05, 0.05]
"""


def rows_of(quads: FloatArray) -> list[str]:
    """Pose rows of bodies."""
    rows = []
    for quad in quads:
        (left, top), (right, bottom) = quad.min(axis=0) - 4, quad.max(axis=0) + 4
        box = (left + right + 1) / 2 / WIDTH, (top + bottom + 1) / 2 / HEIGHT, (right - left) / WIDTH
        points = " ".join(f"{(x + 0.5) / WIDTH:.7f} {(y + 0.5) / HEIGHT:.7f} 2" for x, y in quad)
        rows.append(f"0 {' '.join(f'{value:.7f}' for value in (*box, (bottom - top) / HEIGHT))} {points}")
    return rows


def label(folder: Path, number: int) -> Path:
    """The label file of a film."""
    return folder / "labels" / part_of(number) / f"film{number:02d}.txt"


def image(folder: Path, number: int) -> Path:
    """The image of a film."""
    return folder / "images" / part_of(number) / f"film{number:02d}.png"


def part_of(number: int) -> str:
    return "train" if number % 4 else "val"


def write_films(folder: Path, count: int = 8) -> Path:
    """Writes so many films, their labels and ``data.yaml``; a film's number is its seed."""
    for number in range(count):
        path = image(folder, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = np.random.default_rng(number).integers(0, 256, (15, 7), dtype=np.uint8)
        PillowImage.fromarray(coarse).resize((WIDTH, HEIGHT), PillowImage.Resampling.BILINEAR).save(
            path, compress_level=1
        )
        write_rows(label(folder, number), rows_of(quads_of(number, 12.0)))
    (folder / "data.yaml").write_text(SETTINGS)
    return folder


def write_rows(path: Path, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows))


def spoil(path: Path, line: int, token: int, value: str) -> None:
    """Writes another value into a row (both counted from 0)."""
    rows = path.read_text().splitlines()
    tokens = rows[line].split()
    tokens[token] = value
    rows[line] = " ".join(tokens)
    write_rows(path, rows)
