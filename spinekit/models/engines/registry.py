"""Finds the engines: every module of this package that holds a module-level ``ENGINE``."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil

from spinekit.core.errors import EnvironmentFaultError, UsageError
from spinekit.models.engines.plugin import AUTO, PRECISIONS, Engine


@functools.cache
def engines() -> tuple[Engine, ...]:
    """All engines, in the order in which they are tried."""
    import spinekit.models.engines as package

    found: dict[str, Engine] = {}
    for entry in pkgutil.iter_modules(package.__path__, prefix=f"{package.__name__}."):
        declared = getattr(importlib.import_module(entry.name), "ENGINE", None)
        if not isinstance(declared, Engine):
            continue
        if declared.name in found:
            raise RuntimeError(f"two modules declare an engine called {declared.name!r}")
        found[declared.name] = declared
    return tuple(sorted(found.values(), key=lambda engine: engine.order))


def installed(engine: Engine) -> bool:
    """Whether an engine's package can be imported."""
    return importlib.util.find_spec(engine.package) is not None


def check_engine(name: str, precision: str) -> None:
    """Refuses what cannot be, before anything is read.

    Args:
        name: ``auto`` or the name of an engine.
        precision: One of `PRECISIONS`.

    Raises:
        UsageError: If there is no such engine or precision, or the engine does not compute in it.
        EnvironmentFaultError: If the engine is not installed.
    """
    known = {engine.name: engine for engine in engines()}
    if precision not in PRECISIONS:
        raise UsageError(f"--precision {precision}: not known -- choose of {', '.join(PRECISIONS)}")
    if name == AUTO:
        return
    if name not in known:
        raise UsageError(f"--engine {name}: not known -- choose of {', '.join((AUTO, *known))}")
    if precision not in known[name].precisions:
        able = ", ".join(engine.name for engine in known.values() if precision in engine.precisions)
        raise UsageError(f"--engine {name} --precision {precision}: not offered -- {precision} is by {able}")
    if not installed(known[name]):
        raise EnvironmentFaultError(
            f"--engine {name}: {known[name].package} is not installed -- pip install {known[name].package}, "
            f"or leave --engine out"
        )
