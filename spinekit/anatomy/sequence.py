"""From candidates to a named spine: each level at most once, in order, with what else it could be and how likely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from spinekit.anatomy.candidates import Bodies, areas, bodies, candidates, completed, looks_of, mirrored
from spinekit.anatomy.chain import Chain, chain_of
from spinekit.anatomy.decoding import WEIGHTS, Decoded, Weights, decode
from spinekit.anatomy.joined import with_proposals
from spinekit.anatomy.spine_bodies import CORNERS, shared_part
from spinekit.core.image import BoolArray, FloatArray
from spinekit.core.scene import Instance, Scene
from spinekit.core.schema import Schema
from spinekit.schemas.spine_prior import SpinePrior, prior_of

_SAME_BODY = 0.8  # of the smaller one: two candidates that share so much are one body seen twice
_SAME_SIZE = 0.75  # of the larger one's area: a body and a pair of joined bodies are not the same thing
_SURE = 0.9  # of a film whose names are less likely than this the alternatives are told
_MORE_LIKELY_THAN_NOT = 0.5  # a body whose name is less than that is flagged, and so what is measured on it
_WORTH_TELLING = 0.05
_FREE_RATIO = 0.1  # spread of height over width from which a film's own is taken
_NEAR_LOOK = 0.25  # where a network gave one class alone: part of its doubt that each neighbouring level gets


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """A place on the film where the level is known: C2 by its dens, T12 by the last rib, S1 by the sacrum.

    Attributes:
        level: E.g. ``S1``.
        xy: (2,) px inside its body.
        certainty: 0..1.
    """

    level: str
    xy: FloatArray
    certainty: float = 0.98


@dataclass(frozen=True, slots=True)
class Alternative:
    """The same bodies under other names.

    Attributes:
        shift: How many levels lower (+) or higher (-) all names would be.
        weight: 0..1, how likely that is.
    """

    shift: int
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class NamedSpine:
    """A spine that was read in sequence.

    Attributes:
        scene: With the chosen instances, cranial to caudal, and their doubts.
        alternatives: The names as given (shift 0) and others, most likely first; empty without bodies.
    """

    scene: Scene
    alternatives: tuple[Alternative, ...]


def name_levels(scene: Scene, prior: SpinePrior | None = None) -> Scene:
    """The scene of `read_in_sequence`, for which joined bodies may be split and pieces be joined."""
    return read_in_sequence(with_proposals(scene), prior).scene


def read_in_sequence(
    scene: Scene,
    prior: SpinePrior | None = None,
    anchors: Sequence[Anchor] = (),
    weights: Weights | None = None,
    *,
    odd_numbers: bool | None = None,
    chances: Mapping[int, float] | None = None,
) -> NamedSpine:
    """The candidates of a scene as one spine.

    Args:
        scene: Candidates with corners, outlines or boxes, of a schema with levels, and with ``level_shares``
            where a network spoke of levels.
        prior: What is known of the levels; None for that of the schema's view.
        anchors: Where levels are known. With them a body more or less in the chest or the loin is thought of.
        weights: Of the kinds of evidence; None for those of the prior's view.
        odd_numbers: Whether a body more or less is thought of; None for where there are anchors.
        chances: How likely all names should be so many levels lower (+) or higher (-), where that is known better
            than from the candidates; it takes the place of the chances that they give.

    Returns:
        The chosen instances; ``level_shares`` then say how likely each level of the schema is with all taken
        together. A body whose name is in doubt says so in its flags, the film in its notes.
    """
    prior = prior or prior_of(scene.schema)
    items, quads = candidates(scene)
    kept = suppressed(quads, np.array([item.score for item in items]))
    items, quads = [items[index] for index in kept], quads[kept]
    chain = chain_of(prior, variants=bool(anchors) if odd_numbers is None else odd_numbers)
    looks = looks_of(_with_looks(items, scene.schema), prior.levels, scene.schema)
    found = bodies(quads, np.array([item.score for item in items]), looks)
    found = replace(found, known=_anchored(quads, prior, anchors))
    decoded = _facing(found, chain, prior, scene, weights or replace(WEIGHTS, **prior.evidence))
    if chances is not None:
        decoded = replace(decoded, shares=_by_chances(decoded, chain, chances))
    named = tuple(
        replace(
            items[candidate],
            label=chain.names[place],
            level_shares=_shares(decoded.shares[candidate], chain, scene.schema),
            flags=(*items[candidate].flags, *_doubt(decoded.shares[candidate], place, chain)),
        )
        for candidate, place in decoded.path
    )
    alternatives = _alternatives(decoded, chain)
    notes = (*scene.notes, *_missing(decoded, chain, found, prior, scene), *_said(alternatives))
    return NamedSpine(replace(scene, instances=named, notes=notes), alternatives)


def suppressed(quads: FloatArray, scores: FloatArray) -> list[int]:
    """Candidates without those that are a more certain one again, whatever their class; order stays.

    Args:
        quads: (N, 4, 2) px.
        scores: (N,).
    """
    whole = completed(quads)
    alike = _alike(whole)
    kept: list[int] = []
    for index in np.argsort(-scores, kind="stable").tolist():
        near = [k for k in kept if alike[index, k]]
        if not any(shared_part(whole[index], whole[k]) > _SAME_BODY for k in near):
            kept.append(index)
    return sorted(kept)


def _alike(quads: FloatArray) -> BoolArray:
    """(N, N) which bodies are of about the same size and have boxes that meet: others need no closer look."""
    area = areas(quads)
    same = np.minimum(area[:, None], area) > _SAME_SIZE * np.maximum(area[:, None], area)
    low, high = quads.min(axis=1), quads.max(axis=1)
    meeting = (low[:, None] <= high[None]) & (high[:, None] >= low[None])
    return np.asarray(same & meeting.all(axis=2))


def _with_looks(items: Sequence[Instance], schema: Schema) -> list[Instance]:
    """Candidates that were classed by level without shares, with shares made of class and score."""
    if any(item.level_shares is not None for item in items):
        return list(items)
    if not all(item.label in schema.levels for item in items):
        return list(items)
    rows = []
    for item in items:
        own = schema.levels.index(item.label)
        share = np.zeros(len(schema.levels))
        share[own] = item.score
        for near in (own - 1, own + 1):
            if 0 <= near < len(share):
                share[near] = _NEAR_LOOK * (1 - item.score)
        rows.append(replace(item, level_shares=share))
    return rows


def _anchored(quads: FloatArray, prior: SpinePrior, anchors: Sequence[Anchor]) -> FloatArray | None:
    """(N, L) what is known of the candidates at an anchor; None without any."""
    levels = len(prior.levels)
    shares = np.full((len(quads), levels), np.nan)
    whole = completed(quads)
    for anchor in anchors:
        if anchor.level in prior.levels:
            away = np.linalg.norm(whole.mean(axis=1) - anchor.xy, axis=1)
            here = away < 0.5 * np.sqrt(np.maximum(areas(whole), 1.0))
            shares[here] = (1 - anchor.certainty) / max(levels - 1, 1)
            shares[here, prior.levels.index(anchor.level)] = anchor.certainty
    return shares if anchors else None


def _facing(found: Bodies, chain: Chain, prior: SpinePrior, scene: Scene, weights: Weights) -> Decoded:
    """The reading of the film as it is or, where it shows a side, as its mirror image: the better one."""
    ratio = prior.ratio if prior.ratio_sd < _FREE_RATIO else np.nan
    room = room_of(found, prior, scene)
    sided = bool(np.any(prior.tilt)) and len(found.score) > 0
    across = found.quads[:, [1, 3]].mean(axis=1) - found.quads[:, [0, 2]].mean(axis=1)
    if sided and scene.schema.landmarks and scene.schema.landmark_names != CORNERS:
        # Front and back are named: the film is turned until the back is on the left, as in the prior.
        backwards = float(np.median(across[:, 0])) < 0
        return decode(mirrored_back(found) if backwards else found, chain, ratio, room, weights)
    first = decode(found, chain, ratio, room, weights)
    if not sided:
        return first
    second = decode(mirrored(found), chain, ratio, room, weights)
    return max((first, second), key=lambda reading: reading.score)


def mirrored_back(found: Bodies) -> Bodies:
    """The candidates of the film's mirror image, corners keeping their names (front stays front)."""
    turned = mirrored(found)
    copy = bodies(turned.quads[:, [1, 0, 3, 2]], found.score, found.looks)
    return replace(copy, log_height=found.log_height, known=found.known)


def room_of(found: Bodies, prior: SpinePrior, scene: Scene) -> FloatArray:
    """(N, 2) how many bodies have room on the film above and below each candidate."""
    height = np.where(np.isnan(found.log_height), found.log_width + prior.ratio, found.log_height)
    pitch = np.exp(height + float(np.mean(prior.pitch)))
    y = found.centre[:, 1]
    rooms = np.stack([(y - 0.0) / pitch, (scene.image.height - 1 - y) / pitch], axis=1)
    # The next centre is one pitch away, and half a body beyond it must be on the film too.
    return np.asarray(np.maximum(np.floor(rooms - 0.4), 0.0))


def _shares(row: FloatArray, chain: Chain, schema: Schema) -> FloatArray:
    """(L,) chances of the schema's levels."""
    chance = dict(zip(chain.names, row.tolist(), strict=True))
    return np.array([chance.get(level, 0.0) for level in schema.levels])


def _by_chances(decoded: Decoded, chain: Chain, chances: Mapping[int, float]) -> FloatArray:
    """(N, K) chances of the bodies that were chosen when all of them move along the chain together."""
    shares = np.zeros_like(decoded.shares)
    for candidate, place in decoded.path:
        for other, ordinal in enumerate(chain.ordinal):
            if other == place or not chain.rare[other]:
                shares[candidate, other] = chances.get(ordinal - chain.ordinal[place], 0.0)
    return shares


def _doubt(row: FloatArray, place: int, chain: Chain) -> tuple[str, ...]:
    total = max(float(row.sum()), 1e-12)
    if row[place] / total >= _MORE_LIKELY_THAN_NOT:
        return ()
    likely = [int(k) for k in np.argsort(-row) if row[k] / total >= _WORTH_TELLING or k == place]
    words = ", ".join(
        f"{chain.names[k]} {row[k] / total:.0%}" for k in sorted(likely, key=lambda k: k != place)
    )
    return (f"level uncertain: {words}",)


def _alternatives(decoded: Decoded, chain: Chain) -> tuple[Alternative, ...]:
    """How likely the bodies as a whole are some levels higher or lower, from the chances of each of them."""
    weights: dict[int, float] = {}
    for candidate, place in decoded.path:
        row = decoded.shares[candidate]
        total = max(float(row.sum()), 1e-12) * len(decoded.path)
        for other in np.flatnonzero(row).tolist():
            shift = chain.ordinal[other] - chain.ordinal[place]
            weights[shift] = weights.get(shift, 0.0) + float(row[other]) / total
    told = [Alternative(s, w) for s, w in weights.items() if s == 0 or w >= _WORTH_TELLING / 5]
    return tuple(sorted(told, key=lambda alternative: -alternative.weight))


def _said(alternatives: Sequence[Alternative]) -> tuple[str, ...]:
    given = next((a.weight for a in alternatives if a.shift == 0), 1.0)
    others = [a for a in alternatives if a.shift and a.weight >= _WORTH_TELLING]
    if given >= _SURE or not others:
        return ()
    words = ", ".join(
        f"{abs(a.shift)} level{'s' * (abs(a.shift) > 1)} {'lower' if a.shift > 0 else 'higher'} {a.weight:.0%}"
        for a in others
    )
    return (f"level names are uncertain: as given {given:.0%}, all of them {words}",)


def _missing(
    decoded: Decoded, chain: Chain, found: Bodies, prior: SpinePrior, scene: Scene
) -> tuple[str, ...]:
    """A note on levels without a body that the film should show."""
    if not decoded.path:
        return ()
    places = [place for _, place in decoded.path]
    room = room_of(found, prior, scene)
    above, below = int(room[decoded.path[0][0], 0]), int(room[decoded.path[-1][0], 1])
    rare = {names for names, odd in zip(chain.names, chain.rare, strict=True) if odd}
    absent = [
        name
        for place, name in enumerate(chain.names)
        if place not in places
        and name not in rare
        and chain.ordinal[places[0]] - above <= chain.ordinal[place] <= chain.ordinal[places[-1]] + below
    ]
    if not absent:
        return ()
    return (f"{len(places)} of {len(places) + len(absent)} bodies found; not found: {', '.join(absent)}",)
