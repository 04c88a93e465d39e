"""A cleaned DICOM file searched for what was taken away: every text of the source, in every coding.

Words that the copy may hold by the rules (its vocabulary, the codes of what was done) are no finding, and numbers of
few digits are not searched for: both are in any file by chance. Everything else that is still there is reported by
the attribute it came from, never by its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from spinekit.formats.dicom_clean_rules import CODES, NUMBERS, OPTIONS, UIDS, VOCABULARY, WORDS
from spinekit.formats.dicom_maker import IMPLEMENTATION

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

_TEXT = frozenset({"AE", "AS", "CS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT", "UN",
                   "DS", "IS", "OB"})  # fmt: skip
_SHORTEST, _SHORTEST_NUMBER = 4, 6
_LONGEST = 1 << 12
_NUMBER = re.compile(r"[\d.+e-]+")
_KNOWN_UIDS = "1.2.840.10008."
_OURS = (
    "spinekit", "PS3.15 Basic Profile, by a list of what may stay", "Anonymous", "ANON-", "REMOVED", "MODIFIED",
    "ISO_IR 192", "SPINEKIT", "2.25.", "SCT", "SRT", "DCM",
    IMPLEMENTATION,
)  # fmt: skip


def left_over(source: Dataset, original: Path, copy: Path, kept: frozenset[str] = frozenset()) -> list[str]:
    """The attributes of a source of which a value is still in the copy.

    Args:
        source: The object, as read.
        original: Its file, of which the preamble is searched for too.
        copy: The file to be searched.
        kept: Keywords of attributes that the user wants to stay.

    Returns:
        Keywords or tags, sorted, each once.
    """
    folded = _without_pixels(copy).lower()
    wide = folded.replace(b"\0", b"")
    allowed, numbers = _allowed(copy)
    found = set()
    for name, term in dict.fromkeys(_terms(source, original)):
        if name in kept or any(term in text for text in allowed):
            continue
        if _NUMBER.fullmatch(term):
            # A number may stand in another by chance, and may be one that stays.
            whole = rb"(?<![0-9.])" + re.escape(term.encode()) + rb"(?![0-9.])"
            if term not in numbers and re.search(whole, folded):
                found.add(name)
        elif any(coded in folded or coded in wide for coded in _codings(term)):
            found.add(name)
    return sorted(found)


def _without_pixels(copy: Path) -> bytes:
    """The bytes of a file but for its pixels, which are numbers and hold every short text by chance."""
    import pydicom

    content = copy.read_bytes()
    pixels = pydicom.dcmread(copy).get_item("PixelData")
    return content[: pixels.value_tell] + content[pixels.value_tell + pixels.length :]


def _allowed(copy: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Texts that the copy holds by the rules, in small letters, and its numbers; what is part of these is no find."""
    import pydicom

    texts = [*VOCABULARY, *_OURS, *(meaning for _, meaning in OPTIONS.values())]
    item = pydicom.dcmread(copy, stop_before_pixels=True)
    for element in item.iterall():
        for concept in element.value if element.keyword in CODES else ():
            texts += [str(concept.CodeMeaning), str(concept.CodeValue), str(concept.CodingSchemeDesignator)]
    numbers = {
        part.strip()
        for element in item.iterall()
        if element.keyword in NUMBERS
        for part in re.split(r"[\\,\[\]' ]+", str(element.value))
    }
    return frozenset(text.casefold() for text in texts), frozenset(numbers)


def _codings(term: str) -> set[bytes]:
    found = set()
    for coding in ("utf-8", "latin-1", "utf-16-le", "utf-16-be", "shift_jis", "gb18030"):
        coded = term.encode(coding, "ignore")
        if len(coded) >= _SHORTEST:
            found.add(coded.lower())
    return found


def _terms(source: Dataset, original: Path) -> Iterator[tuple[str, str]]:
    """Name and term of everything that must not be left, in small letters."""
    with original.open("rb") as stream:
        preamble = stream.read(128)
    for term in _split(preamble.decode("latin-1")):
        yield "preamble", term
    for part in (source, getattr(source, "file_meta", None) or ()):
        for element in _elements(part):
            name = element.keyword or str(element.tag)
            for text in _texts(element):
                for term in _split(text):
                    yield name, term


def _elements(item: Dataset) -> Iterator[DataElement]:
    """All elements of text, of all depths; those that stay by the rules are left out."""
    for element in item:
        if element.VR == "SQ":
            for below in element.value or ():
                yield from _elements(below)
        elif element.VR in _TEXT and not _stays(element):
            yield element


def _stays(element: DataElement) -> bool:
    """Whether the value may be in the copy as it is: numbers, and words out of the vocabulary."""
    if element.keyword in NUMBERS or element.keyword == "PixelData":
        return True
    if element.keyword in WORDS:
        words = str(element.value).upper().replace("'", "").strip("[]").split(", ")
        return all(word.strip() in VOCABULARY for word in words)
    return element.keyword in UIDS and str(element.value).startswith(_KNOWN_UIDS)


def _texts(element: DataElement) -> Iterator[str]:
    value = element.value
    if isinstance(value, bytes):
        if len(value) <= _LONGEST:
            yield from (value.decode(coding, "ignore") for coding in ("latin-1", "utf-8"))
        return
    values = value if isinstance(value, list | tuple) or hasattr(value, "append") else [value]
    for one in values:
        yield str(one)


def _split(text: str) -> Iterator[str]:
    """A text, and its parts as names and lists are put together, as far as they can name anything."""
    for part in {text.strip(" \0"), *re.split(r"[\\^=\x00\r\n]+", text)}:
        term = part.strip(" \0\t").casefold()
        if term.startswith(_KNOWN_UIDS) or any(ord(c) < 32 for c in term):
            continue
        shortest = _SHORTEST_NUMBER if _NUMBER.fullmatch(term) else _SHORTEST
        if len(term) >= shortest:
            yield term
