"""The surroundings in which Ultralytics may be imported: offline, silent, no installs, no unpickled code.

The library reads its environment when it is first imported, so `load_library` must be the only way in.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from spinekit.core.errors import EnvironmentFaultError
from spinekit.files import write_text

# Every integration that the library would switch on by itself when its package happens to be installed.
_SETTINGS_OFF = ("sync", "clearml", "comet", "dvc", "mlflow", "neptune", "raytune", "tensorboard", "wandb")


def cache_folder() -> Path:
    """Where spinekit may keep what it can make again: ``$SPINEKIT_CACHE``, the user's cache, or a temporary one."""
    stated = os.environ.get("SPINEKIT_CACHE")
    base = os.environ.get("XDG_CACHE_HOME")
    candidates = [Path(stated)] if stated else []
    candidates += [Path(base) / "spinekit"] if base else []
    if os.environ.get("HOME"):
        candidates.append(Path.home() / ".cache" / "spinekit")
    candidates.append(Path(tempfile.gettempdir()) / f"spinekit-{os.getuid() if hasattr(os, 'getuid') else 0}")
    for folder in candidates:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
        except OSError:
            continue
    raise EnvironmentFaultError(
        "no folder for temporary files can be written -- set SPINEKIT_CACHE to one that can"
    )


def _settings(folder: Path) -> dict[str, object]:
    return {
        "settings_version": "0.0.8",
        "datasets_dir": str(folder / "datasets"),
        "weights_dir": str(folder / "weights"),
        "runs_dir": str(folder / "runs"),
        "uuid": "0" * 64,
        "api_key": "",
        "openai_api_key": "",
        "hub": False,
        "vscode_msg": False,
        "openvino_msg": False,
        **dict.fromkeys(_SETTINGS_OFF, False),
    }


def _place_fonts(folder: Path) -> None:
    """Puts matplotlib's own fonts where Ultralytics would otherwise download Arial to."""
    import matplotlib as mpl  # a dependency of ultralytics

    source = Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    for name in ("Arial.ttf", "Arial.Unicode.ttf"):
        if not (folder / name).exists():
            shutil.copyfile(source, folder / name)


def _prepare() -> None:
    folder = cache_folder() / "Ultralytics"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        YOLO_OFFLINE="1",
        YOLO_AUTOINSTALL="0",
        YOLO_VERBOSE="False",
        YOLO_CONFIG_DIR=str(folder.parent),
        ULTRALYTICS_SAFE_LOAD="1",
    )
    os.environ.pop("ULTRALYTICS_API_KEY", None)  # an account key would upload checkpoints
    settings = folder / "settings.json"
    wanted = json.dumps(_settings(folder), indent=2)
    if not settings.exists() or settings.read_text(encoding="utf-8") != wanted:
        write_text(settings, wanted)
    _place_fonts(folder)


def load_library() -> ModuleType:
    """Ultralytics, imported in its private surroundings.

    Returns:
        The module ``ultralytics``.

    Raises:
        EnvironmentFaultError: If it was imported before without them, or its parts do not fit each other.
    """
    if "ultralytics" in sys.modules and os.environ.get("ULTRALYTICS_SAFE_LOAD") != "1":
        raise EnvironmentFaultError(
            "ultralytics was imported before spinekit could shut its doors -- import spinekit's models first"
        )
    if "ultralytics" not in sys.modules:
        _prepare()
        from PIL import Image

        opener = Image.open
        try:
            library = importlib.import_module("ultralytics")
            importlib.import_module("torchvision.ops")
        except (ImportError, RuntimeError, AttributeError) as error:
            raise EnvironmentFaultError(
                f"torch, torchvision and ultralytics do not fit each other ({error}) "
                "-- reinstall spinekit into a fresh environment"
            ) from error
        # The library wraps Pillow's opener with one that installs packages for files it cannot identify.
        Image.open = opener
        _quiet()
        return library
    return sys.modules["ultralytics"]


def load_openvino() -> ModuleType:
    """OpenVINO without its telemetry, which importing it alone would send to Google, by a process of its own.

    Where the package that tells cannot be imported, OpenVINO puts an empty one in its place.
    """
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # as if it were not installed
    return importlib.import_module("openvino")


def _quiet() -> None:
    """Sends the library's remaining warnings to standard error, so that ``--json`` output stays clean."""
    logger = logging.getLogger("ultralytics")
    logger.setLevel(logging.ERROR)
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(sys.stderr)


def use_threads(count: int | None = None) -> None:
    """Lets OpenCV, and torch where it is loaded, use ``count`` threads (None: every core).

    Ultralytics forbids OpenCV its threads when it is imported, and leaves torch one core less than there are.

    Args:
        count: Threads, at least 1, or None.
    """
    import cv2

    wanted = count or cores()
    cv2.setNumThreads(wanted)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(wanted)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor's name, since engines choose their instructions by it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"{platform.machine()} {next(names, platform.processor())}"
