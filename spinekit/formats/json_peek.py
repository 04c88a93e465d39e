"""What kind of JSON a file holds, seen in its first bytes, however large it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_HEAD_BYTES = 1 << 20
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*)"|[{}\[\]:]')


@dataclass(frozen=True, slots=True)
class JsonKeys:
    """Keys of a JSON text that is an object.

    Attributes:
        top: Of the outermost object.
        below: Of the objects and lists of objects that those hold.
        whole: Whether the text ended within what was looked at.
    """

    top: frozenset[str]
    below: frozenset[str]
    whole: bool


def peek_keys(path: Path) -> JsonKeys | None:
    """The outer keys of a JSON object; None for any other file. Never raises.

    Keys that follow the first megabyte are not seen; nothing is said about whether the JSON is sound.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES + 1)
    except OSError:
        return None
    text = head[:_HEAD_BYTES].decode("utf-8-sig", "replace").lstrip()
    if not text.startswith("{"):
        return None
    levels: dict[int, set[str]] = {1: set(), 2: set()}
    depth = 0  # of objects; lists are looked through
    word: str | None = None
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign == ":":
            if word is not None and depth in levels:
                levels[depth].add(word)
        elif sign in "{}":
            depth += 1 if sign == "{" else -1
        word = token[1] if sign.startswith('"') else None
    return JsonKeys(frozenset(levels[1]), frozenset(levels[2]), len(head) <= _HEAD_BYTES)
