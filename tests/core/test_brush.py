"""What a round brush covers."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.brush import painted

PLACE = st.tuples(st.floats(-20, 60), st.floats(-20, 60))


@given(st.lists(PLACE, min_size=1, max_size=4), st.floats(0.5, 15))
def test_covers_what_lies_within_its_radius_of_the_way(way: list[tuple[float, float]], radius: float) -> None:
    found = painted(np.array(way), radius, 40, 30)
    y, x = np.mgrid[:40, :30]
    steps = np.concatenate(
        [np.linspace(start, end, 200) for start, end in zip(way, way[1:] or way, strict=len(way) == 1)]
    )
    nearest = np.min(np.hypot(x[..., None] - steps[:, 0], y[..., None] - steps[:, 1]), axis=2)
    assert not found[nearest > radius + 0.3].any()
    assert found[nearest < radius - 0.3].all()
