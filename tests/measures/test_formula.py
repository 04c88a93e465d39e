"""The formula language: values by hand, kinds, messages, and no end but a `FormulaError`."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.image import FloatArray
from spinekit.core.schema import LandmarkDefinition, Schema
from spinekit.measures.formula import FormulaError, UndefinedError, compile_formula
from spinekit.measures.functions import FUNCTIONS, Kind
from spinekit.measures.syntax import MAX_CHARACTERS, Node, parse

# A square of 10 with a point outside; x to the front, y down.
POINTS = {"O": (0, 0), "F": (10, 0), "D": (0, 10), "X": (10, 10), "EN pn": (30, 40), "n_'": (5, -5)}
SCHEMA = Schema(
    name="square",
    version=1,
    title="A square",
    task="pose",
    view="test",
    classes=("thing",),
    levels=("L1",),
    landmarks=tuple(LandmarkDefinition(name, "", ("nose",) if name == "EN pn" else ()) for name in POINTS),
)


def coordinates() -> dict[str, FloatArray]:
    return {name: np.array(xy, dtype=float) for name, xy in POINTS.items()}


def value(text: str) -> float:
    return float(compile_formula(text, SCHEMA).evaluate(coordinates()))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("angle(O; F, D)", 90),
        ("angle(O; D, F)", 90),
        ("angle(O; F, X)", 45),
        ("angle_between(line(O, F), line(D, O))", 90),
        ("angle_between(line(O, F), line(F, O))", 180),
        ("signed_angle(line(O, F), line(O, D))", 90),
        ("signed_angle(line(O, D), line(O, F))", -90),
        ("signed_angle(line(O, F), line(X, O))", -135),
        ("signed_angle(line(O, F), line(F, O))", 180),
        ("tilt_difference(line(O, F), line(X, O))", 45),
        ("tilt_difference(line(O, F), line(D, O))", 90),
        ("distance(O, X)", 200**0.5),
        ('distance(O, "EN pn")', 50),
        ("distance(O, nose)", 50),
        ("distance(O, n_')", 50**0.5),
        ("distance_to_line(D, line(O, F))", 10),
        ("signed_distance(D, line(O, F))", -10),
        ("signed_distance(F, line(O, D))", 10),
        ("distance(midpoint(O, X), O)", 50**0.5),
        ("distance(project(X, line(O, F)), O)", 10),
        ("distance(intersection(line(O, X), line(F, D)), O)", 50**0.5),
        ("distance(intersection(line(D, X), perpendicular(F, line(O, F))), F)", 10),
        ("signed_angle(line(O, F), perpendicular(X, line(O, F)))", 90),
        ("angle_between(parallel(X, line(O, D)), vertical(O))", 0),
        ("signed_angle(horizontal(X), line(O, X))", 45),
        ("ratio(distance(O, F), distance(O, D))", 1),
        ("distance(O, F) / distance(O, nose)", 0.2),
        ("100 * (distance(O, nose) - distance(O, F)) / distance(O, F)", 400),
        ("180 deg - angle(O; F, X) - 45deg", 90),
        ("-angle(O; F, X) + 2 * angle(O; F, X)", 45),
        ("abs(signed_distance(D, line(O, F)))", 10),
        ("distance(O, F) * 2 - distance(O, F) / 2", 15),
        ("1 - 2 - 3 * 4 / 2 + +distance(O, F) / distance(O, F)", -6),
        ("(1 - (2 - 3)) * distance(O,\n  F)", 20),
        (".5e1 * distance(O, F)", 50),
    ],
)
def test_values(text: str, expected: float) -> None:
    assert value(text) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1, column 1: a landmark, a number or a function is expected here, but the formula ends"),
        ("angle(O; F", "line 1, column 11: a comma or a closing parenthesis is expected here"),
        ("angle(O, F, D)", r"column 1: commas and semicolons do not fit: write angle\(vertex; p, q\)"),
        ("angle(O; F)", r"angle takes 3, not 2: write angle\(vertex; p, q\)"),
        ("angel(O; F, D)", "column 1: there is no function 'angel' -- did you mean angle?"),
        ("distance(O,\n  Q)", "line 2, column 3: 'Q' is not a landmark of square -- known: O, F, D"),
        ("distance(O, noose)", "column 13: 'noose' is not a landmark of square -- did you mean nose?"),
        ("distance(O, EN pn)", "column 16: .* not 'pn' .a name with a space in it stands in \"quotes\""),
        ("distance(O, angle)", r"angle is a function: write angle\(vertex; p, q\)"),
        ("distance(L2.O, F)", "'L2' is not a level of square -- did you mean L1?"),
        (
            "distance(O, F) + angle(O; F, D)",
            r"column 1: a length and an angle cannot be added: distance\(O, F\) \+ angle\(O; F, D\)",
        ),
        ("angle(O; F, D) - 3", "an angle and a number cannot be subtracted"),
        ("distance(O, F) * distance(O, F)", "a length and a length cannot be multiplied"),
        ("1 / distance(O, F)", "a number cannot be divided by a length"),
        ("O + F", "column 1: O is a point: only lengths, angles and numbers"),
        ("-line(O, F)", "a line has no negative"),
        ("line(O, F)", "the formula gives a line, not a number"),
        ("O", "the formula gives a point"),
        ("distance(O, line(O, F))", r"column 13: line\(O, F\) is a line, a point is wanted"),
        ("ratio(distance(O, F), 2)", "ratio cannot take a length and a number"),
        ("1 + 1", "the formula names no landmark of square"),
        ("distance(O, F) F", "column 16: an operator .* not 'F'"),
        ("distance(O, F", "column 14: .*but the formula ends"),
        ('distance(O, "F)', "column 13: this quote is not closed"),
        ("distance(O, F) ^ 2", r"column 16: '\^' does not belong in a formula"),
        ("__import__('os')", r"column 12: \"'\" does not belong|there is no function"),
        ("1e999 * distance(O, F)", "the number is too large"),
        ("(" * 100, "nested more than 30 deep"),
        ("-" * 9 + "1", "a landmark, a number or a function is expected here, not '-'"),
        ("1+" * 400 + "1", "at most 300"),
        ("x" * (MAX_CHARACTERS + 1), "at most 2000 characters"),
    ],
)
def test_messages(text: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message) as caught:
        compile_formula(text, SCHEMA)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("distance(O, F)", "deg"),
        ("angle(O; F, D)", "length"),
        ("angle(O; F, D)", "%"),
        ("distance(O, F)", "ratio"),
    ],
)
def test_unit_must_fit_the_kind(text: str, unit: str) -> None:
    with pytest.raises(FormulaError, match=f"but its unit is '{unit}'"):
        compile_formula(text, SCHEMA, unit)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("angle(O; F, nose)", r"angle\(O; F, nose\) is undefined: two of its points coincide"),
        ("distance_to_line(F, line(O, nose))", "two of its points coincide"),
        ("distance(O, project(F, line(O, nose)))", r"project\(F, line\(O, nose\)\) is undefined"),
        ("distance(O, intersection(line(O, F), line(D, X)))", "the lines are parallel"),
        ("ratio(distance(O, F), distance(O, nose))", "it divides by zero"),
        ("distance(O, F) / distance(O, nose)", "it divides by zero"),
        ("distance(O, F) / 0", "it divides by zero"),
    ],
)
def test_undefined_values_have_a_reason(text: str, message: str) -> None:
    points = coordinates()
    points["EN pn"] = points["O"]
    with pytest.raises(UndefinedError, match=message):
        compile_formula(text, SCHEMA).evaluate(points)


def test_a_batch_is_the_single_values_in_a_row() -> None:
    random = np.random.default_rng(7)
    batch = {name: xy + random.normal(size=(4, 2)) for name, xy in coordinates().items()}
    for text in (
        "signed_angle(line(O, F), perpendicular(X, line(D, F))) - angle(O; F, D)",
        "distance(intersection(line(O, X), line(F, D)), project(O, line(X, nose))) / 2",
    ):
        formula = compile_formula(text, SCHEMA)
        singles = [float(formula.evaluate({n: xy[i] for n, xy in batch.items()})) for i in range(4)]
        assert formula.evaluate(batch) == pytest.approx(singles)


def test_a_batch_keeps_undefined_values_as_nan() -> None:
    batch = {name: np.stack([xy, xy * 0, xy]) for name, xy in coordinates().items()}
    found = compile_formula("angle(O; F, X)", SCHEMA).evaluate(batch)
    assert found == pytest.approx([45, np.nan, 45], nan_ok=True)


def test_what_a_formula_knows_of_itself() -> None:
    formula = compile_formula("signed_angle(line(O, L1.nose), horizontal(O))", SCHEMA, "deg")
    assert formula.points == ("O", "L1.EN pn")
    assert formula.kind is Kind.ANGLE
    assert formula.signed
    assert formula.frame
    assert not compile_formula("distance(O, F)", SCHEMA).signed


def test_drawing() -> None:
    drawn = compile_formula("angle(O; F, D) - angle(O; F, X)", SCHEMA).drawing(coordinates())
    assert set(drawn.lines) == {"O-F", "O-D", "O-X"}
    assert drawn.anchor == pytest.approx([0, 0])
    foot = compile_formula("distance(nose, project(nose, line(O, F)))", SCHEMA).drawing(coordinates())
    assert foot.points["project(nose, line(O, F))"] == pytest.approx([30, 0])
    assert "EN pn-project(nose, line(O, F))" in foot.lines
    flat = compile_formula("signed_angle(horizontal(O), line(O, nose))", SCHEMA).drawing(coordinates())
    start, end = flat.lines["signed_angle(horizontal(O), line(O, nose)) 1"]
    assert end - start == pytest.approx([50, 0])


def test_help_of_every_function_is_itself_a_call() -> None:
    for function in FUNCTIONS.values():
        assert isinstance(parse(function.signature), Node)
        assert function.signature.startswith(f"{function.name}(")
        assert function.meaning


words = st.sampled_from(
    [
        *FUNCTIONS,
        *POINTS,
        '"EN pn"',
        "L1.O",
        "Q",
        "deg",
        "1",
        "2.5",
        "(",
        ")",
        ",",
        ";",
        "+",
        "-",
        "*",
        "/",
        " ",
    ]
)


@given(st.lists(words, max_size=25).map("".join) | st.text(max_size=40))
def test_any_text_is_a_formula_or_a_formula_error(text: str) -> None:
    message = "line "
    try:
        compile_formula(text, SCHEMA)
    except FormulaError as error:
        message = str(error)
    assert message.startswith("line ")


def pieces() -> st.SearchStrategy[str]:
    points = st.sampled_from(["O", "F", "D", "X", "nose"])
    lines = st.builds("line({}, {})".format, points, points)
    lengths = st.builds("distance({}, {})".format, points, points) | st.builds(
        "signed_distance({}, {})".format, points, lines
    )
    angles = st.builds("angle({}; {}, {})".format, points, points, points)
    numbers = st.builds("ratio({}, {})".format, lengths, lengths) | st.sampled_from(["0", "2", "1e300"])
    return st.recursive(
        lengths | angles | numbers,
        lambda inner: st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        max_leaves=6,
    )


@given(pieces())
def test_evaluating_ends_in_a_number_or_a_reason(text: str) -> None:
    found = 0.0
    try:
        found = value(text)
    except (FormulaError, UndefinedError) as error:
        assert str(error)  # noqa: PT017
    assert np.isfinite(found)
