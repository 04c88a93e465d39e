"""Every kind of network behind one door: grey uint8 pictures in, plain float32 arrays out. Imported late.

=========  ==========================  ==========================================================
kind       fed with                    answers
=========  ==========================  ==========================================================
``yolo``   (B, H, W), multiples of 32  (B, 4 + C + E, A): centres and sizes in canvas px, scores of
                                       C classes, E further values of each of A anchors (landmarks
                                       or mask coefficients); for masks (B, E, H/4, W/4) prototypes
``pixels`` (B, H, W), multiples of 32  (B, C, h, w) class probabilities
``unet``   (B, H, W), multiples of 32  (B, C, H, W) class probabilities
``close``  (B, V, S, S) crops          (B, K, 2) means and (B, K, 2) variances in crop px
``levels`` (B, V, S, S) crops          (B, L + 2) logits
``shift``  (B, 2, H, W) straightened   (B, 2 R + 1) logits
=========  ==========================  ==========================================================

What comes before and after the layers that were trained is part of the graph, so that every engine computes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from spinekit.models.close_net import evened, load_close, places
from spinekit.models.close_settings import close_content, level_content
from spinekit.models.graph import NetworkFile
from spinekit.models.level_net import load_levels
from spinekit.models.shift_net import load_shift
from spinekit.models.shift_settings import shift_content
from spinekit.models.straight import ROWS
from spinekit.models.ultralytics_weights import load_yolo_file
from spinekit.models.unet import load_unet

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A network as torch has it.

    Attributes:
        module: Takes and gives what this module's table says.
        facts: See `spinekit.models.graph.Graph`.
        traced: Shape of a batch to export it by.
        tried: Another shape, by which what engines make of the export is judged.
        free: Dimensions of the input that may vary.
    """

    module: nn.Module
    facts: Mapping[str, Any]
    traced: Shape
    tried: Shape
    free: tuple[int, ...]


class _Yolo(nn.Module):  # type: ignore[misc]
    """A pose, mask or box network of Ultralytics."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, grey: Tensor) -> tuple[Tensor, ...]:
        answer = self.net((grey[:, None].float() / 255.0).expand(-1, 3, -1, -1))
        return _flat(answer)


class _Pixels(_Yolo):
    """A semantic network of Ultralytics."""

    def forward(self, grey: Tensor) -> tuple[Tensor, ...]:
        return (super().forward(grey)[0].float().softmax(dim=1),)


class _UNet(nn.Module):  # type: ignore[misc]
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, grey: Tensor) -> tuple[Tensor, ...]:
        return (self.net(grey[:, None].float() / 127.5 - 1.0).float().softmax(dim=1),)


class _Close(nn.Module):  # type: ignore[misc]
    def __init__(self, net: nn.Module, cell: int) -> None:
        super().__init__()
        self.net, self.cell = net, cell

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        return places(self.net(evened(crops)), self.cell)


class _Shift(nn.Module):  # type: ignore[misc]
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, strips: Tensor) -> tuple[Tensor, ...]:
        return (self.net(strips).float(),)


class _Levels(nn.Module):  # type: ignore[misc]
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        return (self.net(evened(crops)).float(),)


def load(network: NetworkFile) -> Loaded:
    """A network from its weights, safely.

    Raises:
        EnvironmentFaultError: If the file is of another kind; nothing in it is run.
    """
    kinds: dict[str, Callable[[NetworkFile], Loaded]] = {
        "yolo": _load_yolo, "pixels": _load_pixels, "unet": _load_unet, "close": _load_close,
        "levels": _load_levels, "shift": _load_shift,
    }  # fmt: skip
    loaded = kinds[network.kind](network)
    loaded.module.eval()
    return loaded


def made_pictures(shape: Shape, seed: int = 1) -> npt.NDArray[np.uint8]:
    """Soft blobs and edges: film-like, so that no answer hangs on noise."""
    rng = np.random.default_rng(seed)
    small = torch.from_numpy(rng.random((1, int(np.prod(shape[:-2])), 8, 8), dtype=np.float32))
    big = nn.functional.interpolate(small, size=shape[-2:], mode="bicubic", align_corners=False)
    return np.asarray(((big.numpy().reshape(shape) * 1.4 - 0.2).clip(0, 1) * 255).round(), dtype=np.uint8)


@torch.inference_mode()
def answers_of(loaded: Loaded, pixels: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.float32], ...]:
    """What torch makes of a batch, in single precision."""
    return tuple(answer.float().numpy() for answer in loaded.module(torch.from_numpy(pixels)))


def _flat(output: Any) -> tuple[Tensor, ...]:
    """The tensors of an answer, in order, however they are nested."""
    if isinstance(output, (list, tuple)):
        return tuple(tensor for item in output for tensor in _flat(item))
    return (output,)


def _library_net(network: NetworkFile) -> tuple[Any, Any]:
    """The YOLO object and its network, fused, in single precision and set to answer only what it found."""
    model = load_yolo_file(network.path, network.task)
    net = model.model.float().eval()
    head = net.model[-1]
    if getattr(head, "one2one_cv2", None) is not None:
        head.end2end = False  # suppression is ours, across classes and with a low score
    net = net.fuse(verbose=False)
    for module in net.modules():
        if hasattr(module, "dynamic") and hasattr(module, "export"):
            module.dynamic, module.export, module.format = True, True, "onnx"
    return model, net


def _load_yolo(network: NetworkFile) -> Loaded:
    model, net = _library_net(network)
    points = int(net.model[-1].kpt_shape[0]) if network.task == "pose" else 0
    names = [str(model.names[number]) for number in sorted(model.names)]
    facts = {"classes": len(names), "points": points, "names": names}
    return Loaded(_Yolo(net), facts, (1, 256, 192), (1, 320, 224), (0, 1, 2))


def _load_pixels(network: NetworkFile) -> Loaded:
    _, net = _library_net(network)
    return Loaded(_Pixels(net), {}, (1, 128, 96), (2, 96, 160), (0, 1, 2))


def _load_unet(network: NetworkFile) -> Loaded:
    return Loaded(_UNet(load_unet(network.path)), {}, (1, 64, 96), (2, 96, 80), (0, 1, 2))


def _load_close(network: NetworkFile) -> Loaded:
    net, settings = load_close(network.path)
    crop = (len(settings.views), settings.side, settings.side)
    return Loaded(_Close(net, net.cell), close_content(settings), (2, *crop), (3, *crop), (0,))


def _load_levels(network: NetworkFile) -> Loaded:
    net, settings = load_levels(network.path)
    crop = (len(settings.view.views), settings.view.side, settings.view.side)
    return Loaded(_Levels(net), level_content(settings), (2, *crop), (3, *crop), (0,))


def _load_shift(network: NetworkFile) -> Loaded:
    net, settings = load_shift(network.path)
    strip = (2, ROWS * settings.view.bodies, settings.view.columns)
    return Loaded(_Shift(net), shift_content(settings), (2, *strip), (3, *strip), (0,))
