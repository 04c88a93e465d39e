"""What the page shows of a scene: its instances, and the results of the engine that measures everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from spinekit.anatomy.masked_scene import with_corners
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.measurement import Measurement, Result
from spinekit.core.norm import norm_words
from spinekit.core.outline import Outline
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import LABELS
from spinekit.formats.review_lines import ReviewedImage
from spinekit.formats.sources import all_labels
from spinekit.measures import measure
from spinekit.measures.interval import DRAWS
from spinekit.views.caliper import Caliper, calipers
from spinekit.views.language import Language, language_codes, load_language
from spinekit.views.style import colour_of
from spinekit.views.wording import scale_words

Json = dict[str, Any]


def measured(
    scene: Scene, *, quick: bool = False, known: Mapping[int, Instance] | None = None, language: str = "en"
) -> Json:
    """Results and the lines to draw of them.

    Args:
        scene: As it stands or would be.
        quick: Without intervals, while something is dragged.
        known: By the identity of an unchanged instance, the same with the corners of its mask.
        language: Code of the reader's language; English where there is no such language.

    Returns:
        ``results``, ``calipers``, and ``corners``: those fitted to masks, one list of points an instance.
    """
    if quick and known:
        scene = replace(scene, instances=tuple(known.get(id(item), item) for item in scene.instances))
    cornered = with_corners(scene)
    results = measure(cornered, draws=0 if quick else DRAWS)
    words = language_of(language)
    titles = {line.name: line.title for line in scene.schema.measurements}
    return {
        "results": [_result(one, titles.get(one.name, ""), words) for one in results],
        "calipers": [_caliper(one) for one in calipers(cornered, results)],
        "corners": [_corners(old, new) for old, new in zip(scene.instances, cornered.instances, strict=True)],
    }


def cornered_items(scene: Scene) -> dict[int, Instance]:
    """By the identity of each instance that is only a mask, the same with its corners.

    Fitting corners takes longer than measuring; while one body is dragged the others keep theirs.
    """
    return {
        id(old): new
        for old, new in zip(scene.instances, with_corners(scene).instances, strict=True)
        if new is not old
    }


def _result(result: Result, title: str, words: Language) -> Json:
    if not isinstance(result, Measurement):
        return {"name": result.name, "title": title, "refused": words.saying(result.reason)}
    return {
        "name": result.name,
        "title": title,
        "value": result.value,
        "unit": result.unit,
        "text": words.number(result.value, result.unit),
        "interval": _interval(result, words),
        "scale": scale_words(result),
        "review": words.saying(result.reason) if result.status.value == "review" else "",
        "grade": result.grade,
        "norms": [norm_words(one, note=False) for one in result.norms],
        "details": dict(result.details),
        "lines": [[list(start), list(end)] for start, end in result.geometry.lines.values()],
        "points": [list(point) for point in result.geometry.points.values()],
    }


def _interval(result: Measurement, words: Language) -> str:
    if result.low is None or result.high is None:
        return ""
    low, high = (words.number(end, result.unit) for end in (result.low, result.high))
    return words.fill("interval", {"low": low, "high": high})


def _caliper(caliper: Caliper) -> Json:
    return {
        "name": caliper.name,
        "rank": int(caliper.rank),
        "segments": np.round(caliper.segments, 2).tolist(),
        "label": caliper.label,
        "below": [words for words, _ in caliper.below],
        "anchor": np.round(caliper.anchor, 2).tolist(),
        "doubtful": caliper.doubtful,
    }


def _corners(old: Instance, new: Instance) -> list[list[float]] | None:
    """Corners that were fitted to a mask, px; None where the instance has points of its own."""
    if new is old or new.landmarks is None:
        return None
    corners = new.landmarks.xy[[new.landmarks.index(name) for name in ("TL", "TR", "BR", "BL")]]
    return [[float(x), float(y)] for x, y in np.round(corners, 2) if not np.isnan(x)]


def instance_of(item: Instance, schema: Schema, words: Language) -> Json:
    """An instance as the page draws and edits it."""
    return {
        "label": item.label,
        "box": [float(value) for value in item.box],
        "landmarks": None if item.landmarks is None else _points(item.landmarks),
        "outline": None if item.outline is None else _shape(item.outline),
        "score": float(item.score),
        "author": item.author.value,
        "flags": [words.saying(flag) for flag in item.flags],
        "colour": colour_of(item, schema),
    }


def _points(points: Landmarks) -> list[Json]:
    told = []
    for index, name in enumerate(points.names):
        seen = int(points.visibility[index])
        point: Json = {
            "name": name,
            "xy": None if seen == Visibility.ABSENT else [float(value) for value in points.xy[index]],
            "visibility": seen,
        }
        if points.spread is not None and seen and bool(np.isfinite(points.spread[index]).all()):
            point["spread"] = [round(float(value), 2) for value in points.spread[index]]
        if points.score is not None and bool(np.isfinite(points.score[index])):
            point["score"] = round(float(points.score[index]), 3)
        told.append(point)
    return told


def _shape(outline: Outline) -> Json:
    return {"rings": [r.tolist() for r in outline.rings], "holes": [h.tolist() for h in outline.holes]}


def language_of(code: str) -> Language:
    """The words of a language; English where there is no such language."""
    return load_language(code if code in language_codes() else "en")


def film_of(state: ReviewedImage, language: str = "en") -> Json:
    """All that the page needs to know of a film but its pixels and its results.

    Args:
        state: Of the film.
        language: Code of the language that doubts are told in, where it knows their sentences.
    """
    scene, words = state.scene, language_of(language)
    keys = {id(item): key for key, item in state.items.items()}
    image = scene.image
    spacing = image.spacing
    return {
        "version": state.version,
        "name": image.name,
        "width": image.width,
        "height": image.height,
        "aspect": spacing.row_mm / spacing.col_mm if spacing else image.aspect,
        "spacing": spacing
        and {"row_mm": spacing.row_mm, "col_mm": spacing.col_mm, "words": LABELS[spacing.origin]},
        "calibrated": state.spacing is not None,
        "schema": scene.schema.name,
        "status": state.status.value,
        "comment": state.comment,
        "notes": [words.saying(note) for note in scene.notes],
        "model": scene.model,
        "undo": state.done[-1].action if state.done else "",
        "redo": state.undone[-1].action if state.undone else "",
        "order": [keys[id(item)] for item in scene.instances],
        "instances": {keys[id(item)]: instance_of(item, scene.schema, words) for item in scene.instances},
        "raster": raster_of(scene),
    }


def raster_of(scene: Scene) -> Json | None:
    """A semantic answer as runs of equal pixels, row by row: value and length in turn."""
    raster = scene.raster
    if raster is None or raster.labels is None:
        return None
    flat = raster.labels.ravel()
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    lengths = np.diff(np.r_[starts, flat.size])
    return {"runs": np.stack([flat[starts], lengths], axis=1).ravel().tolist()}


def schemas_of(schemas: Sequence[Schema]) -> dict[str, Json]:
    """What the page must know of landmark and class sets, by name."""
    return {
        schema.name: {
            "title": schema.title,
            "task": schema.task,
            "labels": list(all_labels(schema)) if not schema.levels else list(schema.levels),
            "levels": list(schema.levels),
            "landmarks": [{"name": point.name, "definition": point.definition} for point in schema.landmarks],
            "edges": [list(pair) for pair in schema.edges],
            "colours": dict(schema.colours),
        }
        for schema in schemas
    }
