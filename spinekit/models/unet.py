"""A small U-Net for structures a few pixels wide, which a head at an eighth of the resolution cannot follow.

Ronneberger, Fischer and Brox 2015, with batch normalisation and about 2 million weights, so that it learns
from a handful of images on a laptop. Saved as a plain state dict. Imported late.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from spinekit.core.errors import EnvironmentFaultError
from spinekit.files import write_bytes

WIDTHS = (
    16,
    32,
    64,
    128,
    256,
)  # five scales: on four a cell's organelles are larger than what one pixel sees
_UNSAID = (16, 32, 64, 128)  # of files from before widths were written down
_FORMAT = "spinekit-unet-1"


def _double(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
        ]  # fmt: skip
    return nn.Sequential(*layers)


class UNet(nn.Module):  # type: ignore[misc]
    """Grey image to class logits at its own resolution.

    Args:
        classes: Channels of the answer.
        widths: Channels of each scale, finest first.
    """

    def __init__(self, classes: int, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self.widths = widths
        self.down = nn.ModuleList(_double(a, b) for a, b in zip((1, *widths[:-1]), widths, strict=True))
        pairs = zip(widths[:0:-1], widths[-2::-1], strict=True)
        self.up = nn.ModuleList(_double(a + b, b) for a, b in pairs)
        self.head = nn.Conv2d(widths[0], classes, 1)

    @property
    def stride(self) -> int:
        """What sides of images are multiples of."""
        return int(2 ** (len(self.widths) - 1))

    def forward(self, images: Tensor) -> Tensor:
        """(B, 1, H, W) in -1..1 to (B, classes, H, W) logits; sides are multiples of `stride`."""
        kept: list[Tensor] = []
        here = images
        for level, block in enumerate(self.down):
            here = block(functional.max_pool2d(here, 2) if level else here)
            kept.append(here)
        for block, beside in zip(self.up, kept[-2::-1], strict=True):
            here = functional.interpolate(here, scale_factor=2.0, mode="bilinear", align_corners=False)
            here = block(torch.cat([here, beside], dim=1))
        answer: Tensor = self.head(here)
        return answer


def to_input(pixels: npt.NDArray[np.uint8]) -> Tensor:
    """(B, H, W) grey values as (B, 1, H, W) in -1..1."""
    return torch.from_numpy(np.ascontiguousarray(pixels))[:, None].float() / 127.5 - 1.0


def save_unet(net: UNet, classes: int, path: Path) -> None:
    """Writes the weights in half precision: tensors and two plain values, no code."""
    state = {
        name: value.half() if value.is_floating_point() else value for name, value in net.state_dict().items()
    }
    # A file would carry its temporary name inside; equal weights are to be equal bytes.
    stream = io.BytesIO()
    torch.save({"format": _FORMAT, "classes": classes, "widths": list(net.widths), "state": state}, stream)
    write_bytes(path, stream.getvalue())


def load_unet(path: Path) -> UNet:
    """Reads weights that `save_unet` wrote.

    Raises:
        EnvironmentFaultError: If the file is of another kind; nothing in it is run.
    """
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
        widths = tuple(int(width) for width in content.get("widths", _UNSAID))
        net = UNet(int(content["classes"] if content["format"] == _FORMAT else 0), widths)
        net.load_state_dict({name: value.float() for name, value in content["state"].items()})
    except Exception as error:
        raise EnvironmentFaultError(
            f"{path}: not the weights of a U-Net ({type(error).__name__}) -- get the file anew, or train one"
        ) from error
    net.eval()
    return net
