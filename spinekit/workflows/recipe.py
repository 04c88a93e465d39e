"""What every recipe of a training says of its data, and the way from there to labelled films."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from spinekit.core.errors import ReadError, UsageError
from spinekit.core.image import UInt8Array
from spinekit.core.scene import Scene
from spinekit.formats.plugin import LabelOptions, ReadOptions
from spinekit.formats.reading import read_images
from spinekit.schemas import load_yaml, nearest
from spinekit.workflows.labelled import open_labelled


def expanded(text: str) -> str:
    """A path in which ``$SPINEKIT_DATA`` stands for that variable.

    Raises:
        ValueError: If the variable is not set.
    """
    if "$SPINEKIT_DATA" not in text:
        return text
    if "SPINEKIT_DATA" not in os.environ:
        raise ValueError("$SPINEKIT_DATA is not set -- set it to the folder of your data sets")
    return text.replace("$SPINEKIT_DATA", os.environ["SPINEKIT_DATA"])


class LabelledData(BaseModel):
    """The part of a recipe that says what is learned from; an unknown word in it is refused.

    Attributes:
        name: Of the model to be.
        data: Folder of the labelled data; ``$SPINEKIT_DATA`` in it stands for that variable.
        format: Annotation format, see ``spinekit formats``; None to tell it by the content.
        annotations: Annotation file inside ``data``, where the format needs one.
        images: Folder of the images inside ``data``, where it is not the format's own.
        schema_name: What the model is to say.
        data_schema: What the data say, where it differs (levels as mask classes from named corners).
        split: Table of ``name,group,part``; where left out, one is made by a hash of the groups (70, 10, 20 %).
        keep_noted: Whether films whose labels carry a remark (suspect labels) are trained on.
        seed: Of everything random.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    name: str
    data: Path
    format: str | None = None
    annotations: str | None = None
    images: str | None = None
    schema_name: str = Field(alias="schema")
    data_schema: str | None = None
    split: Path | None = None
    keep_noted: bool = False
    seed: int = Field(0, ge=0)

    @field_validator("data", "split", mode="before")
    @classmethod
    def _expand_one(cls, value: object) -> object:
        return None if value is None else expanded(str(value))


Recipe = TypeVar("Recipe", bound=BaseModel)


def recipe_content(path: Path, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The settings in a YAML file, with those of the command line laid over them.

    Args:
        path: E.g. ``experiments/spine-ap-pose.yaml``.
        overrides: Settings by name; None leaves the recipe's.

    Raises:
        UsageError: If the file holds something else.
    """
    content = load_yaml(path)
    if not isinstance(content, dict):
        raise UsageError(f"{path}: a recipe is a list of settings like 'epochs: 30'")
    laid = {key: value for key, value in (overrides or {}).items() if value is not None}
    return {**content, **laid}


def settings_of(kind: type[Recipe], content: Mapping[str, Any], source: str) -> Recipe:
    """Settings from loose values; what is wrong is said in one line.

    Raises:
        UsageError: Naming the setting, what is wrong with it and the nearest known name.
    """
    try:
        return kind.model_validate(dict(content))
    except ValidationError as error:
        # A misspelt setting is the cause of the missing one beside it, so it is told first.
        faults = sorted(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        first = faults[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = [field.alias or key for key, field in kind.model_fields.items()]
            raise UsageError(f"{source}: there is no setting {name!r} -- {nearest(name, known)}") from None
        if first["type"] == "missing":
            raise UsageError(
                f"{source}: the setting {name!r} is missing -- add a line '{name}: ...'"
            ) from None
        message = first["msg"].removeprefix("Value error, ")
        given = first.get("input")
        raise UsageError(f"{source}: {name} is {given!r} -- {message[:1].lower()}{message[1:]}") from None


def split_table(settings: LabelledData) -> Path:
    """The table that divides a recipe's data.

    Raises:
        UsageError: If the recipe names none.
    """
    if settings.split is None:
        raise UsageError(f"{settings.name}: no split -- write one with spinekit dataset split, and name it")
    return settings.split


def read_labelled(settings: LabelledData, notice: Callable[[str], None] | None = None) -> Iterator[Scene]:
    """The labelled scenes of a recipe's data, without their pixels.

    Args:
        settings: The recipe.
        notice: Told of everything that is passed over.
    """
    source = settings.data / settings.annotations if settings.annotations else settings.data
    images = settings.data / settings.images if settings.images else None
    options = LabelOptions(images) if notice is None else LabelOptions(images, notice=notice)
    _, scenes = open_labelled(source, settings.format, settings.data_schema or settings.schema_name, options)
    yield from scenes


def part_of_scene(scene: Scene, parts: Mapping[str, str]) -> str | None:
    """The part of a scene by its name, or by its file's name alone."""
    return parts.get(scene.image.name) or parts.get(Path(scene.image.name).name)


def scenes_by_part(
    settings: LabelledData, parts: Mapping[str, str], notice: Callable[[str], None] | None = None
) -> dict[str, list[Scene]]:
    """The labelled scenes of each part; films with a remark are left out unless the recipe keeps them.

    Args:
        settings: The recipe.
        parts: Part by name of the image.
        notice: Told of what is passed over.

    Raises:
        UsageError: If nothing is left to train on or to choose by.
    """
    found: dict[str, list[Scene]] = {"train": [], "val": [], "test": []}
    for scene in read_labelled(settings, notice):
        part = part_of_scene(scene, parts)
        if part is not None and (settings.keep_noted or not scene.notes):
            # The split alone decides what stays together; groups of the reader may be finer.
            found[part].append(replace(scene, group=""))
    for part in ("train", "val"):
        if not found[part]:
            raise UsageError(
                f"{settings.split}: no labelled image of {settings.data} is in its {part} part -- "
                "give more films, or write a split of your own with spinekit dataset split"
            )
    return found


def labelled_pixels(scene: Scene) -> UInt8Array:
    """The pixels of a labelled scene, which must be of the size that the labels were made on.

    Raises:
        ReadError: If they are not.
    """
    image = next(read_images(scene.image.path, ReadOptions()))
    if image.pixels.shape != (scene.image.height, scene.image.width):
        raise ReadError(
            scene.image.path,
            f"{image.pixels.shape[1]}x{image.pixels.shape[0]} pixels, but its labels are for "
            f"{scene.image.width}x{scene.image.height}",
            "pair the labels with the image they were drawn on",
        )
    return image.pixels
