"""What ``predict`` is asked for, and what of it decides the bytes that are written."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from spinekit import __version__
from spinekit.core.errors import UsageError
from spinekit.core.schema import Schema
from spinekit.core.spacing import Spacing
from spinekit.files import printable, sha256_of
from spinekit.formats.plugin import MAX_BYTES, MAX_PIXELS, WindowChoice
from spinekit.models.weights import ModelCard, find_card, shipped_names
from spinekit.schemas import load_schema
from spinekit.workflows.film_names import check_table

SECONDS = 60.0
_LIBRARIES = ("ultralytics", "torch", "onnxruntime", "openvino", "numpy", "opencv-python", "pydicom")
_NEAR = 3  # folders up or down that a path in the record may go: further off it would tell of the machine


class PredictSettings(BaseModel):
    """What to read, with what, and what to write.

    Attributes:
        sources: Files and folders; folders are read with their sub-folders.
        model: Name of a shipped model, a path to weights, or ``auto``.
        out: A new or empty folder, or that of the run to go on with; None for ``spinekit-out/<n>``.
        save: Further formats: ``mask``, ``via``, ``coco``, ``yolo`` ...
        deidentify: Whether DICOM objects that are written are freed of identities.
        names: What results call DICOM files: by their content (``neutral``), or their own names (``keep``).
        name_table: File to write neutral and own names to, apart from the results; None for none.
        spacing: Stated by the user; overrides the files'.
        overlays: Whether to draw.
        report: Whether to write ``report.html``.
        refine: Whether landmarks are looked at again, each at the film's resolution, where the model can.
        second_opinion: Whether a second model of the same films is asked too, where there is one.
        engine: What computes the networks; ``auto`` for the fastest that is installed and agrees with torch.
        precision: ``f32`` for measuring; ``bf16`` is faster on some processors and moves points.
        threads: Threads to compute with; None for every core.
        workers: Processes that decode files; 0 to decode in this one; None to choose by the files.
        max_pixels: Larger images are refused before they are decoded.
        max_bytes: Larger files are refused before they are opened.
        seconds: Files that take longer to decode are given up.
        window: Which window DICOM images are read by; None for the files' own.
        resume: Whether the run in ``out`` goes on.
        force: Whether a run that goes on begins anew where its settings were others.
        fail_fast: Whether the first file that fails ends the run.
        max_failures: As many failed files end the run; None for no limit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    sources: tuple[Path, ...] = Field(min_length=1)
    model: str = "auto"
    out: Path | None = None
    save: tuple[str, ...] = ()
    deidentify: bool = False
    names: Literal["neutral", "keep"] = "neutral"
    name_table: Path | None = None
    spacing: Spacing | None = None
    overlays: bool = True
    report: bool = True
    refine: bool = True
    second_opinion: bool = False
    engine: str = "auto"
    precision: str = "f32"
    threads: int | None = Field(None, ge=1, le=1024)
    workers: int | None = Field(None, ge=0, le=64)
    max_pixels: int = Field(MAX_PIXELS, ge=1)
    max_bytes: int = Field(MAX_BYTES, ge=1)
    seconds: float = Field(SECONDS, gt=0, le=86_400)
    window: WindowChoice | None = None
    resume: bool = False
    force: bool = False
    fail_fast: bool = False
    max_failures: int | None = Field(None, ge=1)

    @property
    def failures_allowed(self) -> int | None:
        """As many failed files end the run, or None."""
        return 1 if self.fail_fast else self.max_failures


@dataclass(frozen=True, slots=True)
class Candidates:
    """The models that a run may read with, known before any is loaded.

    Attributes:
        cards: By name.
        schemas: Their schemas by fingerprint.
        digest: Hash of their cards, which name the hash of every weights file.
    """

    cards: Mapping[str, ModelCard]
    schemas: Mapping[str, Schema]
    digest: str


def candidates_for(model: str) -> Candidates:
    """All that the word after ``--model`` may come to.

    Args:
        model: ``auto``, a name or a path.

    Raises:
        EnvironmentFaultError: If there is no such model.
        UsageError: If its card is missing or wrong.
    """
    cards = [find_card(name) for name in (shipped_names() if model == "auto" else (model,))]
    known = {card.name for card in cards}
    beside = dict.fromkeys(name for card in cards for name in (card.corners, card.second) if name)
    cards += [find_card(name) for name in beside if name not in known]
    schemas = [load_schema(card.schema) for card in cards]
    digests = [f"{card.name} {card.sha256} {sha256_of(card.weights.parent / 'card.yaml')}" for card in cards]
    return Candidates(
        {card.name: card for card in cards},
        {schema.fingerprint(): schema for schema in schemas},
        hashlib.sha256("\n".join(digests).encode("utf-8")).hexdigest(),
    )


def plain_settings(settings: PredictSettings) -> dict[str, str]:
    """The settings as text, without a path of the machine."""
    spacing = settings.spacing
    stated = f"{spacing.row_mm:g}x{spacing.col_mm:g} mm" if spacing else "from the files"
    model = Path(settings.model).name if "/" in settings.model else settings.model
    window = printable(str(settings.window)) if settings.window else "from the files"
    told = {"model": model, "spacing": stated, "window": window, "save": ", ".join(settings.save)}
    told |= {} if settings.refine else {"refine": "no"}
    told |= {"names": "keep"} if settings.names == "keep" else {}
    told |= {"second opinion": "yes"} if settings.second_opinion else {}
    told |= {} if settings.engine == "auto" else {"engine": settings.engine}
    return told | ({} if settings.precision == "f32" else {"precision": settings.precision})


def parameters(settings: PredictSettings, candidates: Candidates) -> dict[str, str]:
    """All that decides what is written for a film, as text: a run goes on only where these are the same.

    Limits and the number of threads and processes are not among them: who raises a limit wants the files that
    it stopped, not the others again.
    """
    return plain_settings(settings) | {
        "stated": repr(settings.spacing),  # to the last digit
        "deidentify": str(settings.deidentify),
        "overlays": str(settings.overlays),
        "report": str(settings.report),
        "models": candidates.digest,
        "spinekit": __version__,
    }


def fingerprint(told: Mapping[str, str]) -> str:
    """Hash of `parameters`."""
    return hashlib.sha256(json.dumps(dict(told), sort_keys=True).encode("utf-8")).hexdigest()


def versions() -> dict[str, str]:
    """Of spinekit, Python and the libraries that decide results."""
    found = {"spinekit": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # an engine may do without
            continue
    return found


def near_path(root: Path, out: Path) -> tuple[str, ...]:
    """The folder that names are relative to, as seen from the run's; empty where it is not near.

    Args:
        root: Of the films.
        out: Of the run.
    """
    place, run = root.resolve(), out.resolve()
    try:
        shared = Path(os.path.commonpath((place, run)))
    except ValueError:  # other drives
        return ()
    steps = (len(place.relative_to(shared).parts), len(run.relative_to(shared).parts))
    if max(steps) > _NEAR or shared == Path(shared.anchor):
        return ()
    return (Path(os.path.relpath(place, run)).as_posix(),)


def check_places(settings: PredictSettings) -> None:
    """Refuses sources that are addresses or lie in the output folder.

    Raises:
        UsageError: Naming the source.
    """
    out = settings.out.resolve() if settings.out else None
    for source in settings.sources:
        place = source.resolve()
        if "://" in str(source):
            raise UsageError(f"{source}: addresses are not opened -- download the file and give its path")
        if out is not None and (place == out or out in place.parents):
            raise UsageError(
                f"--out {settings.out}: {source} lies in it -- name a folder apart from the input"
            )
    if settings.name_table is not None:
        check_table(settings.name_table, settings.out, settings.sources)
