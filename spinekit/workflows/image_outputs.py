"""All that is made of one image behind the network: measured, drawn, written, and told in its outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spinekit.anatomy.masked_scene import with_corners
from spinekit.core.errors import EnvironmentFaultError, ReadError, UsageError
from spinekit.core.image import Image, UInt8Array
from spinekit.core.measurement import Result
from spinekit.core.scene import Scene
from spinekit.files import sha256_of
from spinekit.formats.result_lines import results_to_text
from spinekit.formats.scenes_line import to_line
from spinekit.measures import measure
from spinekit.measures.plugin import code_measurements
from spinekit.runs import ImageOutcome, Output
from spinekit.workflows.outputs import output_path, write_film, write_probability
from spinekit.workflows.predictions import ref_to_text
from spinekit.workflows.reading import Reading


@dataclass(frozen=True, slots=True)
class ImageOutputs:
    """What is written for each image.

    Attributes:
        out: Folder of the run.
        overlays: Whether it is drawn.
        films: Whether the film itself is kept, for a report.
        probability: Whether the probabilities of pixel models are.
        dicom: Kinds of DICOM objects that are made.
        clean: Whether these are freed of identities.
        hashes: SHA-256 of each model's weights by its name, for these.
    """

    out: Path
    overlays: bool
    films: bool
    probability: bool
    dicom: tuple[str, ...] = ()
    clean: bool = False
    hashes: Mapping[str, str] = field(default_factory=dict)


def load_what_draws(wanted: ImageOutputs) -> None:
    """Loads now what several threads would otherwise load at once, which half-loaded modules do not always survive.

    Args:
        wanted: What is written; only what that takes is loaded.
    """
    code_measurements()
    if wanted.overlays or wanted.dicom:
        import spinekit.views.overlay
        import spinekit.workflows.dicom_outputs  # noqa: F401


def write_image(wanted: ImageOutputs, image: Image, reading: Reading) -> ImageOutcome:
    """Measures, draws and writes; safe to be called by several threads for several images.

    Args:
        wanted: What is written.
        image: The film.
        reading: What a model made of it.

    Raises:
        EnvironmentFaultError: If something cannot be written.
    """
    try:
        return _outcome(wanted, image, reading)
    except (EnvironmentFaultError, UsageError):
        raise
    except Exception as error:  # noqa: BLE001  (one film that cannot be drawn stops no other)
        return failed_image(image, "what was read could not be measured or drawn", error)


def failed_image(image: Image, what: str, error: Exception) -> ImageOutcome:
    """The outcome of an image that something unforeseen went wrong with; its text may quote, so it stays out."""
    kind = "not enough memory" if isinstance(error, MemoryError) else type(error).__name__
    reason = f"{what} ({kind}) -- read it alone; if that fails too, report it with the model's name"
    return ImageOutcome(image.ref.name, "failed", reason)


def _outcome(wanted: ImageOutputs, image: Image, reading: Reading) -> ImageOutcome:
    paths = [write_film(image, wanted.out / "films")] if wanted.films else []
    scene = reading.scene
    if scene is None or reading.refusal:
        return ImageOutcome(
            image.ref.name,
            "abstained",
            reading.refusal,
            reading.model,
            image.warnings,
            _hashed(paths, wanted.out),
            image=ref_to_text(image.ref),
        )
    results = measure(with_corners(scene))  # what is written keeps its masks alone
    more, notices = _pictures(wanted, image, scene, results)
    paths += more
    return ImageOutcome(
        image.ref.name,
        "ok",
        "",
        scene.model,
        (*image.warnings, *notices),
        _hashed(paths, wanted.out),
        to_line(scene),
        results_to_text(results),
    )


def _pictures(
    wanted: ImageOutputs, image: Image, scene: Scene, results: tuple[Result, ...]
) -> tuple[list[Path], list[str]]:
    """All that is drawn or made into objects, and what a reader should know of it."""
    paths: list[Path] = []
    notices: list[str] = []
    if wanted.probability:
        paths += write_probability(scene, wanted.out / "probability")
    if not (wanted.overlays or wanted.dicom):
        return paths, notices
    # What draws takes longer to load than a film takes to be read.
    from spinekit.views.overlay import draw_overlay, write_overlay
    from spinekit.workflows.dicom_outputs import write_dicom

    picture: UInt8Array = draw_overlay(image, scene, results)
    if wanted.overlays:
        paths.insert(0, output_path(wanted.out / "overlays", image.ref.name, ".png"))
        write_overlay(paths[0], picture)
    for kind in wanted.dicom:
        folder, sha256 = wanted.out / kind, wanted.hashes.get(scene.model, "")
        try:
            paths += write_dicom(
                kind, image, scene, results, picture, folder, wanted.clean, sha256, _bare(image, notices)
            )
        except ReadError as error:
            notices.append(f"{kind}: {error.reason} -- {error.fix}")
    return paths, notices


def _bare(image: Image, notices: list[str]) -> Callable[[str], None]:
    """Takes down what is told of an image, without the path of the machine before it."""
    place = f"{image.ref.path}: "
    return lambda line: notices.append(line.removeprefix(place))


def _hashed(paths: Iterable[Path], out: Path) -> tuple[Output, ...]:
    return tuple(Output(path.relative_to(out).as_posix(), sha256_of(path)) for path in paths)
