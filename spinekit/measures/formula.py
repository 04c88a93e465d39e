"""Formulas over landmarks: checked against a schema when compiled, evaluated on calibrated coordinates.

`spinekit.measures.syntax` holds the grammar and `spinekit.measures.functions` what can be called. Points,
lines, lengths, angles and numbers are kinds of their own: a length added to an angle is refused before any
image is seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from spinekit.core.image import FloatArray
from spinekit.core.schema import Schema
from spinekit.measures.expansion import expanded
from spinekit.measures.functions import FUNCTIONS, Function, Kind, Segment, Value
from spinekit.measures.syntax import Call, FormulaError, Literal, Negation, Node, Operation, PointName, parse
from spinekit.schemas import nearest

__all__ = ["Drawing", "Formula", "FormulaError", "UndefinedError", "compile_formula"]

_SCALARS = (Kind.LENGTH, Kind.ANGLE, Kind.NUMBER)
_UNIT_KINDS = {
    "deg": Kind.ANGLE,
    "length": Kind.LENGTH,
    "mm": Kind.LENGTH,
    "%": Kind.NUMBER,
    "ratio": Kind.NUMBER,
}


class UndefinedError(Exception):
    """A formula has no value for these points (two coincide, lines are parallel); the text says why."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a formula measured, in the coordinates it was given.

    Attributes:
        points: Landmarks and constructed points (named by their piece of the formula), each (2,).
        lines: Segments, each its two ends.
        anchor: Where a label is best put, or None.
    """

    points: dict[str, FloatArray] = field(default_factory=dict)
    lines: dict[str, tuple[FloatArray, FloatArray]] = field(default_factory=dict)
    anchor: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that is right for its schema.

    Attributes:
        text: As written.
        kind: Of its value: LENGTH, ANGLE or NUMBER.
        points: Names of the landmarks that go in, as the schema calls them (``L1.TL`` for levels).
        signed: Whether the sign depends on the side that is called front.
        frame: Whether the value depends on how the image lies (``horizontal``, ``vertical``).
        tree: The parsed formula.
        resolved: From each name as written to the landmark.
        lacking: Points that it names and the schema does not have, with their definition; with any it has no value.
    """

    text: str
    kind: Kind
    points: tuple[str, ...]
    signed: bool
    frame: bool
    tree: Node
    resolved: Mapping[str, str]
    lacking: Mapping[str, str] = field(default_factory=dict)

    def evaluate(self, points: Mapping[str, FloatArray]) -> FloatArray:
        """The value.

        Args:
            points: For each of ``self.points`` its (..., 2) calibrated coordinates, all of one shape.

        Returns:
            (...) degrees, lengths in the unit of the coordinates, or numbers. In a batch (more than one
            axis) undefined values are NaN.

        Raises:
            UndefinedError: If a single value (points of shape (2,)) is undefined.
        """
        with np.errstate(all="ignore"):
            return _scalar(_Evaluation(self, points).value(self.tree))

    def drawing(self, points: Mapping[str, FloatArray]) -> Drawing:
        """Points and lines to draw for one image.

        Args:
            points: For each of ``self.points`` its (2,) coordinates; the same that `evaluate` accepted.
        """
        evaluation = _Evaluation(self, points)
        with np.errstate(all="ignore"):
            evaluation.draw(self.tree)
        anchor = evaluation.anchors[0] if evaluation.anchors else next(iter(evaluation.points.values()))
        return Drawing(evaluation.points, evaluation.lines, anchor)


class _Evaluation:
    """One walk through a formula with the points of an image, or of many draws of it."""

    def __init__(self, formula: Formula, given: Mapping[str, FloatArray]) -> None:
        self.formula = formula
        self.given = given
        self.single = all(given[name].ndim == 1 for name in formula.points)
        self.points = {name: given[name] for name in formula.points}
        self.lines: dict[str, tuple[FloatArray, FloatArray]] = {}
        self.anchors: list[FloatArray] = []

    def value(self, node: Node) -> Value:
        if isinstance(node, PointName):
            return self.given[self.formula.resolved[node.name]]
        if isinstance(node, Literal):
            return np.asarray(node.value)
        if isinstance(node, Negation):
            return -_scalar(self.value(node.operand))
        if isinstance(node, Operation):
            left, right = _scalar(self.value(node.left)), _scalar(self.value(node.right))
            return self.defined(_arithmetic(node.operator, left, right), node, "it divides by zero")
        assert isinstance(node, Call)  # the parser makes no other node
        function = FUNCTIONS[node.name]
        value = function.compute(*(self.value(argument) for argument in node.arguments))
        return value if isinstance(value, Segment) else self.defined(value, node, function.undefined)

    def defined(self, value: FloatArray, node: Node, reason: str) -> FloatArray:
        """The value; a single one that is not finite becomes a reason, in a batch it stays."""
        if self.single and not bool(np.isfinite(value).all()):
            raise UndefinedError(f"{node.source} is undefined: {reason}")
        return value

    def draw(self, node: Node) -> None:
        if isinstance(node, Negation):
            self.draw(node.operand)
        elif isinstance(node, Operation):
            self.draw(node.left)
            self.draw(node.right)
        elif isinstance(node, Call):
            for argument in node.arguments:
                self.draw(argument)
            self.draw_call(node, FUNCTIONS[node.name])

    def draw_call(self, node: Call, function: Function) -> None:
        values = [self.value(argument) for argument in node.arguments]
        result = function.compute(*values)
        if function.overloads[0][1] is Kind.POINT and not isinstance(result, Segment):
            self.points.setdefault(node.label or node.source, result)
        segments = function.drawn(*values)
        for number, (start, end) in enumerate(segments, 1):
            ends = self.name_of(start), self.name_of(end)
            name = "-".join(ends) if all(ends) else f"{node.label or node.source} {number}"
            self.lines.setdefault(name, (start, end))
        if segments:
            # At the vertex of an angle, otherwise on the middle of the last segment.
            middle = (segments[-1][0] + segments[-1][1]) / 2
            self.anchors.append(segments[0][0] if function.vertex else middle)

    def name_of(self, point: FloatArray) -> str:
        return next((name for name, known in self.points.items() if np.array_equal(known, point)), "")


def compile_formula(text: str, schema: Schema, unit: str | None = None) -> Formula:
    """A formula checked against a schema.

    Args:
        text: E.g. ``angle(N; S, A) - angle(N; S, B)``.
        schema: Whose landmarks and aliases are understood.
        unit: ``deg``, ``length``, ``%`` or ``ratio`` that the value must have, or None.

    Raises:
        FormulaError: With line and column, what is wrong, and the nearest name known.
    """
    tree = expanded(parse(text), schema)
    check = _Check(schema)
    kind = check.kind(tree)
    if kind not in _SCALARS:
        raise tree.wrong(f"the formula gives a {kind}, not a number that can be reported")
    if unit is not None and _UNIT_KINDS[unit] is not kind:
        raise tree.wrong(f"the formula gives {_a(kind)}, but its unit is {unit!r}")
    names = tuple(dict.fromkeys(check.resolved.values()))
    if not names:
        raise tree.wrong(f"the formula names no landmark of {schema.name}")
    functions = check.functions
    return Formula(
        text,
        kind,
        names,
        signed=any(function.signed for function in functions),
        frame=any(function.frame for function in functions),
        tree=tree,
        resolved=check.resolved,
        lacking=check.lacking,
    )


class _Check:
    """Finds the kind of every piece and refuses what does not fit."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.resolved: dict[str, str] = {}
        self.lacking: dict[str, str] = {}
        self.functions: list[Function] = []

    def kind(self, node: Node) -> Kind:
        if isinstance(node, PointName):
            self.resolved[node.name] = self.landmark(node)
            return Kind.POINT
        if isinstance(node, Literal):
            return Kind.ANGLE if node.degrees else Kind.NUMBER
        if isinstance(node, Negation):
            kind = self.kind(node.operand)
            if kind not in _SCALARS:
                raise node.wrong(f"a {kind} has no negative")
            return kind
        if isinstance(node, Operation):
            return self.operation(node)
        assert isinstance(node, Call)  # the parser makes no other node
        return self.call(node)

    def landmark(self, node: PointName) -> str:
        level, _, name = node.name.rpartition(".")
        resolved = self.schema.resolve(name)
        if resolved is None and name in self.schema.lacking:
            self.lacking[name] = self.schema.lacking[name]
            return node.name
        if resolved is None:
            marks = [n for mark in self.schema.landmarks for n in (mark.name, *mark.aliases)]
            named = [line.name for line in self.schema.measurements]
            known = [*marks, *self.schema.constructions, *([] if node.quoted or level else named)]
            if node.name in FUNCTIONS:
                raise node.wrong(f"{node.name} is a function: write {FUNCTIONS[node.name].signature}")
            raise node.wrong(f"{name!r} is not a landmark of {self.schema.name} -- {nearest(name, known)}")
        labels = (*self.schema.levels, *self.schema.classes)
        if level and level not in labels:
            raise node.wrong(f"{level!r} is not a level of {self.schema.name} -- {nearest(level, labels)}")
        return f"{level}.{resolved}" if level else resolved

    def operation(self, node: Operation) -> Kind:
        left, right = self.kind(node.left), self.kind(node.right)
        for side, kind in ((node.left, left), (node.right, right)):
            if kind not in _SCALARS:
                raise side.wrong(
                    f"{side.source} is a {kind}: only lengths, angles and numbers are reckoned with"
                )
        if node.operator in "+-":
            if left is not right:
                verb = "added" if node.operator == "+" else "subtracted"
                raise node.wrong(f"{_a(left)} and {_a(right)} cannot be {verb}: {node.source}")
            return left
        if node.operator == "*":
            if Kind.NUMBER not in (left, right):
                raise node.wrong(f"{_a(left)} and {_a(right)} cannot be multiplied: {node.source}")
            return right if left is Kind.NUMBER else left
        if right is Kind.NUMBER:
            return left
        if left is right:
            return Kind.NUMBER
        raise node.wrong(f"{_a(left)} cannot be divided by {_a(right)}: {node.source}")

    def call(self, node: Call) -> Kind:
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise node.wrong(f"there is no function {node.name!r} -- {nearest(node.name, FUNCTIONS)}")
        count = len(function.overloads[0][0])
        if len(node.arguments) != count:
            raise node.wrong(
                f"{node.name} takes {count}, not {len(node.arguments)}: write {function.signature}"
            )
        wanted = tuple(";" if function.vertex and i == 0 else "," for i in range(count - 1))
        if node.separators != wanted:
            raise node.wrong(f"commas and semicolons do not fit: write {function.signature}")
        kinds = tuple(self.kind(argument) for argument in node.arguments)
        self.functions.append(function)
        for parameters, result in function.overloads:
            if parameters == kinds:
                return result
        if len(function.overloads) == 1:
            for argument, kind, parameter in zip(
                node.arguments, kinds, function.overloads[0][0], strict=True
            ):
                if kind is not parameter:
                    mismatch = f"{argument.source} is {_a(kind)}, {_a(parameter)} is wanted"
                    raise argument.wrong(f"{mismatch}: write {function.signature}")
        given = " and ".join(_a(kind) for kind in kinds)
        raise node.wrong(f"{node.name} cannot take {given}: write {function.signature}, {function.meaning}")


def _a(kind: Kind) -> str:
    return f"an {kind}" if kind is Kind.ANGLE else f"a {kind}"


def _scalar(value: Value) -> FloatArray:
    assert not isinstance(value, Segment)  # compile_formula has checked the kinds
    return value


def _arithmetic(operator: str, left: FloatArray, right: FloatArray) -> FloatArray:
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    return np.asarray(left / np.where(right != 0, right, np.nan))
