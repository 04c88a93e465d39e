"""What the files of a run are called in all that it writes: DICOM files by their content, pictures by their names.

The name of a DICOM file, and of the folders that it lies in, may name a patient. A picture's name is its owner's own
key to it, and stays, unless a folder in it holds DICOM files too. What never was opened (a link, a film that was left
out) has no content to be called by, and goes by its place in the order of the files.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from spinekit.core.errors import UsageError
from spinekit.files import sha256_of, write_text
from spinekit.formats.neutral import is_dicom, known_suffix, neutral_name, picture_suffix
from spinekit.formats.reading import FoundFile
from spinekit.formats.sources import safe_cell, split_frame

KEEP, NEUTRAL = "keep", "neutral"
_HEAD = "name,file"


class FilmNames:
    """The names of a run's files; a neutral one is known once the file's hash is.

    Hashes must be told in the order of the files, so that files of the same bytes get the same names again.

    Args:
        found: All files of the run, in order.
        rule: ``keep`` for the files' own names throughout, or ``neutral``.
    """

    def __init__(self, found: Sequence[FoundFile], rule: str = NEUTRAL) -> None:
        self._found = found
        self._dicom: set[Path] = set()
        self._own = {item.path for item in found} if rule == KEEP else self._kept()
        self._place = {item.path: number for number, item in enumerate(found, start=1)}
        self._hashes: dict[Path, str] = {}
        self._names: dict[Path, str] = {}
        self._twins: Counter[str] = Counter()

    def _kept(self) -> set[Path]:
        """The files that go by their own names."""
        pictures = {item.path for item in self._found if picture_suffix(item.path)}
        for item in self._found:
            if item.skip is None and item.path in pictures and is_dicom(item.path):
                pictures.discard(item.path)
                self._dicom.add(item.path)
        named = [item for item in self._found if item.skip is None and item.path not in pictures]
        if not named:
            return {item.path for item in self._found}
        private = {folder for item in named for folder in _folders(item)}
        return {
            item.path for item in self._found if item.path in pictures and private.isdisjoint(_folders(item))
        }

    @property
    def all_own(self) -> bool:
        """Whether every file goes by its own name."""
        return len(self._own) == len(self._place)

    def of(self, item: FoundFile) -> str:
        """What a file is called, as far as it is known."""
        return item.name if item.path in self._own else self._names.get(item.path) or self._by_place(item)

    def told(self, item: FoundFile, sha256: str) -> str:
        """What a file is called, now that its hash is known.

        Args:
            item: The file.
            sha256: Of its bytes; empty where they could not be read.
        """
        if item.path in self._own or not sha256 or self._hashes.get(item.path) == sha256:
            return self.of(item)
        suffix = ".dcm" if item.path in self._dicom else known_suffix(item.path)
        if not suffix and is_dicom(item.path):
            suffix = ".dcm"
        bare = neutral_name(sha256, suffix)
        self._twins[bare] += 1
        self._hashes[item.path] = sha256
        self._names[item.path] = neutral_name(sha256, suffix, self._twins[bare])
        return self._names[item.path]

    def look(self) -> None:
        """Hashes the files that are called by their content, for a run that goes on to know them again."""
        for item in self._found:
            if item.skip is None and item.path not in self._own:
                try:
                    self.told(item, sha256_of(item.path))
                except OSError:  # it keeps its place; reading it will say why
                    continue

    def sha256(self, item: FoundFile) -> str:
        """The hash that was told of a file, or empty."""
        return self._hashes.get(item.path, "")

    def paths(self) -> Mapping[str, Path]:
        """Where the files lie that do not go by their own names."""
        return {self.of(item): item.path for item in self._found if item.path not in self._own}

    def own(self) -> Mapping[str, str]:
        """The own names of those files."""
        return {self.of(item): item.name for item in self._found if item.path not in self._own}

    def _by_place(self, item: FoundFile) -> str:
        return f"file-{self._place[item.path]:05d}"


def _folders(item: FoundFile) -> set[str]:
    """The folders in a file's name, each with what lies above it."""
    return {str(folder) for folder in PurePosixPath(item.name).parents} - {"."}


def own_name(image: str, own: Mapping[str, str]) -> str:
    """What an image is called on a screen: its file's own name, with the frame.

    Args:
        image: Its name in the outputs.
        own: From `FilmNames.own`.
    """
    file, frame = split_frame(image)
    if image in own:
        return own[image]
    return f"{own[file]}{frame}" if file in own else image


def check_table(path: Path, out: Path | None, sources: Sequence[Path]) -> None:
    """Refuses a place at which a table of names would be given away with the results, or would replace a file.

    Raises:
        UsageError: Naming it.
    """
    place = path.resolve()
    if out is not None and (place == out.resolve() or out.resolve() in place.parents):
        raise UsageError(f"--name-table {path}: lies among the results -- keep it apart from them")
    if place in {source.resolve() for source in sources} or (path.exists() and not _is_table(path)):
        raise UsageError(f"--name-table {path}: is a file of another kind -- name a new file")


def _is_table(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_HEAD) + 1) == f"{_HEAD}\n".encode()
    except OSError:
        return False


def write_table(path: Path, names: FilmNames) -> None:
    """Which film is which, for its owner alone to read.

    Args:
        path: Replaced where it is there.
        names: Of the run.

    Raises:
        EnvironmentFaultError: If it cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEAD.split(","))
    writer.writerows((name, safe_cell(file)) for name, file in names.own().items())
    write_text(path, text.getvalue())
    path.chmod(0o600)
