"""What measuring costs: all measurements of a spine of 17 levels, without intervals and with 500 draws.

Run it from a checkout: ``python benchmarks/measure.py``. The bars, for a frontal and for a lateral film, are 5 ms
and 100 ms; the best of many rounds
counts, since everything else is the machine's other work.
"""

from __future__ import annotations

import timeit
from pathlib import Path

import numpy as np

from spinekit.core.image import ImageRef
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Instance, Scene
from spinekit.measures import measure
from spinekit.phantoms.profile import LEVELS, POINTS, lateral_profile
from spinekit.phantoms.spine import spine_ap
from spinekit.schemas import load_schema

BARS_MS = {0: 5.0, 500: 100.0}
ROUNDS = 40


def spine() -> Scene:
    """A frontal spine of 17 levels with a spread of 1.5 px at every corner."""
    film, schema = spine_ap(seed=3, cobb_deg=35.0), load_schema("spine-ap")
    items = tuple(
        Instance(
            level,
            (0, 0, 1, 1),
            landmarks=landmarks(schema.landmark_names, body, spread=np.full(body.shape, 1.5)),
        )
        for level, body in zip(schema.levels, film.points, strict=True)
    )
    return Scene(ImageRef(Path("phantom.png"), film.height, film.width, film.spacing), schema, items)


def lateral_spine() -> Scene:
    """The side view of T1 to L5, whose bodies and gaps are measured one by one."""
    schema, profile = load_schema("spine-lateral"), lateral_profile()
    items = tuple(
        Instance(
            level,
            (0, 0, 1, 1),
            landmarks=landmarks(POINTS, 2 * body, spread=np.full(body.shape, 1.5)),
        )
        for level, body in zip(LEVELS, profile.corners, strict=True)
        if level[0] in "TL"
    )
    return Scene(ImageRef(Path("phantom.png"), 1500, 700), schema, items)


def best_ms(scene: Scene, draws: int) -> float:
    """Milliseconds of the fastest round; garbage is collected between rounds, as timeit does it."""
    return 1000 * min(timeit.repeat(lambda: measure(scene, draws=draws), number=1, repeat=ROUNDS))


def main() -> None:
    """Prints the figures beside their bars."""
    for name, scene in (("frontal", spine()), ("lateral", lateral_spine())):
        count = len(measure(scene, draws=0))
        for draws, bar in BARS_MS.items():
            print(f"{name}: {count} results, {draws} draws: {best_ms(scene, draws):.1f} ms (bar {bar:g} ms)")


if __name__ == "__main__":
    main()
