"""How doubt about a body's name, and about its place, is told apart in the picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from spinekit.anatomy.hidden import INFERRED
from spinekit.anatomy.sequence import name_levels
from spinekit.core.image import ImageRef
from spinekit.core.scene import Instance, Scene
from spinekit.schemas import load_schema
from spinekit.schemas.spine_prior import prior_of
from spinekit.views.wording import NAME_DOUBT, name_of, place_doubted
from tests.anatomy.drawn import drawn_spine, film

AP = load_schema("spine-ap")
EMPTY = Scene(ImageRef(Path("film.png"), 100, 100), AP)


def body(*flags: str, share: float | None = None) -> Instance:
    shares = None
    if share is not None:
        shares = np.zeros(17)
        shares[[6, 7]] = share, 1 - share
    return Instance("T7", (0, 0, 9, 9), flags=flags, level_shares=shares)


@pytest.mark.parametrize(
    ("item", "words", "dashed"),
    [
        (body(), "T7", False),
        (body(share=0.97), "T7", False),
        (body(share=0.7), "T7 70%?", False),
        (body(INFERRED), "T7 ?", True),
        (body("12% certain"), "T7 ?", True),
        (body(f"{NAME_DOUBT}: T7 54%, T8 46%", share=0.54), "T7 54%?", False),
        (body(f"{NAME_DOUBT}: T7 54%, T8 46%", INFERRED, share=0.54), "T7 54%?", True),
        (body(f"{NAME_DOUBT}: T7 54%, T8 46%"), "T7 ?", False),
    ],
)
def test_doubt_of_the_name_stands_in_the_label_and_doubt_of_the_place_is_dashed(
    item: Instance, words: str, dashed: bool
) -> None:
    assert name_of(item, EMPTY) == words
    assert place_doubted(item) is dashed


def test_the_sequence_says_it_in_the_words_that_the_picture_knows() -> None:
    quads = drawn_spine(prior_of(AP), 1)[4:10]
    named = name_levels(film(quads - [0.0, quads[..., 1].min() - 20.0], AP, below=20.0))
    assert any(item.flags for item in named.instances)
    assert all(name_of(item, named).endswith("%?") for item in named.instances)
    assert not any(place_doubted(item) for item in named.instances)
