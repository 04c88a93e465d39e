"""Spines: bodies found, level names, corners, and the three AASCE angles of frontal films."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.scene import Instance, Scene
from spinekit.core.score import Score
from spinekit.measures.cobb import CORNERS, Endplate, cobb_aasce
from spinekit.metrics.bootstrap import Groups, percentage, score_of, score_of_median, score_of_sums
from spinekit.metrics.spine import CONSTANT_ANGLES, circular_mean_error, smape_of_film
from spinekit.views.plots_evaluation import confusion_chart
from spinekit.workflows.scoring import Answers, Pair, Section, answers, known, points_of

_ANGLES = ("main", "second", "third")


@dataclass(slots=True)
class SpineTally:
    """Takes pairs of scenes with bodies that are named by their level."""

    _levels: tuple[str, ...] = ()
    _bodies: dict[str, float] = field(default_factory=dict)
    _found: dict[str, float] = field(default_factory=dict)
    _named: dict[str, float] = field(default_factory=dict)
    _shifted: dict[str, tuple[float, float]] = field(default_factory=dict)
    _corner: dict[str, float] = field(default_factory=dict)
    _corners: dict[str, float] = field(default_factory=dict)
    _smape: dict[str, float] = field(default_factory=dict)
    _angle: dict[str, FloatArray] = field(default_factory=dict)
    _circular: dict[str, float] = field(default_factory=dict)
    _confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    _missed: int = 0
    _extra: int = 0
    _empty: int = 0

    def add(self, pair: Pair) -> float | None:
        """Counts a pair; how bad it is: its SMAPE, or the share of bodies missed."""
        schema = pair.truth.schema
        found = answers(pair.truth, pair.predicted)
        if not schema.levels or not found.pairs:
            return None
        self._levels = schema.levels
        self._count(pair.name, found)
        if not _is_frontal(pair.truth):
            return 1 - self._found[pair.name] / self._bodies[pair.name]
        want = _angles([true for true, _ in found.pairs], pair.truth.image.height)
        if want is None:
            return None
        instances = pair.predicted.instances if pair.predicted is not None else ()
        got = _angles(instances, pair.truth.image.height)
        if got is None:
            got, self._empty = np.array(CONSTANT_ANGLES), self._empty + 1
        self._smape[pair.name] = smape_of_film(got, want)
        self._angle[pair.name] = np.abs(got - want)
        self._circular[pair.name] = circular_mean_error(got, want)
        return self._smape[pair.name]

    def _count(self, name: str, found: Answers) -> None:
        both = [(true, answer) for true, answer in found.pairs if answer is not None]
        self._bodies[name] = len(found.pairs)
        self._found[name] = len(both)
        self._missed += len(found.pairs) - len(both)
        self._extra += found.extra
        self._named[name] = 100 * sum(true.label == answer.label for true, answer in both) / len(found.pairs)
        steps = [self._step(true, answer) for true, answer in both]
        self._shifted[name] = (sum(step == 1 for step in steps), len(steps))
        errors = [_corner_errors(true, answer) for true, answer in both]
        flat = np.concatenate(errors) if errors else np.zeros(0)
        self._corner[name] = float(flat.mean()) if flat.size else float("nan")
        self._corners[name] = flat.size
        for true, answer in found.pairs:
            self._confusion[true.label, "missed" if answer is None else answer.label] += 1

    def _step(self, true: Instance, answer: Instance) -> int | None:
        """How many levels apart two names are."""
        if true.label not in self._levels or answer.label not in self._levels:
            return None
        return abs(self._levels.index(true.label) - self._levels.index(answer.label))

    def section(self, groups: Groups | None = None) -> Section | None:
        """Figures over all films."""
        if not self._bodies:
            return None
        missed, count = self._missed, len(self._levels)
        every = {name: (self._found[name], size) for name, size in self._bodies.items()}
        scores = known(
            (
                partial(score_of, f"bodies found of {count}, mean", self._found, missed, None, groups),
                partial(score_of_sums, "bodies found (%)", every, percentage, missed, groups),
                partial(score_of, "level names right (%)", self._named, missed, None, groups),
                partial(
                    score_of_sums,
                    "found bodies named one level off (%)",
                    self._shifted,
                    percentage,
                    0,
                    groups,
                ),
                partial(
                    score_of, "corner MRE (px), found bodies", self._corner, missed, self._corners, groups
                ),
                *self._angle_scores(groups),
            )
        )
        notes = [
            "A body is found when a predicted centre lies inside the true one, one to one. Corner errors are over "
            f"found bodies; {self._missed} were missed, {self._extra} predicted ones answer none."
        ]
        if self._smape:
            notes.append(
                "SMAPE, CMAE and the angles by the rule of the AASCE 2019 challenge, from the true corners. A film "
                f"with fewer than two bodies found counts as the constant {CONSTANT_ANGLES} degrees: {self._empty} "
                "here."
            )
        labels = [level for level in self._levels if any(level in pair for pair in self._confusion)]
        rows = [level for level in labels if any(pair[0] == level for pair in self._confusion)]
        columns = [*labels, "missed"]
        counts = np.array(
            [[self._confusion[row, column] for column in columns] for row in rows], dtype=np.float64
        )
        return Section(
            "spine", "Spine", tuple(notes), scores,
            headline=(
                f"bodies found of {count}, mean", "level names right (%)", "corner MRE (px), found bodies",
                "SMAPE (%)", "main angle MAE (deg)", "main angle median difference (deg)", "CMAE (deg)",
            ),
            judge="SMAPE (%)" if self._smape else f"bodies found of {count}, mean",
            charts={"levels": partial(confusion_chart, counts, rows, columns, "levels: true and predicted")},
        )  # fmt: skip

    def _angle_scores(self, groups: Groups | None) -> list[partial[Score]]:
        if not self._smape:
            return []
        by_rank = [
            {name: float(errors[rank]) for name, errors in self._angle.items()}
            for rank in range(len(_ANGLES))
        ]
        rest = (None, groups)
        return [
            partial(score_of, "SMAPE (%)", self._smape, self._empty, *rest),
            partial(score_of, "CMAE (deg)", self._circular, self._empty, *rest),
            *(
                partial(score_of, f"{rank} angle MAE (deg)", errors, self._empty, *rest)
                for rank, errors in zip(_ANGLES, by_rank, strict=True)
            ),
            partial(score_of_median, "main angle median difference (deg)", by_rank[0], self._empty, groups),
        ]


def _is_frontal(scene: Scene) -> bool:
    """Whether the rule for the three angles fits: frontal films with corners TL, TR, BL, BR."""
    return "frontal" in scene.schema.view and scene.schema.landmark_names == CORNERS


def _angles(instances: tuple[Instance, ...] | list[Instance], height: int) -> FloatArray | None:
    """The challenge's three angles; deciding by inferior endplates gives back all 481 of its ``angles.csv``.

    Returns:
        (3,) degrees; None for fewer than two whole bodies.
    """
    whole = [
        points.xy
        for item in instances
        if (points := item.landmarks) is not None
        and points.names == CORNERS
        and not np.isnan(points.xy).any()
    ]
    if len(whole) < 2:
        return None
    try:
        return np.array(cobb_aasce(np.array(whole), height, Endplate.INFERIOR).angles)
    except ValueError:
        return None


def _corner_errors(true: Instance, answer: Instance) -> FloatArray:
    """Distances of the points that both have, px."""
    names = [name for name in points_of(true).names if name in points_of(answer).names]
    ours, theirs = (
        points.xy[[points.index(name) for name in names]].reshape(-1, 2)
        for points in (points_of(true), points_of(answer))
    )
    errors = np.linalg.norm(ours - theirs, axis=1)
    return np.asarray(errors[np.isfinite(errors)])
