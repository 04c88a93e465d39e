"""Names that tell nothing of a film but which one it is: made of its content's hash.

Files of DICOM are often called by their patient. Who has the film can find its results by such a name, on any
machine and without a table; who has not learns nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from spinekit.core.image import ImageRef
from spinekit.files import sha256_of
from spinekit.formats.registry import image_formats

_DIGITS = 12  # hexadecimal, of the hash: two of a million films share them with a probability of 0.2 %
_NEUTRAL = re.compile(rf"film-([0-9a-f]{{{_DIGITS}}})(?:-\d+)?(?:\.[a-z0-9]+)?(?:#\d+)?")
_DICOM = "dicom"


def neutral_name(sha256: str, suffix: str, nth: int = 1) -> str:
    """What a file is called by its content: ``film-3f786850e387.dcm``.

    Args:
        sha256: Of its bytes, hexadecimal.
        suffix: With its dot, or empty; must not be the file's own unless `known_suffix` gave it.
        nth: Which of several files of the same bytes.
    """
    return f"film-{sha256[:_DIGITS]}{f'-{nth}' if nth > 1 else ''}{suffix}"


def is_neutral(name: str) -> bool:
    """Whether a name was made by `neutral_name`, a frame's included."""
    return _NEUTRAL.fullmatch(name) is not None


def hint(names: Iterable[str]) -> str:
    """How to pair by name what a run calls by its content; empty where no name is neutral.

    Args:
        names: Of images.
    """
    if not any(is_neutral(name) for name in names):
        return ""
    return "; DICOM files go by their content in runs: predict with --names keep to have their own names"


def known_suffix(path: Path) -> str:
    """The suffix of a file where it is one that images have, in lower case; empty for every other."""
    suffix = path.suffix.lower()
    return suffix if any(suffix in form.suffixes for form in image_formats()) else ""


def picture_suffix(path: Path) -> bool:
    """Whether a file is called like a picture that is no DICOM file."""
    suffix = path.suffix.lower()
    return any(suffix in form.suffixes for form in image_formats() if form.name != _DICOM)


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM by its content or its suffix; by the latter alone where it cannot be opened."""
    form = next(form for form in image_formats() if form.name == _DICOM)
    if path.suffix.lower() in form.suffixes:
        return True
    try:
        with path.open("rb") as stream:
            return form.sniff(stream.read(256))
    except OSError:
        return False


def caption(ref: ImageRef) -> str:
    """What an image is called on a picture to be shown around: a DICOM film by its content, others by name."""
    if ref.sha256 and is_dicom(ref.path):
        return neutral_name(ref.sha256, ".dcm") + ("" if ref.frame is None else f"#{ref.frame}")
    return ref.name


@dataclass(slots=True, eq=False)
class ByContent:
    """Files found by neutral names; they are hashed when the first such name is asked for.

    Attributes:
        paths: Where to look.
    """

    paths: Iterable[Path]
    _found: dict[str, Path] | None = field(default=None, init=False, repr=False)

    def find(self, name: str) -> Path | None:
        """The file that a neutral name means; None for another name, or where there is no such file."""
        meant = _NEUTRAL.fullmatch(name)
        if meant is None:
            return None
        if self._found is None:
            self._found = {}
            for path in self.paths:
                try:
                    if not path.is_symlink():
                        self._found.setdefault(sha256_of(path)[:_DIGITS], path)
                except OSError:  # what cannot be read is not what is looked for
                    continue
        return self._found.get(meant[1])
