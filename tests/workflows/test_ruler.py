"""A ruler on the film: exact lengths, pixels of any shape, one clear line for what is no ruler."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.errors import UsageError
from spinekit.core.image import ImageRef
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.workflows.ruler import Ruler, parse_ruler


def film(spacing: Spacing | None = None, aspect: float = 1.0) -> ImageRef:
    return ImageRef(Path("film.png"), 800, 600, spacing, aspect, name="film.png")


@pytest.mark.parametrize(
    "text", ["120,80,120,580=100mm", " 120 , 80, 120,580 = 10 cm", "120,80,120,580=100.0mm"]
)
def test_a_ruler_in_words(text: str) -> None:
    assert parse_ruler(text) == Ruler((120, 80), (120, 580), 100)
    spacing = parse_ruler(text).spacing(film())
    assert (spacing.row_mm, spacing.col_mm, spacing.origin) == (0.2, 0.2, SpacingOrigin.STATED)


@given(
    x1=st.floats(0, 599), y1=st.floats(0, 799), x2=st.floats(0, 599), y2=st.floats(0, 799),
    shape=st.sampled_from([0.25, 0.5, 1.0, 2.0]),
)  # fmt: skip
def test_a_ruler_measures_itself(x1: float, y1: float, x2: float, y2: float, shape: float) -> None:
    ruler = Ruler((x1, y1), (x2, y2), 100.0)
    if ((x2 - x1) ** 2 + ((y2 - y1) * shape) ** 2) ** 0.5 < 11:
        return
    for image in (film(aspect=shape), film(Spacing(0.3 * shape, 0.3, SpacingOrigin.DETECTOR))):
        spacing = ruler.spacing(image)
        length = (((x2 - x1) * spacing.col_mm) ** 2 + ((y2 - y1) * spacing.row_mm) ** 2) ** 0.5
        assert length == pytest.approx(100)
        assert spacing.row_mm / spacing.col_mm == pytest.approx(shape)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3=5mm",
        "1,2,3,4",
        "1,2,3,4=5",
        "1;2;3;4=5mm",
        "a,2,3,4=5mm",
        "1,2,3,nan=5mm",
        "1,2,3,4=5 inch",
    ],
)
def test_what_is_no_ruler(text: str) -> None:
    with pytest.raises(UsageError, match="is no ruler -- write both ends") as caught:
        parse_ruler(text)
    assert "\n" not in str(caught.value)


def test_rulers_that_cannot_be() -> None:
    for text in ("0,0,0,100=0mm", "0,0,0,100=1e4mm", "0,0,0,100=99999mm"):
        with pytest.raises(UsageError, match="--ruler"):
            parse_ruler(text)
    with pytest.raises(UsageError, match=r"lies outside of film\.png, which is 600 x 800 px"):
        parse_ruler("0,0,0,900=100mm").spacing(film())
    with pytest.raises(UsageError, match="5 px long"):
        parse_ruler("0,0,0,5=100mm").spacing(film())
