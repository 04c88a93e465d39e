"""The reader that a model's card asks for."""

from __future__ import annotations

from spinekit.models.computed import FASTEST, EngineChoice
from spinekit.models.reader import InstanceReader, Reader
from spinekit.models.semantic import PixelReader
from spinekit.models.weights import find_card


def load_reader(name_or_path: str, choice: EngineChoice = FASTEST, refine: bool = True) -> Reader:
    """A model ready to read images.

    Args:
        name_or_path: Name of a shipped model, or a path to weights with their card beside them.
        choice: By which engine its networks are computed.
        refine: Whether landmarks are looked at again where the model can.

    Raises:
        EnvironmentFaultError: If there is no such model or it is not what its card says.
        UsageError: If its card is missing.
    """
    card = find_card(name_or_path)
    return PixelReader(card, choice) if card.task == "sem" else InstanceReader(card, choice, refine)
