"""By how many levels the names of a whole spine are off, from its straightened picture. Imported late.

Bodies seen one by one hardly differ; what tells their levels (the sacrum below the last one, the last rib) is seen
once. So the network answers one question of the whole: names as they are, or all of them one or two levels off.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from spinekit.models.close_net import double
from spinekit.models.network_file import load_network, save_network
from spinekit.models.shift_settings import ShiftSettings, shift_content, shift_settings

_FORMAT = "spinekit-shift-1"
_WIDTHS = (12, 24, 32, 48, 64)  # five scales: the coarsest has one row a body
_SQUEEZED, _HIDDEN = 32, 48
_SURROUND = 65  # px, sides of what a pixel's contrast is measured against
_SHARPNESS = 4.0  # of the mean over the bodies, which would rarely differ by much


class ShiftNet(nn.Module):  # type: ignore[misc]
    """Two channels, grey and where the film is, to a score for each shift.

    Args:
        settings: Levels, view and reach.
    """

    def __init__(self, settings: ShiftSettings) -> None:
        super().__init__()
        self.reach = settings.reach
        self.down = nn.ModuleList(double(a, b) for a, b in zip((3, *_WIDTHS[:-1]), _WIDTHS, strict=True))
        self.drop = nn.Dropout(0.3)
        self.squeeze = nn.Conv2d(_WIDTHS[-1], _SQUEEZED, 1)
        across = _SQUEEZED * (settings.view.columns // 2 ** (len(_WIDTHS) - 1))
        self.along = nn.Sequential(
            nn.Conv1d(across, _HIDDEN, 3, padding=1), nn.ReLU(inplace=True), nn.Dropout(0.3),
            nn.Conv1d(_HIDDEN, _HIDDEN, 3, padding=1), nn.ReLU(inplace=True),
        )  # fmt: skip
        self.head = nn.Conv1d(_HIDDEN, settings.view.bodies + 2 * settings.reach, 1)

    def forward(self, strips: Tensor) -> Tensor:
        """(B, 2, H, W) uint8 to (B, 2 R + 1) logits of the shifts -R..R, + for names that should be lower."""
        return self.shifts(self.rows(strips))

    def rows(self, strips: Tensor) -> Tensor:
        """(B, 2, H, W) uint8 to (B, bodies, bodies + 2 R) logits: which body of the view each row of bodies is."""
        here = prepared(strips)
        for level, block in enumerate(self.down):
            here = block(functional.max_pool2d(here, 2) if level else here)
        here = self.squeeze(self.drop(here)).relu()
        answer: Tensor = self.head(self.along(here.permute(0, 1, 3, 2).flatten(1, 2))).transpose(1, 2)
        return answer

    def shifts(self, rows: Tensor) -> Tensor:
        """What the rows say together: the mean over the bodies for each shift."""
        shifts = range(-self.reach, self.reach + 1)
        means = [torch.diagonal(rows, self.reach + shift, 1, 2).mean(dim=1) for shift in shifts]
        return torch.stack(means, dim=1) * _SHARPNESS


def prepared(strips: Tensor) -> Tensor:
    """(B, 2, H, W) uint8 to (B, 3, H, W): greys, greys against their surroundings, and where the film is."""
    grey, there = strips.float().div(255).split(1, dim=1)
    centred = grey - _around(grey)
    spread = _around(centred * centred).clamp_min(1e-4).sqrt()
    return torch.cat([(grey * 2 - 1) * there, centred / spread * 0.5 * there, there * 2 - 1], dim=1)


def _around(values: Tensor) -> Tensor:
    """Means of the surroundings, down and then across: a square at once takes sixty times as long."""
    for window in ((_SURROUND, 1), (1, _SURROUND)):
        padding = (window[0] // 2, window[1] // 2)
        values = functional.avg_pool2d(values, window, 1, padding, count_include_pad=False)
    return values


def save_shift(net: ShiftNet, settings: ShiftSettings, path: Path) -> None:
    """Writes weights in half precision with their settings: tensors and plain values, no code."""
    save_network(net, _FORMAT, shift_content(settings), path)


def load_shift(path: Path) -> tuple[ShiftNet, ShiftSettings]:
    """Reads what `save_shift` wrote.

    Raises:
        EnvironmentFaultError: If the file is of another kind; nothing in it is run.
    """
    return load_network(path, _FORMAT, "a network of shifts", shift_settings, ShiftNet)
