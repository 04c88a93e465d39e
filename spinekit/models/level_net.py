"""Which vertebra a body is, by its looks and its surroundings: ribs, shoulders, skull and pelvis. Imported late.

A detector of bodies cannot tell T6 from T7, and a sequence of seventeen like ones fits as well one body higher
or lower. This network sees every body in three fields of view, the widest of which holds most of the spine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from spinekit.core.image import FloatArray, UInt8Array
from spinekit.models.close_frame import frame_of
from spinekit.models.close_net import double, to_input
from spinekit.models.close_training import CloseView, pyramid, take
from spinekit.models.network_file import load_network, save_network

_FORMAT = "spinekit-levels-1"
_WIDTHS = (16, 32, 48, 64, 96)
_BATCH = 32
_MOST = 48  # candidates looked at; a spine has 24 bodies, and the rest are hardly believed


@dataclass(frozen=True, slots=True, eq=False)
class LevelSettings:
    """What the network needs beside its weights.

    Attributes:
        levels: L names, cranial to caudal.
        shape: (K, 2) mean shape of a body in units.
        view: Size, zoom and fields of view of its crops.
    """

    levels: tuple[str, ...]
    shape: FloatArray
    view: CloseView


class LevelNet(nn.Module):  # type: ignore[misc]
    """Classes: every level, and before and after them what lies above the first and below the last.

    Args:
        levels: L.
        views: Channels of a crop.
    """

    def __init__(self, levels: int, views: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(double(a, b) for a, b in zip((views, *_WIDTHS[:-1]), _WIDTHS, strict=True))
        self.drop = nn.Dropout(0.3)
        self.head = nn.Linear(_WIDTHS[-1] * 9, levels + 2)

    def forward(self, crops: Tensor) -> Tensor:
        """(B, V, S, S) in -1..1 to (B, L + 2) logits."""
        here = crops
        for level, block in enumerate(self.down):
            here = block(functional.max_pool2d(here, 2) if level else here)
        # Three by three cells, since above and below must not be mixed.
        answer: Tensor = self.head(self.drop(functional.adaptive_avg_pool2d(here, 3).flatten(1)))
        return answer


def save_levels(net: LevelNet, settings: LevelSettings, path: Path) -> None:
    """Writes weights in half precision with their settings: tensors and plain values, no code."""
    view = settings.view
    content = {
        "levels": list(settings.levels),
        "shape": settings.shape.tolist(),
        "side": view.side,
        "zoom": view.zoom,
        "views": list(view.views),
    }
    save_network(net, _FORMAT, content, path)


def load_levels(path: Path) -> tuple[LevelNet, LevelSettings]:
    """Reads what `save_levels` wrote.

    Raises:
        EnvironmentFaultError: If the file is of another kind; nothing in it is run.
    """
    return load_network(
        path, _FORMAT, "a level network", _level_settings,
        lambda settings: LevelNet(len(settings.levels), len(settings.view.views)),
    )  # fmt: skip


def _level_settings(content: Mapping[str, Any]) -> LevelSettings:
    view = CloseView(int(content["side"]), float(content["zoom"]), tuple(float(v) for v in content["views"]))
    names = tuple(str(name) for name in content["levels"])
    return LevelSettings(names, np.array(content["shape"], dtype=np.float64), view)


class LevelLook:
    """Says of bodies which levels they may be.

    Args:
        path: Weights of a `LevelNet`.
    """

    def __init__(self, path: Path) -> None:
        self._net, self._settings = load_levels(path)
        self._net = self._net.to(memory_format=torch.channels_last)

    @property
    def levels(self) -> tuple[str, ...]:
        """Names, cranial to caudal."""
        return self._settings.levels

    @torch.inference_mode()
    def shares(self, shapes: FloatArray, pixels: UInt8Array) -> FloatArray:
        """How likely each body is each level.

        Args:
            shapes: (N, K, 2) corners in film px, most certain first; of those after the 48th nothing is said.
            pixels: (H, W) of the film.

        Returns:
            (N, L) probabilities; what is missing to 1 is the chance to be none of the levels. Rows that
            were not looked at are NaN.
        """
        settings = self._settings
        found = np.full((len(shapes), len(settings.levels)), np.nan)
        frames = [frame_of(settings.shape, shape) for shape in shapes[:_MOST]]
        if not frames:
            return found
        units = [float(np.sqrt(abs(np.linalg.det(frame.linear)))) for frame in frames]
        levels = pyramid(pixels, float(np.median(units)), settings.view.zoom, settings.view.views)
        crops = []
        for frame in frames:
            crops += [take(levels, frame, settings.view, mirrored)[0] for mirrored in (False, True)]
        logits = [
            self._net(
                to_input(np.stack(crops[first : first + _BATCH])).contiguous(
                    memory_format=torch.channels_last
                )
            )
            for first in range(0, len(crops), _BATCH)
        ]
        share = torch.cat(logits).float().log_softmax(dim=1).unflatten(0, (-1, 2)).mean(dim=1).softmax(dim=1)
        found[: len(frames)] = share[:, 1:-1].double().numpy()
        return found
