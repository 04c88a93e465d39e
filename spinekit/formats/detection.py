"""Which annotation format a file or folder is of, by its content alone."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from spinekit.core.errors import NothingUsableError, UsageError
from spinekit.files import printable
from spinekit.formats.foreign import foreign_tool, nothing_but_images, seen
from spinekit.formats.plugin import AnnotationFormat
from spinekit.formats.registry import annotation_formats

_DEPTH = 3  # of folders within a folder in which annotations are looked for
_LOOKED_AT = 60  # folders
_FILES_LOOKED_AT = 10_000
_SHOWN = 4


def detect_format(path: Path) -> AnnotationFormat:
    """The one annotation format that a file or folder is of.

    Raises:
        UsageError: If there is no such path; if several formats recognise it (named, to choose from with
            ``--from``); or if none does, with what was seen and what to export instead.
        NothingUsableError: If all there is are images, label files without a line, or nothing at all.
    """
    shown = printable(str(path))
    if not path.is_file() and not path.is_dir():
        raise UsageError(f"{shown}: no such file or folder -- check the path")
    found = candidates(path)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(item.name for item in found)
        raise UsageError(f"{shown}: may be of several formats ({names}) -- say which with --from")
    below = [] if path.is_file() else _further_down(path)
    if below:
        if len(below) == 1:
            name, form = below[0]
            raise UsageError(
                f"{shown}: its annotations lie in {printable(name)} ({form}) -- name that folder"
            )
        listed = ", ".join(f"{printable(name)} ({form})" for name, form in below[:_SHOWN])
        more = f" and {len(below) - _SHOWN} more" if len(below) > _SHOWN else ""
        raise UsageError(
            f"{shown}: is a folder of folders, with annotations in {listed}{more} -- name one of them"
        )
    tool = foreign_tool(path)
    if tool is not None:
        raise UsageError(f"{shown}: holds {tool.name}, which spinekit does not read -- {tool.advice}")
    if path.is_dir() and _all_empty(path):
        raise NothingUsableError(
            f"{shown}: holds {seen(path)}, and every label file is empty -- label some images"
        )
    if nothing_but_images(path):
        raise NothingUsableError(
            f"{shown}: holds {seen(path)}, and no annotation -- name the folder or file that the labels lie in"
        )
    names = ", ".join(item.name for item in annotation_formats() if item.read is not None)
    raise UsageError(
        f"{shown}: holds {seen(path)}, and no annotation format recognises it -- name the annotation itself, "
        f"or say with --from which of these it is: {names}"
    )


def _all_empty(folder: Path) -> bool:
    """Whether text files lie there, a line in none of them: labels that say that there is nothing."""
    texts = [file for file in islice(folder.rglob("*"), _FILES_LOOKED_AT) if file.suffix.lower() == ".txt"]
    return bool(texts) and not any(file.is_file() and file.stat().st_size for file in texts)


def _further_down(path: Path) -> list[tuple[str, str]]:
    """Folders below one that hold annotations, with their format; none below one that does."""
    found: list[tuple[str, str]] = []
    for looked, (folder, subfolders, _) in enumerate(os.walk(path), start=1):
        here = Path(folder)
        names = [] if here == path else [item.name for item in candidates(here)]
        if names:
            found.append((here.relative_to(path).as_posix(), " or ".join(names)))
        if names or len(here.relative_to(path).parts) >= _DEPTH:
            subfolders.clear()
        if looked >= _LOOKED_AT:
            break
        subfolders.sort()
    return found


def candidates(path: Path) -> list[AnnotationFormat]:
    """Every format that recognises a file or folder."""
    return [item for item in annotation_formats() if item.detect is not None and item.detect(path)]
