"""From an image to a scene that may be measured: candidates, then anatomy, then honesty about the rest."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from spinekit.anatomy import unique_levels
from spinekit.anatomy.hidden import seen_alone, with_inferred
from spinekit.anatomy.joined import with_proposals
from spinekit.anatomy.point_doubts import with_point_doubts
from spinekit.anatomy.second_opinion import with_second_opinion
from spinekit.anatomy.sequence import read_in_sequence
from spinekit.anatomy.shifted import with_shifts
from spinekit.anatomy.together import box_of, named_alike, with_looks_of
from spinekit.core.image import Image, UInt8Array
from spinekit.core.scene import Instance, Raster, Scene
from spinekit.formats.rings import corner_outline
from spinekit.metrics.separation import separated
from spinekit.models.computed import EngineChoice
from spinekit.models.engines.registry import check_engine
from spinekit.models.load import load_reader
from spinekit.models.reader import Reader
from spinekit.models.weights import ModelCard, shipped_names

FEWEST_BODIES = 5  # of a whole spine; of a shorter schema half its levels
_NO_CONTRAST = 4  # grey levels between the 1st and the 99th percentile
_SMALLEST_SIDE = 32
_SURE = 0.35  # evidence from which a model is taken to know what it sees; other kinds of films stay below 0.2
# Evidence below which all of a spine is to be looked at; films like those of training reach 0.65.
_DOUBTFUL = 0.5
_TEXTURED = (
    0.22  # fineness of tissue: sections reach 0.3, radiographs, slices and test patterns stay below 0.12
)
_TWO_CLASSES = 2
_AHEAD = 0.15  # by which it must lead the next one
_TALL = 1.25  # a full-spine film is at least so much taller than wide

_LOG = logging.getLogger("spinekit")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model makes of an image.

    Attributes:
        scene: With named instances; None where the model refused.
        evidence: 0..1, how much the image looks like what the model was trained on.
        refusal: Why nothing is reported, or empty.
        model: That read it.
    """

    scene: Scene | None
    evidence: float
    refusal: str = ""
    model: str = ""


def read_with(reader: Reader, image: Image, corners: Reader | None = None) -> Reading:
    """One model's reading of an image, brought into anatomical order.

    Args:
        reader: The model.
        image: The film.
        corners: The model that finds corners for it (`ModelCard.corners`), where it is to read with its help.
    """
    reason = unreadable(image.pixels)
    if reason:
        return Reading(None, 0.0, reason, reader.card.name)
    if corners is not None:
        return read_masks_by_corners(reader, corners, image)
    scene = reader.read(image)
    card = reader.card
    if card.task == "sem":
        return _semantic(scene, image.pixels, card)
    once = set(reader.schema.levels) & set(reader.schema.classes)  # a class that is a level is there once
    if once and any(item.level_shares is not None for item in scene.instances):
        named = _in_sequence(scene, reader, image)
    elif card.task == "seg" or (card.task == "detect" and once):
        named = unique_levels(scene, card.confidence)
    elif card.task == "detect":
        named = replace(scene, instances=tuple(i for i in scene.instances if i.score >= card.confidence))
    elif reader.schema.levels:
        named = _in_sequence(scene, reader, image)
    else:
        named = replace(scene, instances=scene.instances[: card.instances])
    judged = _judge(named, reader)
    if judged.scene is None:
        return judged
    # What is only inferred is drawn from the final corners, and never looked at as if it had been seen.
    return replace(judged, scene=with_inferred(with_point_doubts(reader.look_closer(judged.scene, image))))


def _in_sequence(scene: Scene, reader: Reader, image: Image) -> Scene:
    """Candidates under the names that their sequence gives, and where the model can, a look at the whole."""
    proposed = with_proposals(scene)
    named = read_in_sequence(proposed).scene
    chances = reader.say_shifts(named, image)
    return named if chances is None else with_shifts(proposed, named, chances).scene


def read_masks_by_corners(masks: Reader, corners: Reader, image: Image) -> Reading:
    """Bodies that a model of corners finds, under the names that both models give them, as shapes.

    A body's shape is what its corners enclose, looked at closely; a mask network reads at a quarter of that
    resolution. What the mask network alone is sure of is taken over with its own shape; where the two disagree
    the body is flagged.

    Args:
        masks: The model whose classes are levels; it answers.
        corners: The model that helps it.
        image: The film.
    """
    seen = masks.read(image)
    found = masks.say_levels(corners.read(image), image)
    judged = _judge(_in_sequence(with_looks_of(found, seen), masks, image), corners)
    if judged.scene is None:
        return replace(judged, model=masks.card.name)
    placed = with_point_doubts(corners.look_closer(judged.scene, image))
    both = with_second_opinion(placed, named_alike(seen, placed, masks.card.confidence))
    shaped = tuple(_shaped(item, corners) for item in both.instances)
    scene = replace(both, schema=masks.schema, instances=shaped, model=masks.card.name)
    return replace(judged, scene=with_inferred(scene), model=masks.card.name)


def _shaped(item: Instance, corners: Reader) -> Instance:
    """A body as the shape that its corners enclose."""
    if item.landmarks is None:
        return item
    outline = corner_outline(item.landmarks, corners.schema)
    return replace(item, box=box_of(item), outline=outline or item.outline, landmarks=None)


def with_second_reading(reading: Reading, second: Reader, image: Image) -> Reading:
    """A reading held against that of another model of the same film; see `with_second_opinion`.

    Args:
        reading: What stands.
        second: The other model.
        image: The film.
    """
    if reading.scene is None:
        return reading
    ours = seen_alone(reading.scene)
    theirs = named_alike(second.read(image), ours, second.card.confidence)
    return replace(reading, scene=with_inferred(with_second_opinion(ours, theirs)))


def unreadable(pixels: UInt8Array) -> str:
    """Why an image can hold no anatomy, or an empty text."""
    if min(pixels.shape) < _SMALLEST_SIDE:
        return f"too small to read ({pixels.shape[1]}x{pixels.shape[0]} pixels)"
    return "the image has no contrast" if _contrast(pixels) < _NO_CONTRAST else ""


def _contrast(pixels: UInt8Array) -> float:
    """Grey levels between the 1st and the 99th percentile, by counts: sorting a whole film takes a while."""
    counts = cv2.calcHist([pixels], [0], None, [256], [0, 256]).ravel()
    below = np.cumsum(counts.astype(np.int64))
    low, high = np.searchsorted(below, [0.01 * (pixels.size - 1), 0.99 * (pixels.size - 1)], side="right")
    return float(high - low)


def _judge(scene: Scene, reader: Reader) -> Reading:
    """Evidence from the scores of what was found, and refusal below the card's threshold."""
    card, levels = reader.card, reader.schema.levels
    expected = len(levels) if levels else card.instances
    scores = [item.score for item in scene.instances]
    evidence = sum(scores) / expected if scores else 0.0
    sure = [item for item in scene.instances if item.score >= card.confidence]
    # Of boxes nothing is measured, so a single one is worth being shown.
    fewest = min(1 if card.task == "detect" else FEWEST_BODIES, (len(levels) + 1) // 2)
    if len(sure) < fewest:
        reason = f"{len(sure)} vertebral bodies found with certainty, fewer than {fewest}"
        return Reading(None, evidence, reason, card.name)
    if not levels and not sure:
        best = f" (best candidate {max(scores):.0%} certain)" if scores else ""
        return Reading(None, evidence, f"{card.name} finds nothing it knows{best}", card.name)
    flagged = tuple(
        item
        if item.score >= card.confidence
        else replace(item, flags=(*item.flags, f"{item.score:.0%} certain"))
        for item in scene.instances
    )
    if levels and evidence < _DOUBTFUL:
        # A sequence with weak links may have been joined wrongly between strong ones too.
        doubt = f"the spine as a whole is read with little certainty ({evidence:.0%})"
        flagged = tuple(replace(item, flags=(*item.flags, doubt)) for item in flagged)
        scene = replace(scene, notes=(*scene.notes, doubt))
    return Reading(replace(scene, instances=flagged), evidence, model=card.name)


def _semantic(scene: Scene, pixels: UInt8Array, card: ModelCard) -> Reading:
    """Evidence of a tissue section: texture everywhere, and membranes that are neither nothing nor everything.

    Where the card says from which probability on membranes separate, their map keeps cells apart.
    """
    probability = scene.raster.probability if scene.raster is not None else None
    if len(scene.schema.classes) > _TWO_CLASSES:
        # Which of many tissues an image may hold is for the user to say; `auto` knows none such.
        return Reading(scene, 1.0, model=scene.model)
    if probability is None:
        return Reading(None, 0.0, f"{scene.model} gave no probabilities", scene.model)
    decided = float(np.mean((probability < 0.3) | (probability > 0.7)))
    share = float(np.mean(probability > 0.5))
    textured = fineness(pixels) > _TEXTURED
    plausible = 0.05 <= share <= 0.5
    if card.separation is not None:
        kept = separated(probability, card.confidence, card.separation)
        labels = kept.astype(np.uint8) * (len(scene.schema.classes) - 1)
        scene = replace(scene, raster=Raster(labels, probability))
    return Reading(scene, decided * textured * (1.0 if plausible else 0.3), model=scene.model)


def fineness(pixels: UInt8Array) -> float:
    """How much of an image's contrast lies in fine texture, everywhere: 0 for a flat patch, near 1 for tissue.

    The 10th percentile of the standard deviations in blocks of 16 x 16 pixels, over that of the whole image.
    Texture runs both ways: of stripes, whose rows or columns are flat, the flat direction counts.
    """
    rows, columns = (side // 16 * 16 for side in pixels.shape)
    fine = pixels[:rows, :columns].astype(np.float32)
    whole = float(fine.std())
    blocks = fine.reshape(rows // 16, 16, columns // 16, 16)
    along, down = blocks.std(axis=3).mean(axis=1), blocks.std(axis=1).mean(axis=2)
    return float(min(np.percentile(np.minimum(along, down), 10) / whole, 1.0)) if whole > 0 else 0.0


class ModelChoice:
    """Picks a model for an image, or refuses to.

    Args:
        model: A name or path, or ``auto``.
        threads: Threads to compute with.
        engine: What computes the networks, or ``auto`` for the fastest that is installed.
        precision: ``f32`` for measuring.
        refine: Whether landmarks are looked at again where a model can.
        second_opinion: Whether a second model of the same films is asked too, where there is one; takes twice the
            time.
        at_once: Films that are read at once, by as many threads.
        notice: Told in one line what is amiss or passed over; None to log it.

    Raises:
        UsageError: If there is no such engine, or it does not compute in that precision.
        EnvironmentFaultError: If the engine or the model is missing.
    """

    def __init__(
        self,
        model: str,
        threads: int | None = None,
        *,
        engine: str = "auto",
        precision: str = "f32",
        refine: bool = True,
        second_opinion: bool = False,
        at_once: int = 1,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        check_engine(engine, precision)
        self._engines = EngineChoice(engine, precision, threads, at_once, notice or _LOG.warning)
        self._refine = refine
        self._second_opinion = second_opinion
        self._readers: dict[str, Reader] = {}
        self._loading = threading.Lock()
        self._model = model
        if model != "auto":
            self.reader(model)

    def reader(self, name: str) -> Reader:
        """A loaded model; each is loaded once."""
        with self._loading:  # films may be read by several threads
            if name not in self._readers:
                self._readers[name] = load_reader(name, self._engines, self._refine)
            return self._readers[name]

    @property
    def engines(self) -> dict[str, str]:
        """By model: the engine that computes it, with its version and precision."""
        return {reader.card.name: reader.engine for reader in self._readers.values()}

    @property
    def used(self) -> dict[str, str]:
        """Names and hashes of the models loaded so far."""
        return {reader.card.name: reader.card.sha256 for reader in self._readers.values()}

    def read(self, image: Image) -> Reading:
        """The reading of the model that fits, or a refusal that says what to do."""
        if self._model != "auto":
            return self._read(self._model, image)
        reason = unreadable(image.pixels)
        if reason:
            return Reading(None, 0.0, reason)
        return _decide([self._read(name, image) for name in candidates(image)])

    def _read(self, name: str, image: Image) -> Reading:
        """One model's reading, with the help that its card names and the second opinion that was asked for."""
        card = self.reader(name).card
        helper = self.reader(card.corners) if card.corners and self._refine else None
        reading = read_with(self.reader(name), image, helper)
        if not (self._second_opinion and card.second):
            return reading
        return with_second_reading(reading, self.reader(card.second), image)


def _decide(readings: list[Reading]) -> Reading:
    ranked = sorted(readings, key=lambda reading: -reading.evidence)
    names = ", ".join(shipped_names())
    if not ranked or ranked[0].evidence < _SURE:
        seen = f"; nearest {ranked[0].model} at {ranked[0].evidence:.0%}" if ranked else ""
        reason = f"no model knows what this image shows{seen} -- name one with --model ({names})"
        return Reading(None, 0.0, reason)
    if len(ranked) > 1 and ranked[0].evidence - ranked[1].evidence < _AHEAD:
        both = " and ".join(f"{r.model} ({r.evidence:.0%})" for r in ranked[:2])
        return Reading(None, 0.0, f"{both} fit about as well -- name one with --model")
    return ranked[0]


def candidates(image: Image) -> tuple[str, ...]:
    """Shipped models that an image may be for, by its DICOM attributes and its shape.

    Args:
        image: With `ImageRef.hints`.
    """
    hints = {key: value.upper() for key, value in image.ref.hints.items()}
    modality, view, part = (hints.get(key, "") for key in ("modality", "view", "body_part"))
    lateral = view in {"LL", "RL", "LLO", "RLO", "LATERAL", "LLD", "RLD"}
    height, width = image.pixels.shape
    tissue = fineness(image.pixels) > _TEXTURED
    film = modality in {"", "CR", "DX", "RF", "XA", "RG", "OT", "SC", "DR"} and not tissue
    upright = film and height >= _TALL * width and part not in {"SKULL", "HEAD"}
    fits = {
        "spine-ap-pose": upright and not lateral,
        "vertebrae-pose": upright and view not in {"AP", "PA"},
        "ceph-pose": film and view not in {"AP", "PA"} and "SPINE" not in part and 0.7 < height / width < 1.8,
        "orbit-pose": modality in {"", "CT", "OT", "SC"} and not tissue and 0.7 < height / width < 1.4,
        "mri-lumbar-seg": modality in {"", "MR", "OT", "SC"} and not tissue and 0.6 < height / width < 1.7,
        "em-sem": modality in {"", "OT", "SC", "SM", "GM", "XC"} and tissue,
    }
    return tuple(name for name in shipped_names() if fits.get(name, False))
