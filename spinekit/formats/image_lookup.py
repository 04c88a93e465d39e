"""Images that annotations mean without naming them well, and images that are not there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Absent
from spinekit.files import printable, short_name
from spinekit.formats.plugin import LabelOptions
from spinekit.formats.sources import FOUND_SUFFIXES, ImageFolder, split_frame, unsafe_name

_SEPARATORS = frozenset(" ._-")


def present(found: ImageRef | Absent, place: str, options: LabelOptions) -> ImageRef | None:
    """The image that was looked for; None, and a notice, where it is not there and need not be.

    Args:
        found: From `ImageFolder.find`.
        place: File and place of the annotation that means it.
        options: Whether it must be there, and who is told otherwise.

    Raises:
        AnnotationError: If it is not there and must be.
    """
    if isinstance(found, ImageRef):
        return found
    if not options.allow_missing:
        raise AnnotationError(f"{place}: {found.reason} -- add the image, or name its folder with --images")
    options.notice(f"{place}: {found.reason}: passed over")
    return None


def stems_of(folder: ImageFolder) -> Mapping[str, list[str]]:
    """The relative names of a folder's images by their last part without suffix, for `by_own_name`."""
    stems: dict[str, list[str]] = {}
    for relative in folder.paths:
        stems.setdefault(PurePosixPath(relative).stem, []).append(relative)
    return stems


def by_own_name(folder: ImageFolder, stems: Mapping[str, list[str]], name: str) -> ImageRef | Absent:
    """The image that an annotation file's own name means: the same name with an image's suffix.

    Where there is none, an image whose name begins that of the annotation is taken, the longest of several
    (``film-3_landmarks`` is of ``film-3.png``, and of ``film.png`` only where that is missing).

    Args:
        folder: Where to look.
        stems: From `stems_of`.
        name: The annotation file's name without its own suffix; it may hold the image's.
    """
    if Path(split_frame(name)[0]).suffix.lower() in FOUND_SUFFIXES:
        exact = folder.find(name)
        if isinstance(exact, ImageRef):
            return exact
    ends = (len(name), *(index for index in range(len(name) - 1, 0, -1) if name[index] in _SEPARATORS))
    stem = next((name[:end] for end in ends if name[:end] in stems), None)
    if stem is None:
        return Absent(f"{printable(name)}: no image of this name in {folder.root}")
    images = [item for item in stems[stem] if PurePosixPath(item).suffix] or stems[stem]
    if len(images) > 1:
        listed = ", ".join(printable(item) for item in images[:3])
        return Absent(f"{printable(name)}: {len(images)} images have this name ({listed})")
    return folder.find(images[0])


def annotation_name(image: ImageRef, taken: set[str]) -> str:
    """What to call an annotation file of an image, without suffix: as the image, so that `by_own_name` finds it.

    Args:
        image: Of which the annotation is.
        taken: Names given already; the new one is added. Where two images differ in their suffix alone, and
            for one frame of several, the name keeps the image's suffix.

    Returns:
        A relative name with ``/`` that stays inside the folder it is written to.
    """
    name = image.name or image.path.name
    if unsafe_name(name):
        name = image.path.name
    path = PurePosixPath(name)
    file, frame = split_frame(name)
    short = path.as_posix() if frame else path.with_suffix("").as_posix()
    if Path(file).suffix.lower() not in FOUND_SUFFIXES or short.casefold() in taken:
        short = path.as_posix()
    folder, slash, last = short.rpartition("/")
    short = f"{folder}{slash}{short_name(last)}"
    taken.add(short.casefold())
    return short
