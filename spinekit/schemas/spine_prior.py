"""What spines look like from one side: sizes, spacing and curvature by level, one YAML a view beside the schemas.

A prior belongs to a view and not to one schema, since corners, boxes and masks of the same films share it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from spinekit.core.errors import UsageError
from spinekit.core.schema import Schema
from spinekit.schemas.strict_yaml import load_yaml

FloatArray = npt.NDArray[np.float64]
_FOLDER = Path(__file__).resolve().parent / "spines"
_LEVELS = ("log_width", "log_height", "width_sd", "height_sd")
_GAPS = ("pitch", "pitch_sd", "tilt", "tilt_sd", "bend", "bend_sd", "growth_sd")


@dataclass(frozen=True, slots=True, eq=False)
class SpinePrior:
    """Sizes, spacing and curvature along a spine of L levels, cranial to caudal.

    Lengths are natural logarithms, so that neither the film's resolution nor the patient's size counts. The
    frame of the angles: x right, y down, tilts positive where the right side is lower; a lateral spine has its
    back on the left.

    Attributes:
        view: As a schema tells it, e.g. ``spine, frontal``.
        learnt_from: Data and number of films.
        levels: L names.
        log_width: (L,) mid-line width, less the mean over the spine.
        log_height: (L,) mid height, likewise.
        width_sd: (L,) spread of a film's ``log_width``.
        height_sd: (L,) likewise.
        ratio: Mean over the spine of log height less log width.
        ratio_sd: Its spread from film to film.
        pitch: (L-1,) distance of neighbouring centres over their mean height, logarithm.
        pitch_sd: (L-1,) its spread.
        tilt: (L-1,) tilt of the lower body less that of the upper, degrees.
        tilt_sd: (L-1,) its spread.
        bend: (L-1,) angle between the way to the next centre and the mean axis of both bodies, degrees.
        bend_sd: (L-1,) its spread.
        growth_sd: (L-1,) spread of the step in ``log_width``.
        evidence: What counts otherwise on films of this view than elsewhere, by name; see
            `spinekit.anatomy.decoding.Weights`. On lateral films shoulders and arms lie over the upper chest:
            certainty tells less there, and a gap in an otherwise whole spine is sooner a body that hardly shows.
    """

    view: str
    learnt_from: str
    levels: tuple[str, ...]
    log_width: FloatArray
    log_height: FloatArray
    width_sd: FloatArray
    height_sd: FloatArray
    ratio: float
    ratio_sd: float
    pitch: FloatArray
    pitch_sd: FloatArray
    tilt: FloatArray
    tilt_sd: FloatArray
    bend: FloatArray
    bend_sd: FloatArray
    growth_sd: FloatArray
    evidence: Mapping[str, float] = field(default_factory=dict)

    def part(self, levels: Sequence[str]) -> SpinePrior:
        """The prior of a run of neighbouring levels.

        Args:
            levels: Names of this prior, in its order and without gaps; others are left out.
        """
        here = [index for index, name in enumerate(self.levels) if name in set(levels)]
        first, last = here[0], here[-1] + 1
        fields = {name: getattr(self, name)[first:last] for name in _LEVELS}
        fields |= {name: getattr(self, name)[first : last - 1] for name in _GAPS}
        return SpinePrior(
            view=self.view,
            learnt_from=self.learnt_from,
            levels=self.levels[first:last],
            ratio=self.ratio,
            ratio_sd=self.ratio_sd,
            evidence=self.evidence,
            **fields,
        )


def prior_of(schema: Schema) -> SpinePrior:
    """The prior of a schema's view, for as many of its levels as were learnt.

    A view of its own is taken for the one that shares most levels, with a preference for the lateral one,
    which knows all of them.

    Raises:
        UsageError: If no prior shares two levels with the schema.
    """
    shipped = sorted(priors(), key=lambda prior: (-_shared(prior, schema), prior.view))
    fitting = [prior for prior in shipped if prior.view == schema.view and _shared(prior, schema) >= 2]
    best = (fitting or shipped)[0]
    if _shared(best, schema) < 2:
        raise UsageError(
            f"{schema.name}: its levels are those of no known spine -- name them C2 .. C7, T1 .. T12, L1 .. L5, S1"
        )
    return _part(best, tuple(level for level in schema.levels if level in best.levels))


@cache
def _part(prior: SpinePrior, levels: tuple[str, ...]) -> SpinePrior:
    """One value for each part, so that what is made of it need not be made for every film."""
    return prior.part(levels)


def _shared(prior: SpinePrior, schema: Schema) -> int:
    return len(set(prior.levels) & set(schema.levels))


@cache
def priors() -> tuple[SpinePrior, ...]:
    """Every prior that ships."""
    return tuple(_read(path) for path in sorted(_FOLDER.glob("*.yaml")))


def _read(path: Path) -> SpinePrior:
    content = load_yaml(path)
    if not isinstance(content, dict):
        raise UsageError(f"{path}: is no mapping -- get the file anew")
    try:
        levels = tuple(str(name) for name in content["levels"])
        fields = {name: _numbers(content[name], len(levels)) for name in _LEVELS}
        fields |= {name: _numbers(content[name], len(levels) - 1) for name in _GAPS}
        return SpinePrior(
            view=str(content["view"]),
            learnt_from=str(content["learnt_from"]),
            levels=levels,
            ratio=float(content["ratio"]),
            ratio_sd=float(content["ratio_sd"]),
            evidence={str(name): float(value) for name, value in content.get("evidence", {}).items()},
            **fields,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path}: lacks or miswrites {error} -- get the file anew") from error


def _numbers(value: object, count: int) -> FloatArray:
    found = np.array(value, dtype=np.float64).reshape(-1)
    if found.size != count or not bool(np.isfinite(found).all()):
        raise ValueError(f"{count} numbers")
    return found


def lines(prior: SpinePrior) -> Iterator[str]:
    """A prior as the lines of its YAML file."""

    def row(name: str, digits: int) -> str:
        values = getattr(prior, name)
        return f"{name}: [{', '.join(f'{value:.{digits}f}' for value in values)}]"

    yield f"view: {prior.view}"
    yield f"learnt_from: {prior.learnt_from}"
    yield f"levels: [{', '.join(prior.levels)}]"
    if prior.evidence:
        yield f"evidence: {{{', '.join(f'{name}: {value:g}' for name, value in prior.evidence.items())}}}"
    yield from (row(name, 3) for name in _LEVELS)
    yield f"ratio: {prior.ratio:.3f}"
    yield f"ratio_sd: {prior.ratio_sd:.3f}"
    yield from (row(name, 1 if name.split("_")[0] in {"tilt", "bend"} else 3) for name in _GAPS)
