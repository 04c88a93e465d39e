"""The reader that a model's card asks for."""

from __future__ import annotations

from spinekit.models.reader import InstanceReader, Reader
from spinekit.models.semantic import PixelReader
from spinekit.models.weights import find_card


def load_reader(name_or_path: str, threads: int | None = None) -> Reader:
    """A model ready to read images.

    Args:
        name_or_path: Name of a shipped model, or a path to weights with their card beside them.
        threads: Threads to compute with; None for every core.

    Raises:
        EnvironmentFaultError: If there is no such model or it is not what its card says.
        UsageError: If its card is missing.
    """
    card = find_card(name_or_path)
    return PixelReader(card, threads) if card.task == "sem" else InstanceReader(card, threads)
