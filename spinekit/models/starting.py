"""What a training begins from: weights at hand, or, where the user allows it, Ultralytics' own from the network."""

from __future__ import annotations

import difflib
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.core.schema import Schema
from spinekit.models.environment import cache_folder, load_library
from spinekit.models.training import ARCHITECTURES, FAMILIES, SIZES, check_architecture
from spinekit.models.weights import UNET, ModelCard, check_weights, find_card, shipped_names

SCRATCH = "scratch"
_NAME = re.compile(rf"({'|'.join(FAMILIES)})([{SIZES}])")


@dataclass(frozen=True, slots=True)
class Start:
    """Where a training begins.

    Attributes:
        architecture: ``yolo11n`` and the like, or ``unet``.
        weights: To begin from, or None for random ones.
        words: What it is, for people.
    """

    architecture: str
    weights: Path | None
    words: str


def find_start(task: str, model: str, start: Path | None, schema: Schema, download: bool = False) -> Start:
    """What a training of a task begins from.

    Args:
        task: ``pose``, ``seg``, ``sem`` or ``detect``.
        model: An architecture, the name of a model that ships, or a path to weights or a model's folder.
        start: Weights to begin from, ``scratch`` for random ones, or None for the nearest at hand.
        schema: What is to be learnt, which decides what is nearest.
        download: Whether Ultralytics' own weights may be fetched from the network.

    Raises:
        UsageError: If there is no such model, or none for this task.
        EnvironmentFaultError: If weights are missing, or cannot be fetched.
    """
    if not _NAME.fullmatch(model) and model != UNET:
        return _from_model(task, model, start)
    check_architecture(task, model)
    if start is not None and str(start) == SCRATCH:
        return Start(model, None, f"{model} from scratch, as was asked for")
    if start is not None:
        return Start(model, _checked(start), f"{model} from {start.name}")
    return _at_hand(task, model, schema, download)


def _at_hand(task: str, model: str, schema: Schema, download: bool) -> Start:
    """Where to begin when nobody says: the library's own weights where allowed, else the nearest that ship."""
    if model == UNET:
        names = [name for name in shipped_names() if find_card(name).architecture == UNET]
        hint = f"; --model {names[0]} goes on from weights that ship" if names else ""
        return Start(model, None, f"{model} from scratch, which it is small enough for{hint}")
    if download:
        weights = _downloaded(task, model)
        return Start(model, weights, f"{model} from {weights.name} of Ultralytics")
    card = _nearest(task, model, schema)
    if card is None:
        why = f"no weights of {model} ship, and nothing is downloaded without --download"
        return Start(model, None, f"{model} from scratch: {why}")
    return Start(model, card.weights, f"{model} from {card.name}, the nearest weights that ship")


def _from_model(task: str, model: str, start: Path | None) -> Start:
    """A model that ships or lies at a path, whose weights are gone on from."""
    path = Path(model)
    if start is not None:
        raise UsageError(
            f"--model {model}: has weights of its own -- name an architecture, or leave out --start"
        )
    if model not in shipped_names() and not path.exists():
        known = [*(f"{family}{size}" for family in FAMILIES for size in SIZES), UNET, *shipped_names()]
        near = difflib.get_close_matches(model, known, 1)
        hint = f"did you mean {near[0]}?" if near else "see spinekit models list"
        raise UsageError(
            f"--model {model}: no architecture ({', '.join(f'{family}n' for family in FAMILIES)}, ... or {UNET}), "
            f"no model that ships and no file -- {hint}"
        )
    if model in shipped_names() or path.is_dir() or (path.parent / "card.yaml").is_file():
        card = find_card(model)
        check_weights(card)
        check_architecture(task, card.architecture)
        return Start(card.architecture, card.weights, f"{card.architecture} from {card.name}")
    architecture = _architecture_in(path)
    check_architecture(task, architecture)
    return Start(architecture, path, f"{architecture} from {path.name}")


def _architecture_in(path: Path) -> str:
    """The architecture that a checkpoint was built as."""
    _check_checkpoint(path)
    library = load_library()
    try:
        built = str(library.YOLO(str(path)).model.yaml.get("yaml_file", ""))
    except Exception as error:
        raise EnvironmentFaultError(
            f"{path}: not weights that can be loaded safely ({type(error).__name__}) -- "
            "only weights trained with spinekit or Ultralytics are read, and no code in them is run"
        ) from error
    found = _NAME.search(Path(built).name) or _NAME.search(path.name)
    if found is None:
        raise UsageError(
            f"{path}: does not say which architecture it is -- name it with --model and give the file as --start"
        )
    return found[0]


def _checked(start: Path) -> Path:
    path = start / "weights.pt" if start.is_dir() else start
    if not path.is_file():
        raise EnvironmentFaultError(
            f"--start {start}: no such file -- give weights at hand, 'scratch' for random ones, or leave it out"
        )
    _check_checkpoint(path)
    return path


def _check_checkpoint(path: Path) -> None:
    """Refuses all but checkpoints: the library builds a network of a YAML file, and runs code that stands in it."""
    if path.suffix != ".pt" or not zipfile.is_zipfile(path):
        raise EnvironmentFaultError(
            f"{path}: not weights, which are a .pt file as torch saves it -- give such a file or an architecture"
        )


def _nearest(task: str, architecture: str, schema: Schema) -> ModelCard | None:
    """The model that ships with the same architecture and most else in common."""

    def likeness(card: ModelCard) -> tuple[bool, bool, bool]:
        return card.task == task, card.schema == schema.name, card.view == schema.view

    cards = [card for card in map(find_card, shipped_names()) if card.architecture == architecture]
    usable = [card for card in cards if card.weights.is_file()]
    return max(usable, key=likeness, default=None)


def _downloaded(task: str, architecture: str) -> Path:
    """Ultralytics' own weights, fetched once into the cache by the library's own downloader.

    Raises:
        EnvironmentFaultError: If they cannot be fetched.
    """
    suffix = "" if task == "detect" else f"-{task}"
    path = cache_folder() / "weights" / f"{architecture}{suffix}.pt"
    if path.is_file():
        return path
    load_library()
    from ultralytics.utils.downloads import attempt_download_asset

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        attempt_download_asset(str(path))
    except Exception as error:
        path.unlink(missing_ok=True)
        raise EnvironmentFaultError(
            f"--download: {path.name} could not be fetched ({type(error).__name__}) -- look at the connection, "
            f"lay the file at {path}, or leave out --download to begin from weights that ship"
        ) from error
    if not path.is_file():
        raise EnvironmentFaultError(
            f"--download: there is no {path.name} to fetch -- leave out --download, or name another --model"
        )
    return path


def offers(task: str) -> str:
    """The architectures of a task, for help and messages."""
    names = [f"{family}{{{','.join(SIZES)}}}" for family in ARCHITECTURES[task]]
    return ", ".join([*names, *([UNET] if task == "sem" else [])])
