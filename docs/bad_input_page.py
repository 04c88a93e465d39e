"""The page of bad inputs, made of the catalogue that the tests run; `docs/generate.py` calls it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

Row = tuple[str, str, str, str]

CHECKOUT = Path(__file__).resolve().parent.parent
ENDS = {
    "ok": "read",
    "failed": "fails, 1",
    "skipped": "passed over, 0",
    "abstained": "refused by the model, 0",
}
CODES = {0: "0", 1: "1", 2: "2", 3: "3", 4: "4"}
INTRO = """# Bad input

What each of {count} kinds of bad or odd input ends with. The rows are the tests themselves (`tests/catalogue`,
`tests/test_catalogue_annotations.py`): what is put in, the exit code, and the pattern that the one line on the
terminal, the table of failures or the record of the image must match. Films lie among good ones, which must be
read all the same. Nothing gives a traceback, nothing is overwritten or half written, and nothing outside the
output is touched. Broken files by the thousand: [robustness](../robustness.md).
"""


def chapters() -> str:
    """The tables of the page."""
    from tests.catalogue.chapters import CHAPTERS, ELSEWHERE

    rows = _rows()
    parts = [INTRO.format(count=sum(len(chapter.entries) for chapter in CHAPTERS.values()))]
    for chapter in CHAPTERS.values():
        parts.append(f"\n## {chapter.title}\n\n`{chapter.command}`\n\n")
        parts.append("| input | what it is | ends with | says |\n| --- | --- | --- | --- |\n")
        for number, what in chapter.entries.items():
            lines = [*rows.get(number, []), *(_held(number, where) for where in ELSEWHERE.get(number, ()))]
            for index, (name, told, ends, says) in enumerate(lines):
                parts.append(f"| {name} | {what if not index else told} | {ends} | {says} |\n")
    return "".join(parts)


def _held(number: str, where: str) -> Row:
    file, _, function = where.partition("::")
    told = function.removeprefix("test_").replace("_", " ") or "a whole file of tests"
    return number, "", "", f"{told} ([`{Path(file).name}`](../../tests/{file}))"


def _rows() -> dict[str, list[Row]]:
    """A row of the page for each row of the tests, by the catalogue's number."""
    found: dict[str, list[Row]] = {}
    for name, ends, says in _tried():
        found.setdefault(name.split()[0], []).append((name, "", ends, _pattern(says)))
    return found


def _tried() -> Iterator[tuple[str, str, str]]:
    from tests.catalogue.dicom_films import FILMS as DICOM
    from tests.catalogue.entry_weights import WEIGHTS
    from tests.catalogue.picture_films import FILMS as PICTURES
    from tests.test_catalogue_annotations import CASES

    for film in (*DICOM, *PICTURES):
        ends = ENDS[film.status]
        yield film.number, f"{ends} ({film.images} images)" if film.images > 1 else ends, film.says
    for bad in CASES:
        yield bad.number, CODES[bad.code], bad.says
    for weights in WEIGHTS:
        yield weights.number, CODES[weights.code], weights.says


def _pattern(says: str) -> str:
    """A pattern as code; one that asks for nothing is left out."""
    text = re.sub(r"^\(\?s\)", "", says).replace("\x1b", "ESC")
    return "" if text == "." else f"`{text}`".replace("|", "\\|")


def bad_input_page(note: str) -> str:
    """The whole page.

    Args:
        note: What stands above every page that is made.
    """
    if str(CHECKOUT) not in sys.path:
        sys.path.insert(0, str(CHECKOUT))
    return note + chapters()
