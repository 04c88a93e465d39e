"""Masks that several tests share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage

from spinekit.core.schema import Schema
from tests.formats.annotation_samples import HEIGHT, WIDTH, save_image

THINGS = Schema("things", 1, "Two things", "seg", "test", ("ring", "blob"))


def blank() -> npt.NDArray[np.uint8]:
    return np.zeros((HEIGHT, WIDTH), dtype=np.uint8)


def ring_and_blob() -> npt.NDArray[np.uint8]:
    """1 with a hole, 2 without, apart from each other."""
    values = blank()
    values[3:12, 4:14] = 1
    values[5:8, 6:9] = 0
    values[20:25, 20:30] = 2
    return values


def chain(count: int, neck: int = 4, side: int = 14) -> npt.NDArray[np.uint8]:
    """Square bodies in a column of a tall image, joined by short necks."""
    values = np.zeros((count * (side + 2) + 4, 40), dtype=np.uint8)
    for index in range(count):
        top = 2 + index * (side + 2)
        values[top : top + side, 10 : 10 + side] = 1
        if index:
            values[top - 2 : top, 10 + (side - neck) // 2 : 10 + (side + neck) // 2] = 1
    return values


def pair(folder: Path, mask: npt.NDArray[np.generic], name: str = "a", suffix: str = "") -> Path:
    """An image and its mask below ``images/`` and ``masks/``; gives the folder."""
    save_image(folder / "images" / f"{name}.png", *mask.shape[:2])
    (folder / "masks").mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(mask).save(folder / "masks" / f"{name}{suffix}.png")
    return folder
