"""How often `auto` picks the right model, and how often it takes for an anatomy it knows what is none of them.

    SPINEKIT_DATA=<folder of the data sets> python benchmarks/auto.py [--films N] [--write]

The films of every data set's test part lie mixed, their file names and folders unknown to the choice. Strangers are
images that no shipped model is for: scikit-image's photographs and micrographs, noise and patterns, and where the
data folder has them other people's DICOM files and unlabelled films. The last two, and some patterns, were looked at
while the thresholds of the choice were set; the photographs were not. ``--write`` lays the table into docs/models.md.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from skimage import data as photographs

from spinekit.core.errors import SpinekitError
from spinekit.core.image import Image, ImageRef, UInt8Array
from spinekit.core.scene import Scene
from spinekit.files import write_text
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import find_files, read_images
from spinekit.models.weights import shipped_names
from spinekit.workflows.accuracy import recipe_path
from spinekit.workflows.reading import ModelChoice
from spinekit.workflows.recipe import part_of_scene, read_labelled
from spinekit.workflows.split import read_split
from spinekit.workflows.train_settings import TrainSettings, read_recipe

PAGE = Path("docs/models.md")
_BEGIN, _END = "<!-- figures of auto -->", "<!-- end of figures of auto -->"
_PHOTOGRAPHS = (
    "astronaut", "brick", "camera", "cat", "cell", "checkerboard", "chelsea", "clock", "coffee", "coins",
    "colorwheel", "grass", "gravel", "hubble_deep_field", "horse", "immunohistochemistry", "logo",
    "microaneurysms", "moon", "page", "retina", "rocket", "shepp_logan_phantom", "text",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=10_000, help="at most so many of each kind")
    parser.add_argument("--write", action="store_true", help=f"lay the table into {PAGE}")
    arguments = parser.parse_args()
    choice = ModelChoice("auto")
    rows = []
    right = total = 0
    for model in (name for name in shipped_names() if name in of_auto()):
        answers = Counter(answer(choice, image) for image in known(model, arguments.films))
        good = answers.pop(model, 0)
        count = good + answers.total()
        right, total = right + good, total + count
        seen = read_recipe(recipe_path(model)).split is None
        title = f"films of `{model}`, which it learnt from" if seen else f"test part of `{model}`"
        rows.append((title, count, good, worded(answers)))
        print(*rows[-1], flush=True)
    rows.append(("**all of them, mixed**", total, right, f"{right / total:.1%} right"))
    for title, images in strangers(arguments.films):
        answers = Counter(answer(choice, image) for image in images)
        refused = answers.pop("", 0)
        if refused + answers.total():
            rows.append((title, refused + answers.total(), refused, worded(answers)))
            print(*rows[-1], flush=True)
    lines = ["| images | n | right | otherwise |", "|---|---|---|---|"]
    lines += [f"| {title} | {count} | {good} | {other} |" for title, count, good, other in rows]
    print("\n".join(lines))
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        head, rest = page.split(_BEGIN)
        write_text(PAGE, head + _BEGIN + "\n\n" + "\n".join(lines) + "\n\n" + _END + rest.split(_END)[1])


def of_auto() -> set[str]:
    """Models that `auto` chooses among; a second model for the same films is named by the user."""
    return set(shipped_names()) - {"spine-ap-seg"}


def answer(choice: ModelChoice, image: Image) -> str:
    """The model that read an image, or an empty word where all refused."""
    reading = choice.read(image)
    return "" if reading.refusal or reading.scene is None else reading.model


def worded(answers: Counter[str]) -> str:
    return ", ".join(f"{count} {name or 'refused'}" for name, count in answers.most_common()) or "-"


def known(model: str, most: int) -> Iterator[Image]:
    """Test films of a model's data set, without what their names tell."""
    recipe = read_recipe(recipe_path(model))
    for scene in list(test_scenes(recipe))[:most]:
        image = next(read_images(scene.image.path, ReadOptions()))
        yield image


def test_scenes(recipe: TrainSettings) -> Iterator[Scene]:
    """Of the fixed test part; every film of a set that is told by folds."""
    parts = None if recipe.split is None else read_split(recipe.split)
    for scene in read_labelled(recipe):
        if parts is None or part_of_scene(scene, parts) == "test":
            yield scene


def strangers(most: int) -> Iterator[tuple[str, Iterator[Image]]]:
    """Images that no shipped model is for, by kind."""
    yield "scikit-image's photographs and micrographs", photographed()
    yield "noise, gradients and patterns", patterns()
    folder = Path(os.environ["SPINEKIT_DATA"])
    for name, title in (
        ("dicom", "other people's DICOM files, frame by frame"),
        ("spine_xray_unlabelled", "unlabelled spine films of other kinds"),
    ):
        if (folder / name).is_dir():
            yield title, files(folder / name, most)


def files(folder: Path, most: int) -> Iterator[Image]:
    """Every image of a folder that can be read."""
    left = most
    for found in find_files((folder,), None):
        if found.skip is not None:
            continue
        try:
            for image in read_images(found.path, ReadOptions(root=found.root)):
                if left <= 0:
                    return
                left -= 1
                yield image
        except SpinekitError:
            continue


def photographed() -> Iterator[Image]:
    for name in _PHOTOGRAPHS:
        try:
            pixels = np.asarray(getattr(photographs, name)())
        except Exception:  # noqa: BLE001  (pictures that are fetched on demand are passed over)
            continue
        if pixels.ndim == 3:
            pixels = pixels[..., :3].mean(axis=2)
        yield as_image(np.asarray(255 * (pixels / max(float(pixels.max()), 1e-9)), dtype=np.uint8))


def patterns() -> Iterator[Image]:
    rng = np.random.default_rng(0)
    for height, width in ((640, 640), (1200, 500), (512, 512), (2400, 1935)):
        y, x = np.mgrid[:height, :width]
        yield as_image(rng.integers(0, 256, (height, width), dtype=np.uint8))
        yield as_image(np.clip(rng.normal(128, 20, (height, width)), 0, 255).astype(np.uint8))
        yield as_image((255 * y / height).astype(np.uint8))
        yield as_image(((x // 32 + y // 32) % 2 * 200).astype(np.uint8))
        yield as_image((127 + 120 * np.sin(y / 20)).astype(np.uint8))


def as_image(pixels: UInt8Array) -> Image:
    return Image(ImageRef(Path("image.png"), *pixels.shape, name="image.png"), np.ascontiguousarray(pixels))


if __name__ == "__main__":
    main()
