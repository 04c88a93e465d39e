"""Broken files made from sound ones, the same in every run."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_WORD = re.compile(rb'"[^"\\]{0,40}"')
_ODD_NUMBERS = (b"-1", b"1e999", b"NaN", b"null", b"true", b'"x"', b"[]", b"{}", b"0", b"99999999999", b"")
_ODD_WORDS = (
    b'""',
    b"null",
    b"7",
    b"[]",
    b"{}",
    b'"../../x"',
    b'"\\u0000"',
    b'"\\ud800"',
    b'"' + b"y" * 5000 + b'"',
)
_ODD_BYTES = (b"\0", b"\xff", b"{", b"}", b"[", b'"', b"<", b">", b"&a;", b",", b"\n", b"=", b"#", b"'")


def mutants(seed: bytes, count: int, start: int = 0) -> Iterator[bytes]:
    """Versions of a file, each with one to three things broken.

    Args:
        seed: A sound file.
        count: How many.
        start: Of the generator of random numbers.
    """
    generator = random.Random(start)
    for _ in range(count):
        content = seed
        for _ in range(generator.randint(1, 3)):
            content = generator.choice((_token, _token, _bytes, _cut))(content, generator)
        yield content


def _token(content: bytes, generator: random.Random) -> bytes:
    """A number or a quoted word replaced by something odd."""
    pattern, odd = generator.choice(((_NUMBER, _ODD_NUMBERS), (_WORD, _ODD_WORDS)))
    found = list(pattern.finditer(content))
    if not found:
        return content
    place = generator.choice(found)
    return content[: place.start()] + generator.choice(odd) + content[place.end() :]


def _bytes(content: bytes, generator: random.Random) -> bytes:
    """A few bytes put in or written over."""
    at = generator.randrange(len(content) + 1)
    return content[:at] + generator.choice(_ODD_BYTES) + content[at + generator.randint(0, 3) :]


def _cut(content: bytes, generator: random.Random) -> bytes:
    """A piece taken out, doubled, or all that follows cut off."""
    first, last = sorted(generator.randrange(len(content) + 1) for _ in range(2))
    last = min(last, first + 200)
    kinds = (content[:first] + content[last:], content[:last] + content[first:], content[:first])
    return generator.choices(kinds, (5, 5, 1))[0]
