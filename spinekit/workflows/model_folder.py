"""A trained model as a folder that can be used, shared and judged: weights, card and run record."""

from __future__ import annotations

import json
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from spinekit import __version__
from spinekit.core.notice import RESEARCH_USE
from spinekit.files import atomic_path, sha256_of, write_text
from spinekit.metrics.separation import Separation
from spinekit.models.history import best_epoch, read_curves
from spinekit.schemas import load_schema, load_yaml
from spinekit.schemas.strict_yaml import dump_yaml
from spinekit.workflows.membranes import chosen_separation
from spinekit.workflows.recipe import split_table
from spinekit.workflows.train import Trained
from spinekit.workflows.train_settings import TrainSettings

_CONFIDENCE = {"pose": 0.1, "seg": 0.1, "sem": 0.5, "detect": 0.1}


def write_model(trained: Trained, out: Path) -> Path:
    """Writes ``weights.pt``, ``card.yaml`` and ``run.json``.

    Args:
        trained: What a training made.
        out: The model's folder.

    Returns:
        The card.
    """
    weights = out / "weights.pt"
    with atomic_path(weights) as temporary:
        shutil.copyfile(trained.weights, temporary)
    write_text(out / "run.json", json.dumps(_record(trained), indent=1, sort_keys=True) + "\n")
    card = out / "card.yaml"
    content = _card(trained, sha256_of(weights))
    write_text(card, dump_yaml(content))
    chosen = chosen_separation(trained.settings, out)
    if chosen is not None:
        content |= {"separation": chosen.threshold, "separation_chosen": _words(chosen)}
        write_text(card, dump_yaml(content))
    return card


def _words(chosen: Separation) -> str:
    return (
        f"on the {chosen.images} val images: V_rand {chosen.v_rand:.4f} with it, {chosen.plain:.4f} without"
    )


def _confidence(trained: Trained) -> float:
    """From which an answer is reported: of boxes where F1 is highest on val, of others low, as anatomy decides."""
    curves = read_curves(trained.weights.parent) if trained.settings.task == "detect" else None
    if curves is None or not curves.f1 or max(curves.f1) <= 0:
        return _CONFIDENCE[trained.settings.task]
    best = max(range(len(curves.f1)), key=curves.f1.__getitem__)
    return round(min(max(curves.certainty[best], 0.05), 0.9), 3)


def _card(trained: Trained, digest: str) -> dict[str, Any]:
    settings = trained.settings
    schema = load_schema(settings.schema_name)
    instances = 1 if settings.task == "sem" else max(1, len(schema.levels) or len(schema.classes))
    return {
        "name": settings.name,
        "title": schema.title,
        "task": settings.task,
        "view": schema.view,
        "schema": schema.name,
        "fingerprint": schema.fingerprint(),
        "architecture": settings.model,
        "canvas": {"height": settings.height, "width": settings.width},
        # A model that was trained on mirrored films may read them so.
        **({"turned": True} if settings.task == "sem" and "microscopy" in schema.view else {}),
        "mirrored": settings.task == "pose" and (settings.augment or {}).get("fliplr", 0.0) > 0,
        **({"either_facing": True} if settings.task == "pose" and settings.either_facing else {}),
        "scales": [1.0],
        "enlarge": settings.enlarge,
        "confidence": _confidence(trained),
        "instances": instances,
        "sha256": digest,
        "licence": "AGPL-3.0-or-later",
        "trained_on": _origin(settings),
        "limits": [RESEARCH_USE],
    }


def _origin(settings: TrainSettings) -> dict[str, Any]:
    """What is known of the training data: the card beside its split, and what was added."""
    card = split_table(settings).parent / "card.yaml"
    content: Any = load_yaml(card) if card.is_file() else {}
    known = {key: content[key] for key in ("title", "origin", "licence", "split") if key in content}
    return {**known, "synthetic_films_added": settings.phantoms}


def _record(trained: Trained) -> dict[str, Any]:
    """What the training was, without a path of the machine."""
    settings = trained.settings.model_dump(mode="json", by_alias=True)
    for key in ("data", "start", "split"):
        if settings[key]:
            settings[key] = Path(settings[key]).name
    settings["negatives"] = [Path(folder).name for folder in settings["negatives"]]
    best = best_epoch(trained.history)
    return {
        "settings": settings,
        "begins": trained.start,
        "data_sha256": trained.data.sha256,
        "best_epoch": None if best is None else best.epoch,
        "images": trained.data.images,
        "instances": trained.data.instances,
        "dropped": len(trained.data.dropped),
        "points_outside": trained.data.points_outside,
        "epochs": [
            {"epoch": e.epoch, "losses": dict(e.losses), "metrics": dict(e.metrics), "fitness": e.fitness}
            for e in trained.history
        ],
        "versions": {
            "spinekit": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in ("ultralytics", "torch", "numpy")},
        },
    }
