"""Masks: one PNG, TIFF or BMP per image whose pixel values say what is there.

A folder with ``image/`` and ``label/`` (or ``images/`` and ``masks/``, ``dicom/`` ...), files paired by name;
images may be DICOM. Pixels need no half pixel: an outline runs along the edges of the mask's own pixels.
A mask is of one of three kinds: a value is a class, a value is a body, or (binary) bodies are what hangs
together. A small ``masks.yaml`` says which, and what the values mean: `spinekit.formats.mask_table`; where it
is missing only one sound reading is taken: `spinekit.formats.mask_meaning`. What is written here has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Absent, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.formats.dicom_person import covariates_of, group_of
from spinekit.formats.level_schema import level_vocabulary
from spinekit.formats.mask_bodies import instances_of, raster_of, runs_upwards, tell_of_levels
from spinekit.formats.mask_meaning import derived
from spinekit.formats.mask_pairs import (
    MaskPair,
    images_beside,
    mask_files,
    mask_folder,
    page_images,
    pairs,
    pairs_of,
)
from spinekit.formats.mask_pixels import MaskPage, looks_like_picture, mask_pages
from spinekit.formats.mask_table import FILE, MaskTable, find_table, fitted
from spinekit.formats.mask_writing import write
from spinekit.formats.plugin import AS_IT_LIES, AnnotationFormat, LabelOptions, Vocabulary
from spinekit.formats.sources import ImageFolder, image_folder, in_schema_order

__all__ = ["FORMAT", "read", "write"]

_SUBJECT = re.compile(r"^([A-Za-z]+\d+)_")
_FOREIGN_TABLES = ("data.yaml", "data.yml", "Annotations", "annotations.xml")
_LOOKED_AT = 3


def read(path: Path, schema: Schema, options: LabelOptions = AS_IT_LIES) -> Iterator[Scene]:
    """The images that have a mask, in the order of the masks' names.

    A semantic schema gives a raster of class indices; any other gives instances with the exact border of
    their pixels as outline. A DICOM image gives the patient's age and sex, and as group a hash of the
    patient's number; a name such as ``S01_sag32`` gives the group ``S01``. A mask of several pages is of an
    image of as many frames, or lays several layers over one image.

    Args:
        path: Folder of both folders, or of the masks alone, or the ``masks.yaml``.
        schema: Names the classes.
        options: The folder of the images, and who is told what was passed over.

    Raises:
        AnnotationError: If masks and images do not pair, a mask does not fit its image, or holds a value
            without meaning.
    """
    masks, images = _places(path, options)
    found = pairs(masks, images, options)
    stated = find_table(masks)
    folder = image_folder(images)
    table = _derived(found, schema, masks, folder, options) if stated is None else fitted(stated, schema)
    salt = path.resolve().name
    for pair in found:
        yield from _scenes(pair, folder, table, schema, options, salt, guessed=stated is None)


def detect(path: Path) -> bool:
    """Whether a folder holds masks with a table, or masks beside their images; or a file is ``masks.yaml``."""
    try:
        if path.is_dir():
            return not any((path / name).exists() for name in _FOREIGN_TABLES) and _holds_masks(path)
        return path.name == FILE and bool(mask_files(mask_folder(path)))
    except (AnnotationError, OSError):
        return False


def _holds_masks(path: Path) -> bool:
    """Whether masks lie in a folder, with a table or beside the images that they pair with."""
    masks = mask_folder(path)
    files = mask_files(masks)
    if not files:
        return False
    if any((folder / FILE).is_file() for folder in (masks, path)):
        return True
    images = images_beside(path, masks)
    if images is None or not pairs_of(masks, images):
        return False
    return all(_is_mask(file) for file in files[:_LOOKED_AT])


def vocabulary(path: Path, options: LabelOptions = AS_IT_LIES) -> Vocabulary | None:
    """The labels that the table beside the masks tells; None where there is none.

    Raises:
        AnnotationError: If the table is broken.
    """
    del options
    table = find_table(mask_folder(path))
    labels = (
        () if table is None else tuple(name for name in table.labels() if name.casefold() != "background")
    )
    if table is None or not labels:
        return None
    ground = table.values.get(0, "")
    whole = table.kind == "classes" and bool(ground) and ground.casefold() != "background"
    return level_vocabulary("sem" if whole else "seg", labels, table.schema)


def _places(path: Path, options: LabelOptions) -> tuple[Path, Path]:
    """The folder of the masks and that of the images."""
    if not path.is_dir() and path.name != FILE:
        raise AnnotationError(f"{path}: no such folder -- name the folder that holds images and masks")
    masks = mask_folder(path)
    images = options.images or images_beside(path, masks)
    if images is None:
        raise AnnotationError(f"{path}: no folder images/ beside the masks -- name it with --images")
    return masks, images


def _derived(
    found: list[MaskPair], schema: Schema, masks: Path, folder: ImageFolder, options: LabelOptions
) -> MaskTable:
    """The meaning that the values themselves leave no doubt about."""
    try:
        table, reason = derived([pair.mask for pair in found], schema, masks)
    except AnnotationError as error:
        for pair in found[:_LOOKED_AT]:
            if pair.name in folder.paths and _exchanged(pair.mask, folder.paths[pair.name]):
                raise _exchange(pair) from error
        raise
    if reason:
        options.notice(reason)
    return table


def _scenes(
    pair: MaskPair,
    folder: ImageFolder,
    table: MaskTable,
    schema: Schema,
    options: LabelOptions,
    salt: str,
    guessed: bool,
) -> Iterator[Scene]:
    """The scene of a mask, or one for each of its pages."""
    paged = page_images(pair, folder)
    if isinstance(paged, Absent):
        if not options.allow_missing:
            raise AnnotationError(f"{pair.mask}: its image {pair.name}: {paged.reason} -- mend or replace it")
        options.notice(f"{pair.mask}: its image {pair.name}: {paged.reason} -- passed over")
        return
    images, layered = paged
    if layered and schema.task == "sem":
        raise AnnotationError(f"{pair.mask}: has several pages for one image -- a class mask has one")
    pages = mask_pages(pair.mask, table.colours)
    if layered:
        (image,) = images
        bodies = [item for page in pages for item in _bodies(page, image, pair, table, schema, options)]
        yield _scene(image, bodies, pair, schema, options, salt, guessed)
        return
    for image, page in zip(images, islice(pages, len(images)), strict=True):
        if schema.task == "sem":
            _check_size(page, image, pair.mask)
            raster = raster_of(page, table, schema, pair.mask)
            yield replace(_bare(image, schema, options, salt), raster=raster)
        else:
            bodies = _bodies(page, image, pair, table, schema, options)
            yield _scene(image, bodies, pair, schema, options, salt, guessed)


def _bodies(
    page: MaskPage, image: ImageRef, pair: MaskPair, table: MaskTable, schema: Schema, options: LabelOptions
) -> list[Instance]:
    _check_size(page, image, pair.mask)
    try:
        return instances_of(page, table, schema, pair.mask, options.notice)
    except AnnotationError as error:
        if _exchanged(pair.mask, image.path):
            raise _exchange(pair) from error
        raise


def _scene(
    image: ImageRef,
    bodies: list[Instance],
    pair: MaskPair,
    schema: Schema,
    options: LabelOptions,
    salt: str,
    guessed: bool,
) -> Scene:
    """A scene of instances, once its levels are looked over."""
    ordered = in_schema_order(bodies, schema)
    levels = [item for item in ordered if item.label in schema.levels]
    if guessed and runs_upwards(levels):
        raise AnnotationError(
            f"{pair.mask}: by the order of the values {levels[-1].label} lies above {levels[0].label}: are they "
            f"counted from below? -- write {FILE} beside the masks, which names each value"
        )
    tell_of_levels(ordered, schema, pair.mask, options.notice)
    if not ordered:
        options.notice(f"{pair.mask}: holds nothing but background")
    notes = () if ordered else ("the mask is empty",)
    return replace(_bare(image, schema, options, salt), instances=ordered, notes=notes)


def _bare(image: ImageRef, schema: Schema, options: LabelOptions, salt: str) -> Scene:
    """A scene that tells the person and the group alone."""
    match = _SUBJECT.match(Path(image.name).name)
    group = group_of(image.path, salt) or (match[1] if match else "")
    return Scene(image, schema, group=group, covariates=covariates_of(image.path, options.notice))


def _check_size(page: MaskPage, image: ImageRef, path: Path) -> None:
    height, width = page.values.shape
    if (height, width) != (image.height, image.width):
        turned = " (turned by a quarter?)" if (width, height) == (image.height, image.width) else ""
        raise AnnotationError(
            f"{path}: is {width} x {height} px, its image {image.name} {image.width} x {image.height}{turned} "
            "-- export both at one size"
        )


def _exchanged(mask: Path, image: Path) -> bool:
    """Whether a mask looks like a picture and its image like a mask."""
    return not _is_mask(mask) and _is_mask(image)


def _exchange(pair: MaskPair) -> AnnotationError:
    return AnnotationError(
        f"{pair.mask}: looks like the image, and {pair.name} like its mask -- exchange the two, or the folders"
    )


def _is_mask(path: Path) -> bool:
    """Whether the first page of a file holds exact values rather than shades."""
    try:
        page = next(mask_pages(path), None)
    except AnnotationError:
        return False
    return page is not None and not looks_like_picture(page.values)


FORMAT = AnnotationFormat(
    name="mask",
    title="Masks: PNG or TIFF whose values are classes, bodies, or binary",
    keeps=frozenset({"labels", "outlines", "holes", "raster", "order"}),
    read=read,
    write=write,
    detect=detect,
    vocabulary=vocabulary,
)
