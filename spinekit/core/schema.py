"""Landmark and class sets: names, order and meaning of what is looked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from spinekit.core.norm import Grade, LeastChange, Norm, ResultRule


@dataclass(frozen=True, slots=True)
class LandmarkDefinition:
    """One point of a schema.

    Attributes:
        name: The field's short name, e.g. ``ANS``.
        definition: Where it lies, in words.
        aliases: Other names for the same point.
        sigma: Per-point scale of the object-keypoint similarity.
    """

    name: str
    definition: str
    aliases: tuple[str, ...] = ()
    sigma: float = 0.05


@dataclass(frozen=True, slots=True)
class MeasurementFormula:
    """A measurement given as a line of formula; see `spinekit.measures.formula` for the language.

    Attributes:
        name: What it is called in results.
        unit: ``deg``, ``length`` (mm, or px without a scale), ``mm`` (refused without a scale), ``%`` or ``ratio``.
        formula: E.g. ``angle(N; S, A)``; names of the schema's constructions and other measurements are understood.
        definition: In words, with its source.
        title: What a clinician calls it, e.g. ``SNA``; empty where the name says it.
        source: Where the definition stands.
        groups: Analyses that it belongs to, e.g. ``steiner``.
        norms: To compare it with.
        grades: Names between decision limits, ascending.
        least_change: Between two studies, where repeated readings are published.
    """

    name: str
    unit: str
    formula: str
    definition: str
    title: str = ""
    source: str = ""
    groups: tuple[str, ...] = ()
    norms: tuple[Norm, ...] = ()
    grades: tuple[Grade, ...] = ()
    least_change: LeastChange | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """A set of classes and landmarks.

    Attributes:
        name: E.g. ``spine-ap``.
        version: Counted up when meaning or order changes.
        title: One line for people.
        task: ``pose``, ``seg``, ``sem`` or ``detect`` (boxes alone).
        view: E.g. ``spine, frontal``.
        classes: What an instance may be, in the order of a network's outputs.
        levels: Names an instance takes in sequence, cranial to caudal; empty where order carries no name.
        landmarks: Points of every instance, in order.
        edges: Pairs of landmark names joined when drawn.
        mirrored: Pairs of landmark names that swap in a left-right flip.
        measurements: Formulas over the landmarks.
        code_measurements: Names of measurements that need code (see `spinekit.measures`).
        constructions: Points, lines and numbers with a name of their own, e.g. ``MP``: ``line(Go, Me)``.
        results: Norms and grades of what code measures.
        lacking: Points that borrowed measurements name and this set does not have, with their definition.
    """

    name: str
    version: int
    title: str
    task: str
    view: str
    classes: tuple[str, ...]
    levels: tuple[str, ...] = ()
    landmarks: tuple[LandmarkDefinition, ...] = ()
    edges: tuple[tuple[str, str], ...] = ()
    mirrored: tuple[tuple[str, str], ...] = ()
    measurements: tuple[MeasurementFormula, ...] = ()
    code_measurements: tuple[str, ...] = ()
    colours: Mapping[str, str] = field(default_factory=dict)
    constructions: Mapping[str, str] = field(default_factory=dict)
    results: tuple[ResultRule, ...] = ()
    lacking: Mapping[str, str] = field(default_factory=dict)

    @property
    def landmark_names(self) -> tuple[str, ...]:
        """Names of the landmarks, in order."""
        return tuple(landmark.name for landmark in self.landmarks)

    def resolve(self, name: str) -> str | None:
        """The landmark that a name or alias stands for, or None."""
        for landmark in self.landmarks:
            if name == landmark.name or name in landmark.aliases:
                return landmark.name
        return None

    def flip_index(self) -> tuple[int, ...]:
        """For each landmark the index of the one that takes its place when the image is mirrored."""
        names = self.landmark_names
        partner = {a: b for pair in self.mirrored for a, b in (pair, pair[::-1])}
        return tuple(names.index(partner.get(name, name)) for name in names)

    def fingerprint(self) -> str:
        """Hash of what a model depends on: task, classes and landmarks, in order."""
        content = [self.name, self.version, self.task, self.classes, self.landmark_names]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]
