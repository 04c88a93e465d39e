"""torch, by which networks were trained: the reference that other engines are held to, and the one for GPUs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spinekit.models.engines.plugin import Computing, Engine, Float32Array, Opened
from spinekit.models.graph import NetworkFile

_GPU_BATCH = 16


def open_weights(network: NetworkFile, computing: Computing) -> Opened:
    """A network with its own weights, on the first GPU where there is one."""
    from spinekit.models.environment import load_library, use_threads

    load_library()  # torch comes in by the same door
    import torch

    from spinekit.models.networks import load

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    # Ten bits of mantissa are too few for measuring.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    loaded = load(network)
    module: Any = loaded.module.to(device, memory_format=torch.channels_last)
    narrow = computing.precision == "bf16"

    @torch.inference_mode()
    def run(pixels: npt.NDArray[np.uint8]) -> tuple[Float32Array, ...]:
        use_threads(computing.threads)
        batch = torch.from_numpy(np.ascontiguousarray(pixels)).to(device)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=narrow):
            answers = module(batch)
        return tuple(answer.float().cpu().numpy() for answer in answers)

    return Opened(run, loaded.facts, _GPU_BATCH if device.type == "cuda" else 1)


def on_gpu() -> bool:
    """Whether there is a GPU that torch can use; torch is loaded only where there may be one."""
    if not Path("/dev/nvidia0").exists() and shutil.which("nvidia-smi") is None:
        return False
    from spinekit.models.environment import load_library

    load_library()
    import torch

    return bool(torch.cuda.is_available())


ENGINE = Engine(
    name="torch",
    title="PyTorch, with batches on a GPU",
    package="torch",
    order=30,
    precisions=("f32", "bf16"),
    open_weights=open_weights,
    on_gpu=on_gpu,
)
