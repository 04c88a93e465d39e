"""A named spine all of whose names may be some levels off, as told by what saw the spine as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from spinekit.anatomy.sequence import Anchor, NamedSpine, read_in_sequence
from spinekit.anatomy.together import box_of, overlaps
from spinekit.core.scene import Instance, Scene
from spinekit.schemas.spine_prior import SpinePrior

_SAME = 0.4  # intersection over union of the boxes from which two candidates are the same body


def with_shifts(
    scene: Scene, named: Scene, chances: Mapping[int, float], prior: SpinePrior | None = None
) -> NamedSpine:
    """The candidates of a scene read again under the names that are likeliest.

    Where all names are to be some levels lower or higher, the bodies that then lie beyond the schema's levels are
    left out (a T12 that was called L1), and at the other end candidates are looked for that were not believed.

    Args:
        scene: Candidates, as given to `spinekit.anatomy.sequence.read_in_sequence`.
        named: What that made of them.
        chances: How likely all names should be so many levels lower (+) or higher (-); they sum to 1.
        prior: What is known of the levels; None for that of the schema's view.

    Returns:
        The spine, whose doubts and alternatives are those of the chances.
    """
    levels = scene.schema.levels
    shift = max(chances, key=lambda one: (chances[one], -abs(one)))
    if shift == 0 or not named.instances:
        return read_in_sequence(scene, prior, chances=chances)
    rightly = [(item, levels.index(item.label) + shift) for item in named.instances if item.label in levels]
    beyond = [item for item, place in rightly if not 0 <= place < len(levels)]
    rest = replace(scene, instances=tuple(item for item in scene.instances if not _among(item, beyond)))
    anchors = [
        Anchor(levels[place], np.array(box_of(item)).reshape(2, 2).mean(axis=0))
        for item, place in rightly
        if 0 <= place < len(levels)
    ]
    turned = {other - shift: chance for other, chance in chances.items()}
    return read_in_sequence(rest, prior, anchors, odd_numbers=False, chances=turned)


def _among(item: Instance, others: list[Instance]) -> bool:
    """Whether a candidate is one of some bodies."""
    if not others:
        return False
    boxes = np.array([box_of(other) for other in others])
    return bool((overlaps(box_of(item), boxes) > _SAME).any())
