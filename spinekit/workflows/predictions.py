"""What a run gives back: its folder, its record, and a prediction per image, read from the folder when asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, overload

from spinekit.core.errors import AnnotationError
from spinekit.core.image import ImageRef
from spinekit.core.measurement import Result
from spinekit.core.scene import Scene
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing, SpacingOrigin
from spinekit.formats.result_lines import results_from_json
from spinekit.formats.scenes_line import scene_from_json
from spinekit.formats.scenes_schema import schema_from_json
from spinekit.formats.sources import parse_json, split_frame
from spinekit.runs import ImageOutcome, RunRecord
from spinekit.runs.journal import outcomes_at


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What was made of one image.

    Attributes:
        image: Which image.
        scene: What was found; None where the model refused.
        results: Measurements and refusals.
        warnings: What a reader should know of the image.
        refusal: Why nothing is reported, or empty.
    """

    image: ImageRef
    scene: Scene | None
    results: tuple[Result, ...]
    warnings: tuple[str, ...] = ()
    refusal: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class PredictRun:
    """A run at its end.

    Attributes:
        out: Its folder.
        record: What became of every file.
        predictions: One per image, in the order of the files; read from the folder when asked for, so that a long
            run stays small in memory. Probabilities of semantic models are on disk only.
        earlier: Files that an earlier run had done, where this one went on with it.
        left_out: Files that were not looked at, since the run ended before.
        done_before: Whether nothing was left to do.
        unsaved: What a format of ``--save`` cannot hold, a line each.
        doubles: Names of files that hold one and the same DICOM object.
        own_names: The own names of those files that the results call otherwise.
    """

    out: Path
    record: RunRecord
    predictions: Sequence[Prediction]
    earlier: int = 0
    left_out: int = 0
    done_before: bool = False
    unsaved: tuple[str, ...] = ()
    doubles: tuple[tuple[str, ...], ...] = ()
    own_names: Mapping[str, str] = field(default_factory=dict)


class InterruptedRunError(KeyboardInterrupt):
    """A run that was asked to stop, after what was done so far has been written.

    Args:
        run: As far as it came.
    """

    def __init__(self, run: PredictRun) -> None:
        super().__init__("interrupted")
        self.run = run


@dataclass(frozen=True, slots=True)
class Films:
    """What is needed to make values of the lines of a run again.

    Attributes:
        root: Folder that the names of the films are relative to.
        schemas: By fingerprint.
        paths: Where those films lie that do not go by their own names.
    """

    root: Path
    schemas: Mapping[str, Schema]
    paths: Mapping[str, Path] = field(default_factory=dict)

    def path_of(self, image: str, frame: int | None) -> Path:
        """Where the film of an image lies.

        Args:
            image: Name of the image.
            frame: Its frame, or None.
        """
        file = image if frame is None else split_frame(image)[0]
        return self.paths.get(file) or self.root / file


def scene_of(outcome: ImageOutcome, films: Films) -> Scene | None:
    """The scene of an outcome, probabilities included; None where there is none.

    Raises:
        AnnotationError: If its line is broken or of a schema that is not at hand.
    """
    if not outcome.scene:
        return None
    content = json.loads(outcome.scene)
    stated = content["schema"]
    schema = films.schemas.get(stated["fingerprint"]) or schema_from_json(stated)
    if schema is None:
        raise AnnotationError(
            f"{outcome.name}: schema {stated['name']} is not at hand -- run again with its model"
        )
    scene = scene_from_json(content, schema, films.root, outcome.name)
    path = films.path_of(scene.image.name, scene.image.frame)
    return replace(scene, image=replace(scene.image, path=path))


def results_of(outcome: ImageOutcome) -> tuple[Result, ...]:
    """What was measured.

    Raises:
        AnnotationError: If the line is broken.
    """
    return results_from_json(parse_json(outcome.results, outcome.name), outcome.name)


def ref_to_text(ref: ImageRef) -> str:
    """What is known of an image of which no scene is kept, as JSON."""
    spacing = ref.spacing and [ref.spacing.row_mm, ref.spacing.col_mm, ref.spacing.origin.value]
    content = {
        "height": ref.height,
        "width": ref.width,
        "spacing": spacing,
        "aspect": ref.aspect,
        "frame": ref.frame,
        "provenance": dict(ref.provenance),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _ref_of(outcome: ImageOutcome, sha256: str, films: Films) -> ImageRef:
    content = json.loads(outcome.image)
    frame, spacing = content["frame"], content["spacing"]
    return ImageRef(
        films.path_of(outcome.name, frame),
        content["height"],
        content["width"],
        spacing and Spacing(spacing[0], spacing[1], SpacingOrigin(spacing[2])),
        content["aspect"],
        sha256,
        frame,
        outcome.name,
        content["provenance"],
    )


def prediction_of(outcome: ImageOutcome, sha256: str, films: Films) -> Prediction:
    """The prediction of an image that a model has seen.

    Args:
        outcome: Of status ``ok`` or ``abstained``.
        sha256: Of its file.
        films: Where its film and schema are.
    """
    scene = scene_of(outcome, films)
    if scene is None:
        return Prediction(_ref_of(outcome, sha256, films), None, (), outcome.warnings, outcome.reason)
    if scene.raster is not None:
        scene = replace(scene, raster=replace(scene.raster, probability=None))
    return Prediction(scene.image, scene, results_of(outcome), outcome.warnings)


class Place(NamedTuple):
    """Where the records of a run speak of an image.

    Attributes:
        start: Of the line, in bytes.
        length: Of the line, in bytes.
        image: Index of the image among those of its file.
    """

    start: int
    length: int
    image: int


class Predictions(Sequence[Prediction]):
    """The predictions of a run, read from its records when asked for.

    Args:
        folder: Of the run.
        places: Where its records speak of each image that a model has seen, in order.
        films: Where films and schemas are.
    """

    def __init__(self, folder: Path, places: Sequence[Place], films: Films) -> None:
        self._folder, self._places, self._films = folder, tuple(places), films

    def __len__(self) -> int:
        """How many images a model has seen."""
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> Prediction: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Prediction]: ...

    def __getitem__(self, index: int | slice) -> Prediction | Sequence[Prediction]:
        """One prediction, or some, still unread."""
        if isinstance(index, slice):
            return Predictions(self._folder, self._places[index], self._films)
        return next(iter(Predictions(self._folder, [self._places[index]], self._films)))

    def __iter__(self) -> Iterator[Prediction]:
        """Each in turn; the images of a file share one look at its record."""
        by_line = [(span, list(group)) for span, group in groupby(self._places, lambda place: place[:2])]
        outcomes = outcomes_at(self._folder, (span for span, _ in by_line))
        for outcome, (_, group) in zip(outcomes, by_line, strict=True):
            for place in group:
                yield prediction_of(outcome.images[place.image], outcome.sha256, self._films)
