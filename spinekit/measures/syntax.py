"""The grammar of the formula language: text to tokens to a tree, with line and column kept for messages.

Grammar::

    sum     = product { ("+" | "-") product }
    product = sign { ("*" | "/") sign }
    sign    = [ "-" | "+" ] atom
    atom    = number [ "deg" ] | name [ "(" sum { ("," | ";") sum } ")" ] | "(" sum ")"
    name    = letters, digits, "_" and "'", with one "." between a level and a landmark; or "in quotes"

Nothing is ever handed to Python to evaluate; length and depth are bounded, so that a hostile formula ends
in a `FormulaError` like any other wrong one.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from spinekit.core.errors import SpinekitError

MAX_TOKENS = 300
MAX_CHARACTERS = 2000
MAX_DEPTH = 30

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<quoted>"[^"\n]*")
  | (?P<name>[A-Za-z_][A-Za-z0-9_']*(?:\.[A-Za-z_][A-Za-z0-9_']*)?)
  | (?P<mark>[-+*/(),;])
    """,
    re.VERBOSE,
)


class FormulaError(SpinekitError):
    """A formula is wrong; the message gives line and column and, for a name, the nearest known one."""


@dataclass(frozen=True, slots=True)
class Node:
    """A piece of a formula.

    Attributes:
        text: The whole formula, for messages.
        start: Index of the piece's first character.
        end: Index after its last character.
        label: Name of the construction or measurement that it was written out from, or empty.
    """

    text: str
    start: int
    end: int
    label: str = field(default="", kw_only=True)

    @property
    def source(self) -> str:
        """The piece as it was written, on one line."""
        return " ".join(self.text[self.start : self.end].split())

    def wrong(self, problem: str) -> FormulaError:
        """An error that points at this piece."""
        return error_at(self.text, self.start, problem)


@dataclass(frozen=True, slots=True)
class PointName(Node):
    """A landmark, e.g. ``ANS``, ``L1.TL`` or ``"EN pn"``; unless quoted it may name a construction too."""

    name: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, or an angle when ``deg`` follows."""

    value: float
    degrees: bool


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function with its arguments; ``separators[i]`` stands between arguments i and i + 1."""

    name: str
    arguments: tuple[Node, ...]
    separators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Negation(Node):
    """A leading minus."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Operation(Node):
    """Two pieces joined by ``+ - * /``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


def error_at(text: str, index: int, problem: str) -> FormulaError:
    """An error with the line and column of ``text[index]``, both counted from 1."""
    before = text[:index]
    line = before.count("\n") + 1
    column = index - (before.rfind("\n") + 1) + 1
    return FormulaError(f"line {line}, column {column}: {problem}")


def parse(text: str) -> Node:
    """The tree of a formula.

    Raises:
        FormulaError: With line, column and what was expected.
    """
    if len(text) > MAX_CHARACTERS:
        raise error_at(text, MAX_CHARACTERS, f"a formula has at most {MAX_CHARACTERS} characters")
    return _Parser(text).whole()


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    index = 0
    while index < len(text):
        match = _TOKEN.match(text, index)
        if match is None or match.lastgroup is None:
            if text[index] == '"':
                raise error_at(text, index, "this quote is not closed")
            raise error_at(text, index, f"{text[index]!r} does not belong in a formula")
        if match.lastgroup != "space":
            found.append(_Token(match.lastgroup, match.group(), index))
        if len(found) > MAX_TOKENS:
            raise error_at(text, index, f"a formula has at most {MAX_TOKENS} names, numbers and signs")
        index = match.end()
    found.append(_Token("end", "", len(text)))
    return found


class _Parser:
    """Recursive descent over the tokens of one formula."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.at]

    def unexpected(self, wanted: str) -> FormulaError:
        found = f"not {self.token.text!r}" if self.token.kind != "end" else "but the formula ends"
        if self.token.kind == "name" and self.at and self.tokens[self.at - 1].kind == "name":
            found += ' (a name with a space in it stands in "quotes")'
        return error_at(self.text, self.token.start, f"{wanted} is expected here, {found}")

    def take(self, *marks: str) -> _Token | None:
        """The next token if it is one of these marks."""
        token = self.token
        if token.kind == "mark" and token.text in marks:
            self.at += 1
            return token
        return None

    def end_of_last(self) -> int:
        last = self.tokens[self.at - 1]
        return last.start + len(last.text)

    def whole(self) -> Node:
        tree = self.sum()
        if self.token.kind != "end":
            raise self.unexpected("an operator (+ - * /) or the end")
        return tree

    def sum(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise error_at(self.text, self.token.start, f"nested more than {MAX_DEPTH} deep")
        left = self.product()
        while operator := self.take("+", "-"):
            right = self.product()
            left = Operation(self.text, left.start, right.end, operator.text, left, right)
        self.depth -= 1
        return left

    def product(self) -> Node:
        left = self.sign()
        while operator := self.take("*", "/"):
            right = self.sign()
            left = Operation(self.text, left.start, right.end, operator.text, left, right)
        return left

    def sign(self) -> Node:
        sign = self.take("-", "+")
        operand = self.atom()
        if sign is None:
            return operand
        if sign.text == "+":
            return operand
        return Negation(self.text, sign.start, operand.end, operand)

    def atom(self) -> Node:
        token = self.token
        if token.kind == "number":
            return self.literal()
        if token.kind == "quoted":
            self.at += 1
            return PointName(self.text, token.start, self.end_of_last(), token.text[1:-1], quoted=True)
        if token.kind == "name":
            self.at += 1
            if self.take("("):
                return self.call(token)
            return PointName(self.text, token.start, self.end_of_last(), token.text)
        if self.take("("):
            inner = self.sum()
            if not self.take(")"):
                raise self.unexpected("a closing parenthesis")
            return inner
        raise self.unexpected("a landmark, a number or a function")

    def literal(self) -> Node:
        token = self.token
        self.at += 1
        value = float(token.text)
        if not math.isfinite(value):
            raise error_at(self.text, token.start, "the number is too large")
        degrees = self.token.kind == "name" and self.token.text == "deg"
        if degrees:
            self.at += 1
        return Literal(self.text, token.start, self.end_of_last(), value, degrees)

    def call(self, name: _Token) -> Node:
        arguments: list[Node] = []
        separators: list[str] = []
        if not self.take(")"):
            arguments.append(self.sum())
            while separator := self.take(",", ";"):
                separators.append(separator.text)
                arguments.append(self.sum())
            if not self.take(")"):
                raise self.unexpected("a comma or a closing parenthesis")
        end = self.end_of_last()
        return Call(self.text, name.start, end, name.text, tuple(arguments), tuple(separators))
