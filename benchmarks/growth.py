"""Whether converting and evaluating grow with the number of annotations, or with its square.

    python benchmarks/growth.py [--most 100000] [--write docs/speed.md]

Draws 1, 10 and 100 thousand shapes, in two ways: 10 on each of more and more images, and more and more on ten
images (up to a thousand on each: COCO's own matching holds every detection against every truth of its image). Each
set is converted to COCO and compared with a copy of itself that is a little off, each in a process of its own.
``exponent`` is by what power of the number the time grew in the last step; 1 is in proportion.
"""

from __future__ import annotations

import argparse
import math
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
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import Schema

BEGIN, END = "<!-- figures of benchmarks/growth.py -->", "<!-- end of growth -->"
SCHEMA = Schema("bench", 1, "Bodies", "seg", "bench", ("body", "other"))
WAYS = ("more images", "more on an image")
STEPS = ("convert", "evaluate")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--most", type=int, default=100_000)
    parser.add_argument("--write", type=Path, help="page whose table is replaced")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(one(arguments.one[0], Path(arguments.one[1])))
        return
    counts = [count for count in (1000, 10_000, 100_000) if count <= arguments.most]
    lines = [
        "| step | " + " | ".join(f"{count:,}" for count in counts) + " | exponent |",
        "| --- " * (len(counts) + 2) + "|",
    ]
    times: dict[tuple[str, str], list[float]] = {}
    for way in WAYS:
        for count in counts if way == WAYS[0] else counts[:2]:
            with tempfile.TemporaryDirectory() as folder:
                write(way, count, Path(folder))
                for step in STEPS:
                    words = [sys.executable, __file__, "--one", step, folder]
                    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
                    times.setdefault((step, way), []).append(float(said.split()[-1]))
                    print(way, count, step, said.split()[-1], flush=True)
    for (step, way), taken in sorted(times.items()):
        power = math.log10(taken[-1] / taken[-2]) if len(taken) > 1 else float("nan")
        cells = [f"{t:.1f} s" for t in taken] + ["-"] * (len(counts) - len(taken))
        lines.append(f"| {step}, {way} | {' | '.join(cells)} | {power:.2f} |")
    print("\n".join(lines))
    if arguments.write:
        page = arguments.write.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        after = rest.partition(END)[2]
        arguments.write.write_text(before + "\n".join([BEGIN, "", *lines, "", END]) + after, encoding="utf-8")


def write(way: str, count: int, folder: Path) -> None:
    """The true shapes and those that are a little off, as spinekit's own files."""
    from spinekit.formats import scenes

    images = folder / "images"
    images.mkdir()
    for name, off in (("truth", 0.0), ("found", 1.5)):
        scenes.write(drawn(way, count, images, off), folder / name)


def drawn(way: str, count: int, folder: Path, off: float) -> Iterator[Scene]:
    """Shapes of 12 corners side by side."""
    each = 10 if way == "more images" else max(10, count // 10)
    across = math.ceil(math.sqrt(each))
    side = 24 * across
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ring = 9 * np.column_stack([np.cos(turn), np.sin(turn)])
    author = Author.MODEL if off else Author.HUMAN
    for index in range(count // each):
        path = folder / f"{index:05}.png"
        if not path.exists():
            PillowImage.fromarray(np.zeros((side, side), np.uint8)).save(path)
        items = []
        for place in range(each):
            centre = np.array([24 * (place % across) + 12 + off, 24 * (place // across) + 12])
            outline = Outline((ring + centre,))
            score = 0.5 + 0.4 * (place % 7) / 7 if off else 1.0
            items.append(Instance("body", outline.box, outline, score=score, author=author))
        yield Scene(ImageRef(path, side, side, name=path.name), SCHEMA, tuple(items))


def one(step: str, folder: Path) -> float:
    """Seconds of processor of a step, without the start of Python; others on the machine do not count."""
    from spinekit import api

    started = time.process_time()
    if step == "convert":
        api.convert(
            folder / "truth",
            folder / "coco",
            to="coco",
            images=folder / "images",
            copy_images=False,
            allow_loss=True,
        )
    else:
        api.evaluate(folder / "found", folder / "truth", images=folder / "images", out=folder / "scores")
    return time.process_time() - started


if __name__ == "__main__":
    main()
