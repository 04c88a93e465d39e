"""How long conversions take, and whether their memory stays flat.

    python benchmarks/convert.py [--images 1000]
    SPINEKIT_DATA=<folder of the data sets> python benchmarks/convert.py

Draws that many images with shapes and converts them to every format that can carry them, each in a process of
its own; the growth of memory is from the tenth part of the images to the last. With the real data it also
times the reading of the VIA table of 27,266 rows.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage

from spinekit.core.image import ImageRef
from spinekit.core.outline import Outline
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.formats import scenes
from spinekit.formats.registry import annotation_format, annotation_formats
from spinekit.schemas import load_schema
from spinekit.workflows.convert import ConvertSettings, convert

SCHEMA = Schema("bench", 1, "Bodies", "seg", "bench", ("body", "other"))
SIDE = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(*arguments.one)
        return
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        scenes.write(drawn(data / "images", arguments.images), data / "labels")
        targets = [form for form in annotation_formats() if form.write and "outlines" in form.keeps_of("seg")]
        print(f"{arguments.images} images of {SIDE} x {SIDE} px, 5 shapes each")
        for form in targets:
            words = [sys.executable, __file__, "--one", str(data), form.name, str(data / form.name)]
            print(
                subprocess.run(words, capture_output=True, text=True, check=True).stdout, end="", flush=True
            )
    if "SPINEKIT_DATA" in os.environ:
        via_table(Path(os.environ["SPINEKIT_DATA"]) / "orbit" / "bmp.csv")


def one(folder: str, to: str, out: str) -> None:
    """Converts and prints seconds and growth of memory."""
    memory: dict[int, float] = {}

    def watch(what: str, done: int, total: int) -> None:
        if what == "writing" and done in {total // 10, total}:
            memory[done] = resident_mb()

    started = time.perf_counter()
    settings = ConvertSettings(
        source=Path(folder, "labels"), out=Path(out), to=to, images=Path(folder, "images")
    )
    done = convert(settings, watch)
    seconds = time.perf_counter() - started
    first, last = (memory[key] for key in sorted(memory))
    print(
        f"  {to:12} {seconds:6.1f} s  {1000 * seconds / done.images:5.1f} ms an image  "
        f"memory {last:.0f} MB, grown by {last - first:+.1f} MB"
    )


def resident_mb() -> float:
    """Memory of this process that is in use now, MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def drawn(folder: Path, count: int) -> Iterator[Scene]:
    """Images of noise with shapes of 40 corners."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    for index in range(count):
        path = folder / f"{index:05}.png"
        PillowImage.fromarray(random.integers(0, 255, (SIDE, SIDE), np.uint8)).save(path, compress_level=1)
        shapes = []
        for row in range(5):
            centre = np.array([SIDE / 2, 30 + 48 * row])
            ring = centre + np.column_stack([np.cos(turn), np.sin(turn)]) * random.uniform(8, 20)
            outline = Outline((ring.round(3),))
            shapes.append(Instance(SCHEMA.classes[row % 2], outline.box, outline))
        yield Scene(ImageRef(path, SIDE, SIDE, name=path.name), SCHEMA, tuple(shapes))


def via_table(path: Path) -> None:
    """Times the reading of a long VIA table."""
    read = annotation_format("via").read
    assert read is not None
    started = time.perf_counter()
    count = sum(1 for _ in read(path, load_schema("orbit-4")))
    rows = path.read_bytes().count(b"\n")
    print(f"VIA table of {rows} rows: {count} images in {time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    main()
