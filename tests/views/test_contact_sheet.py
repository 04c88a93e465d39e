from __future__ import annotations

import numpy as np
import pytest

from spinekit.views.contact_sheet import contact_sheets


def test_pages_hold_every_picture() -> None:
    colours = [(0, 0, 200 + k) for k in range(7)]
    pictures = (
        (f"film {k}.png", np.full((90, 60, 3), colour, dtype=np.uint8)) for k, colour in enumerate(colours)
    )
    pages = list(contact_sheets(pictures, columns=2, rows=2, cell=60))
    assert len(pages) == 2
    seen = {
        int(red)
        for page in pages
        for blue, green, red in np.unique(page.reshape(-1, 3), axis=0).tolist()
        if blue == green == 0
    }
    assert seen >= {200 + k for k in range(7)}


def test_the_last_page_is_only_as_high_as_needed() -> None:
    pages = list(
        contact_sheets([("a", np.zeros((50, 50, 3), dtype=np.uint8))] * 5, columns=2, rows=2, cell=50)
    )
    assert pages[1].shape[0] * 2 == pages[0].shape[0]
    assert pages[1].shape[1] == pages[0].shape[1]


def test_no_picture_gives_no_page() -> None:
    assert list(contact_sheets([])) == []


def test_a_grid_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        list(contact_sheets([("a", np.zeros((5, 5, 3), dtype=np.uint8))], columns=0))


def test_a_long_or_hostile_name_is_cut() -> None:
    picture = np.zeros((50, 50, 3), dtype=np.uint8)
    (page,) = contact_sheets([("x" * 300 + "\n\u202e.png", picture)], columns=1, cell=50)
    assert page.shape[1] < 80
