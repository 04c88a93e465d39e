"""Clean copies of images: no identity in header, file or name, each searched again after it was written.

Copies are numbered in the order in which their sources are found, for names of files and folders name people too.
Which is which is told in one table only, where the user asks for it, and that lies elsewhere.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from spinekit.core.errors import NothingUsableError, ReadError, SkipFile, UsageError
from spinekit.files import write_text
from spinekit.formats.dicom import sniff
from spinekit.formats.dicom_clean import clean_file
from spinekit.formats.dicom_clean_header import Box, CleanRules
from spinekit.formats.picture_clean import clean_picture, pages_of
from spinekit.formats.plugin import MAX_PIXELS
from spinekit.formats.reading import FoundFile, find_files
from spinekit.formats.sources import safe_cell
from spinekit.runs import claim_folder
from spinekit.workflows.private_key import private_key

Progress = Callable[[int, int], None]


class DeidentifySettings(BaseModel):
    """What to clean, and what may stay.

    Attributes:
        sources: Files and folders; folders are read with their sub-folders.
        out: A new or empty folder.
        blank: Parts of every picture to be blackened: left, top, width, height in px.
        dates: ``remove``, or ``shift`` by a number of days that is the patient's own.
        person: Whether sex and age (below 90) stay.
        key: File of the secret by which pseudonyms are made, made where missing; None for the user's own.
        table: File to write the old and new names to; None for none.
        max_pixels: Larger images are refused before they are decoded.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    sources: tuple[Path, ...] = Field(min_length=1)
    out: Path
    blank: tuple[Box, ...] = ()
    dates: Literal["remove", "shift"] = "remove"
    person: bool = False
    key: Path | None = None
    table: Path | None = None
    max_pixels: int = Field(MAX_PIXELS, ge=1)


@dataclass(frozen=True, slots=True)
class CleanCopy:
    """What became of one file.

    Attributes:
        source: Its old name; it may name somebody.
        copies: Names of its copies, relative to the folder; none where there is none.
        reason: Why not, or empty.
        skipped: Whether it holds no image, so that nothing failed.
        notes: What a person should know of the copies.
    """

    source: str
    copies: tuple[str, ...] = ()
    reason: str = ""
    skipped: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deidentified:
    """A finished run.

    Attributes:
        out: Its folder.
        files: What became of every file, in order.
    """

    out: Path
    files: list[CleanCopy] = field(default_factory=list)

    @property
    def copies(self) -> int:
        """How many copies there are."""
        return sum(len(file.copies) for file in self.files)

    @property
    def failed(self) -> list[CleanCopy]:
        """The images of which there is no copy."""
        return [file for file in self.files if file.reason and not file.skipped]


def parse_box(text: str) -> Box:
    """A part of a picture as a user states it: ``X,Y,W,H`` in px, from the upper left corner.

    Raises:
        UsageError: If it is none.
    """
    try:
        left, top, width, height = (int(part) for part in text.split(","))
    except ValueError:
        left = top = width = height = -1
    if min(left, top) < 0 or min(width, height) < 1:
        raise UsageError(f"--blank {text}: is no part of a picture -- write X,Y,W,H in px, e.g. 0,0,400,60")
    return left, top, width, height


def deidentify(settings: DeidentifySettings, on_progress: Progress | None = None) -> Deidentified:
    """Writes clean copies of all images.

    Args:
        settings: What to do.
        on_progress: Told before every file: files done, files in all.

    Returns:
        What became of every file.

    Raises:
        UsageError: If the settings cannot be, before anything is read.
        EnvironmentFaultError: If the folder, the key or the table cannot be written.
        NothingUsableError: If no file gave a copy.
    """
    _check_places(settings)
    found = list(find_files(settings.sources, settings.out))
    rules = CleanRules(private_key(settings.key), settings.dates == "shift", settings.person, settings.blank)
    done = Deidentified(claim_folder(settings.out))
    settings.out.chmod(0o700)
    for index, item in enumerate(found):
        if on_progress is not None:
            on_progress(index, len(found))
        done.files.append(_cleaned(item, done.copies + 1, settings, rules))
    if settings.table is not None:
        _write_table(settings.table, done)
    if not done.copies:
        reasons = {file.reason for file in done.files}
        raise NothingUsableError(f"no file gave a clean copy: {next(iter(sorted(reasons)), 'there is none')}")
    return done


def _check_places(settings: DeidentifySettings) -> None:
    out = settings.out.resolve()
    for source in settings.sources:
        place = source.resolve()
        if place == out or out in place.parents:
            raise UsageError(
                f"--out {settings.out}: {source} lies in it -- name a folder apart from the input"
            )
    for option, path in (("--table", settings.table), ("--key", settings.key)):
        if path is not None and (path.resolve() == out or out in path.resolve().parents):
            raise UsageError(f"{option} {path}: lies among the clean copies -- keep it apart from them")


def _cleaned(item: FoundFile, number: int, settings: DeidentifySettings, rules: CleanRules) -> CleanCopy:
    """The copies of one file, numbered from `number` on."""
    if item.skip is not None:
        return CleanCopy(item.name, reason=item.skip, skipped=True)
    copies: list[str] = []
    notes: list[str] = []
    try:
        with item.path.open("rb") as stream:
            is_dicom = sniff(stream.read(1024))
        if is_dicom:
            copies.append(f"{number:06d}.dcm")
            notes += clean_file(item.path, settings.out / copies[0], rules, settings.max_pixels)
        else:
            for offset, ref in enumerate(pages_of(item.path, settings.max_pixels)):
                name = f"{number + offset:06d}.png"
                notes += clean_picture(ref, settings.out / name, settings.blank, settings.max_pixels)
                copies.append(name)
    except SkipFile as skip:
        return CleanCopy(item.name, reason=f"{skip.reason} -- {skip.fix}", skipped=True)
    except (ReadError, OSError) as error:
        written = [name for name in copies if (settings.out / name).exists()]
        reason = f"{error.reason} -- {error.fix}" if isinstance(error, ReadError) else "cannot be read"
        return CleanCopy(item.name, tuple(written), reason)
    return CleanCopy(item.name, tuple(copies), notes=tuple(dict.fromkeys(notes)))


def _write_table(path: Path, done: Deidentified) -> None:
    """Old and new names, for their owner alone."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("source", "copy"))
    for file in done.files:
        for name in file.copies:
            writer.writerow((safe_cell(file.source), name))
    write_text(path, text.getvalue())
    path.chmod(0o600)
