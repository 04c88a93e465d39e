"""Whether the network libraries work here, tried out; run in a process of its own, since they may crash.

python -m spinekit.models.trial vision | library | gpu | weights
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable


def vision() -> dict[str, object]:
    """One operator of torchvision's compiled part: it fails where torch and torchvision do not match."""
    import torch
    import torchvision
    from torchvision.ops import nms

    boxes = torch.tensor([[0.0, 0.0, 10.0, 10.0], [1.0, 1.0, 10.0, 10.0], [20.0, 20.0, 30.0, 30.0]])
    kept = nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist()
    return {"torch": torch.__version__, "torchvision": torchvision.__version__, "kept": kept}


def library() -> dict[str, object]:
    """What Ultralytics makes of its surroundings: every door that `environment` shuts, as the library sees it."""
    from PIL import Image

    opener = Image.open
    from spinekit.models.environment import load_library

    load_library()
    from ultralytics.nn import tasks
    from ultralytics.utils import AUTOINSTALL, ONLINE, SETTINGS

    safe = getattr(tasks, "_SafeLoad", None)
    integrations = (
        "sync",
        "hub",
        "clearml",
        "comet",
        "dvc",
        "mlflow",
        "neptune",
        "raytune",
        "tensorboard",
        "wandb",
    )
    return {
        "safe loading": bool(getattr(safe, "SUPPORTED", False)),
        "online": bool(ONLINE),
        "installs packages": bool(AUTOINSTALL),
        "switched on": [name for name in integrations if SETTINGS.get(name)],
        "account": bool(SETTINGS.get("api_key")),
        "opener replaced": Image.open is not opener,
        "settings": str(SETTINGS.file),
    }


def gpu() -> dict[str, object]:
    """The GPUs that torch sees."""
    import torch

    seen = torch.cuda.is_available()
    names = (
        [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())] if seen else []
    )
    return {"built for": torch.version.cuda or "", "names": names}


def weights() -> dict[str, object]:
    """Every model that ships by name, with what is wrong with its files; an empty text where nothing is."""
    from spinekit.core.errors import SpinekitError
    from spinekit.models.weights import check_weights, find_card, shipped_names

    found: dict[str, object] = {}
    for name in shipped_names():
        try:
            check_weights(find_card(name))
            found[name] = ""
        except SpinekitError as error:
            found[name] = str(error)
    return found


TRIALS: dict[str, Callable[[], dict[str, object]]] = {
    "vision": vision,
    "library": library,
    "gpu": gpu,
    "weights": weights,
}

if __name__ == "__main__":
    print(json.dumps(TRIALS[sys.argv[1]]()))
