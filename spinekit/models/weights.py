"""Finding weights, knowing what they are for, and refusing those that are not what they say.

Nothing is ever downloaded: a name that does not ship is an error that lists the names that do.
"""

from __future__ import annotations

import difflib
import math
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinekit.core.errors import AnnotationError, EnvironmentFaultError, UsageError
from spinekit.core.schema import Schema
from spinekit.files import bundled, printable, sha256_of
from spinekit.models.canvas import Canvas
from spinekit.schemas import load_schema, load_yaml

UNET = "unet"  # our own architecture, for structures a few pixels wide


@dataclass(frozen=True, slots=True)
class BesideFile:
    """Weights of a second network beside the first: the file and what its sha256 must be."""

    path: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a set of weights is for and how it is to be read.

    Attributes:
        name: E.g. ``spine-ap-pose``.
        title: One line for people.
        task: ``pose``, ``seg`` or ``sem``.
        schema: Name of the landmark or class set.
        fingerprint: `Schema.fingerprint` at training time.
        canvas: Size at which films are read.
        confidence: Instances below are not reported; pixels from it on are of the schema's last class.
        separation: Probability from which a faint membrane still keeps two cells apart (semantic models), or None.
        instances: How many are looked for in an image.
        sha256: Of the weights file.
        weights: The file.
        view: What an image must show.
        mirrored: Whether films are read mirrored as well and the looks averaged.
        either_facing: Whether the training films all faced one way: a film is then read as it is and mirrored, and
            the reading that is surer of itself is kept.
        turned: Whether sections are read in all eight positions and the looks averaged (semantic models on square
            tiles: a section has no up, and each look errs elsewhere).
        scales: Sizes, as parts of the canvas, at which films are read; the looks are averaged.
        architecture: ``yolo11n`` and the like, or ``unet``.
        enlarge: Factor by which tiles are enlarged (semantic models), otherwise 1.
        figures: Measured on the fixed test part, for people.
        limits: What the model must not be used for.
        close: Weights of the close looks that place landmarks anew, one after the other; may be none.
        spread: Factor on the standard deviations of the points, chosen on the val part so that the intervals of what
            is measured hold 95 % of the true values there (``benchmarks/coverage.py``).
        corners: Name of the model that finds the corners of the bodies that this one names and outlines, or empty.
        second: Name of a model of the same films whose reading this one's can be held against, or empty.
        levels: Weights of the network that says which level a body is, or None.
        shift: Weights of the network that says by how many levels all names are off, or None.
    """

    name: str
    title: str
    task: str
    schema: str
    fingerprint: str
    canvas: Canvas
    confidence: float
    instances: int
    sha256: str
    weights: Path
    view: str
    mirrored: bool = False
    scales: tuple[float, ...] = (1.0,)
    architecture: str = ""
    enlarge: int = 1
    figures: Mapping[str, Any] | None = None
    limits: tuple[str, ...] = ()
    close: tuple[BesideFile, ...] = ()
    levels: BesideFile | None = None
    shift: BesideFile | None = None
    corners: str = ""
    second: str = ""
    separation: float | None = None
    turned: bool = False
    either_facing: bool = False
    spread: float = 1.0

    @property
    def beside(self) -> tuple[BesideFile, ...]:
        """All networks beside the first."""
        return (*self.close, *(file for file in (self.levels, self.shift) if file is not None))


def shipped_names() -> tuple[str, ...]:
    """Names of the models that ship, sorted."""
    folder = bundled("weights")
    return tuple(sorted(path.parent.name for path in folder.glob("*/card.yaml"))) if folder.is_dir() else ()


def find_card(name_or_path: str) -> ModelCard:
    """The card of a shipped model, or of a weights file with a ``card.yaml`` beside it.

    Args:
        name_or_path: ``spine-ap-pose``, or a path to a ``.pt`` file or its folder.

    Raises:
        EnvironmentFaultError: If there is no such model.
        UsageError: If the card is missing or wrong.
    """
    path = Path(name_or_path)
    if "://" in name_or_path:
        raise UsageError(
            f"--model {name_or_path}: nothing is downloaded -- give a local file or a shipped name"
        )
    if name_or_path in shipped_names():
        folder = bundled("weights") / name_or_path
    elif path.is_dir():
        folder = path
    elif path.is_file():
        folder = path.parent
    else:
        names = shipped_names()
        near = difflib.get_close_matches(name_or_path, names, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        listed = ", ".join(names)
        raise EnvironmentFaultError(
            f"--model {name_or_path}: no such file or shipped model, and nothing is downloaded -- "
            f"{hint}shipped: {listed}"
        )
    return _read_card(folder, path if path.is_file() else folder / "weights.pt")


def _read_card(folder: Path, weights: Path) -> ModelCard:
    card = folder / "card.yaml"
    if not card.exists():
        raise UsageError(
            f"{weights}: no card.yaml beside it that says what the model is for -- "
            "spinekit train writes one; or copy a shipped card and change it"
        )
    content: Any = load_yaml(card)
    try:
        return ModelCard(
            name=str(content["name"]),
            title=str(content["title"]),
            task=str(content["task"]),
            schema=str(content["schema"]),
            fingerprint=str(content["fingerprint"]),
            canvas=Canvas(int(content["canvas"]["height"]), int(content["canvas"]["width"])),
            confidence=float(content["confidence"]),
            instances=int(content["instances"]),
            sha256=str(content["sha256"]),
            weights=weights,
            view=str(content["view"]),
            mirrored=bool(content.get("mirrored", False)),
            turned=bool(content.get("turned", False)),
            either_facing=bool(content.get("either_facing", False)),
            architecture=str(content.get("architecture", "")),
            scales=tuple(float(scale) for scale in content.get("scales", (1.0,))),
            enlarge=int(content.get("enlarge", 1)),
            figures=content.get("figures"),
            limits=tuple(str(line) for line in content.get("limits", ())),
            close=tuple(_beside(folder, item) for item in content.get("close", ())),
            levels=_beside(folder, content["levels"]) if "levels" in content else None,
            shift=_beside(folder, content["shift"]) if "shift" in content else None,
            corners=str(content.get("corners", "")),
            second=str(content.get("second", "")),
            spread=_factor(content.get("spread", 1.0)),
            separation=None if content.get("separation") is None else float(content["separation"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise AnnotationError(f"{card}: {error} is missing or wrong -- see a shipped card.yaml") from error


def check_weights(card: ModelCard) -> Schema:
    """Whether a weights file is what its card says, before any of it is unpickled.

    Returns:
        The schema that the card names.

    Raises:
        EnvironmentFaultError: If the file is missing, not a model file, changed, or of another schema.
    """
    path = card.weights
    _check_file(path, card.sha256)
    for beside in card.beside:
        _check_file(beside.path, beside.sha256)
    schema = load_schema(card.schema)
    if schema.fingerprint() != card.fingerprint:
        raise EnvironmentFaultError(
            f"{path}: trained for another version of {card.schema} -- train it anew with this spinekit"
        )
    return schema


def _factor(value: object) -> float:
    """A factor as a card tells it.

    Raises:
        ValueError: If it is no number above 0.
    """
    factor = float(str(value))
    if not 0 < factor < math.inf:
        raise ValueError(f"spread {printable(str(value))}")
    return factor


def _beside(folder: Path, item: Mapping[str, object]) -> BesideFile:
    return BesideFile(folder / Path(str(item["file"])).name, str(item["sha256"]))


def _check_file(path: Path, sha256: str) -> None:
    if not path.is_file():
        raise EnvironmentFaultError(f"{path}: no such file -- reinstall spinekit, or train the model anew")
    if path.stat().st_size == 0 or not zipfile.is_zipfile(path):
        raise EnvironmentFaultError(
            f"{path}: not a model file (truncated, empty or of another kind) -- get it anew"
        )
    if sha256_of(path) != sha256:
        raise EnvironmentFaultError(
            f"{path}: its sha256 is not the one in card.yaml -- changed or damaged; get it anew"
        )
