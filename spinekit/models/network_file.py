"""Networks of our own as files: half precision tensors and plain values, no code. Imported late."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from spinekit.core.errors import EnvironmentFaultError
from spinekit.files import atomic_path

Settings = TypeVar("Settings")
Network = TypeVar("Network", bound=nn.Module)


def save_network(net: nn.Module, form: str, settings: Mapping[str, object], path: Path) -> None:
    """Writes weights in half precision with their settings.

    Args:
        net: Whose weights.
        form: Name and version of the kind of file.
        settings: Plain values: numbers, texts and lists of them.
        path: The file.
    """
    state = {k: v.half() if v.is_floating_point() else v for k, v in net.state_dict().items()}
    with atomic_path(path) as temporary:
        torch.save({"format": form, **settings, "state": state}, temporary)


def load_network(
    path: Path,
    form: str,
    title: str,
    settings_of: Callable[[Mapping[str, Any]], Settings],
    network_of: Callable[[Settings], Network],
) -> tuple[Network, Settings]:
    """Reads what `save_network` wrote: the network, ready to be asked, and its settings.

    Args:
        path: The file.
        form: Name and version that it must carry.
        title: What such a network is called, for the message.
        settings_of: Makes settings of the plain values; may raise anything where they are misshapen.
        network_of: Makes the network of the settings, its weights still by chance.

    Raises:
        EnvironmentFaultError: If the file is of another kind; nothing in it is run.
    """
    try:
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
        # A file of another kind has nothing under the names that are asked for.
        content = content if content["format"] == form else {}
        settings = settings_of(content)
        net = network_of(settings)
        net.load_state_dict(
            {k: v.float() if v.is_floating_point() else v for k, v in content["state"].items()}
        )
    except Exception as error:
        raise EnvironmentFaultError(
            f"{path}: not the weights of {title} ({type(error).__name__}) -- get the file anew, or train one"
        ) from error
    net.eval()
    return net, settings
