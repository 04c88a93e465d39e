"""Names in a formula that stand for more than a point: constructions of the schema and other measurements.

``PI - LL`` or ``line(Go, Me)`` is written once and used by name. A name is a landmark first, then a construction,
then a measurement.
"""

from __future__ import annotations

from dataclasses import replace

from spinekit.core.schema import Schema
from spinekit.measures.syntax import Call, FormulaError, Negation, Node, Operation, PointName, parse

MAX_NESTED = 20
MAX_NODES = 2000  # of a formula with all that it names written out


class _Budget:
    """How many pieces a formula may still grow by; names of names would otherwise double without end."""

    def __init__(self) -> None:
        self.left = MAX_NODES

    def spend(self, node: Node) -> None:
        self.left -= 1
        if self.left < 0:
            raise node.wrong(
                f"with all that it names written out the formula has more than {MAX_NODES} pieces"
            )


def expanded(tree: Node, schema: Schema) -> Node:
    """The tree with every name of a construction or measurement replaced by what it stands for.

    Args:
        tree: From `spinekit.measures.syntax.parse`.
        schema: Has the landmarks, constructions and measurements.

    Raises:
        FormulaError: If names go round in a circle, or what a name stands for is wrong.
    """
    named = {line.name: line.formula for line in schema.measurements} | dict(schema.constructions)
    points = {name for mark in schema.landmarks for name in (mark.name, *mark.aliases)} | set(schema.lacking)
    meant = {name: text for name, text in named.items() if name not in points}
    return _grown(tree, meant, (), _Budget())


def _grown(node: Node, meant: dict[str, str], within: tuple[str, ...], budget: _Budget) -> Node:
    budget.spend(node)
    if isinstance(node, PointName):
        if node.quoted or node.name not in meant:
            return node
        if node.name in within or len(within) >= MAX_NESTED:
            raise node.wrong(f"{node.name} goes round in a circle: {' -> '.join((*within, node.name))}")
        try:
            grown = _grown(parse(meant[node.name]), meant, (*within, node.name), budget)
            return replace(grown, label=node.name)
        except FormulaError as error:
            if within:  # said already, closer to the fault
                raise
            raise node.wrong(f"{node.name} ({meant[node.name].strip()}) is wrong: {error}") from error
    if isinstance(node, Negation):
        return replace(node, operand=_grown(node.operand, meant, within, budget))
    if isinstance(node, Operation):
        left, right = (_grown(side, meant, within, budget) for side in (node.left, node.right))
        return replace(node, left=left, right=right)
    if isinstance(node, Call):
        return replace(node, arguments=tuple(_grown(one, meant, within, budget) for one in node.arguments))
    return node
