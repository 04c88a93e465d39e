"""YAML as data only."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.errors import UsageError
from spinekit.schemas.strict_yaml import MAX_BYTES, load_yaml, parse_yaml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\nb: *x", "line 2, column 4: aliases"),
        ("a: 1\na: 2", "line 2, column 1: the key 'a' occurs twice"),
        ("no: 1", "'no' is not text: put it in quotes"),
        ("[" * 600, "nested more than 20 deep"),
        ("a: !!python/object/apply:os.system [ls]", "python/object"),
        ("\t- x", "line 1, column 1"),
        ("a: 2024-99-99", "not valid YAML"),
        ("a: !!timestamp x", "not valid YAML"),
        ("a: {b", "line 1"),
        ("--- a\n--- b", "another document"),
        ("<<: {a: 1}", "put it in quotes"),
        ("? [a, b]\n: 1", "not text"),
        ("a: \x00", "not valid YAML"),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse_yaml(text, "f.yaml")
    assert str(caught.value).startswith("f.yaml")
    assert "\n" not in str(caught.value)


def test_plain_data() -> None:
    assert parse_yaml("a: [1, 0.5, x, yes]\nb: {c: }", "f") == {"a": [1, 0.5, "x", True], "b": {"c": None}}


def test_byte_order_mark_and_size(tmp_path: Path) -> None:
    path = tmp_path / "f.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1")
    assert load_yaml(path) == {"a": 1}
    path.write_bytes(b"# " + b"x" * MAX_BYTES)
    with pytest.raises(UsageError, match="larger than"):
        load_yaml(path)
    path.write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(UsageError, match="UTF-8"):
        load_yaml(path)
    with pytest.raises(UsageError, match="cannot be read"):
        load_yaml(tmp_path)


@given(st.text(alphabet="ab01:-[]{}&*!|>'\"%@#,? \n\t.~<=", max_size=40) | st.text(max_size=40))
def test_any_text_ends_in_data_or_a_usage_error(text: str) -> None:
    complaint = "f.yaml"
    try:
        parse_yaml(text, "f.yaml")
    except UsageError as error:
        complaint = str(error)
    assert complaint.startswith("f.yaml")


def test_numbers_are_keys_only_where_they_are_wanted() -> None:
    text = "names: {0: a, 1: b}"
    assert parse_yaml(text, "f.yaml", number_keys=True) == {"names": {0: "a", 1: "b"}}
    with pytest.raises(UsageError, match="the key '0' is not text"):
        parse_yaml(text, "f.yaml")
    for doubled in ("{1: a, 1: b}", "{1: a, 0x1: b}"):
        with pytest.raises(UsageError, match="the key 1 occurs twice"):
            parse_yaml(doubled, "f.yaml", number_keys=True)
    with pytest.raises(UsageError, match="the key 'no' is not text"):
        parse_yaml("{no: a}", "f.yaml", number_keys=True)
