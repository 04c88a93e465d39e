from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.measurement import Measurement
from spinekit.core.spacing import LABELS, SpacingOrigin
from spinekit.files import printable
from spinekit.views.wording import interval, number, plain, scale_words, short


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (41.06, "deg", "41.1°"),
        (-1.24, "mm", "\N{MINUS SIGN}1.2 mm"),
        (-0.04, "mm", "0.0 mm"),
        (69.857, "px", "69.9 px"),
        (-7.62, "%", "\N{MINUS SIGN}7.6 %"),
        (0.3268, "", "0.327"),
    ],
)
def test_numbers_carry_their_unit(value: float, unit: str, words: str) -> None:
    assert number(value, unit) == words


def test_an_interval_needs_both_ends() -> None:
    assert interval(Measurement("a", 2, "deg", "", low=1, high=3)) == "1.0° to 3.0°"
    assert interval(Measurement("a", 2, "deg", "", low=1)) == ""


@pytest.mark.parametrize("origin", list(SpacingOrigin))
def test_millimetres_name_their_source(origin: SpacingOrigin) -> None:
    assert scale_words(Measurement("a", 2, "mm", "", spacing_origin=origin)) == LABELS[origin]


def test_pixels_are_called_no_length() -> None:
    assert scale_words(Measurement("a", 2, "px", "")) == "no scale known"
    assert scale_words(Measurement("a", 2, "deg", "")) == ""


@given(st.text())
def test_plain_text_is_one_line_that_reads_forward(text: str) -> None:
    words = plain(text)
    assert len(words) >= len(text) or "?" in words
    assert not set(words) & set("\n\r\t\x00\x1b\u202e\u2066\u200f")


@given(st.text(max_size=60))
def test_short_text_is_short(text: str) -> None:
    assert len(short(text, 10)) <= 10


@given(st.text() | st.text(st.characters(categories=("Cc", "Cf", "Cs", "Zs", "Zl", "Ll", "So"))))
def test_plain_text_is_what_is_printable(text: str) -> None:
    assert plain(text) == printable(text)
