"""What is wrong with an installation, and how to mend it: facts are gathered here and judged by `installation`.

Nothing heavy is imported: this must work where numpy, OpenCV or torch do not.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from spinekit.core.errors import SpinekitError
from spinekit.models.environment import cache_folder
from spinekit.workflows.installation import (
    LEAST_SPACE,
    LEAST_TEMPORARY,
    OPENCV,
    QT,
    Check,
    Status,
    Trial,
    check_codecs,
    check_cores,
    check_extra,
    check_folder,
    check_gpu,
    check_library,
    check_memory,
    check_models,
    check_opencv,
    check_packages,
    check_python,
    check_torch,
    check_words,
)

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
_SECONDS = 300
_CONTAINER = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60  # older kernels write a huge number where nothing is limited


def doctor() -> tuple[Check, ...]:
    """Looks at everything that spinekit needs of this machine.

    What may crash is tried in processes of their own. Nothing is changed, no connection is opened.

    Returns:
        One check after the other; those that are not well say how to mend it.
    """
    checks = [
        check_python(sys.version_info[:3], 64 if sys.maxsize > 1 << 32 else 32),
        *check_packages(_required(), metadata.version),
        check_torch(tried("-m", "spinekit.models.trial", "vision")),
        *check_library(tried("-m", "spinekit.models.trial", "library")),
        *check_codecs(tried("-m", "spinekit.formats.codec_trial")),
        check_opencv(_installed(OPENCV), _installed(QT), tried("-c", _OPENCV)),
        *check_models(tried("-m", "spinekit.models.trial", "weights")),
        *_extras(),
        check_gpu(_driver(), tried("-m", "spinekit.models.trial", "gpu")),
        *_folders(),
        check_cores(_cores(), granted_cores(_CONTAINER)),
        check_memory(_available_memory(), granted_memory(_CONTAINER)),
        check_words(sys.stdout.encoding or "unknown", sys.getfilesystemencoding()),
    ]
    return tuple(checks)


def well_enough(checks: tuple[Check, ...]) -> bool:
    """Whether there is no fault among them."""
    return all(check.status is not Status.FAULT for check in checks)


_OPENCV = "import cv2, json; print(json.dumps({'version': cv2.__version__}))"


def tried(*words: str) -> Trial:
    """Runs Python in a process of its own, which prints one line of JSON.

    Args:
        words: After the interpreter's name. A folder of the user's that is called like a library is not imported.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-P", *words],
            capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return Trial(None, f"no answer within {_SECONDS} s")
    except OSError as error:
        return Trial(None, f"cannot be started ({error.strerror})")
    if done.returncode < 0:
        return Trial(None, f"crashed ({signal.Signals(-done.returncode).name})")
    lines = [
        line for line in (done.stdout if done.returncode == 0 else done.stderr).splitlines() if line.strip()
    ]
    last = lines[-1].strip() if lines else f"ended with {done.returncode}"
    if done.returncode:
        return Trial(None, last[:200])
    try:
        answer = json.loads(last)
    except json.JSONDecodeError:
        return Trial(None, f"said {last[:100]!r}")
    return Trial(answer)


def _required() -> list[str] | None:
    try:
        return metadata.requires("spinekit") or []
    except metadata.PackageNotFoundError:
        return None


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _installed(packages: tuple[str, ...]) -> list[str]:
    return [name for name in packages if _version(name)]


def _extras() -> list[Check]:
    browser = next((name for name in BROWSERS if shutil.which(name)), "")
    return [
        check_extra("onnxruntime", _version("onnxruntime"), "an export to ONNX", "pip install onnxruntime"),
        check_extra(
            "openvino", _version("openvino"), "an export to OpenVINO", "pip install 'spinekit[openvino]'"
        ),
        check_extra("browser", browser, "a report as PDF", "apt install chromium, or print the HTML page"),
    ]


def _driver() -> str:
    """What says that this machine has a GPU, or empty."""
    if Path("/dev/nvidia0").exists():
        return "/dev/nvidia0"
    if Path("/proc/driver/nvidia/version").exists():
        return "a driver of NVIDIA"
    return "nvidia-smi" if shutil.which("nvidia-smi") else ""


def _folders() -> list[Check]:
    """Where runs, settings and temporary files go."""
    here, temporary = Path.cwd(), Path(tempfile.gettempdir())
    checks = [
        check_folder("here", here, write_fault(here), _free(here), LEAST_SPACE, "name a folder with --out")
    ]
    try:
        cache = cache_folder()
    except SpinekitError as error:
        checks.append(
            Check("cache", Status.FAULT, str(error), "set SPINEKIT_CACHE to a folder that can be written")
        )
    else:
        mend = "set SPINEKIT_CACHE to another folder"
        checks.append(check_folder("cache", cache, write_fault(cache), _free(cache), LEAST_TEMPORARY, mend))
    mend = "set TMPDIR to another folder"
    return [
        *checks,
        check_folder("temporary", temporary, write_fault(temporary), _free(temporary), LEAST_TEMPORARY, mend),
    ]


def write_fault(folder: Path) -> str:
    """Why no file can be made in a folder, or empty; the file that is made to find out is gone at once."""
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.write(b"spinekit")
            stream.flush()
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def _free(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii").strip())
    except (OSError, ValueError):
        return None


def granted_cores(container: Path) -> float | None:
    """Cores that the container's quota amounts to, or None for no limit.

    Args:
        container: Where the kernel tells it, ``/sys/fs/cgroup``: of the new kind (``cpu.max``) or the old one.
    """
    try:
        quota, period = (container / "cpu.max").read_text("ascii").split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    used, whole = (_number(container / "cpu" / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    return used / whole if used is not None and whole and used > 0 else None


def granted_memory(container: Path) -> int | None:
    """Bytes that the container may take, or None for no limit.

    Args:
        container: As for `granted_cores`.
    """
    for path in (container / "memory.max", container / "memory" / "memory.limit_in_bytes"):
        limit = _number(path)
        if limit is not None and limit < _UNLIMITED:
            return limit
    return None


def _available_memory() -> int | None:
    """Bytes that programs can still have."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return None
