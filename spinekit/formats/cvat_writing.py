"""Scenes as XML of "CVAT for images 1.1".

Landmarks become a skeleton, an outline with holes a mask, any other its polygons, and an instance that has
neither its box. Shapes of one instance share a ``group_id``. What a model found has the source ``auto``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from spinekit.core.image import BoolArray, FloatArray, ImageRef
from spinekit.core.landmarks import Landmarks, Visibility
from spinekit.core.outline import to_mask
from spinekit.core.scene import Author, Instance, Scene
from spinekit.core.schema import Schema
from spinekit.files import atomic_path, printable
from spinekit.formats.cvat_shapes import MODEL_SOURCE
from spinekit.formats.sources import all_labels

FILE = "annotations.xml"
_ATTRIBUTES = {"score": "number", "reader": "text"}


def write(scenes: Iterable[Scene], out: Path) -> list[Path]:
    """Writes ``annotations.xml``, one scene at a time.

    Args:
        scenes: All of one schema; rasters in them are not written.
        out: Folder to write below.
    """
    target = out / FILE
    coming = iter(scenes)
    first = next(coming, None)
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write('<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n')
        if first is not None:
            stream.writelines(f"{line}\n" for line in _meta(first.schema))
            for number, scene in enumerate(itertools.chain([first], coming)):
                stream.writelines(f"{line}\n" for line in _image(scene, number))
        stream.write("</annotations>\n")
    return [target]


def _meta(schema: Schema) -> Iterator[str]:
    """The labels, those of points below those of their skeletons."""
    yield "  <meta>\n    <task>\n      <name>spinekit</name>\n      <mode>annotation</mode>\n      <labels>"
    for label in all_labels(schema):
        kind = "skeleton" if schema.landmarks else "any"
        yield f"        <label>\n          <name>{_text(label)}</name>\n          <type>{kind}</type>"
        yield "          <attributes>"
        for name, typed in _ATTRIBUTES.items():
            values = "0;1;0.0001" if typed == "number" else ""
            yield (
                f"            <attribute><name>{name}</name><mutable>False</mutable><input_type>{typed}"
                f"</input_type><default_value></default_value><values>{values}</values></attribute>"
            )
        yield "          </attributes>"
        if schema.landmarks:
            yield f"          <svg>{escape(_svg(schema))}</svg>"
        yield "        </label>"
        for name in schema.landmark_names:
            yield (
                f"        <label><name>{_text(name)}</name><type>points</type><attributes></attributes>"
                f"<parent>{_text(label)}</parent></label>"
            )
    yield "      </labels>\n    </task>\n  </meta>"


def _svg(schema: Schema) -> str:
    """The skeleton as CVAT draws it in its label's editor: nodes on a circle, joined by edges."""
    names = schema.landmark_names
    turns = 2 * np.pi * np.arange(len(names)) / len(names)
    places = np.column_stack([50 + 40 * np.cos(turns), 50 + 40 * np.sin(turns)]).round(2).tolist()
    lines = []
    for one, other in schema.edges:
        a, b = names.index(one), names.index(other)
        (x1, y1), (x2, y2) = places[a], places[b]
        lines.append(
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="black" data-type="edge" '
            f'data-node-from="{a + 1}" stroke-width="0.5" data-node-to="{b + 1}"></line>'
        )
    for index, (name, (x, y)) in enumerate(zip(names, places, strict=True), 1):
        lines.append(
            f'<circle r="1.5" stroke="black" fill="#b3b3b3" cx="{x}" cy="{y}" stroke-width="0.1" '
            f'data-type="element node" data-element-id="{index}" data-node-id="{index}" '
            f"data-label-name={_quoted(name)}></circle>"
        )
    return "".join(lines)


def _image(scene: Scene, number: int) -> Iterator[str]:
    image = scene.image
    name = _quoted(image.name or image.path.name)
    yield f'  <image id="{number}" name={name} width="{image.width}" height="{image.height}">'
    for index, item in enumerate(scene.instances, 1):
        yield from _shapes(item, index, image)
    yield "  </image>"


def _shapes(item: Instance, index: int, image: ImageRef) -> Iterator[str]:
    """The elements that an instance becomes."""
    found: list[tuple[str, str, str]] = []  # name, attributes, children
    if item.outline is not None and item.outline.rings:
        mask = to_mask(item.outline, image.height, image.width)
        if item.outline.holes and mask.any():
            found.append(("mask", _runs(mask), ""))
        else:
            found += [("polygon", f'points="{_pairs(ring)}"', "") for ring in item.outline.rings]
    if item.landmarks is not None:
        found.append(("skeleton", "", _elements(item.landmarks)))
    if not found:
        edges = zip(("xtl", "ytl", "xbr", "ybr"), item.box, strict=True)
        found.append(("box", " ".join(f'{name}="{_number(value + 0.5)}"' for name, value in edges), ""))
    source = MODEL_SOURCE if item.author is Author.MODEL else "manual"
    group = f' group_id="{index}"' if len(found) > 1 else ""
    about = "".join(
        f'      <attribute name="{name}">{_text(value)}</attribute>\n' for name, value in _said(item)
    )
    for tag, attributes, children in found:
        label = f'label={_quoted(item.label)} source="{source}" occluded="0"'
        yield f'    <{tag} {label} {attributes} z_order="0"{group}>\n{children}{about}    </{tag}>'


def _said(item: Instance) -> Iterator[tuple[str, str]]:
    if item.author is Author.MODEL or item.score != 1.0:
        yield "score", repr(float(item.score))
    if item.reader is not None:
        yield "reader", item.reader


def _elements(points: Landmarks) -> str:
    """The points of a skeleton; an absent one is outside, at the corner of the image."""
    lines = []
    for name, xy, visibility in zip(points.names, points.xy, points.visibility, strict=True):
        outside, occluded = visibility == Visibility.ABSENT, visibility == Visibility.OCCLUDED
        place = "0,0" if outside else _pairs(xy[None])
        lines.append(
            f'      <points label={_quoted(name)} source="manual" outside="{int(outside)}" '
            f'occluded="{int(occluded)}" points="{place}">\n      </points>\n'
        )
    return "".join(lines)


def _runs(mask: BoolArray) -> str:
    """A mask's bounds and the lengths of its runs therein, row by row, beginning with pixels outside."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1], columns[0], columns[-1]
    flat = mask[top : bottom + 1, left : right + 1].ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.r_[0, changes, flat.size]).tolist()
    rle = ", ".join(str(run) for run in ([0, *runs] if flat[0] else runs))
    return f'rle="{rle}" left="{left}" top="{top}" width="{right - left + 1}" height="{bottom - top + 1}"'


def _pairs(xy: FloatArray) -> str:
    return ";".join(f"{_number(x + 0.5)},{_number(y + 0.5)}" for x, y in np.asarray(xy).tolist())


def _number(value: float) -> str:
    """A coordinate to a ten-thousandth of a pixel."""
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _quoted(text: str) -> str:
    return quoteattr(printable(text))


def _text(text: str) -> str:
    return escape(printable(text))
