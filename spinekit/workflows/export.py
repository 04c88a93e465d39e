"""A model as a folder for other programs: its networks, its card, and notes on how to feed them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spinekit.core.notice import RESEARCH_USE
from spinekit.files import atomic_path, sha256_of, write_text
from spinekit.models.export import Exported, export_model
from spinekit.models.weights import UNET, ModelCard, find_card
from spinekit.schemas import load_schema

NOTES = "export.json"


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """What an export made.

    Attributes:
        folder: Where it lies.
        networks: Each network, compared with what it came from.
    """

    folder: Path
    networks: tuple[Exported, ...]


def export(name: str, form: str, out: Path) -> ExportedModel:
    """Exports a model with all networks beside it.

    Args:
        name: Of a model that ships, or a path to one.
        form: ``onnx`` or ``openvino``.
        out: A new or empty folder.

    Raises:
        EnvironmentFaultError: If packages are missing, or weights are not what their card says.
    """
    card = find_card(name)
    networks = export_model(card, form, out)
    with atomic_path(out / "card.yaml") as temporary:
        shutil.copyfile(card.weights.parent / "card.yaml", temporary)
    write_text(out / NOTES, json.dumps(_notes(card, form, networks), indent=1, ensure_ascii=False) + "\n")
    return ExportedModel(out, tuple(networks))


def _notes(card: ModelCard, form: str, networks: list[Exported]) -> dict[str, Any]:
    """What a program must know to use the files."""
    schema = load_schema(card.schema)
    grey = card.architecture == UNET
    first = (
        "grey / 127.5 - 1, sides multiples of 8; answers are logits of the classes"
        if grey
        else "grey in three channels / 255, shrunk by area means to fit the canvas, padded with 114; answers are "
        "boxes (centre, size), class scores and landmarks (x, y, presence) before suppression, and mask prototypes"
    )
    beside = (
        "crops in the frame of the landmarks' mean shape at several fields of view, each evened out to -1..1; "
        "their frames, shape and zoom are in the .pt file; see spinekit.models.close"
    )
    return {
        "format": "spinekit-export",
        "version": 1,
        "note": RESEARCH_USE,
        "model": card.name,
        "task": card.task,
        "schema": card.schema,
        "classes": list(schema.classes),
        "landmarks": list(schema.landmark_names),
        "of": form,
        "networks": [
            {
                "file": item.path.name,
                "sha256": sha256_of(item.path),
                "input": list(item.shape),
                "outputs": [list(shape) for shape in item.outputs],
                "fed_with": first if number == 0 else beside,
                "largest_difference": item.difference,
            }
            for number, item in enumerate(networks)
        ],
    }
