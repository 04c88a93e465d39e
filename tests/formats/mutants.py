"""Broken files made from sound ones, the same in every run."""

from __future__ import annotations

import random
import re
import zlib
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
        yield broken_text(seed, generator)


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


# --- bytes ---

_LENGTHS = (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\1\0\0\0", b"\0\x40\0\0")
_HEAD = 2048  # headers lie in front; half of all damage is done there


def broken_bytes(content: bytes, generator: random.Random) -> bytes:
    """A binary file with one to three things broken: bytes, bits, numbers, pieces or the end.

    Args:
        content: A sound file.
        generator: Of random numbers.
    """
    kinds = (_written_over, _flipped, _number, _taken_out, _doubled, _ended)
    for _ in range(generator.randint(1, 3)):
        content = generator.choices(kinds, (4, 4, 4, 2, 2, 1))[0](content, generator)
    return content


def broken_png(content: bytes, generator: random.Random) -> bytes:
    """A broken PNG; every other one has the checksums of its chunks made right again, so that it is looked into.

    Args:
        content: A sound file.
        generator: Of random numbers.
    """
    broken = broken_bytes(content, generator)
    return _resealed(broken) if generator.random() < 0.5 else broken


def _resealed(content: bytes) -> bytes:
    """The same chunks with checksums that are right."""
    sealed, at = content[:8], 8
    while at + 12 <= len(content):
        end = at + 8 + int.from_bytes(content[at : at + 4], "big")
        if end + 4 > len(content):
            break
        sealed += content[at:end] + zlib.crc32(content[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return sealed + content[at:]


def _place(content: bytes, generator: random.Random) -> int:
    reach = min(len(content), _HEAD) if generator.random() < 0.5 else len(content)
    return generator.randrange(reach + 1)


def _written_over(content: bytes, generator: random.Random) -> bytes:
    at, fresh = _place(content, generator), generator.randbytes(generator.randint(1, 40))
    return content[:at] + fresh + content[at + len(fresh) :]


def _flipped(content: bytes, generator: random.Random) -> bytes:
    if not content:
        return content
    changed = bytearray(content)
    for _ in range(generator.randint(1, 8)):
        at = min(_place(content, generator), len(content) - 1)
        changed[at] ^= 1 << generator.randrange(8)
    return bytes(changed)


def _number(content: bytes, generator: random.Random) -> bytes:
    """A length, a count or an offset made extreme."""
    at, width = _place(content, generator), generator.choice((2, 4))
    return content[:at] + generator.choice(_LENGTHS)[-width:] + content[at + width :]


def _taken_out(content: bytes, generator: random.Random) -> bytes:
    at = _place(content, generator)
    return content[:at] + content[at + generator.randint(1, 400) :]


def _doubled(content: bytes, generator: random.Random) -> bytes:
    at = _place(content, generator)
    return content[: at + generator.randint(1, 400)] + content[at:]


def _ended(content: bytes, generator: random.Random) -> bytes:
    return content[: _place(content, generator)]


def broken_text(content: bytes, generator: random.Random) -> bytes:
    """A file of text with one to three things broken.

    Args:
        content: A sound file.
        generator: Of random numbers.
    """
    for _ in range(generator.randint(1, 3)):
        content = generator.choice((_token, _token, _bytes, _cut))(content, generator)
    return content
