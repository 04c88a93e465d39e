"""What a measurement that needs code declares of itself.

A module in `spinekit.measures` that holds a module-level ``MEASURES`` (a tuple of `CodeMeasurement`) is
found and offered; a schema asks for one by its name under ``code_measurements``. Nothing else has to be
edited to add one.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from spinekit.core.measurement import Result
from spinekit.core.scene import Scene
from spinekit.measures.interval import Draws


@dataclass(frozen=True, slots=True)
class CodeMeasurement:
    """A measurement that needs more than a line of formula.

    Attributes:
        name: As schemas ask for it; all its results begin with it.
        title: One line for people, with the source of the method.
        gives: Names of its results, where their number is fixed; otherwise empty.
        measure: From a scene and how to draw to results; never raises for an odd scene. The results carry value,
            interval and doubts; norms and grades are added from the schema.
        groups: Analyses that it belongs to, e.g. ``spinopelvic``.
        unit: Of its results, for the reference: ``deg``, ``length``, ``%`` or ``ratio``; several with commas.
        source: Where the definition stands.
        negated: Endings of the names of results whose sign turns in a mirrored film; all others keep it.
        frame: Endings of the names of results that depend on how the film lies (an upright is part of them).
    """

    name: str
    title: str
    gives: tuple[str, ...]
    measure: Callable[[Scene, Draws], tuple[Result, ...]]
    groups: tuple[str, ...] = ()
    unit: str = "deg"
    source: str = ""
    negated: tuple[str, ...] = ()
    frame: tuple[str, ...] = ()

    def answers(self, wanted: str) -> bool:
        """Whether a result of that name, or of that pattern (``disc_angle_*``), comes from here."""
        if self.gives:
            return wanted == self.name or any(fnmatchcase(name, wanted) for name in self.gives)
        return wanted == self.name or wanted.startswith(f"{self.name}_")


@cache
def code_measurements() -> dict[str, CodeMeasurement]:
    """All measurements with code, by name, from the modules beside this one."""
    found: dict[str, CodeMeasurement] = {}
    folder = Path(__file__).resolve().parent
    for module_info in sorted(pkgutil.iter_modules([str(folder)]), key=lambda info: info.name):
        module = importlib.import_module(f"spinekit.measures.{module_info.name}")
        for measurement in getattr(module, "MEASURES", ()):
            found[measurement.name] = measurement
    return found
