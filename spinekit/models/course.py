"""What our trainers add to Ultralytics' settings, as a file beside the data that they learn from.

The library builds trainers itself, with several devices even in processes of their own, and passes on no argument
that it does not know. A file in the workspace reaches them all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from spinekit.core.errors import EnvironmentFaultError
from spinekit.files import write_text
from spinekit.models.canvas import Canvas

FILE = "course.json"


@dataclass(frozen=True, slots=True)
class Course:
    """How our trainers differ from the library's.

    Attributes:
        canvas: Grid of the training crops, the one at which whole films are later read.
        sigma_start: Keypoint sigma of the first epoch, loose enough to pull from afar; None for no course.
        sigma_end: Sigma from ``sigma_turn`` of the epochs on, tight enough to sharpen.
        sigma_turn: Share of the epochs after which ``sigma_end`` is reached.
        precision: ``fp32`` or ``bf16``.
        watched: Names of val images whose predictions are noted after every epoch.
        seconds: The training ends with the epoch in which so many have passed; None for no end but the epochs'.
    """

    canvas: Canvas
    sigma_start: float | None = None
    sigma_end: float | None = None
    sigma_turn: float = 0.7
    precision: str = "fp32"
    watched: tuple[str, ...] = ()
    seconds: float | None = None

    def sigma(self, epoch: int, epochs: int) -> float | None:
        """Sigma of an epoch: geometric from start to end."""
        if self.sigma_start is None or self.sigma_end is None:
            return None
        share = min(1.0, epoch / max(1.0, self.sigma_turn * epochs))
        return float(self.sigma_start * (self.sigma_end / self.sigma_start) ** share)


def write_course(course: Course, workspace: Path) -> None:
    """Lays a course beside a workspace's ``data.yaml``."""
    content = {
        "height": course.canvas.height,
        "width": course.canvas.width,
        "sigma_start": course.sigma_start,
        "sigma_end": course.sigma_end,
        "sigma_turn": course.sigma_turn,
        "precision": course.precision,
        "watched": list(course.watched),
        "seconds": course.seconds,
    }
    write_text(workspace / FILE, json.dumps(content, indent=1) + "\n")


def read_course(workspace: Path) -> Course:
    """The course that `write_course` wrote.

    Raises:
        EnvironmentFaultError: If it is missing or broken.
    """
    path = workspace / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        canvas = Canvas(int(content.pop("height")), int(content.pop("width")))
        return Course(canvas, **{**content, "watched": tuple(content["watched"])})
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise EnvironmentFaultError(
            f"{path}: missing or broken ({type(error).__name__}) -- write the workspace anew"
        ) from error
