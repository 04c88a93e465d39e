"""The languages of pages: the same keys, the same places for values, forms for every number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinekit.core.errors import UsageError
from spinekit.core.measurement import Status
from spinekit.core.norm import Verdict
from spinekit.core.notice import RESEARCH_USE
from spinekit.core.spacing import LABELS, SpacingOrigin
from spinekit.views.film_layers import LAYERS
from spinekit.views.language import PLURALS, language_codes, load_language, read_language

PLACES = re.compile(r"\{(\w+)\}")
TEMPLATE = Path(__file__).resolve().parents[2] / "spinekit" / "views" / "templates" / "report.html"


def test_english_comes_first_and_russian_is_there() -> None:
    assert language_codes()[0] == "en"
    assert "ru" in language_codes()


@pytest.mark.parametrize("code", language_codes())
def test_every_language_has_the_keys_and_places_of_english(code: str) -> None:
    language, model = load_language(code), load_language("en")
    assert language.text.keys() == model.text.keys()
    assert language.count.keys() == model.count.keys()
    for key, words in model.text.items():
        assert sorted(PLACES.findall(words)) == sorted(PLACES.findall(language.text[key])), key
    for key, forms in language.count.items():
        counted = {"{n}" in words for words in forms.values()}
        assert counted == {"{n}" in words for words in model.count[key].values()}, key


@pytest.mark.parametrize("code", language_codes())
def test_what_code_and_template_ask_for_is_in_the_language(code: str) -> None:
    language = load_language(code)
    asked = set(re.findall(r"lang\.text\.(\w+)", TEMPLATE.read_text("utf-8")))
    asked |= {f"layer_{name}" for name in LAYERS} | {f"spacing_{origin.value}" for origin in SpacingOrigin}
    asked |= {f"verdict_{verdict.value}" for verdict in Verdict if verdict.value}
    asked |= {f"status_{status.value}" for status in Status}
    assert asked <= language.text.keys()
    counted = set(re.findall(r'lang\.counted\("(\w+)"', TEMPLATE.read_text("utf-8")))
    assert counted <= language.count.keys()


def test_english_says_what_the_code_says() -> None:
    text = load_language("en").text
    assert text["research_use"] == RESEARCH_USE
    assert {origin: text[f"spacing_{origin.value}"] for origin in SpacingOrigin} == LABELS


@pytest.mark.parametrize(
    ("count", "words"),
    [(0, "0 снимков"), (1, "1 снимок"), (2, "2 снимка"), (5, "5 снимков"), (11, "11 снимков"), (12, "12 снимков"),
     (21, "21 снимок"), (22, "22 снимка"), (104, "104 снимка"), (111, "111 снимков")],
)  # fmt: skip
def test_russian_counts(count: int, words: str) -> None:
    assert load_language("ru").counted("image", count) == words


@given(st.integers(0, 10_000), st.sampled_from(sorted(PLURALS)))
def test_every_number_has_a_form(count: int, rule: str) -> None:
    forms, choose = PLURALS[rule]
    assert choose(count) in forms


def test_numbers_have_the_sign_of_their_language() -> None:
    assert load_language("ru").number(-34.25, "deg") == "\N{MINUS SIGN}34,2°"
    assert load_language("en").number(-0.01, "mm") == "0.0 mm"
    assert load_language("ru").figures("82.5 ± 2, T12-L2, -3") == "82,5 ± 2, T12-L2, \N{MINUS SIGN}3"


def test_a_known_sentence_is_said_in_russian_and_an_unknown_one_stays() -> None:
    language = load_language("ru")
    said = "lengths are mm at detector plane (overestimates); from the middle of L5: no S1 is seen"
    here = "длины даны в плоскости детектора и завышены; отсчёт от середины L5: S1 не виден"
    assert language.saying(said) == here
    assert language.saying("the interval holds 74.6 deg and 78.7 deg").endswith("пороги 74,6° и 78,7°")
    assert language.saying("nobody said this") == "nobody said this"


@given(st.text(alphabet="{}abn0.!_", max_size=20))
def test_values_are_never_read_as_sentences(value: str) -> None:
    language = load_language("en")
    said = language.fill("interval", {"low": value, "high": value})
    assert said == f"{value} to {value}"


def test_an_unknown_language_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"there is no language 'xx' -- .*en"):
        load_language("xx")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("- a\n", "a language is a mapping"),
        ("name: x\n", "lacks or misshapes 'plural'"),
        ("name: x\nplural: dual\ndecimal: .\ntext: {}\ncount: {}\n", "plural"),
        ("name: x\nplural: slavic\ndecimal: ','\ntext: {}\ncount: {image: {one: a}}\n", "slavic needs one"),
    ],
)  # fmt: skip
def test_a_broken_file_is_told_in_one_line(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "xx.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=said) as told:
        read_language(path)
    assert "\n" not in str(told.value)
