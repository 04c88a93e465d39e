"""The kinds of files that are broken: sound ones to begin with, how they are broken, how they are read."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage

from spinekit.core.errors import SpinekitError
from spinekit.core.outline import to_outline
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.formats.plugin import LabelOptions, ReadOptions
from spinekit.formats.reading import read_images
from spinekit.formats.registry import annotation_format
from tests.formats.annotation_samples import POSE, SEG, body, save_image
from tests.formats.mutants import broken_bytes, broken_png, broken_text

LARGEST_SEED = 700_000
"""Bytes of a DICOM file that is still broken: reading larger ones takes longer and shows no more."""


@dataclass(frozen=True, slots=True)
class Seed:
    """A sound file.

    Attributes:
        name: With the suffix that it is read under.
        content: Its bytes.
        schema: By which labels are read.
    """

    name: str
    content: bytes
    schema: Schema | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file.

    Attributes:
        name: E.g. ``dicom``.
        seeds: Sound files; what they need besides is laid into the folder.
        broken: Breaks one.
        read: Reads a broken one as spinekit would; raises `SpinekitError`, or anything where there is a fault.
    """

    name: str
    seeds: Callable[[Path], Sequence[Seed]]
    broken: Callable[[bytes, random.Random], bytes]
    read: Callable[[Path, Seed], None]


# --- images ---


def read_as_images(path: Path, _: Seed) -> None:
    """Every image of a file, which must be whole."""
    for image in read_images(path, ReadOptions()):
        assert image.pixels.dtype == np.uint8
        assert image.pixels.shape == (image.ref.height, image.ref.width)
        one_line(*image.warnings)


def one_line(*said: str) -> None:
    """What is said fits a terminal."""
    for line in said:
        assert line
        assert line.isprintable(), repr(line)


def dicom_seeds(_: Path) -> list[Seed]:
    """The files of pydicom's wheel and of ``pydicom-data`` (where installed) that hold pixels."""
    return [
        Seed(path.name, path.read_bytes())
        for path in corpus()
        if path.stat().st_size <= LARGEST_SEED and not path.name.startswith(("DICOMDIR", "README"))
    ]


def corpus() -> list[Path]:
    """DICOM files of many makers: those that pydicom carries, then those of ``pydicom-data``."""
    import importlib.util

    import pydicom

    carried = Path(pydicom.__file__).parent / "data"
    folders = [carried / "test_files", carried / "charset_files"]
    found = importlib.util.find_spec("data_store")  # the module of pydicom-data
    if found is not None and found.submodule_search_locations:
        folders += [Path(place) / "data" for place in found.submodule_search_locations]
    return sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())


def pictures() -> list[PillowImage.Image]:
    """Small pictures in the modes of real films."""
    chance = np.random.default_rng(0)
    ramp = np.add.outer(np.arange(60), np.arange(50)).astype(np.uint8) + chance.integers(
        0, 20, (60, 50), dtype=np.uint8
    )
    grey = PillowImage.fromarray(ramp)
    modes = [grey.convert(mode) for mode in ("RGB", "RGBA", "LA", "P", "1", "CMYK")]
    return [grey, PillowImage.fromarray(ramp.astype(np.uint16) * 200), *modes]


def saved(suffix: str, **ways: Sequence[Any]) -> list[Seed]:
    """The pictures in a format, in each way of saving that it knows for a mode."""
    found = []
    for number, picture in enumerate(pictures()):
        for way, values in ways.items() or {"": ()}.items():
            for value in values or (None,):
                stream = io.BytesIO()
                try:
                    picture.save(stream, suffix, **({way: value} if way else {}))
                except (OSError, ValueError, SystemError):
                    continue  # a mode that the format, or this way of saving, does not know
                if stream.getvalue():
                    found.append(Seed(f"{number}.{suffix}", stream.getvalue()))
    return found


def with_exif() -> list[Seed]:
    """A JPEG that an EXIF entry turns."""
    exif, stream = PillowImage.Exif(), io.BytesIO()
    exif[0x0112] = 6
    pictures()[0].save(stream, "jpeg", exif=exif)
    return [Seed("turned.jpeg", stream.getvalue())]


def pages() -> list[Seed]:
    """A TIFF of three pages, and one of fractions."""
    first, stream, fractions = pictures()[0], io.BytesIO(), io.BytesIO()
    first.save(stream, "tiff", save_all=True, append_images=[first, first.convert("RGB")])
    PillowImage.fromarray(np.linspace(0, 1, 3000, dtype=np.float32).reshape(60, 50)).save(fractions, "tiff")
    return [Seed("pages.tiff", stream.getvalue()), Seed("fractions.tiff", fractions.getvalue())]


TIFF_WAYS = ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4")


# --- annotations ---


def scene(schema: Schema, images: Path) -> Scene:
    """One image with a body of points, or with a shape that has a hole."""
    mask = np.zeros((30, 40), np.bool_)
    mask[3:9, 4:12] = True
    mask[5, 6] = False
    outline = to_outline(mask)
    shape = Instance("L1", outline.box, outline, score=0.5, author=Author.MODEL)
    points = body("L2", [[2, 3], [12, 4], [3, 13], [float("nan")] * 2])
    return Scene(save_image(images / "a.png"), schema, (shape if schema is SEG else points,), group="p1")


def written_by(name: str, suffix: str) -> Callable[[Path], list[Seed]]:
    """What spinekit's own writer of a format makes of points and of shapes, where it has them."""

    def make(folder: Path) -> list[Seed]:
        form, found = annotation_format(name), []
        assert form.write is not None
        for schema, what in ((POSE, "landmarks"), (SEG, "outlines")):
            if what in form.keeps_of(schema.task):
                files = form.write([scene(schema, folder)], folder / "written" / schema.task)
                found += [
                    Seed(f"labels{suffix}", file.read_bytes(), schema)
                    for file in files
                    if file.name.endswith(suffix)
                ]
        assert found
        return found

    return make


def read_as_labels(name: str) -> Callable[[Path, Seed], None]:
    """Reads labels in every way in which commands do; all that is said must be fit to be said."""

    def read(path: Path, seed: Seed) -> None:
        form, said = annotation_format(name), list[str]()
        schema, errors = seed.schema, list[SpinekitError]()
        assert form.read is not None
        assert form.detect is not None
        assert form.vocabulary is not None
        assert schema is not None
        options = LabelOptions(path.parent, notice=said.append)
        form.detect(path)
        try:
            form.vocabulary(path, options)
        except SpinekitError as error:
            errors.append(error)
        try:
            list(form.read(path, schema, options))
        except SpinekitError as error:
            errors.append(error)
        one_line(*said)
        assert all(line.startswith(str(path.parent)) for line in said), said
        if errors:
            raise errors[-1]

    return read


# --- YAML ---


def yaml_seeds(folder: Path) -> list[Seed]:
    """Every kind of YAML that spinekit reads: sets of landmarks, cards, recipes, data sets of YOLO, maps of names."""
    import spinekit.schemas
    from spinekit.files import bundled

    package = Path(spinekit.schemas.__file__).parent
    checkout = Path(__file__).resolve().parents[2]
    save_image(folder / "images" / "a.png")
    found = [Seed(f"schema.{path.name}", path.read_bytes()) for path in sorted(package.glob("*.yaml"))]
    found += [Seed("card.yaml", path.read_bytes()) for path in sorted(bundled("weights").glob("*/card.yaml"))]
    found += [
        Seed(f"recipe.{path.name}", path.read_bytes())
        for path in sorted((checkout / "experiments").glob("*.yaml"))
    ]
    data = b"path: .\ntrain: images\nval: images\nnc: 2\nnames: {0: L1, 1: L2}\n"
    data += b"kpt_shape: [4, 3]\nflip_idx: [1, 0, 3, 2]\n"
    return [*found, Seed("data.yaml", data), Seed("map.yaml", b"classes: {a: L1, b: null}\npoints: {p: q}\n")]


def read_as_yaml(path: Path, seed: Seed) -> None:
    """By the reader of its kind."""
    from spinekit.formats.yolo_settings import read_settings
    from spinekit.models.weights import find_card
    from spinekit.schemas import load_schema
    from spinekit.workflows.mapping import read_map
    from spinekit.workflows.train_settings import read_recipe

    match seed.name.split(".")[0]:
        case "schema":
            load_schema(path)
        case "card":
            find_card(str(path.parent))
        case "recipe":
            read_recipe(path)
        case "data":
            read_settings(path)
        case "map":
            read_map(path)
        case _:
            raise AssertionError(seed.name)


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("dicom", dicom_seeds, broken_bytes, read_as_images),
        Kind("png", lambda _: saved("png", compress_level=(0, 6)), broken_png, read_as_images),
        Kind(
            "jpeg",
            lambda _: [*saved("jpeg", progressive=(False, True)), *with_exif()],
            broken_bytes,
            read_as_images,
        ),
        Kind(
            "tiff", lambda _: [*saved("tiff", compression=TIFF_WAYS), *pages()], broken_bytes, read_as_images
        ),
        Kind(
            "others",
            lambda _: [*saved("bmp"), *saved("gif"), *saved("webp", lossless=(False, True))],
            broken_bytes,
            read_as_images,
        ),
        Kind("via", written_by("via", ".json"), broken_text, read_as_labels("via")),
        Kind("coco", written_by("coco", ".json"), broken_text, read_as_labels("coco")),
        Kind("labelme", written_by("labelme", ".json"), broken_text, read_as_labels("labelme")),
        Kind("cvat", written_by("cvat", ".xml"), broken_text, read_as_labels("cvat")),
        Kind("scenes", written_by("scenes", ".jsonl"), broken_text, read_as_labels("scenes")),
        Kind("yaml", yaml_seeds, broken_text, read_as_yaml),
    )
}
