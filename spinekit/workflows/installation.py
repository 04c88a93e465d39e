"""What an installation must be like: facts in, a verdict out, with the way to mend it. Nothing is looked up here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError
from pathlib import Path

from packaging.requirements import Requirement

GIB = 1 << 30
LEAST_SPACE = GIB  # of a run's folder: overlays of a few hundred films
LEAST_TEMPORARY = GIB // 4
LEAST_MEMORY = 2 * GIB
ENOUGH_MEMORY = 4 * GIB
OLDEST_PYTHON = (3, 11)
OPENCV = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
QT = ("PyQt5", "PyQt6", "PySide2", "PySide6")
_ANEW = "python -m venv fresh && fresh/bin/pip install spinekit"


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: In a word or two.
        status: Whether it is well; a warning is something that works, but not as it could.
        found: What was seen.
        mend: What to do; empty where nothing is to be done.
    """

    name: str
    status: Status
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of something that was tried out in a process of its own.

    Attributes:
        answer: What it gave, or None where it failed.
        fault: Why it failed: the last line of its error, or the signal that ended it.
    """

    answer: Mapping[str, object] | None
    fault: str = ""


def well(name: str, found: str) -> Check:
    """A check with nothing to be done."""
    return Check(name, Status.OK, found)


# --- Python and its packages ---


def check_python(version: tuple[int, int, int], bits: int) -> Check:
    """The interpreter: its version, and whether it is one of 64 bits, as torch needs.

    Args:
        version: Of Python.
        bits: Of a pointer.
    """
    found = f"{'.'.join(map(str, version))}, {bits} bit"
    if version[:2] < OLDEST_PYTHON or bits < 64:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        return Check("python", Status.FAULT, found, f"install Python {oldest} or newer for 64 bits")
    return well("python", found)


def check_packages(required: Sequence[str] | None, version_of: Callable[[str], str]) -> list[Check]:
    """Every package that spinekit stands on, against the versions that it asks for.

    Args:
        required: As the package's metadata say; None where spinekit is not installed as one.
        version_of: The version that is installed; raises `PackageNotFoundError`.

    Returns:
        One check for each package that is not as it must be, or a single one that all is well.
    """
    if required is None:
        return [
            Check(
                "packages",
                Status.WARN,
                "spinekit runs from a folder; versions are not checked",
                "pip install .",
            )
        ]
    wrong, count = [], 0
    for requirement in map(Requirement, required):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        count += 1
        try:
            version = version_of(requirement.name)
        except PackageNotFoundError:
            wrong.append(_package(requirement, "is not installed"))
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            wrong.append(_package(requirement, f"is {version}, wanted {requirement.specifier}"))
    return wrong or [well("packages", f"{count} packages, each within its bounds")]


def _package(requirement: Requirement, found: str) -> Check:
    mend = f"pip install '{requirement.name}{requirement.specifier}'"
    return Check(f"package {requirement.name}", Status.FAULT, found, mend)


def check_torch(trial: Trial) -> Check:
    """Whether torch and torchvision belong together, by an operator that is compiled against both."""
    mend = "pip install --force-reinstall torch torchvision (both at once, from one index)"
    if trial.answer is None:
        return Check(
            "torch", Status.FAULT, f"torch and torchvision do not work together: {trial.fault}", mend
        )
    both = f"torch {trial.answer['torch']}, torchvision {trial.answer['torchvision']}"
    if trial.answer["kept"] != [0, 2]:
        return Check("torch", Status.FAULT, f"{both}: box suppression gives wrong answers", mend)
    return well("torch", both)


def check_codecs(trial: Trial) -> list[Check]:
    """The pixel codecs of DICOM, each by its sample."""
    if trial.answer is None:
        return [Check("codecs", Status.FAULT, f"DICOM pixels cannot be decoded: {trial.fault}", _ANEW)]
    packages = "pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pyjpegls"
    wrong = [
        Check(f"codec {name}", Status.FAULT, str(fault), f"pip install --force-reinstall {packages}")
        for name, fault in trial.answer.items()
        if fault
    ]
    return wrong or [well("codecs", ", ".join(trial.answer))]


def check_opencv(installed: Sequence[str], qt: Sequence[str], trial: Trial) -> Check:
    """OpenCV: that it loads, that there is only one of it, and that no second Qt is about.

    Args:
        installed: Those of `OPENCV` that are.
        qt: Those of `QT` that are.
        trial: Of importing it.
    """
    name = "opencv"
    if trial.answer is None:
        mend = "apt install libgl1 libglib2.0-0, or take opencv-python-headless in place of opencv-python"
        return Check(name, Status.FAULT, f"cannot be loaded: {trial.fault}", mend)
    if len(installed) > 1:
        mend = f"pip uninstall -y {' '.join(installed)} && pip install {installed[0]}"
        return Check(name, Status.WARN, f"{' and '.join(installed)} overwrite each other's files", mend)
    found = f"{trial.answer['version']}"
    if qt and installed and "headless" not in installed[0]:
        mend = f"pip uninstall -y {installed[0]} && pip install {installed[0]}-headless"
        return Check(name, Status.WARN, f"{found}, whose Qt may clash with {', '.join(qt)}", mend)
    return well(name, found)


def check_library(trial: Trial) -> list[Check]:
    """Ultralytics and its doors: code in weights, network, installs, integrations.

    Args:
        trial: Of `spinekit.models.trial.library`.
    """
    name = "ultralytics"
    if trial.answer is None:
        return [
            Check(
                name,
                Status.FAULT,
                f"cannot be loaded: {trial.fault}",
                "pip install --force-reinstall ultralytics",
            )
        ]
    answer = trial.answer
    doors = {
        "weights would be loaded with code in them": not answer["safe loading"],
        "it believes to be online": bool(answer["online"]),
        "it would install packages": bool(answer["installs packages"]),
        "it holds a key of an account": bool(answer["account"]),
        "it has replaced Pillow's opener": bool(answer["opener replaced"]),
    }
    switched = answer["switched on"]
    if isinstance(switched, list) and switched:
        doors[f"{', '.join(map(str, switched))} switched on"] = True
    mend = f"remove {answer['settings']}; pip install --upgrade ultralytics torch"
    wrong = [Check(name, Status.FAULT, said, mend) for said, open_ in doors.items() if open_]
    return wrong or [well(name, "offline, loads weights without code, no integrations")]


def check_gpu(driver: str, trial: Trial) -> Check:
    """Whether a GPU that the machine has is one that torch sees.

    Args:
        driver: What points to a GPU (a device, a tool), or empty.
        trial: Of `spinekit.models.trial.gpu`.
    """
    answer = trial.answer or {"built for": "", "names": []}
    names = answer["names"]
    if isinstance(names, list) and names:
        return well("gpu", ", ".join(map(str, names)))
    if not driver:
        return well("gpu", "none; the processor is used")
    if trial.answer is None:
        return Check(
            "gpu", Status.WARN, f"{driver} is there, torch fails to look: {trial.fault}", "mend torch first"
        )
    why = (
        f"torch is built for CUDA {answer['built for']}"
        if answer["built for"]
        else "this torch is built without CUDA"
    )
    mend = "update the driver, or install the torch that fits it: https://pytorch.org/get-started/locally"
    return Check("gpu", Status.WARN, f"{driver} is there, but torch sees no GPU ({why})", mend)


def check_extra(name: str, version: str, purpose: str, mend: str) -> Check:
    """Something that may be missing.

    Args:
        name: Of it.
        version: What was found, or empty.
        purpose: What it is for.
        mend: How to get it.
    """
    return (
        well(name, version)
        if version
        else Check(name, Status.OK, f"not there; only {purpose} needs it", mend)
    )


# --- the machine ---


def check_folder(name: str, folder: Path, fault: str, free: int | None, least: int, mend: str) -> Check:
    """A folder that is to be written.

    Args:
        name: Of the check.
        folder: Which.
        fault: Why it cannot be written, or empty.
        free: Bytes, or None where unknown.
        least: Bytes that it should have.
        mend: How to choose another.
    """
    if fault:
        return Check(name, Status.FAULT, f"{folder} cannot be written ({fault})", mend)
    if free is not None and free < least:
        status = Status.FAULT if free < least // 16 else Status.WARN
        return Check(
            name,
            status,
            f"{folder} has {free >> 20} MiB left, wanted {least >> 20}",
            f"free space, or {mend}",
        )
    return well(name, f"{folder}, {free // GIB} GiB free" if free is not None else str(folder))


def check_cores(cores: int, allowed: float | None) -> Check:
    """The cores that threads are made for, against the share that a container grants.

    Args:
        cores: That this process may run on.
        allowed: By the container, in cores, or None for all.
    """
    if allowed is not None and allowed < cores - 0.5:
        whole = max(1, round(allowed))
        return Check(
            "cores",
            Status.WARN,
            f"{cores} seen, {allowed:g} granted: threads will wait for each other",
            f"--threads {whole}",
        )
    return well("cores", str(cores))


def check_memory(available: int | None, limit: int | None) -> Check:
    """Memory that is left, or that a container grants.

    Args:
        available: Bytes on the machine, or None where unknown.
        limit: Bytes of the container, or None.
    """
    known = [size for size in (available, limit) if size is not None]
    if not known:
        return well("memory", "unknown")
    least = min(known)
    found = f"{least / GIB:.1f} GiB"
    if least < LEAST_MEMORY:
        return Check(
            "memory",
            Status.FAULT,
            f"{found}, too little for the models",
            "close programs, or raise the limit",
        )
    if least < ENOUGH_MEMORY:
        return Check(
            "memory", Status.WARN, f"{found}, little for large films", "--max-pixels 50000000, or --threads 1"
        )
    return well("memory", found)


def check_models(trial: Trial) -> list[Check]:
    """The weights that ship, each held against its card.

    Args:
        trial: Of `spinekit.models.trial.weights`.
    """
    mend = "pip install --force-reinstall spinekit"
    if trial.answer is None:
        return [Check("models", Status.FAULT, f"cannot be looked at: {trial.fault}", mend)]
    if not trial.answer:
        return [Check("models", Status.FAULT, "no weights ship with this spinekit", mend)]
    wrong = [
        Check(f"model {name}", Status.FAULT, str(fault), mend)
        for name, fault in trial.answer.items()
        if fault
    ]
    return wrong or [well("models", f"{len(trial.answer)}, each as its card says")]


def check_words(terminal: str, files: str) -> Check:
    """The codes of letters of the terminal and of file names.

    Args:
        terminal: Encoding of standard output.
        files: Encoding of file names.
    """
    found = f"terminal {terminal}, file names {files}"
    if not all(code.lower().replace("-", "").replace("_", "") == "utf8" for code in (terminal, files)):
        return Check(
            "letters", Status.WARN, f"{found}: names with accents may be garbled", "export LANG=C.UTF-8"
        )
    return well("letters", found)
