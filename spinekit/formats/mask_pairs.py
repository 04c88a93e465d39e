"""Which mask belongs to which image: by name, in subfolders too, each mask once and each image once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from spinekit.core.errors import AnnotationError, SpinekitError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Absent
from spinekit.files import printable
from spinekit.formats.mask_pixels import LOSSY_SUFFIXES, MASK_SUFFIXES, page_count
from spinekit.formats.plugin import LabelOptions, ReadOptions
from spinekit.formats.sources import ImageFolder, image_folder, split_frame

MASK_FOLDERS = ("label", "labels", "mask", "masks", "SegmentationClass")
IMAGE_FOLDERS = ("image", "images", "img", "imgs", "dicom", "dcm", "JPEGImages")
ENDINGS = ("", "_mask", "_label", "_seg", "-mask", "-label", "-seg")
_NAMED = 12


@dataclass(frozen=True, slots=True)
class MaskPair:
    """A mask file and the image that it is of.

    Attributes:
        mask: The file.
        name: The image's name in its folder, with ``#<frame>`` for one frame.
    """

    mask: Path
    name: str


def mask_folder(path: Path) -> Path:
    """The folder of the masks: one of the usual names in ``path``, or ``path`` itself (or that of a table)."""
    folder = path if path.is_dir() else path.parent
    return next((folder / name for name in MASK_FOLDERS if (folder / name).is_dir()), folder)


def images_beside(path: Path, masks: Path) -> Path | None:
    """The folder of the images where nobody named it: beside the masks, or the very folder of the masks."""
    folder = path if path.is_dir() else path.parent
    beside = folder if masks != folder else folder.parent
    found = next((beside / name for name in IMAGE_FOLDERS if (beside / name).is_dir()), None)
    if found is None and masks == folder and _paired(masks, image_folder(masks))[0]:
        return masks
    return found


def mask_files(masks: Path) -> list[Path]:
    """The mask files below a folder, in the order of their names; links are not followed.

    Raises:
        AnnotationError: If there are only JPEG files, whose values are not exact.
    """
    files = sorted(path for path in masks.rglob("*") if not path.is_symlink() and path.is_file())
    found = [path for path in files if path.suffix.lower() in MASK_SUFFIXES and not path.name.startswith(".")]
    if not found and any(path.suffix.lower() in LOSSY_SUFFIXES for path in files):
        raise AnnotationError(f"{masks}: the masks are JPEG, which blurs values -- save them as PNG")
    return found


def pairs(masks: Path, images: Path, options: LabelOptions) -> list[MaskPair]:
    """Every mask with the image of its name, in the order of the masks.

    What has no partner is told, or refused where ``options.allow_missing`` is off.

    Raises:
        AnnotationError: If nothing pairs, or two masks claim one image.
    """
    folder = image_folder(images)
    found, lonely = _paired(masks, folder)
    _check_claims(found)
    if not found:
        raise AnnotationError(f"{masks}: no mask has the name of an image in {images} -- pair them by name")
    taken = {split_frame(pair.name)[0] if pair.name not in folder.paths else pair.name for pair in found}
    files = {pair.mask for pair in found} | set(lonely)
    bare = [name for name, path in folder.paths.items() if name not in taken and path not in files]
    if options.allow_missing:
        for path in lonely:
            options.notice(f"{path}: no image of this name in {images} -- passed over")
        for name in bare:
            options.notice(f"{images / name}: has no mask in {masks} -- passed over")
    elif lonely or bare:
        raise AnnotationError(
            f"{masks}: {len(found) + len(lonely)} masks and {len(taken) + len(bare)} images: "
            f"{_names('masks without image', [path.relative_to(masks).as_posix() for path in lonely])}"
            f"{'; ' if lonely and bare else ''}{_names('images without mask', bare)} "
            "-- pair them by name, or pass --allow-missing"
        )
    return found


def pairs_of(masks: Path, images: Path) -> list[MaskPair]:
    """The masks that have an image of their name, without complaint about the others."""
    return _paired(masks, image_folder(images))[0]


def page_images(pair: MaskPair, folder: ImageFolder) -> tuple[tuple[ImageRef, ...], bool] | Absent:
    """The images that the pages of a mask are of, and whether all pages lie on one image.

    A mask of several pages is either of an image of as many frames, or holds several layers of one image
    (bodies that overlap). Of images of several frames only the references are kept.
    """
    pages = page_count(pair.mask)
    if pages == 1:
        image = folder.find(pair.name)
        return image if isinstance(image, Absent) else ((image,), False)
    frames = frame_references(folder, pair.name)
    if isinstance(frames, Absent):
        return frames
    if len(frames) not in {1, pages}:
        return Absent(f"{pages} pages of mask for {len(frames)} frames of image")
    return frames, len(frames) == 1


def frame_references(folder: ImageFolder, name: str) -> tuple[ImageRef, ...] | Absent:
    """The references of all frames of an image file; of one where ``name`` tells its frame."""
    from spinekit.formats.reading import read_images

    if name not in folder.paths:
        one = folder.find(name)
        return one if isinstance(one, Absent) else (one,)
    try:
        return tuple(image.ref for image in read_images(folder.paths[name], ReadOptions(root=folder.root)))
    except SpinekitError as error:
        return Absent(str(error))


def _paired(masks: Path, images: ImageFolder) -> tuple[list[MaskPair], list[Path]]:
    """Masks with their images, and masks without."""
    exact, by_stem = _index(images)
    found, lonely = [], []
    files = mask_files(masks)
    lying = frozenset(files) if masks == images.root else frozenset()
    claimed = {name for path in files if (name := _claim(path, masks, exact, images, ""))}
    for path in files:
        names: list[str] = []
        for ending in ENDINGS:
            if path.stem.endswith(ending) and not names:
                claim = _claim(path, masks, exact, images, ending)
                names = [claim] if claim else _by_name(path, masks, by_stem, ending)
                names = [name for name in names if images.paths.get(name) != path]
                names = names if claim else [name for name in names if name not in claimed]
        if len(names) == 1:
            found.append(MaskPair(path, names[0]))
        elif not _is_image_of_another(path, lying):
            lonely.append(path)
    return found, lonely


def _by_name(path: Path, masks: Path, by_stem: dict[str, list[str]], ending: str) -> list[str]:
    """The images called like a mask, with its folder or else without, whole or as one frame."""
    name = path.relative_to(masks).with_suffix("").as_posix().removesuffix(ending)
    stem, frame = split_frame(name)
    for key, part in (
        (name, ""),
        (stem, frame),
        (PurePosixPath(name).name, ""),
        (PurePosixPath(stem).name, frame),
    ):
        if key in by_stem:
            return [f"{image}{part}" for image in by_stem[key]]
    return []


def _index(images: ImageFolder) -> tuple[frozenset[str], dict[str, list[str]]]:
    """The images' names, and for each name without suffix (with and without folder) its images."""
    by_stem: dict[str, list[str]] = {}
    for name in images.paths:
        stem = PurePosixPath(name).with_suffix("").as_posix()
        for key in dict.fromkeys((stem, PurePosixPath(stem).name)):
            by_stem.setdefault(key, []).append(name)
    return frozenset(images.paths), by_stem


def _claim(path: Path, masks: Path, exact: frozenset[str], images: ImageFolder, ending: str) -> str:
    """The image whose whole name, suffix and all, a mask bears (``a.dcm.png``); empty where there is none."""
    name = path.relative_to(masks).with_suffix("").as_posix().removesuffix(ending)
    stem, frame = split_frame(name)
    if name in exact and images.paths[name] != path:
        return name
    return f"{stem}{frame}" if frame and stem in exact else ""


def _is_image_of_another(path: Path, lying: frozenset[Path]) -> bool:
    """Whether a file, in a folder of images and masks, is the image of ``<stem>_mask`` and the like."""
    endings = (f"{ending}{suffix}" for ending in ENDINGS[1:] for suffix in MASK_SUFFIXES)
    return any(path.with_name(f"{path.stem}{ending}") in lying for ending in endings)


def _check_claims(found: list[MaskPair]) -> None:
    owner: dict[str, Path] = {}
    for pair in found:
        if pair.name in owner:
            raise AnnotationError(
                f"{pair.mask}: and {owner[pair.name].name} are both masks of {printable(pair.name)} "
                "-- keep one mask per image"
            )
        owner[pair.name] = pair.mask


def _names(what: str, names: list[str]) -> str:
    if not names:
        return ""
    more = f", ... ({len(names)} in all)" if len(names) > _NAMED else ""
    return f"{what}: {', '.join(printable(name) for name in names[:_NAMED])}{more}"
