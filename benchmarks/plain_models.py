"""Two plain ways to find landmarks, as rows to compare the shipped models with: nothing of them ships.

``regressor`` is a stack of convolutions that ends in coordinates; ``heatmap`` is a U-Net on the whole film, one map a
landmark, whose maximum is the point. Both learn from nothing, from the same films, by the same parts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from spinekit.core.image import FloatArray, UInt8Array
from spinekit.core.landmarks import landmarks
from spinekit.core.scene import Author, Instance, Scene
from spinekit.models.close_net import CloseNet, double
from spinekit.models.unet import to_input
from spinekit.workflows.recipe import labelled_pixels, part_of_scene, read_labelled, split_table
from spinekit.workflows.split import read_split
from spinekit.workflows.train_settings import TrainSettings

SIDE = 256
BATCH = 8
_BLUR = 2.0  # cells, of the map that a landmark is taught by


class Regressor(nn.Module):  # type: ignore[misc]
    """(B, 1, SIDE, SIDE) grey films to (B, K, 2) places in -1..1."""

    def __init__(self, points: int) -> None:
        super().__init__()
        widths = (1, 16, 32, 64, 96, 128)
        blocks = [nn.Sequential(double(a, b), nn.MaxPool2d(2)) for a, b in pairwise(widths)]
        cells = (SIDE // 2 ** len(blocks)) ** 2
        self.trunk = nn.Sequential(*blocks)
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(widths[-1] * cells, 256), nn.ReLU(), nn.Linear(256, 2 * points)
        )

    def forward(self, films: Tensor) -> Tensor:
        """Coordinates, x then y."""
        found: Tensor = self.head(self.trunk(films))
        return found.reshape(len(films), -1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A labelled film: its pixels, its points, and where they belong."""

    scene: Scene
    pixels: UInt8Array
    xy: FloatArray


def samples_of(recipe: TrainSettings, part: str) -> list[Sample]:
    """The films of one part that carry all the landmarks, films with remarks left out."""
    parts = read_split(split_table(recipe))
    found = []
    for scene in read_labelled(recipe):
        if part_of_scene(scene, parts) != part or scene.notes or not scene.instances:
            continue
        points = scene.instances[0].landmarks
        if points is not None and np.isfinite(points.xy).all():
            found.append(Sample(scene, labelled_pixels(scene), points.xy))
    return found


def fitting(height: int, width: int) -> FloatArray:
    """(2, 3) from a film's pixels to the square that the networks see, proportions kept, centred."""
    scale = SIDE / max(height, width)
    return np.array([
        [scale, 0, (SIDE - 1) / 2 - scale * (width - 1) / 2],
        [0, scale, (SIDE - 1) / 2 - scale * (height - 1) / 2],
    ])  # fmt: skip


def shaken(matrix: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The same with a random turn, size and shift about the middle of the square."""
    centre = (SIDE / 2, SIDE / 2)
    turn = cv2.getRotationMatrix2D(centre, rng.uniform(-8, 8), rng.uniform(0.85, 1.15))
    turn[:, 2] += rng.uniform(-0.06, 0.06, 2) * SIDE
    return np.asarray(turn[:, :2] @ matrix + np.array([[0, 0, turn[0, 2]], [0, 0, turn[1, 2]]]))


def taken(pixels: UInt8Array, matrix: FloatArray) -> UInt8Array:
    """A film on the square; area means first, since plain interpolation would alias."""
    factor = int(1 / max(float(np.hypot(matrix[0, 0], matrix[1, 0])), 1e-6))
    if factor > 1:
        rows, columns = pixels.shape[0] // factor, pixels.shape[1] // factor
        pixels = cv2.resize(pixels, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.uint8)
        back = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2], [0, 0, 1.0]])
        matrix = matrix @ back
    return np.asarray(cv2.warpAffine(pixels, matrix, (SIDE, SIDE)), dtype=np.uint8)


def moved(xy: FloatArray, matrix: FloatArray) -> FloatArray:
    """Points by an affine matrix."""
    return np.asarray(xy @ matrix[:, :2].T + matrix[:, 2])


def maps_of(xy: Tensor, cells: int) -> Tensor:
    """(B, K, cells, cells) bell-shaped maps around points given in cells."""
    line = torch.arange(cells, dtype=torch.float32)
    x = torch.exp(-((line - xy[..., :1]) ** 2) / (2 * _BLUR**2))
    y = torch.exp(-((line - xy[..., 1:]) ** 2) / (2 * _BLUR**2))
    return y[..., :, None] * x[..., None, :]


def peaks_of(maps: Tensor) -> Tensor:
    """(B, K, 2) the maximum of each map, in cells, refined by the mean of the nine cells around it."""
    b, k, rows, columns = maps.shape
    best = maps.flatten(2).argmax(dim=2)
    y, x = best // columns, best % columns
    found = torch.zeros(b, k, 2)
    total = torch.zeros(b, k)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            row, column = (y + dy).clamp(0, rows - 1), (x + dx).clamp(0, columns - 1)
            weight = maps.flatten(2).gather(2, (row * columns + column)[..., None])[..., 0].clamp(min=1e-6)
            found += weight[..., None] * torch.stack([column, row], dim=2)
            total += weight
    return found / total[..., None]


@dataclass(frozen=True, slots=True)
class Way:
    """One of the plain ways: its network, its loss and how an answer becomes places on the square."""

    make: Callable[[int], nn.Module]
    loss: Callable[[Tensor, Tensor], Tensor]
    places: Callable[[Tensor], Tensor]


def _map_loss(answer: Tensor, xy: Tensor) -> Tensor:
    cells = answer.shape[-1]
    wanted = maps_of((xy + 0.5) * cells / SIDE - 0.5, cells)
    return ((answer - wanted) ** 2 * (1 + 20 * wanted)).mean()


WAYS = {
    "regressor": Way(
        Regressor,
        lambda answer, xy: (answer - (xy / (SIDE / 2) - 1)).abs().mean(),
        lambda answer: (answer + 1) * (SIDE / 2),
    ),
    "heatmap": Way(
        CloseNet, _map_loss, lambda answer: (peaks_of(answer) + 0.5) * SIDE / answer.shape[-1] - 0.5
    ),
}


def train(way: Way, samples: Sequence[Sample], epochs: int, seed: int = 0) -> nn.Module:
    """Trains from nothing, the step falling to nothing by a cosine."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = way.make(len(samples[0].xy))
    steps = epochs * -(-len(samples) // BATCH)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
    net.train()
    for _ in range(epochs):
        order = rng.permutation(len(samples))
        for start in range(0, len(order), BATCH):
            chosen = [samples[k] for k in order[start : start + BATCH]]
            matrices = [shaken(fitting(*s.pixels.shape), rng) for s in chosen]
            films = np.stack([taken(s.pixels, m) for s, m in zip(chosen, matrices, strict=True)])
            xy = np.stack([moved(s.xy, m) for s, m in zip(chosen, matrices, strict=True)])
            with torch.autocast("cpu", torch.bfloat16):
                answer = net(to_input(films) * float(rng.uniform(0.7, 1.3)))
            loss = way.loss(answer.float(), torch.from_numpy(xy).float())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return net.eval()


@torch.inference_mode()  # type: ignore[misc]
def read(way: Way, net: nn.Module, sample: Sample) -> Scene:
    """What a plain network makes of a film."""
    matrix = fitting(*sample.pixels.shape)
    places = way.places(net(to_input(taken(sample.pixels, matrix)[None])))[0].double().numpy()
    xy = (places - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    true = sample.scene.instances[0]
    assert true.landmarks is not None
    found = landmarks(true.landmarks.names, xy)
    low, high = xy.min(axis=0), xy.max(axis=0)
    box = float(low[0]), float(low[1]), float(high[0]), float(high[1])
    item = Instance(true.label, box, None, found, 1.0, Author.MODEL)
    return replace(sample.scene, instances=(item,), model="plain")


def cached(way: str, samples: Sequence[Sample], epochs: int, folder: Path) -> nn.Module:
    """A plain network, trained unless it already lies in a folder."""
    path = folder / f"{way}-{samples[0].scene.schema.name}-{epochs}.pt"
    if path.is_file():
        net = WAYS[way].make(len(samples[0].xy))
        net.load_state_dict(torch.load(path, weights_only=True))
        return net.eval()
    net = train(WAYS[way], samples, epochs)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(net.state_dict(), path)
    return net
