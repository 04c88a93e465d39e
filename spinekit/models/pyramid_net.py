"""A network for crops that show a whole skull: the first look's own backbone with maps on top. Imported late.

A small U-Net from nothing learns what a hundred films show it. The backbone of the first look has seen them too,
and before them the photographs that it was begun from, so maps drawn from its features are surer of which of the
many edges of a film is meant (decision record 10 has what that is worth).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional
from ultralytics.nn.modules import C3k2, Conv

from spinekit.models.close_net import MapNet, double

_TAKEN = (2, 4, 6)  # layers whose features are taken at a quarter, an eighth and a sixteenth
_LOW = 64  # channels of the coarsest features after they were narrowed
_UP = (64, 56, 40)  # channels of the way up


class PyramidNet(MapNet):
    """Maps at a quarter of the crop's resolution, one for each landmark.

    Args:
        points: K landmarks.
    """

    cell = 4

    def __init__(self, points: int) -> None:
        super().__init__()
        # The first eight layers of YOLO11n, by name, so that its weights fit.
        self.trunk = nn.ModuleList(
            [
                Conv(3, 16, 3, 2),
                Conv(16, 32, 3, 2),
                C3k2(32, 64, 1, False, 0.25),
                Conv(64, 64, 3, 2),
                C3k2(64, 128, 1, False, 0.25),
                Conv(128, 128, 3, 2),
                C3k2(128, 128, 1, True),
                Conv(128, 256, 3, 2),
            ]
        )
        # Wide and cheap: every cell comes to see the whole crop.
        self.narrow = Conv(256, _LOW, 1)
        self.wide = nn.ModuleList(Conv(_LOW, _LOW, 7, g=_LOW) for _ in range(2))
        self.mix = nn.ModuleList(Conv(_LOW, _LOW, 1) for _ in range(2))
        beside = (128, 128, 64)
        self.up = nn.ModuleList(
            double(a + b, c) for a, b, c in zip((_LOW, *_UP[:-1]), beside, _UP, strict=True)
        )
        self.head = nn.Conv2d(_UP[-1], points, 1)

    def forward(self, crops: Tensor) -> Tensor:
        """(B, V, S, S) in -1.5..1.5 to (B, K, S/4, S/4) logits; only the first view is looked at."""
        here = crops[:, :1].expand(-1, 3, -1, -1) / 3 + 0.5
        kept = []
        for number, layer in enumerate(self.trunk):
            here = layer(here)
            if number in _TAKEN:
                kept.append(here)
        here = self.narrow(here)
        for wide, mix in zip(self.wide, self.mix, strict=True):
            here = here + mix(wide(here))
        for block, beside in zip(self.up, kept[::-1], strict=True):
            here = functional.interpolate(here, scale_factor=2.0, mode="bilinear", align_corners=False)
            here = block(torch.cat([here, beside], dim=1))
        answer: Tensor = self.head(here)
        return answer

    def begin_from(self, state: Mapping[str, Tensor]) -> int:
        """Takes over the backbone of a YOLO11n, or all of a network like this one; 0 if it is another network."""
        whole = super().begin_from(state)
        if whole:
            return whole
        own = self.trunk.state_dict()
        fits = {k: state[f"model.{k}"] for k, v in own.items() if f"model.{k}" in state}
        fits = {
            k: v.float() if v.is_floating_point() else v for k, v in fits.items() if v.shape == own[k].shape
        }
        if len(fits) < len(own):
            return 0
        self.trunk.load_state_dict(fits)
        return len(fits)
