"""Every number of the catalogue is held by a row of a table or by a test elsewhere; none is only listed."""

from __future__ import annotations

import pytest

from tests.catalogue.chapters import CHAPTERS, ELSEWHERE
from tests.catalogue.dicom_films import FILMS as DICOM
from tests.catalogue.entry_weights import WEIGHTS
from tests.catalogue.picture_films import FILMS as PICTURES
from tests.conftest import CHECKOUT
from tests.test_catalogue_annotations import CASES

NUMBERS = {number for chapter in CHAPTERS.values() for number in chapter.entries}
ROWS = [
    *(entry.number for entry in (*DICOM, *PICTURES)),
    *(case.number for case in CASES),
    *(entry.number for entry in WEIGHTS),
]


def test_all_numbers_are_listed() -> None:
    counts = {letter: len(chapter.entries) for letter, chapter in CHAPTERS.items()}
    assert counts == {"D": 34, "I": 12, "A": 22, "Y": 6, "W": 8, "C": 10, "F": 14}
    assert sum(counts.values()) == 106


def test_every_number_is_held_by_a_test() -> None:
    held = {row.split()[0] for row in ROWS} | set(ELSEWHERE)
    assert held == NUMBERS


def test_no_row_stands_twice() -> None:
    assert len(ROWS) == len(set(ROWS))


@pytest.mark.parametrize("place", sorted({place for places in ELSEWHERE.values() for place in places}))
def test_a_test_elsewhere_exists(place: str) -> None:
    file, _, function = place.partition("::")
    text = (CHECKOUT / "tests" / file).read_text("utf-8")
    assert f"def {function}(" in text if function else "def test_" in text
