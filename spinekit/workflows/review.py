"""Opening a run or somebody's annotations for review, and what comes out of a review."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from spinekit import __version__
from spinekit.core.errors import AnnotationError, NothingUsableError, ReadError, UsageError
from spinekit.core.image import ImageRef
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.files import atomic_path, printable, sha256_of, write_text
from spinekit.formats.plugin import LabelOptions, ReadOptions
from spinekit.formats.reading import read_images
from spinekit.formats.review_lines import (
    FILE,
    FOLDER,
    ReviewedImage,
    ReviewHeader,
    reviewed_image,
)
from spinekit.formats.reviewed import (
    PREDICTIONS,
    base_line,
    begun,
    images_of,
    read_record,
    replayed,
)
from spinekit.formats.scenes import from_line, read_mixed, to_line
from spinekit.formats.sources import image_folder, parse_json, unsafe_name
from spinekit.runs.journal import RECORDS
from spinekit.runs.outcome_line import outcome_from_line
from spinekit.schemas import load_schema
from spinekit.workflows.convert import Conversion, convert
from spinekit.workflows.convert_settings import ConvertSettings
from spinekit.workflows.labelled import open_labelled
from spinekit.workflows.outputs import output_path
from spinekit.workflows.predictions import Films, prediction_of
from spinekit.workflows.review_queue import Urgency, summaries, urgency

_GIVEN_UP = frozenset({"abstained"})


class ReviewSettings(BaseModel):
    """What is to be reviewed.

    Attributes:
        source: A run's folder, or annotations of any format.
        images: Folder of the films; None where the run or the annotations know.
        format: Of annotations; None to tell it by the content.
        schema_name: Landmark or class set of annotations, and of films that no model read.
        reader: Whose reading this is, apart from that of others; empty where all review together.
        out: Where a review of annotations goes; None for a folder beside them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Path
    images: Path | None = None
    format: str | None = None
    schema_name: str | None = None
    reader: str = ""
    out: Path | None = None


@dataclass(slots=True, eq=False)
class ReviewFilm:
    """One film under review.

    Attributes:
        name: Of the image.
        state: What stands of it.
        urgency: Why it is looked at early.
        refusal: Why no model reported anything, or empty.
        predicted: Whether the predictions hold a scene of it.
        path: Where the film lies; None where it was not found.
        copy: The 8-bit copy that the run keeps, or None.
    """

    name: str
    state: ReviewedImage
    urgency: Urgency
    refusal: str = ""
    predicted: bool = True
    path: Path | None = None
    copy: Path | None = None


@dataclass(slots=True, eq=False)
class Review:
    """A review that is open.

    Attributes:
        run: Folder of the predictions.
        record: ``edits.jsonl``; made with the first edit.
        header: Its first line.
        films: In the order of the predictions, then those that no model read.
        last: Number of the last edit.
        notices: What was passed over, one line each.
    """

    run: Path
    record: Path
    header: ReviewHeader
    films: list[ReviewFilm]
    last: int = 0
    notices: list[str] = field(default_factory=list)


def open_review(settings: ReviewSettings) -> Review:
    """Opens what is to be reviewed, with all that was edited before.

    Args:
        settings: What.

    Raises:
        UsageError: If the source is neither a run nor annotations, or the films cannot be found.
        AnnotationError: If predictions, annotations or record are broken.
        NothingUsableError: If there is no film.
    """
    notices: list[str] = []
    run = _run_of(settings, notices.append)
    record = _record_of(run, settings.reader)
    predictions = run / PREDICTIONS
    images = settings.images or images_of(run)
    films = _films(run, images or run, settings, notices.append)
    if not films:
        raise NothingUsableError(
            f"{printable(str(settings.source))}: holds no film to review -- check the path"
        )
    base = Path(*[".."] * len(record.parent.relative_to(run).parts), PREDICTIONS).as_posix()
    header = ReviewHeader(base, sha256_of(predictions), settings.reader)
    review = Review(run, record, header, films, notices=notices)
    if begun(record):
        _replay(review)
    _place(review, images, notices.append)
    return review


def _run_of(settings: ReviewSettings, notice: Callable[[str], None]) -> Path:
    """The run's folder; annotations are laid down as one first, so that they stay as they are."""
    source = settings.source
    shown = printable(str(source))
    if not source.exists():
        raise UsageError(f"{shown}: no such file or folder -- check the path")
    if source.is_dir() and (source / PREDICTIONS).is_file():
        if settings.out is not None:
            raise UsageError(f"--out: a run is reviewed in its own folder, {shown} -- leave --out away")
        return source
    if source.name == PREDICTIONS and source.is_file():
        return source.parent
    run = settings.out or source.resolve().parent / f"{source.resolve().stem}-review"
    if (run / PREDICTIONS).is_file():
        notice(f"{printable(str(run))}: the review begun there goes on; the annotations are not read again")
        return run
    if run.exists() and (not run.is_dir() or any(run.iterdir())):
        raise UsageError(f"{printable(str(run))}: is not empty -- name a new folder with --out")
    _lay_down(settings, run, notice)
    return run


def _lay_down(settings: ReviewSettings, run: Path, notice: Callable[[str], None]) -> None:
    """Writes annotations as the scenes that a review begins from."""
    options = LabelOptions(images=settings.images, notice=notice)
    _, scenes = open_labelled(settings.source, settings.format, settings.schema_name, options)
    met: set[str] = set()
    root = settings.images
    with atomic_path(run / PREDICTIONS) as temporary:
        with temporary.open("w", encoding="utf-8", newline="\n") as stream:
            for scene in scenes:
                if scene.image.name in met:
                    notice(f"{printable(scene.image.name)}: is labelled twice -- the first was taken")
                    continue
                met.add(scene.image.name)
                root = root or _root(scene.image)
                stream.write(to_line(replace(scene, image=_seen(scene.image))) + "\n")
        if not met:
            raise NothingUsableError(
                f"{printable(str(settings.source))}: holds no labelled image -- check the path and --images"
            )
    places = [] if root is None else [_relative(root, run)]
    content = {
        "format": "spinekit-run", "version": 1, "settings": {"labels": printable(settings.source.name)},
        "models": {}, "versions": {"spinekit": __version__}, "images": places, "files": [],
    }  # fmt: skip
    write_text(run / "run.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _seen(image: ImageRef) -> ImageRef:
    """The reference with what only the file knows (window, inversion, spacing), where it can be read."""
    if image.provenance or not image.path.is_file():
        return image
    try:
        found = next((one.ref for one in read_images(image.path) if one.ref.frame == image.frame), None)
    except ReadError:
        return image
    if found is None or (found.height, found.width) != (image.height, image.width):
        return image
    return replace(
        image,
        provenance=found.provenance,
        hints=image.hints or found.hints,
        spacing=image.spacing or found.spacing,
        aspect=image.aspect if image.aspect != 1 else found.aspect,
    )


def _root(image: ImageRef) -> Path | None:
    """The folder that an image's name is relative to."""
    parts = len(Path(image.name).parts)
    return image.path.resolve().parents[parts - 1] if len(image.path.resolve().parents) >= parts else None


def _relative(place: Path, run: Path) -> str:
    return Path(os.path.relpath(place.resolve(), run.resolve())).as_posix()


def _record_of(run: Path, reader: str) -> Path:
    folder = run / FOLDER
    if reader:
        if not reader.replace("-", "").replace("_", "").isalnum() or len(reader) > 40:
            raise UsageError(
                f"--reader {printable(reader)!r}: becomes the name of a folder -- use letters, digits, - and _"
            )
        if begun(folder / FILE):
            raise UsageError(
                f"--reader {reader}: {printable(str(folder))} holds a review that all share -- move it to a "
                "folder of its own below, named by who reviewed, or leave --reader away"
            )
        return folder / reader / FILE
    own = sorted(one.parent.name for one in folder.glob(f"*/{FILE}") if begun(one))
    if own:
        raise UsageError(
            f"{printable(str(folder))}: holds the readings of {', '.join(map(printable, own))}, each apart -- say "
            "whose reading this is with --reader"
        )
    return folder / FILE


def _films(
    run: Path, images: Path, settings: ReviewSettings, notice: Callable[[str], None]
) -> list[ReviewFilm]:
    known = summaries(run / "measurements.csv")
    films: dict[str, ReviewFilm] = {}
    for scene in read_mixed(run / PREDICTIONS, images):
        name = scene.image.name
        if name in films:
            notice(f"{printable(name)}: is predicted twice -- the first was taken")
            continue
        films[name] = ReviewFilm(name, reviewed_image(scene), urgency(scene, "", known.get(name)))
    schema = _common_schema(films.values(), settings)
    given_up = _given_up(run)
    refs = _recorded(run, images) if given_up else {}
    for name, reason in given_up:
        if name in films:
            continue
        if schema is None:
            notice(f"{printable(name)}: no model read it, and no --schema says what to look for -- left out")
            continue
        empty = Scene(refs.get(name) or ImageRef(images / name, 0, 0, name=name), schema)
        films[name] = ReviewFilm(name, reviewed_image(empty), urgency(empty, reason), reason, predicted=False)
    return list(films.values())


def _common_schema(films: Iterable[ReviewFilm], settings: ReviewSettings) -> Schema | None:
    """What films that no model read are labelled with: as the user says, else as most of the others are."""
    if settings.schema_name is not None:
        return load_schema(settings.schema_name)
    schemas = [film.state.base.schema for film in films]
    names = Counter(schema.name for schema in schemas)
    return next((one for one in schemas if one.name == names.most_common(1)[0][0]), None) if schemas else None


def _given_up(run: Path) -> list[tuple[str, str]]:
    """Images that the models refused, with the reason, from the run's own record."""
    try:
        content = parse_json((run / "run.json").read_text("utf-8"), str(run / "run.json"))
    except (OSError, UnicodeDecodeError):
        return []
    files = content.get("files") if isinstance(content, dict) else None
    return [
        (str(item.get("name", "")), str(item.get("reason", "")) or "no model read it")
        for item in (files if isinstance(files, list) else [])
        if isinstance(item, dict)
        and item.get("status") in _GIVEN_UP
        and not unsafe_name(str(item.get("name")))
    ]


def _recorded(run: Path, images: Path) -> dict[str, ImageRef]:
    """What the run's records know of the images that the models refused, by their names."""
    found: dict[str, ImageRef] = {}
    path = run / RECORDS
    try:
        with path.open(encoding="utf-8") as stream:
            for line in stream:
                if '"abstained"' not in line:
                    continue
                outcome = outcome_from_line(line, str(path))
                for image in outcome.images:
                    if image.status == "abstained" and image.image and not unsafe_name(image.name):
                        found[image.name] = prediction_of(image, outcome.sha256, Films(images, {})).image
    except (OSError, UnicodeDecodeError, AnnotationError, KeyError, TypeError, ValueError):
        return {}  # then the films themselves are asked
    return found


def _replay(review: Review) -> None:
    record = read_record(review.record)
    if record.header.reader != review.header.reader:
        raise AnnotationError(
            f"{review.record}: line 1: is the reading of {printable(record.header.reader) or 'all'} -- move it back"
        )
    review.last = record.last
    films = {film.name: film for film in review.films}
    for name, edits in record.edits.items():
        film = films.get(name)
        where = f"{review.record}: edit {edits[0].number} of {printable(name)}"
        if film is None or not film.predicted:
            line = base_line(edits[0], where)
            content = parse_json(line, where)
            named = content.get("schema") if isinstance(content, dict) else None
            schema = load_schema(str(named["name"])) if isinstance(named, dict) and "name" in named else None
            if schema is None:
                raise AnnotationError(f"{where}: names no schema -- take the file from its backup")
            base = from_line(line, schema, review.run, where)
            if film is None:
                film = ReviewFilm(
                    name, reviewed_image(base), urgency(base, "no model read it"), predicted=False
                )
                review.films.append(film)
            film.state = replayed(base, edits, review.record)
        else:
            film.state = replayed(film.state.base, edits, review.record)


def _place(review: Review, images: Path | None, notice: Callable[[str], None]) -> None:
    """Finds each film among the images; links are not followed, and no name climbs out."""
    folder = None if images is None or not images.is_dir() else image_folder(images)
    if images is not None and folder is None:
        raise UsageError(
            f"--images: {printable(str(images))}: no such folder -- name the folder of the films"
        )
    missing = 0
    for film in review.films:
        if folder is not None:
            film.path = folder.path_of(film.name)
        if film.path is None:
            copy = (
                output_path(review.run / "films", film.name, ".jpg") if not unsafe_name(film.name) else None
            )
            film.copy = copy if copy is not None and copy.is_file() and not copy.is_symlink() else None
            missing += 1
    if missing:
        copies = sum(film.copy is not None for film in review.films)
        rest = f"; {copies} are shown by the run's 8-bit copies" if copies else ""
        notice(
            f"{missing} of {len(review.films)} films were not found{rest} -- name their folder with --images"
        )


def empty_scene(film: ReviewFilm) -> Scene:
    """The scene of a film that no model read, with the size and spacing that its file says.

    Raises:
        ReadError: If the film cannot be read.
        UsageError: If it was not found.
    """
    if film.path is None:
        raise UsageError(
            f"{printable(film.name)}: was not found -- name the folder of the films with --images"
        )
    wanted = (
        int(film.name.rpartition("#")[2])
        if "#" in film.name and film.name.rpartition("#")[2].isdigit()
        else None
    )
    refs = [image.ref for image in read_images(film.path, ReadOptions(root=film.path.parent))]
    ref = next((one for one in refs if one.frame == wanted), refs[0])
    return replace(film.state.base, image=replace(ref, name=film.name))


def export(
    settings: ReviewSettings, to: str, out: Path | None, *, allow_loss: bool, copy_images: bool | None
) -> Conversion:
    """Writes what a person vouches for in another format.

    Args:
        settings: Of the review.
        to: Name of the format.
        out: A new or empty folder; None for ``<run>/review-<format>``.
        allow_loss: Whether what the format cannot carry may be lost.
        copy_images: Whether images are laid beside; None where the format needs them.

    Raises:
        UsageError: If there is no review, or the format cannot be written or would lose something.
        NothingUsableError: If nothing was accepted or mended.
    """
    run = _run_of(settings, lambda _: None)
    record = _record_of(run, settings.reader)
    if not begun(record):
        raise NothingUsableError(
            f"{printable(str(run))}: nothing has been reviewed yet -- open it with spinekit review"
        )
    suffix = f"-{settings.reader}" if settings.reader else ""
    target = out or run / f"review{suffix}-{to}"
    return convert(
        ConvertSettings(
            source=record,
            out=target,
            to=to,
            images=settings.images or images_of(run),
            allow_loss=allow_loss,
            allow_missing=True,
            copy_images=copy_images,
            schema_name=settings.schema_name,
        )
    )
