"""Training of a close look: the model that a first look already is gets a second network beside it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from spinekit.core.errors import UsageError
from spinekit.core.image import FloatArray
from spinekit.core.scene import Scene
from spinekit.files import atomic_path, sha256_of, write_text
from spinekit.models.checkpoints import STATE, reports_of
from spinekit.models.close_net import load_close
from spinekit.models.close_settings import CloseView
from spinekit.models.close_training import CloseFilm, CloseJitter, ClosePlan, train_close
from spinekit.models.history import EpochReport
from spinekit.models.level_look import level_shape
from spinekit.models.level_training import LevelPlan, train_levels
from spinekit.models.shift_settings import ShiftSettings
from spinekit.models.shift_training import ShiftPlan, train_shift, view_of
from spinekit.models.ultralytics_weights import tensors_of
from spinekit.models.weights import ModelCard, check_weights, find_card
from spinekit.schemas import load_schema, load_yaml
from spinekit.schemas.strict_yaml import dump_yaml
from spinekit.workflows.recipe import (
    LabelledData,
    labelled_pixels,
    recipe_content,
    scenes_by_part,
    settings_of,
    split_table,
)
from spinekit.workflows.run_recipe import RECIPE
from spinekit.workflows.seasoning import phantom_samples
from spinekit.workflows.split import read_split

Progress = Callable[[str, int, int], None]
OnEpoch = Callable[[EpochReport], None]


class Jitter(BaseModel):
    """How far the first look is taken to be off; see `spinekit.models.close_training.CloseJitter`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    point: float = Field(0.08, ge=0, le=1)
    shift: float = Field(0.08, ge=0, le=1)
    turn: float = Field(4.0, ge=0, le=45)
    stretch: float = Field(0.06, ge=0, le=0.5)


class CloseRecipe(LabelledData):
    """The whole recipe of a close look.

    Attributes:
        task: ``close``.
        learns: ``points`` for where landmarks lie, ``levels`` for which vertebra a body is, ``shift`` for by how many
            levels all names of a spine are off.
        first: The model whose landmarks are to be placed anew: a shipped name or a folder, which may already have
            close looks.
        side: Rows and columns of a crop: a multiple of 16, for levels of 48; columns of a straightened spine for a
            shift.
        zoom: Crop px per unit of the landmarks' mean shape (whose root mean square radius is 1); columns that a
            body's diagonal takes for a shift.
        views: Fields of view of a crop's channels, as multiples of the first; not for a shift.
        reach: By how many levels names may be off at the most, for a shift.
        each: Whether every landmark has a crop of its own.
        mirrored: Whether films may be met mirrored.
        epochs: Passes over all crops.
        batch: Crops a step.
        repeat: How often every crop is met in an epoch, each time another way.
        learning_rate: Of AdamW, rising and falling once.
        precision: ``fp32`` or ``bf16``.
        jitter: How far the first look is taken to be off.
        network: ``unet`` for a small one from nothing, ``yolo11n`` for one on the first look's own backbone, which
            is for crops that show much.
        start: Weights of a close look of the same shape to go on from.
        bend: Smooth shifts by which crops are bent, another person's shape, in crop px.
        phantoms: Synthetic films added to the training part.
    """

    task: Literal["close"]
    learns: Literal["points", "levels", "shift"] = "points"
    first: str
    side: int = Field(96, ge=32, le=1024, multiple_of=16)
    zoom: float = Field(gt=1, le=2000)
    views: tuple[float, ...] = (1.0, 2.5)
    reach: int = Field(2, ge=1, le=4)
    each: bool = False
    mirrored: bool = False
    epochs: int = Field(16, ge=1, le=10_000)
    batch: int = Field(32, ge=1, le=4096)
    repeat: int = Field(1, ge=1, le=1000)
    learning_rate: float = Field(2e-3, gt=0, le=1)
    precision: Literal["fp32", "bf16"] = "fp32"
    jitter: Jitter = Jitter()
    network: Literal["unet", "yolo11n"] = "unet"
    start: Path | None = None
    bend: float = Field(0.0, ge=0, le=100)
    phantoms: int = Field(0, ge=0, le=100_000)

    @model_validator(mode="after")
    def _three_cells(self) -> CloseRecipe:
        if self.learns == "levels" and self.side % 48:
            raise ValueError("side: a network of levels ends in 3 by 3 cells -- give a multiple of 48")
        return self


@dataclass(frozen=True, slots=True)
class TrainedClose:
    """What a training of a close look made.

    Attributes:
        model: The model's folder: the first look's files and the new network beside them.
        history: Every epoch's report.
    """

    model: Path
    history: tuple[EpochReport, ...]


def is_close(path: Path) -> bool:
    """Whether a recipe is one of a close look."""
    content = load_yaml(path)
    return isinstance(content, dict) and content.get("task") == "close"


def read_close_recipe(path: Path, overrides: Mapping[str, Any] | None = None) -> CloseRecipe:
    """A recipe from YAML, with settings of the command line laid over it.

    Raises:
        UsageError: Naming an unknown or wrong setting and the nearest known one.
    """
    return settings_of(CloseRecipe, recipe_content(path, overrides), str(path))


def train_close_look(
    recipe: CloseRecipe,
    out: Path,
    on_epoch: OnEpoch | None = None,
    on_progress: Progress | None = None,
) -> TrainedClose:
    """Trains on the split's train part, choosing the epoch by val.

    Args:
        recipe: What to do.
        out: A new or empty folder; the model comes to lie in ``out/model``.
        on_epoch: Told after every epoch.
        on_progress: Told of work: what, how much is done, of how much.

    Raises:
        UsageError: If the first look says something else than the recipe.
    """
    card = _first_look(recipe)
    _lay(recipe, out)
    return _trained(recipe, card, out, on_epoch, on_progress, go_on=False)


def resume_close_look(
    out: Path,
    on_epoch: OnEpoch | None = None,
    on_progress: Progress | None = None,
    notice: Callable[[str], None] | None = None,
) -> TrainedClose:
    """Goes on with a close look's training that was stopped, from its last epoch that ended.

    Args:
        out: Its folder.
        on_epoch: See `train_close_look`.
        on_progress: See there.
        notice: Told from where it goes on.

    Raises:
        UsageError: If none began in the folder, or it has ended.
    """
    recipe = laid_close_recipe(out)
    if recipe is None:
        raise UsageError(f"--resume {out}: no close look began in this folder -- name the --out of one")
    if (out / "model" / "card.yaml").is_file():
        raise UsageError(
            f"--resume {out}: this training has ended after {recipe.epochs} epochs -- its model is {out / 'model'}; "
            "to train on, begin anew with start: and that network"
        )
    if notice is not None:
        notice(f"goes on with {recipe.name} where it stood, of {recipe.epochs} epochs")
    return _trained(recipe, _first_look(recipe), out, on_epoch, on_progress, go_on=True)


def laid_close_recipe(out: Path) -> CloseRecipe | None:
    """The recipe of the close look that began in a folder; None where none did."""
    path = out / RECIPE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))["settings"]
        close = content["task"] == "close"
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return settings_of(CloseRecipe, content, str(path)) if close else None


def _lay(recipe: CloseRecipe, out: Path) -> None:
    content = recipe.model_dump(mode="json", by_alias=True)
    for key in ("data", "start", "split"):
        if content[key]:
            content[key] = str(Path(content[key]).resolve())
    if Path(recipe.first).exists():
        content["first"] = str(Path(recipe.first).resolve())
    text = json.dumps({"begins": recipe.first, "settings": content}, indent=1, ensure_ascii=False)
    write_text(out / RECIPE, text + "\n")


def _first_look(recipe: CloseRecipe) -> ModelCard:
    card = find_card(recipe.first)
    schema = check_weights(card)
    if schema.name != recipe.schema_name:
        raise UsageError(
            f"{recipe.name}: {recipe.first} finds landmarks of {schema.name}, the recipe says "
            f"{recipe.schema_name} -- name a first look of the same schema"
        )
    return card


def _trained(
    recipe: CloseRecipe,
    card: ModelCard,
    out: Path,
    on_epoch: OnEpoch | None,
    on_progress: Progress | None,
    go_on: bool,
) -> TrainedClose:
    schema = load_schema(recipe.schema_name)
    by_part = scenes_by_part(recipe, read_split(split_table(recipe)))
    shapes = _shapes if recipe.learns == "points" else _level_shapes
    films = {part: _films(by_part[part], part, shapes, on_progress) for part in ("train", "val")}
    films["train"] += [
        CloseFilm(pixels, _shapes(scene))
        for scene, pixels in phantom_samples(schema, None, recipe.phantoms, recipe.seed)
    ]
    if recipe.learns == "points":
        weights = train_close(_plan(recipe, card), films["train"], films["val"], out, on_epoch, go_on)
    else:
        train, val = (
            [film for film in films[part] if len(film.shapes) == len(schema.levels)]
            for part in ("train", "val")
        )
        if recipe.learns == "levels":
            weights = train_levels(_level_plan(recipe), train, val, out, on_epoch, go_on)
        else:
            weights = train_shift(_shift_plan(recipe), train, val, out, on_epoch, go_on)
    history = reports_of(out)
    model = _write(recipe, card, weights, out / "model", history)
    (out / STATE).unlink()  # what only a stopped training needs
    return TrainedClose(model, tuple(history))


def _plan(recipe: CloseRecipe, first: ModelCard) -> ClosePlan:
    schema = load_schema(recipe.schema_name)
    jitter = recipe.jitter
    return ClosePlan(
        side=recipe.side,
        zoom=recipe.zoom,
        views=recipe.views,
        each=recipe.each,
        flip_index=schema.flip_index() if recipe.mirrored else (),
        epochs=recipe.epochs,
        batch=recipe.batch,
        learning_rate=recipe.learning_rate,
        seed=recipe.seed,
        repeat=recipe.repeat,
        precision=recipe.precision,
        jitter=CloseJitter(jitter.point, jitter.shift, jitter.turn, jitter.stretch),
        trunk=recipe.network,
        begin=_begin(recipe, first),
        bend=recipe.bend,
    )


def _begin(recipe: CloseRecipe, first: ModelCard) -> Mapping[str, Any] | None:
    """The weights that a close look goes on from, or None where it begins from nothing."""
    if recipe.start is not None:
        return dict(load_close(recipe.start)[0].state_dict())
    return None if recipe.network == "unet" else tensors_of(first)


def _level_plan(recipe: CloseRecipe) -> LevelPlan:
    jitter = recipe.jitter
    return LevelPlan(
        levels=load_schema(recipe.schema_name).levels,
        view=CloseView(recipe.side, recipe.zoom, recipe.views),
        mirrored=recipe.mirrored,
        epochs=recipe.epochs,
        batch=recipe.batch,
        learning_rate=recipe.learning_rate,
        seed=recipe.seed,
        jitter=CloseJitter(jitter.point, jitter.shift, jitter.turn, jitter.stretch),
    )


def _shift_plan(recipe: CloseRecipe) -> ShiftPlan:
    jitter, levels = recipe.jitter, load_schema(recipe.schema_name).levels
    view = view_of(len(levels), recipe.side, recipe.zoom, recipe.reach)
    return ShiftPlan(
        ShiftSettings(levels, view, recipe.reach, recipe.mirrored),
        epochs=recipe.epochs,
        batch=recipe.batch,
        repeat=recipe.repeat,
        learning_rate=recipe.learning_rate,
        seed=recipe.seed,
        jitter=CloseJitter(jitter.point, jitter.shift, jitter.turn, jitter.stretch),
    )


def _films(
    scenes: list[Scene], part: str, shapes_of: Callable[[Scene], FloatArray], on_progress: Progress | None
) -> list[CloseFilm]:
    films = []
    for done, scene in enumerate(scenes, start=1):
        shapes = shapes_of(scene)
        if len(shapes):
            films.append(CloseFilm(labelled_pixels(scene), shapes))
        if on_progress is not None:
            on_progress(f"reading {part} films", done, len(scenes))
    return films


def _shapes(scene: Scene) -> FloatArray:
    """(N, K, 2) landmarks of the instances that have any."""
    return np.array([item.landmarks.xy for item in scene.instances if item.landmarks is not None])


def _level_shapes(scene: Scene) -> FloatArray:
    """(L, K, 2) points of the bodies, cranial to caudal; (0, ...) where not each level is there once.

    Named corners are read in order, with no level on them; shapes bear their level as their name.
    """
    levels = scene.schema.levels
    if not set(levels) <= set(scene.schema.classes):
        return _shapes(scene)
    named = sorted((i for i in scene.instances if i.label in levels), key=lambda i: levels.index(i.label))
    whole = tuple(item.label for item in named) == levels
    return np.array([level_shape(item) for item in named]) if whole else np.empty((0, 4, 2))


def _write(
    recipe: CloseRecipe, first: ModelCard, weights: Path, folder: Path, history: list[EpochReport]
) -> Path:
    """The first look's files with the new network after its others; its figures no longer hold and are left out."""
    lone = recipe.learns != "points"  # there is one of its kind, which takes the place of an earlier one
    own = f"{recipe.learns}.pt" if lone else f"close-{len(first.close) + 1}.pt"
    kept = {file.path.name: file.path for file in first.beside}
    copies = {"weights.pt": first.weights, **kept, own: weights}
    for name, source in copies.items():
        with atomic_path(folder / name) as temporary:
            shutil.copyfile(source, temporary)
    content: Any = load_yaml(first.weights.parent / "card.yaml")
    content.pop("figures", None)
    entry = {"file": own, "sha256": sha256_of(folder / own)}
    if lone:
        content[recipe.learns] = entry
    else:
        content.setdefault("close", []).append(entry)
    write_text(folder / "card.yaml", dump_yaml(content))
    settings = recipe.model_dump(mode="json", by_alias=True)
    settings |= {key: Path(settings[key]).name for key in ("data", "split", "first") if settings[key]}
    epochs = [{"epoch": e.epoch, "losses": dict(e.losses), "metrics": dict(e.metrics)} for e in history]
    record = {"settings": settings, "epochs": epochs}
    write_text(folder / f"run-{Path(own).stem}.json", json.dumps(record, indent=1, sort_keys=True) + "\n")
    return folder
