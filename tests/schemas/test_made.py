from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from spinekit.schemas import load_schema
from spinekit.schemas.made import schema_from_names

WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6).filter(lambda word: bool(word.strip()))


@given(st.lists(WORDS, min_size=1, max_size=6), st.lists(WORDS, max_size=6))
def test_every_name_is_found_again(classes: list[str], landmarks: list[str]) -> None:
    schema = schema_from_names(
        "x", "pose", classes, landmarks, [(a, b) for a in landmarks for b in landmarks]
    )
    assert set(schema.classes) == {word.strip() for word in classes}
    names = schema.landmark_names
    assert len(set(names)) == len(names) == len({word.strip() for word in landmarks})
    assert all(schema.resolve(word.strip()) for word in landmarks)
    assert len({schema.resolve(word.strip()) for word in landmarks}) == len(names)
    assert not any(set(name) & set('."\n\r') for name in names)
    assert all(set(pair) <= set(names) for pair in schema.edges)
    assert len(schema.flip_index()) == len(names)


def test_order_is_kept_and_a_dot_becomes_an_underscore() -> None:
    schema = schema_from_names(
        "set", "pose", ["b", "a", "b"], ["L1.TL", "L1_TL", "q"], [("q", "L1.TL"), ("q", "z")]
    )
    assert schema.classes == ("b", "a")
    assert schema.landmark_names == ("L1_TL", "L1_TL_", "q")
    assert schema.resolve("L1.TL") == "L1_TL"
    assert schema.edges == (("q", "L1_TL"),)


def test_a_set_that_ships_lends_what_names_do_not_tell() -> None:
    shipped = load_schema("spine-ap")
    order = tuple(reversed(shipped.landmark_names))
    schema = schema_from_names("mine", "pose", ["L1", "L2"], order)
    assert schema.landmark_names == order
    assert (schema.mirrored, schema.edges) == (shipped.mirrored, shipped.edges)
    assert [order[index] for index in schema.flip_index()] == [
        dict([*shipped.mirrored, *((b, a) for a, b in shipped.mirrored)])[name] for name in order
    ]
    assert schema_from_names("mine", "pose", ["L1"], order[1:]).mirrored == ()
