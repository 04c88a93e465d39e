"""What a training leaves: weights cleared of what names a machine, and states to go on from. Imported late."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from spinekit.files import write_bytes


def unfinished(run: Path) -> Path | None:
    """The last state of a training that was stopped before its end, or None.

    The library writes it in place: one that a kill cut short is passed over for the best epoch so far.

    Args:
        run: The folder that holds ``weights/last.pt``.
    """
    for name in ("last.pt", "best.pt"):
        path = run / "weights" / name
        content = _read(path) if path.is_file() else None
        if content is not None and content.get("epoch", -1) >= 0 and content.get("optimizer") is not None:
            return path
    return None


def _read(path: Path) -> dict[str, Any] | None:
    from ultralytics.nn.tasks import torch_safe_load

    try:
        content: dict[str, Any] = torch_safe_load(str(path))[0]
    except Exception:  # noqa: BLE001  (whatever is wrong with it, it is not a state to go on from)
        return None
    return content


def scrub(source: Path, target: Path) -> None:
    """Writes a checkpoint anew without what names a machine or a data set: paths, arguments, dates, history."""
    import torch
    from ultralytics.nn.tasks import torch_safe_load

    checkpoint, _ = torch_safe_load(str(source))
    model = checkpoint["model"].half()
    # Arguments of the run hold absolute paths; a prediction needs the task and the size alone.
    kept = {name: checkpoint["train_args"][name] for name in ("task", "imgsz")}
    model.args = kept
    model.criterion = None
    vars(model).pop("pt_path", None)  # where it began from; loading sets it anew
    for parameter in model.parameters():
        parameter.requires_grad = False
    clean = {
        "epoch": -1, "best_fitness": None, "model": model, "ema": None, "updates": None, "optimizer": None,
        "train_args": kept, "train_metrics": {}, "train_results": {}, "date": "", "version": checkpoint["version"],
        "license": "AGPL-3.0-or-later",
    }  # fmt: skip
    # A file would carry its temporary name inside; equal weights are to be equal bytes.
    stream = io.BytesIO()
    torch.save(clean, stream)
    write_bytes(target, stream.getvalue())
