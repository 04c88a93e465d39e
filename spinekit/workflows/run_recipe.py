"""The recipe as it lies in the folder of a training, from which a stopped one goes on."""

from __future__ import annotations

import json
from pathlib import Path

from spinekit.core.errors import UsageError
from spinekit.files import write_text
from spinekit.models.starting import SCRATCH
from spinekit.workflows.recipe import settings_of
from spinekit.workflows.train_settings import TrainSettings

RECIPE = "recipe.json"


def lay_recipe(settings: TrainSettings, start: str, out: Path) -> None:
    """Writes the whole recipe into a training's folder, with its places, so that it can go on there.

    Args:
        settings: With all that was left to be chosen.
        start: What it begins from, in words.
        out: The folder.
    """
    content = settings.model_dump(mode="json", by_alias=True)
    for key in ("data", "start", "split"):
        if content[key] and content[key] != SCRATCH:
            content[key] = str(Path(content[key]).resolve())
    # A model to go on from may be named by its place too.
    if Path(content["model"]).exists():
        content["model"] = str(Path(content["model"]).resolve())
    content["negatives"] = [str(Path(folder).resolve()) for folder in content["negatives"]]
    text = json.dumps({"begins": start, "settings": content}, indent=1, ensure_ascii=False)
    write_text(out / RECIPE, text + "\n")


def laid_recipe(out: Path) -> tuple[TrainSettings, str]:
    """What `lay_recipe` wrote: the settings, and what it began from.

    Raises:
        UsageError: If it is the folder of no training.
    """
    path = out / RECIPE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return settings_of(TrainSettings, content["settings"], str(path)), str(content["begins"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"--resume {out}: no training began in this folder ({type(error).__name__}) -- name the --out of one"
        ) from error
