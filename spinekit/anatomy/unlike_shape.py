"""Landmarks unlike those of the other images of a set: far off, exchanged, mirrored or numbered from the other end.

The landmarks of each image are laid on the usual shape of the set (its median) by shift, turn and scale, so that
neither place nor size counts. What is left at a landmark is held against what is left there on the other images.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from spinekit.anatomy.exchange import Exchange
from spinekit.core.finding import Finding, Rule, Severity
from spinekit.core.image import BoolArray, FloatArray
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema

POINT_FAR = Rule(
    "point-far",
    Severity.WARNING,
    "a landmark lies far from where it lies on the other images",
    "look at the image; move the point, or keep it where the anatomy is unusual",
)
POINTS_SWAPPED = Rule(
    "points-swapped",
    Severity.ERROR,
    "two landmarks stand in each other's place",
    "exchange their names (--fix does)",
)
SHAPE_REVERSED = Rule(
    "left-right-swapped",
    Severity.ERROR,
    "the landmarks of the left and right side stand in each other's place",
    "exchange the mirrored pairs (--fix does)",
)
SHAPE_MIRRORED = Rule(
    "shape-mirrored",
    Severity.WARNING,
    "the landmarks lie as in a mirror or upside down, against the other images",
    "mirror or turn image and label if they face the other way; look whether the points were taken in order",
)
RULES = (POINT_FAR, POINTS_SWAPPED, SHAPE_REVERSED, SHAPE_MIRRORED)

LIMIT = 7.0
"""Robust standard deviations of a landmark's distance from its usual place."""

_AT_HOME = 4.0  # a landmark this near to its usual place fits there
_ENOUGH = 10  # images that make a usual shape
_FEWEST = 3  # landmarks that make a shape
_LEAST_SPREAD = 0.005  # of the shape's size; no person repeats a landmark better
_CLEARLY = 0.5  # another reading must leave no more than half of the distances
_UPSIDE_DOWN = 120.0  # degrees
_ROUNDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """The landmarks of one instance.

    Attributes:
        image: Name of the image.
        label: Class of the instance.
        place: What to call the instance in front of a landmark; empty where it is the only one.
        instance: Its index in the scene.
        xy: (K, 2) px, NaN where absent.
    """

    image: str
    label: str
    place: str
    instance: int
    xy: FloatArray


def shapes(scene: Scene) -> Iterator[Shape]:
    """The landmark sets of a scene that can be held against those of other images.

    These have the schema's names and a label that occurs once in the image: a dozen bodies of one label are no
    repeated shape. There are none where bodies are named in sequence.

    Args:
        scene: Labelled.
    """
    if scene.schema.levels or len(scene.schema.landmarks) < _FEWEST:
        return
    counted = Counter((item.reader, item.label) for item in scene.instances)
    for index, item in enumerate(scene.instances):
        points = item.landmarks
        if (
            points is None
            or points.names != scene.schema.landmark_names
            or counted[item.reader, item.label] > 1
        ):
            continue
        words = [item.reader or "", item.label if len(scene.instances) > 1 else ""]
        place = "".join(f"{word}: " for word in words if word)
        yield Shape(scene.image.name, item.label, place, index, points.xy)


def unlike_shapes(found: Sequence[Shape], schema: Schema) -> Iterator[tuple[Finding, Exchange | None]]:
    """Landmarks unlike those of the same label on other images, with the exchange that mends them if there is one.

    Args:
        found: All shapes of a data set, of one schema.
        schema: Gives names and mirrored pairs.
    """
    for label in dict.fromkeys(shape.label for shape in found):
        alike = [shape for shape in found if shape.label == label and int(_known(shape.xy).sum()) >= _FEWEST]
        if len(alike) >= _ENOUGH:
            yield from _unlike(alike, schema)


def _unlike(found: Sequence[Shape], schema: Schema) -> Iterator[tuple[Finding, Exchange | None]]:
    points = np.array([shape.xy for shape in found])
    usual = usual_shape(points)
    left = np.array([distances_from(xy, usual) for xy in points])
    spread = spread_of(left)
    for shape, distances in zip(found, left, strict=True):
        yield from _judge(shape, distances / spread, usual, spread, schema)


def _judge(
    shape: Shape, off: FloatArray, usual: FloatArray, spread: FloatArray, schema: Schema
) -> Iterator[tuple[Finding, Exchange | None]]:
    """What one shape breaks, the reading that explains most first."""
    far = [int(index) for index in np.flatnonzero(np.nan_to_num(off) > LIMIT)]
    total = _middle(off)
    flipped = schema.flip_index()
    mirrored = _middle(distances_from(shape.xy[list(flipped)], usual) / spread)
    if schema.mirrored and total > 1.5 and mirrored < _CLEARLY * total:
        why = f"exchanging them brings the landmarks {total / max(mirrored, 0.1):.0f} times nearer to usual"
        yield Finding(SHAPE_REVERSED, shape.image, shape.place, why), Exchange(shape.instance, flipped)
        return
    reflected = _middle(distances_from(shape.xy * [-1.0, 1.0], usual) / spread)
    if total > 1.5 and reflected < _CLEARLY * total:
        yield Finding(SHAPE_MIRRORED, shape.image, shape.place, "its mirror image fits the others"), None
        return
    swapped = exchanged_pairs(shape.xy, off, usual, spread)
    turned = _turn(shape.xy, usual)
    if not swapped and abs(turned) > _UPSIDE_DOWN:
        why = f"turned by {turned:.0f} degrees against the other images"
        yield Finding(SHAPE_MIRRORED, shape.image, shape.place, why), None
        return
    for i, j in swapped:
        order = tuple({i: j, j: i}.get(k, k) for k in range(len(off)))
        names = f"{schema.landmark_names[i]} and {schema.landmark_names[j]}"
        why = "each lies where the other does on the other images"
        place = f"{shape.place}{names}"
        yield Finding(POINTS_SWAPPED, shape.image, place, why), Exchange(shape.instance, order)
    if swapped:
        xy = shape.xy
        for i, j in swapped:
            xy = _swapped(xy, i, j)
        off = distances_from(xy, usual) / spread
        far = [int(index) for index in np.flatnonzero(np.nan_to_num(off) > LIMIT)]
    for index in far:
        why = f"{off[index]:.0f} robust SD from its usual place"
        yield Finding(POINT_FAR, shape.image, f"{shape.place}{schema.landmark_names[index]}", why), None


def exchanged_pairs(
    xy: FloatArray, off: FloatArray, usual: FloatArray, spread: FloatArray
) -> list[tuple[int, int]]:
    """Pairs of landmarks whose exchange brings both home and the whole shape much nearer to usual.

    Both landmarks of such a pair need not be far: in a shape of few points two in the wrong place turn the whole
    fit, and then others seem to be off.

    Args:
        xy: (K, 2) px.
        off: (K,) distances from their usual places over ``spread``.
        usual: (K, 2) as `usual_shape` gives it.
        spread: (K,) robust standard deviations.
    """
    pairs: list[tuple[int, int]] = []
    while True:
        far = np.flatnonzero(np.nan_to_num(off) > LIMIT).tolist()
        best, best_off, best_pair = _CLEARLY * _excess(off), off, None
        for i, j in _candidates(far, len(off), {index for pair in pairs for index in pair}):
            candidate = _swapped(xy, i, j)
            after = distances_from(candidate, usual) / spread
            if _excess(after) < best and max(float(after[i]), float(after[j])) < LIMIT:
                best, best_off, best_pair = _excess(after), after, (i, j)
        if best_pair is None:
            return pairs
        pairs.append(best_pair)
        xy, off = _swapped(xy, *best_pair), best_off


def _candidates(far: list[int], count: int, taken: set[int]) -> Iterator[tuple[int, int]]:
    """Pairs of which at least one landmark is far."""
    for i in far:
        for j in range(count):
            if i != j and not {i, j} & taken and (j not in far or i < j):
                yield i, j


def _swapped(xy: FloatArray, i: int, j: int) -> FloatArray:
    exchanged = xy.copy()
    exchanged[[i, j]] = xy[[j, i]]
    return exchanged


def _excess(off: FloatArray) -> float:
    """What the landmarks are further off than they may be, added up."""
    return float(np.maximum(np.nan_to_num(off) - _AT_HOME, 0.0).sum())


def usual_shape(points: FloatArray) -> FloatArray:
    """The median shape of a set.

    Args:
        points: (N, K, 2) px, NaN where absent.

    Returns:
        (K, 2) centred, of size 1 (root mean square distance from the centre); NaN for a landmark that no image has.
    """
    first = np.array([_sized(xy) for xy in points])
    usual = _median(first)
    for _ in range(_ROUNDS):
        usual = _sized(_median(np.array([fitted(xy, usual) for xy in points])))
    return usual


def fitted(xy: FloatArray, usual: FloatArray) -> FloatArray:
    """(K, 2) points laid on the usual shape by shift, turn and scale; landmarks far off count little."""
    known = _known(xy) & _known(usual)
    if int(known.sum()) < 2:
        return np.full_like(xy, np.nan)
    z, target = _complex(xy), _complex(usual)
    weight = known.astype(np.float64)
    for _ in range(_ROUNDS):
        total = weight[known].sum()
        here = (weight[known] @ z[known]) / total
        there = (weight[known] @ target[known]) / total
        a, b = z[known] - here, target[known] - there
        power = float((weight[known] * np.abs(a) ** 2).sum())
        turn = (weight[known] * a.conj() * b).sum() / power if power > 0 else 1.0
        laid = (z - here) * turn + there
        distance = np.abs(laid - target)
        scale = max(1.5 * float(np.median(distance[known])), 1e-6)
        weight = np.where(known, 1.0 / (1.0 + (np.nan_to_num(distance) / scale) ** 2), 0.0)
    return np.stack([laid.real, laid.imag], axis=1)


def _turn(xy: FloatArray, usual: FloatArray) -> float:
    """The turn, degrees, that lays points on the usual shape."""
    known = _known(xy) & _known(usual)
    z, target = _complex(xy)[known], _complex(usual)[known]
    return float(np.degrees(np.angle(((z - z.mean()).conj() * (target - target.mean())).sum())))


def distances_from(xy: FloatArray, usual: FloatArray) -> FloatArray:
    """(K,) how far points laid on the usual shape lie from it, in its unit."""
    return np.asarray(np.linalg.norm(fitted(xy, usual) - usual, axis=1))


def spread_of(distances: FloatArray) -> FloatArray:
    """(K,) robust standard deviation along one axis; the median of a distance in the plane is 1.177 of it."""
    spread = np.array(
        [np.median(own[np.isfinite(own)]) if np.isfinite(own).any() else np.nan for own in distances.T]
    )
    return np.asarray(np.maximum(spread / 1.1774, _LEAST_SPREAD))


def _middle(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else 0.0


def _median(points: FloatArray) -> FloatArray:
    known = np.isfinite(points).any(axis=0)
    filled = np.where(known, points, 0.0)
    return np.asarray(np.where(known, np.nanmedian(filled, axis=0), np.nan))


def _sized(xy: FloatArray) -> FloatArray:
    away = xy - np.nanmean(xy, axis=0)
    return np.asarray(away / max(float(np.sqrt(np.nanmean((away**2).sum(axis=1)))), 1e-9))


def _known(xy: FloatArray) -> BoolArray:
    return np.asarray(~np.isnan(xy).any(axis=1))


def _complex(xy: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]]:
    return np.asarray(xy[:, 0] + 1j * xy[:, 1])
