"""Where a YOLO data set keeps things: which label file or mask belongs to which image.

The library's own layout is ``images/train/a.jpg`` with ``labels/train/a.txt`` or ``masks/train/a.png``.
Others put ``train/images`` beside ``train/labels`` (Roboflow), ``Images`` beside ``Annotations``, or every
``a.txt`` beside its ``a.jpg`` (Darknet): names are compared without such folders, so all are read alike.
Where ``data.yaml`` says that the data lie somewhere else, that place is not visited.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from spinekit.core.errors import AnnotationError
from spinekit.files import printable
from spinekit.formats.sources import ImageFolder, image_folder, split_frame
from spinekit.formats.yolo_settings import LISTS_OF_NAMES, DataSettings, read_settings, settings_file

LABEL_FOLDERS = frozenset({"labels", "annotations"})
MASK_FOLDER = "masks"
IMAGE_FOLDERS = frozenset({"images", "jpegimages"})
KIND_FOLDERS = LABEL_FOLDERS | IMAGE_FOLDERS | {MASK_FOLDER}
_FEWEST_NUMBERS = 5
_HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set that was found, unread.

    Attributes:
        folder: Its folder.
        settings: What it says of itself.
        images: All its images.
    """

    folder: Path
    settings: DataSettings
    images: ImageFolder = field(repr=False)


def data_set(path: Path, images: Path | None) -> DataSet:
    """The data set that a path means.

    Args:
        path: Its folder, the folder of its labels, or its settings.
        images: Folder of the images, or None for those of the data set.

    Raises:
        AnnotationError: If the settings are broken, or there are no images.
    """
    if path.is_file():
        if path.suffix.lower() == ".txt" and path.name not in LISTS_OF_NAMES:
            raise AnnotationError(f"{path}: is one label file -- name its data set's folder or data.yaml")
        folder, settings = path.parent, read_settings(path)
    elif path.is_dir():
        folder = path
        stated = settings_file(folder)
        if stated is None and path.name.casefold() in LABEL_FOLDERS:
            folder = path.parent
            stated = settings_file(folder)
        settings = DataSettings() if stated is None else read_settings(stated)
    else:
        raise AnnotationError(f"{path}: no such file or folder -- check the path")
    root = images or (folder / "images" if (folder / "images").is_dir() else folder)
    listed = image_folder(root)
    if not listed.paths:
        elsewhere = f", and {settings.path} speaks of {printable(settings.root)}" if settings.root else ""
        raise AnnotationError(
            f"{root}: holds no image{elsewhere} -- name the folder of the images: a label file alone has no "
            "pixels' size"
        )
    return DataSet(folder, settings, listed)


def label_files(folder: Path) -> list[Path]:
    """The label files of a data set, sorted: those in label folders, or all that hold rows where none is."""
    texts = [path for path in sorted(folder.rglob("*.txt")) if path.name not in LISTS_OF_NAMES]
    kept = [path for path in texts if _in_folder(path.relative_to(folder), LABEL_FOLDERS)]
    return kept or [path for path in texts if holds_rows(path) is not False]


def holds_rows(path: Path) -> bool | None:
    """Whether a text file begins like a label file: a whole number, then at least four more; None if empty."""
    if not path.is_file():  # a pipe would never end
        return False
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return False
    lines = [line.split() for line in head.splitlines() if line.strip()]
    if not lines:
        return None
    first = lines[0]
    try:
        values = [float(token) for token in first]
    except ValueError:
        return False
    return len(values) >= _FEWEST_NUMBERS and values[0].is_integer() and 0 <= values[0] < 100_000


def labelled(data: DataSet) -> Iterator[tuple[Path, str]]:
    """Every label file with the name of each of its images, an empty one where it has none."""
    texts = label_files(data.folder)
    keys = {text: _key(text.relative_to(data.folder).with_suffix(""), LABEL_FOLDERS) for text in texts}
    for text, names in _paired(keys, data.images.paths):
        yield from ((text, name) for name in names or [""])


def masked(data: DataSet) -> Iterator[tuple[Path, str]]:
    """Every mask of a semantic set with the name of its image, an empty one where it has none.

    Raises:
        AnnotationError: If there is no folder of masks.
    """
    kind = data.settings.masks or MASK_FOLDER
    files = (path.relative_to(data.folder) for path in sorted(data.folder.rglob("*.png")))
    keys = {
        data.folder / file: _key(file.with_suffix(""), frozenset({kind.casefold()}))
        for file in files
        if _in_folder(file, frozenset({kind.casefold()}))
    }
    if not keys:
        raise AnnotationError(
            f"{data.folder}: has no PNG in a folder {printable(kind)} -- a semantic data set needs one mask an image"
        )
    masks = {path.resolve() for path in keys}
    shown = {name: path for name, path in data.images.paths.items() if path.resolve() not in masks}
    for path, names in _paired(keys, shown):
        yield path, names[0] if names else ""


def bare_name(name: str) -> str:
    """A relative name without folders that only say what kind of file lies in them.

    ``train/images/a.jpg`` gives ``train/a.jpg``. Below a data set's own ``images`` such a folder leads the library
    astray: it looks for labels where the last ``images`` of a path is replaced by ``labels``.
    """
    *folders, last = PurePosixPath(name).parts or ("",)
    return "/".join((*(folder for folder in folders if folder.casefold() not in KIND_FOLDERS), last))


def label_path(labels: Path, name: str) -> Path:
    """Where the label file of an image lies: its relative name below ``labels`` with ``.txt``.

    A frame keeps its number: ``x.dcm#3`` has the labels ``x#3.txt``.
    """
    file, frame = split_frame(name)
    stem = (labels / file).with_suffix("")
    return stem.with_name(f"{stem.name}{frame}.txt")


def _paired(keys: Mapping[Path, str], images: Iterable[str]) -> Iterator[tuple[Path, list[str]]]:
    """Files with the images of the same relative name; a last part that is unlike all others is enough."""
    whole: dict[str, str] = {}
    by_stem: dict[str, list[str]] = {}
    by_last: dict[str, list[str]] = {}
    for name in images:
        key = _key(PurePosixPath(name), IMAGE_FOLDERS)
        whole[key] = name
        stem = str(PurePosixPath(key).with_suffix(""))
        by_stem.setdefault(stem, []).append(name)
        by_last.setdefault(PurePosixPath(stem).name, []).append(name)
    stated = set(keys.values())
    alone = Counter(PurePosixPath(key).name for key in keys.values())
    for path, key in keys.items():
        file, frame = (key, "") if key in whole or key in by_stem else split_frame(key)
        # a.jpg.txt belongs to a.jpg; a.txt to every other image called a.
        names = [whole[file]] if file in whole else by_stem.get(file, [])
        names = [
            name for name in names if file in whole or _key(PurePosixPath(name), IMAGE_FOLDERS) not in stated
        ]
        last = PurePosixPath(file).name
        if not names and file not in by_stem and alone[PurePosixPath(key).name] == 1:
            names = by_last.get(last, []) if len(by_last.get(last, [])) == 1 else []
        yield path, [f"{name}{frame}" for name in names]


def _key(relative: Path | PurePosixPath, kinds: frozenset[str]) -> str:
    """A relative name without the last of its folders that only says what kind of file lies there."""
    *folders, last = relative.parts
    for index in reversed(range(len(folders))):
        if folders[index].casefold() in kinds:
            del folders[index]
            break
    return "/".join((*folders, last))


def _in_folder(relative: Path, kinds: frozenset[str]) -> bool:
    return any(part.casefold() in kinds for part in relative.parts[:-1])
