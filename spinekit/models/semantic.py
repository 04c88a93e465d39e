"""Reading an image pixel by pixel, in overlapping tiles that are enlarged for the network."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from spinekit.core.image import Image, UInt8Array
from spinekit.core.scene import Raster, Scene
from spinekit.models.computed import FASTEST, EngineChoice, open_network
from spinekit.models.environment import use_threads
from spinekit.models.graph import first_network
from spinekit.models.tiles import starts
from spinekit.models.weights import ModelCard, check_weights

_OVERLAP = 0.34
_BATCH = 8
_TWO = 2


@dataclass(frozen=True, slots=True)
class Tile:
    """Place of a tile: its first row and column."""

    top: int
    left: int


class PixelReader:
    """A semantic network of Ultralytics, or our own U-Net.

    Each tile counts most in its middle, so that no seam shows; every tile is also read mirrored, and turned where
    the card says so, which lessens the noise of a network that learnt from few images.

    Args:
        card: Which model.
        choice: By which engine its network is computed.
    """

    def __init__(self, card: ModelCard, choice: EngineChoice = FASTEST) -> None:
        self.card = card
        self.schema = check_weights(card)
        self._threads = choice.each
        self._network = open_network(first_network(card), choice)

    @property
    def engine(self) -> str:
        """Which engine computes the network, with its version and precision."""
        return self._network.engine

    def read(self, image: Image) -> Scene:
        """The scene of an image: a raster of labels, and of two classes the probability of the second one.

        Of two classes the second one begins where the card's confidence says; of more the likeliest one is taken.
        """
        shares = self.shares(image.pixels)
        if len(self.schema.classes) > _TWO:
            raster = Raster(shares.argmax(axis=0).astype(np.uint8))
        else:
            labels = (shares[-1] >= self.card.confidence).astype(np.uint8) * (len(self.schema.classes) - 1)
            raster = Raster(labels, shares[-1])
        return Scene(image.ref, self.schema, raster=raster, model=self.card.name)

    def say_levels(self, scene: Scene, image: Image) -> Scene:
        """The scene as it is: pixels have no level."""
        return scene

    def say_shifts(self, scene: Scene, image: Image) -> None:
        """Nothing: pixels have no level."""

    def look_closer(self, scene: Scene, image: Image) -> Scene:
        """The scene as it is: pixels hold no landmarks."""
        return scene

    def shares(self, pixels: UInt8Array) -> npt.NDArray[np.float32]:
        """(C, H, W) probability of each of the schema's classes."""
        use_threads(self._threads)
        rows = self.card.canvas.height // self.card.enlarge
        columns = self.card.canvas.width // self.card.enlarge
        height, width = pixels.shape
        pad_y, pad_x = max(0, rows - height), max(0, columns - width)
        padded = cv2.copyMakeBorder(pixels, 0, pad_y, 0, pad_x, cv2.BORDER_REFLECT)
        weight = np.outer(_bump(rows), _bump(columns)).astype(np.float32)
        total = np.zeros((len(self.schema.classes), *padded.shape), np.float32)
        share = np.zeros(padded.shape, np.float32)
        tiles = [
            Tile(top, left)
            for top in starts(padded.shape[0], rows, _OVERLAP)
            for left in starts(padded.shape[1], columns, _OVERLAP)
        ]
        for tile, found in zip(tiles, self._read_tiles(padded, tiles, rows, columns), strict=True):
            area = np.s_[tile.top : tile.top + rows, tile.left : tile.left + columns]
            total[:, *area] += weight * found
            share[area] += weight
        return np.asarray((total / share)[:, :height, :width])

    def _read_tiles(
        self, pixels: UInt8Array, tiles: list[Tile], rows: int, columns: int
    ) -> list[npt.NDArray[np.float32]]:
        """(C, rows, columns) probabilities of each tile."""
        found: list[npt.NDArray[np.float32]] = []
        size = (columns * self.card.enlarge, rows * self.card.enlarge)
        for first in range(0, len(tiles), _BATCH):
            crops = [
                pixels[t.top : t.top + rows, t.left : t.left + columns] for t in tiles[first : first + _BATCH]
            ]
            big = np.stack([cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC) for crop in crops])
            turns = range(4) if self.card.turned and rows == columns else range(1)
            looks = [self._look(big, turn, flip) for turn in turns for flip in (False, True)]
            for one in np.mean(looks, axis=0):
                sized = [cv2.resize(of, (columns, rows), interpolation=cv2.INTER_LINEAR) for of in one]
                found.append(np.asarray(sized, dtype=np.float32))
        return found

    def _look(self, batch: npt.NDArray[np.uint8], turn: int, flip: bool) -> npt.NDArray[np.float32]:
        """(B, C, H, W) probabilities of tiles read turned by quarters and mirrored, as they lie."""
        shown = np.rot90(batch, turn, axes=(1, 2))
        shown = shown[:, :, ::-1] if flip else shown
        found = self._network(np.ascontiguousarray(shown))[0]
        found = found[:, :, :, ::-1] if flip else found
        return np.rot90(found, -turn, axes=(2, 3))


def _bump(length: int) -> npt.NDArray[np.float64]:
    """Weight of a tile's pixels along one axis: largest in the middle, never nothing."""
    position = (np.arange(length) + 0.5) / length
    return np.asarray(0.05 + np.sin(np.pi * position) ** 2)
