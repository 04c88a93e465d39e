"""What a training dies of, said in one line where the user can mend it."""

from __future__ import annotations

import contextlib
import importlib.util
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from spinekit.core.errors import EnvironmentFaultError, SpinekitError, UsageError
from spinekit.models.canvas import Canvas


@dataclass(frozen=True, slots=True)
class Tried:
    """What was asked for, as far as it can be too much.

    Attributes:
        batch: Images a step.
        canvas: Their size.
        learning_rate: Of the optimiser.
        device: As the user named it, or None.
    """

    batch: int
    canvas: Canvas
    learning_rate: float
    device: str | None = None


def check_pickler() -> None:
    """Refuses a training on several devices where the library could not send it to them."""
    if importlib.util.find_spec("cloudpickle") is None:
        raise EnvironmentFaultError(
            "--device: training on several devices needs cloudpickle -- pip install 'spinekit[multi-gpu]'"
        )


@contextlib.contextmanager
def clear_faults(tried: Tried) -> Iterator[None]:
    """Says in one line what a training died of, where it can be mended; anything else is raised as it is."""
    try:
        yield
    except SpinekitError:
        raise
    except subprocess.CalledProcessError as error:
        raise EnvironmentFaultError(
            f"--device {tried.device}: a process of the training ended with code {error.returncode} -- "
            "see its own lines above, or train on one device"
        ) from error
    except (RuntimeError, MemoryError, ValueError, OSError) as error:
        text = str(error).lower()
        size = f"batch {tried.batch} of {tried.canvas.height} x {tried.canvas.width}"
        if isinstance(error, MemoryError) or "out of memory" in text or "allocate memory" in text:
            raise EnvironmentFaultError(
                f"out of memory with {size} -- lower --batch or --imgsz, or take a smaller --model"
            ) from error
        if "nan" in text.split() or "nan persisted" in text or "nan/inf" in text:
            raise UsageError(
                f"the loss is no number any more -- lower learning_rate ({tried.learning_rate:g}), "
                "use precision: fp32, or look at the labels with spinekit dataset check"
            ) from error
        if any(words in text for words in ("invalid cuda", "invalid device", "no cuda gpus")):
            raise EnvironmentFaultError(
                f"--device {tried.device}: there is no such device here -- use cpu, or one that nvidia-smi lists"
            ) from error
        raise
