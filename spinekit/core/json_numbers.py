"""Numbers in JSON text that a float cannot hold: Python reads them as infinite, which JSON does not know."""

from __future__ import annotations

import re

_SHAPE = str.maketrans(
    "123456789E", "000000000e"
)  # every digit alike: then plain searches find what takes many
_DIGITS = "0" * 300
# An exponent ends where its number does, unlike an "e" among the digits of a hash.
_EXPONENT = re.compile(r"e\+?0{3,}(?=[\s,\]}]|\Z)")


def may_overflow(text: str) -> bool:
    """Whether JSON may hold a number beyond all bounds; False is certain, True is to be looked into.

    Args:
        text: The JSON text.
    """
    shape = text.translate(_SHAPE)
    return _DIGITS in shape or _EXPONENT.search(shape) is not None
