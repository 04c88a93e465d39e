"""How long it takes to name one film's candidates, and how many single faults are mended.

    python benchmarks/sequence.py [--films 40]

Films are drawn from what was learnt of frontal spines: 17 bodies and 13 crumbs, with what a network says of levels.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np

from spinekit.anatomy import name_levels
from spinekit.anatomy.hidden import with_inferred
from spinekit.core.scene import Scene
from spinekit.schemas import load_schema
from spinekit.schemas.spine_prior import prior_of
from tests.anatomy.drawn import drawn_spine, film
from tests.anatomy.faults import FAULTS, recovered, votes

SCHEMA = load_schema("spine-ap")
PRIOR = prior_of(SCHEMA)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=40)
    films = range(parser.parse_args().films)
    took = [timed(crowded(seed)) for seed in films]
    print(
        f"naming: median {np.median(took):.1f} ms, 95 % below {np.percentile(took, 95):.1f} ms (processor time)"
    )
    for name, fault in FAULTS.items():
        spines = [drawn_spine(PRIOR, seed) for seed in films]
        mended = [
            recovered(quads, fault(quads, np.random.default_rng(seed)), SCHEMA, SCHEMA.levels)
            for seed, quads in enumerate(spines)
        ]
        print(f"{name}: {np.mean(mended):.1%} of {len(mended)} mended")


def crowded(seed: int) -> Scene:
    """A spine among crumbs."""
    random = np.random.default_rng(seed)
    quads = drawn_spine(PRIOR, seed)
    crumbs = quads[random.integers(0, 17, 13)] + random.normal(0, 60, (13, 1, 2))
    both = np.concatenate([quads, crumbs])
    scores = [*random.uniform(0.4, 0.9, 17).tolist(), *random.uniform(0.03, 0.3, 13).tolist()]
    levels = [*range(17), *random.integers(0, 17, 13).tolist()]
    return replace(film(both, SCHEMA, scores, shares=votes(levels, 17)), notes=())


def timed(scene: Scene) -> float:
    """Milliseconds of processor time to name a film."""
    start = time.process_time()
    with_inferred(name_levels(scene))
    return 1000 * (time.process_time() - start)


if __name__ == "__main__":
    main()
