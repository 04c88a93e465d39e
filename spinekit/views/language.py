"""The languages of pages: one YAML file each beside this module; adding a file adds a language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import cast

from spinekit.core.errors import UsageError
from spinekit.schemas import load_yaml, nearest
from spinekit.views.wording import DECIMALS, UNITS

_FOLDER = Path(__file__).resolve().parent / "languages"
_MINUS = "\N{MINUS SIGN}"


def _slavic(count: int) -> str:
    if count % 10 == 1 and count % 100 != 11:
        return "one"
    return "few" if count % 10 in {2, 3, 4} and count % 100 not in {12, 13, 14} else "many"


PLURALS: Mapping[str, tuple[tuple[str, ...], Callable[[int], str]]] = {
    "none": (("other",), lambda _: "other"),
    "one-other": (("one", "other"), lambda count: "one" if count == 1 else "other"),
    "zero-one-other": (("one", "other"), lambda count: "one" if count in {0, 1} else "other"),
    "slavic": (("one", "few", "many"), _slavic),
}
"""How languages count: the forms that a word needs, and which stands beside a number (after Unicode's CLDR)."""


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """The words of a page in one language.

    Attributes:
        code: As in ``<html lang>`` and the file's name, e.g. ``ru``.
        name: In itself, e.g. ``русский``.
        plural: A key of `PLURALS`.
        decimal: Sign before the decimals.
        text: Sentences by key; ``{name}`` stands for a value.
        count: By key the forms of a counted word, with ``{n}`` for the number.
        said: Sentences of measurements and models in English, ``{}`` for what varies, and what they are here.
    """

    code: str
    name: str
    plural: str
    decimal: str
    text: Mapping[str, str]
    count: Mapping[str, Mapping[str, str]]
    said: tuple[tuple[re.Pattern[str], str], ...] = ()

    def fill(self, key: str, values: Mapping[str, object]) -> str:
        """A sentence with its values in place; what a value holds is never read as a sentence again."""
        return re.sub(r"\{(\w+)\}", lambda found: str(values[found[1]]), self.text[key])

    def counted(self, key: str, number: int) -> str:
        """A number with its word in the right form, e.g. ``21 снимок``."""
        form = PLURALS[self.plural][1](number)
        return self.count[key][form].replace("{n}", str(number))

    def number(self, value: float, unit: str) -> str:
        """A value with its unit, e.g. ``34.2°``; one decimal, ratios three."""
        decimals = DECIMALS.get(unit, 3)
        text = f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", _MINUS).replace(".", self.decimal)
        return text + (UNITS.get(unit, f" {unit}") if unit else "")

    def figures(self, text: str) -> str:
        """Numbers in a text of our own, with this language's decimal sign and a true minus."""
        text = re.sub(r"(?<=\d)\.(?=\d)", self.decimal, text)
        return re.sub(r"(?<![\w\d])-(?=\d)", _MINUS, text)

    def saying(self, sentence: str) -> str:
        """What a measurement or a model said, in this language where the file knows the sentence."""
        return "; ".join(self._one(part) for part in sentence.split("; "))

    def _one(self, sentence: str) -> str:
        for pattern, here in self.said:
            found = pattern.fullmatch(sentence)
            if found is not None:
                return _filled(here, [self.figures(piece) for piece in found.groups()])
        return sentence


def language_codes() -> tuple[str, ...]:
    """The languages that there are, English first."""
    return tuple(
        sorted((path.stem for path in _FOLDER.glob("*.yaml")), key=lambda code: (code != "en", code))
    )


@cache
def load_language(code: str) -> Language:
    """A language by its code.

    Raises:
        UsageError: If there is no such language (those that there are are named), or its file is not whole.
    """
    if code not in language_codes():
        raise UsageError(f"there is no language {code!r} -- {nearest(code, language_codes())}")
    path = _FOLDER / f"{code}.yaml"
    language = read_language(path)
    if language.code != "en":
        _check_whole(path, language, load_language("en"))
    return language


def read_language(path: Path) -> Language:
    """A language from a file.

    Raises:
        UsageError: If a part of it is missing or misshapen.
    """
    content = load_yaml(path)
    if not isinstance(content, dict):
        raise UsageError(f"{path.name}: a language is a mapping -- see en.yaml")
    try:
        plural = str(content["plural"])
        if plural not in PLURALS:
            raise UsageError(f"{path.name}: plural: {nearest(plural, tuple(PLURALS))}")
        text, count = (
            cast("dict[str, str]", content["text"]),
            cast("dict[str, dict[str, str]]", content["count"]),
        )
        for key, forms in count.items():
            if set(forms) != set(PLURALS[plural][0]):
                raise UsageError(
                    f"{path.name}: count: {key}: has {', '.join(forms)} -- {plural} needs "
                    f"{', '.join(PLURALS[plural][0])}"
                )
        return Language(
            code=path.stem,
            name=str(content["name"]),
            plural=plural,
            decimal=str(content["decimal"]),
            text={key: str(value) for key, value in text.items()},
            count=count,
            said=tuple(_pattern(*pair) for pair in cast("dict[str, str]", content.get("said") or {}).items()),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path.name}: lacks or misshapes {error} -- see en.yaml") from error


def _filled(here: str, pieces: list[str]) -> str:
    """A sentence whose ``{}`` take the pieces in turn."""
    words = here.split("{}")
    return words[0] + "".join(piece + word for piece, word in zip(pieces, words[1:], strict=False))


def _pattern(sentence: str, here: str) -> tuple[re.Pattern[str], str]:
    return re.compile("(.+?)".join(re.escape(part) for part in sentence.split("{}")), re.DOTALL), here


def _check_whole(path: Path, language: Language, model: Language) -> None:
    for part, mine, theirs in (("text", language.text, model.text), ("count", language.count, model.count)):
        missing, strange = sorted(set(theirs) - set(mine)), sorted(set(mine) - set(theirs))
        if missing or strange:
            found = f"lacks {missing[0]}" if missing else f"has {strange[0]}, which no page uses"
            raise UsageError(f"{path.name}: {part}: {found} -- keep to the keys of en.yaml")
