"""The network of the close look: a small U-Net whose maps say where each landmark lies. Imported late.

A point is the mean of its map (Nibali et al. 2018, "Numerical coordinate regression with convolutional neural
networks"), so it is found between the cells, and the map's width says how sure the network is.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from spinekit.models.close_settings import CloseSettings, close_content, close_settings
from spinekit.models.network_file import load_network, save_network

_FORMAT = "spinekit-close-1"
WIDTHS = (16, 32, 48, 64, 64)


def double(inward: int, outward: int) -> nn.Sequential:
    """Two convolutions, each with its normalisation."""
    return nn.Sequential(
        nn.Conv2d(inward, outward, 3, padding=1, bias=False),
        nn.BatchNorm2d(outward),
        nn.ReLU(inplace=True),
        nn.Conv2d(outward, outward, 3, padding=1, bias=False),
        nn.BatchNorm2d(outward),
        nn.ReLU(inplace=True),
    )


class MapNet(nn.Module):  # type: ignore[misc]
    """A network that draws a map for each landmark.

    Attributes:
        cell: Crop px of a cell of its maps.
    """

    cell: int

    def begin_from(self, state: Mapping[str, Tensor]) -> int:
        """Takes over what fits of the weights of a first look, or of a network like this one.

        Args:
            state: By the library's names (``model.0.conv.weight``), or by its own.

        Returns:
            How many tensors were taken over; 0 where nothing fits.
        """
        own = self.state_dict()
        if state.keys() != own.keys() or any(state[k].shape != v.shape for k, v in own.items()):
            return 0
        self.load_state_dict(dict(state))
        return len(own)


class CloseNet(MapNet):
    """Maps at half the crop's resolution, one for each landmark.

    Args:
        points: K landmarks.
        views: Channels of a crop.
        placed: See `CloseSettings`.
        widths: Channels of each scale.
    """

    cell = 2

    def __init__(
        self, points: int, views: int = 1, placed: bool = True, widths: tuple[int, ...] = WIDTHS
    ) -> None:
        super().__init__()
        self._placed = placed
        inward = views + 2 if placed else views
        self.down = nn.ModuleList(double(a, b) for a, b in zip((inward, *widths[:-1]), widths, strict=True))
        # The finest scale stays on the way down only: maps at half the resolution are fine enough for a mean.
        pairs = list(zip(widths[:1:-1], widths[-2:0:-1], strict=True))
        self.up = nn.ModuleList(double(a + b, b) for a, b in pairs)
        self.head = nn.Conv2d(widths[1], points, 1)

    def forward(self, crops: Tensor) -> Tensor:
        """(B, V, S, S) in -1..1 to (B, K, S/2, S/2) logits."""
        kept: list[Tensor] = []
        here = _with_place(crops) if self._placed else crops
        for level, block in enumerate(self.down):
            here = block(functional.max_pool2d(here, 2) if level else here)
            kept.append(here)
        for block, beside in zip(self.up, kept[-2:0:-1], strict=True):
            here = functional.interpolate(here, scale_factor=2.0, mode="bilinear", align_corners=False)
            here = block(torch.cat([here, beside], dim=1))
        answer: Tensor = self.head(here)
        return answer


def _with_place(crops: Tensor) -> Tensor:
    """Two more channels: columns and rows from -1 to 1."""
    b, _, h, w = crops.shape
    x = torch.linspace(-1, 1, w, dtype=crops.dtype, device=crops.device).expand(b, 1, h, w)
    y = torch.linspace(-1, 1, h, dtype=crops.dtype, device=crops.device)[:, None].expand(b, 1, h, w)
    return torch.cat([crops, x, y], dim=1)


def cell_centres(count: int, cell: int, device: torch.device | None = None) -> Tensor:
    """Where the cells of a row of maps lie, in crop px: the middle of the px that each covers."""
    return torch.arange(count, device=device) * cell + (cell - 1) / 2


def places(logits: Tensor, cell: int = 2) -> tuple[Tensor, Tensor]:
    """Means and variances of maps.

    Args:
        logits: (B, K, h, w).
        cell: Crop px of a cell of the maps.

    Returns:
        (B, K, 2) means x, y and (B, K, 2) variances along them, in crop px.
    """
    h, w = logits.shape[-2:]
    share = logits.float().flatten(2).softmax(dim=-1).unflatten(2, (h, w))
    x, y = (cell_centres(count, cell, logits.device) for count in (w, h))
    columns, rows = share.sum(dim=2), share.sum(dim=3)
    mean = torch.stack([(columns * x).sum(-1), (rows * y).sum(-1)], dim=-1)
    square = torch.stack([(columns * x**2).sum(-1), (rows * y**2).sum(-1)], dim=-1)
    return mean, (square - mean**2).clamp_min(0)


def to_input(crops: np.ndarray[Any, np.dtype[np.uint8]]) -> Tensor:
    """(B, V, S, S) grey values in -1..1, each crop's own contrast evened out."""
    return evened(torch.from_numpy(np.ascontiguousarray(crops)))


def evened(crops: Tensor) -> Tensor:
    """The same of a tensor of grey values."""
    values = crops.float()
    mean = values.mean(dim=(2, 3), keepdim=True)
    spread = values.std(dim=(2, 3), keepdim=True).clamp_min(4.0)
    return ((values - mean) / (3 * spread)).clamp(-1.5, 1.5)


def close_network(settings: CloseSettings) -> MapNet:
    """The network that settings ask for, its weights still by chance.

    Raises:
        KeyError: If there is no network of that name.
    """
    if settings.trunk == "unet":
        return CloseNet(len(settings.shape), len(settings.views), settings.placed)
    if settings.trunk == "yolo11n":
        # Here, since it needs the library, and since it is built of this module's parts.
        from spinekit.models.pyramid_net import PyramidNet

        return PyramidNet(len(settings.shape))
    raise KeyError(settings.trunk)


def save_close(net: MapNet, settings: CloseSettings, path: Path) -> None:
    """Writes weights in half precision with their settings: tensors and plain values, no code."""
    save_network(net, _FORMAT, close_content(settings), path)


def load_close(path: Path) -> tuple[MapNet, CloseSettings]:
    """Reads what `save_close` wrote.

    Raises:
        EnvironmentFaultError: If the file is of another kind; nothing in it is run.
    """
    return load_network(path, _FORMAT, "a close look", close_settings, close_network)
