"""Which vertebra a body is, by its looks and its surroundings: ribs, shoulders, skull and pelvis. Imported late.

A detector of bodies cannot tell T6 from T7, and a sequence of seventeen like ones fits as well one body higher
or lower. This network sees every body in three fields of view, the widest of which holds most of the spine.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional

from spinekit.models.close_net import double
from spinekit.models.close_settings import LevelSettings, level_content, level_settings
from spinekit.models.network_file import load_network, save_network

_FORMAT = "spinekit-levels-1"
_WIDTHS = (16, 32, 48, 64, 96)


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
    save_network(net, _FORMAT, level_content(settings), path)


def load_levels(path: Path) -> tuple[LevelNet, LevelSettings]:
    """Reads what `save_levels` wrote.

    Raises:
        EnvironmentFaultError: If the file is of another kind; nothing in it is run.
    """
    return load_network(
        path, _FORMAT, "a level network", level_settings,
        lambda settings: LevelNet(len(settings.levels), len(settings.view.views)),
    )  # fmt: skip
