"""One scene as one line of JSON and back; see `spinekit.formats.scenes` for what a line holds."""

from __future__ import annotations

import base64
import json
import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinekit.core.errors import AnnotationError
from spinekit.core.image import FloatArray, ImageRef
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.outline import Outline
from spinekit.core.scene import Author, Instance, Raster, Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.plugin import MAX_PIXELS
from spinekit.formats.scenes_schema import schema_to_json
from spinekit.formats.sources import parse_json, split_frame, unsafe_name

NAME = "spinekit-scene"
VERSION = 1

Json = dict[str, Any]


def to_line(scene: Scene) -> str:
    """A scene as one line of JSON, without the line's end.

    Raises:
        ValueError: If a number that must be there is NaN or infinite.
    """
    schema = scene.schema
    content: Json = {
        "format": NAME,
        "version": VERSION,
        "schema": schema_to_json(schema),
        "image": _image_to_json(scene.image),
        "model": scene.model,
        "group": scene.group,
        "covariates": dict(scene.covariates),
        "notes": list(scene.notes),
        "instances": [instance_to_json(item) for item in scene.instances],
        "raster": None if scene.raster is None else _raster_to_json(scene.raster),
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def from_line(line: str, schema: Schema, images: Path, where: str) -> Scene:
    """The scene of a line.

    Args:
        line: As `to_line` writes it.
        schema: Must have the fingerprint that the line names.
        images: Folder that the image's name is relative to.
        where: File and line, for messages.

    Raises:
        AnnotationError: If the line is broken, of a newer version or of another schema.
    """
    return scene_from_json(parse_json(line, where), schema, images, where)


def scene_from_json(content: object, schema: Schema, images: Path, where: str) -> Scene:
    """The scene of a line that is parsed already.

    Args:
        content: Of the line.
        schema: Must have the fingerprint that the line names.
        images: Folder that the image's name is relative to.
        where: File and line, for messages.

    Raises:
        AnnotationError: As `from_line`.
    """
    if not isinstance(content, dict) or content.get("format") != NAME:
        raise AnnotationError(f"{where}: is no {NAME} -- name a file that spinekit wrote")
    if content.get("version") != VERSION:
        raise AnnotationError(
            f"{where}: is of version {content.get('version')!r}, this spinekit reads {VERSION} -- update it"
        )
    try:
        stated = content["schema"]
        if stated["fingerprint"] != schema.fingerprint():
            raise AnnotationError(
                f"{where}: was made with schema {stated['name']} version {stated['version']}, not with this "
                f"{schema.name} version {schema.version} -- read it with the schema that it names"
            )
        image = _image_from_json(content["image"], images)
        raster = content["raster"]
        return Scene(
            image,
            schema,
            tuple(instance_from_json(item) for item in content["instances"]),
            None if raster is None else _raster_from_json(raster, image),
            str(content["model"]),
            tuple(str(note) for note in content["notes"]),
            str(content["group"]),
            _covariates(content.get("covariates", {})),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, zlib.error) as error:
        # Every misshapen member ends here: what the line lacks is named, the file stands.
        what = f"lacks {error}" if isinstance(error, KeyError) else f"is misshapen ({error})"
        raise AnnotationError(f"{where}: {what} -- write the file again") from error


def _image_to_json(ref: ImageRef) -> Json:
    spacing = ref.spacing
    stated = spacing and {"row_mm": spacing.row_mm, "col_mm": spacing.col_mm, "origin": spacing.origin.value}
    return {
        "name": ref.name or ref.path.name,
        "height": ref.height,
        "width": ref.width,
        "spacing": stated,
        "aspect": ref.aspect,
        "sha256": ref.sha256,
        "frame": ref.frame,
        "provenance": dict(ref.provenance),
        "hints": dict(ref.hints),
    }


def _image_from_json(content: Json, images: Path) -> ImageRef:
    name = _text(content["name"])
    if unsafe_name(name):
        raise ValueError(unsafe_name(name))
    height, width = _count(content["height"]), _count(content["width"])
    if height * width > MAX_PIXELS:
        raise ValueError(f"an image of {width} x {height} px")
    spacing = content["spacing"]
    frame = content["frame"]
    return ImageRef(
        images / (name if frame is None else split_frame(name)[0]),
        height,
        width,
        spacing
        and Spacing(float(spacing["row_mm"]), float(spacing["col_mm"]), SpacingOrigin(spacing["origin"])),
        float(content["aspect"]),
        _text(content["sha256"]),
        None if frame is None else _count(frame),
        name,
        _texts(content["provenance"]),
        _texts(content["hints"]),
    )


def instance_to_json(item: Instance) -> Json:
    """An instance as the member of a line."""
    outline, shares = item.outline, item.level_shares
    return {
        "label": item.label,
        "box": [float(value) for value in item.box],
        "outline": outline
        and {
            "rings": [ring.tolist() for ring in outline.rings],
            "holes": [ring.tolist() for ring in outline.holes],
        },
        "landmarks": None if item.landmarks is None else _landmarks_to_json(item.landmarks),
        "score": float(item.score),
        "author": item.author.value,
        "reader": item.reader,
        "flags": list(item.flags),
        **({} if shares is None else {"level_shares": _or_nulls(shares)}),
    }


def instance_from_json(content: Json) -> Instance:
    """The instance of a member of a line.

    Raises:
        KeyError, TypeError, ValueError, IndexError, AttributeError: If it is misshapen.
    """
    left, top, right, bottom = (float(value) for value in content["box"])
    outline, points = content["outline"], content["landmarks"]
    return Instance(
        _text(content["label"]),
        (left, top, right, bottom),
        outline and Outline(*(tuple(map(_ring, outline[part])) for part in ("rings", "holes"))),
        None if points is None else _landmarks_from_json(points),
        float(content["score"]),
        Author(content["author"]),
        None if content["reader"] is None else _text(content["reader"]),
        tuple(_text(flag) for flag in content["flags"]),
        _shares(content.get("level_shares")),
    )


def _landmarks_to_json(points: Landmarks) -> list[Json]:
    absent = Visibility.ABSENT.value
    lines: list[Json] = [
        {"name": name, "xy": None if seen == absent else xy, "visibility": seen}
        for name, xy, seen in zip(points.names, points.xy.tolist(), points.visibility.tolist(), strict=True)
    ]
    if points.score is not None:
        for line, score in zip(lines, _or_nulls(points.score), strict=True):
            line["score"] = score
    if points.spread is not None:
        for line, spread in zip(lines, points.spread, strict=True):
            line["spread"] = _or_nulls(spread)
    return lines


def _landmarks_from_json(lines: list[Json]) -> Landmarks:
    names = tuple(_text(line["name"]) for line in lines)
    xy = [[np.nan, np.nan] if line["xy"] is None else line["xy"] for line in lines]
    scored = any("score" in line for line in lines)
    spread = any("spread" in line for line in lines)
    return Landmarks(
        names,
        np.array(xy, dtype=np.float64).reshape(-1, 2),
        np.array([Visibility(line["visibility"]) for line in lines], dtype=np.int8),
        np.array([_or_nan(line["score"]) for line in lines]) if scored else None,
        np.array([[_or_nan(value) for value in line["spread"]] for line in lines]) if spread else None,
    )


def _raster_to_json(raster: Raster) -> Json:
    content: Json = {}
    if raster.labels is not None:
        content["labels"] = _runs(raster.labels)
    if raster.probability is not None:
        packed = zlib.compress(raster.probability.astype("<f4").tobytes(), 6)
        content["probability"] = base64.b64encode(packed).decode("ascii")
    return content


def _raster_from_json(content: Json, image: ImageRef) -> Raster:
    shape = (image.height, image.width)
    labels: npt.NDArray[np.uint8] | None = None
    if "labels" in content:
        values = np.array(content["labels"], dtype=np.int64).reshape(-1, 2)
        if values.min(initial=0) < 0 or values[:, 0].max(initial=0) > 255:
            raise ValueError("a run outside 0..255")
        if int(values[:, 1].sum()) != image.height * image.width:
            raise ValueError(f"runs for {int(values[:, 1].sum())} pixels of {image.height * image.width}")
        labels = np.repeat(values[:, 0].astype(np.uint8), values[:, 1]).reshape(shape)
    probability: npt.NDArray[np.float32] | None = None
    if "probability" in content:
        expected = 4 * image.height * image.width
        unpacker = zlib.decompressobj()
        # One byte more than there should be is enough to notice, and no bomb can unfold.
        content_bytes = unpacker.decompress(base64.b64decode(content["probability"]), expected + 1)
        probability = np.frombuffer(content_bytes, dtype="<f4").astype(np.float32).reshape(shape)
    return Raster(labels, probability)


def _runs(labels: npt.NDArray[np.uint8]) -> list[list[int]]:
    """Value and length of every run of equal pixels, row by row."""
    flat = labels.ravel()
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]]) if flat.size else np.array([], dtype=np.intp)
    lengths = np.diff(np.r_[starts, flat.size])
    return [[int(value), int(length)] for value, length in zip(flat[starts], lengths, strict=True)]


def _ring(content: object) -> FloatArray:
    ring = np.array(content, dtype=np.float64).reshape(-1, 2)
    if len(ring) < 3 or not bool(np.isfinite(ring).all()):
        raise ValueError("a ring of fewer than three points")
    return ring


def _shares(content: list[float | None] | None) -> FloatArray | None:
    return None if content is None else np.array([_or_nan(value) for value in content], dtype=np.float64)


def _or_nulls(values: FloatArray) -> list[float | None]:
    """(N,) numbers, those that are none as null."""
    return [None if math.isnan(value) else value for value in values.tolist()]


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} instead of a text")
    return value


def _texts(value: Mapping[str, object]) -> dict[str, str]:
    return {_text(key): _text(item) for key, item in value.items()}


def _covariates(content: Mapping[str, object]) -> dict[str, float | str]:
    found: dict[str, float | str] = {}
    if "age_years" in content:
        found["age_years"] = float(content["age_years"])  # type: ignore[arg-type]
    if "sex" in content:
        found["sex"] = _text(content["sex"])
    return found


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"{value!r} instead of a whole number")
    return value
