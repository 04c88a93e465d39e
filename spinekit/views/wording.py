"""Numbers and names as a reader meets them, alike in pictures and reports."""

from __future__ import annotations

import re

from spinekit.core.measurement import Measurement, Status
from spinekit.core.scene import Instance, Scene
from spinekit.core.spacing import LABELS
from spinekit.files import printable

UNITS = {"deg": "°", "%": " %"}
DECIMALS = {"deg": 1, "mm": 1, "px": 1, "%": 1}
SURE_NAME = 0.75  # names less likely than this say so
LEVELLED = re.compile(r"(?P<family>.+?)_(?P<place>[ctls]\d+(?:_[ctls]\d+)?)")  # a measurement of one level
NAME_DOUBT = "level uncertain"  # begins the flag of a body whose name alone is in doubt


def number(value: float, unit: str) -> str:
    """A value with its unit, e.g. ``34.2°``, ``69.9 px``, ``0.327``.

    One decimal is more than readers agree on; ratios, which have no unit, get three.
    """
    decimals = DECIMALS.get(unit, 3)
    # A tiny negative would print as "-0.0".
    text = f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "\N{MINUS SIGN}")
    return text + (UNITS.get(unit, f" {unit}") if unit else "")


def interval(result: Measurement) -> str:
    """The 95 % interval, e.g. ``31.0 to 37.4``, or an empty string where it is unknown."""
    if result.low is None or result.high is None:
        return ""
    low, high = (number(end, result.unit) for end in (result.low, result.high))
    return f"{low} to {high}"


def scale_words(result: Measurement) -> str:
    """What a number without them would not say: the source of millimetres, that pixels are no length."""
    if result.spacing_origin is not None and result.unit == "mm":
        return LABELS[result.spacing_origin]
    return {"px": "no scale known", "": "ratio"}.get(result.unit, "")


def doubtful(result: Measurement) -> bool:
    """Whether a person should look before the value is used."""
    return result.status is not Status.OK


def plain(text: object) -> str:
    """Any text fit to print: one line, no control characters, none that change the direction of reading."""
    words = str(text)
    return words if words.isprintable() else printable(words)  # which looks at every letter


def short(text: str, letters: int = 24) -> str:
    """`plain` text with what is beyond so many letters left out."""
    words = plain(text)
    return words if len(words) <= letters else words[: letters - 1] + "\N{HORIZONTAL ELLIPSIS}"


def place_doubted(item: Instance) -> bool:
    """Whether it is in doubt where a thing lies or that it is there, and not only what it is called."""
    return any(not flag.startswith(NAME_DOUBT) for flag in item.flags)


def name_of(item: Instance, scene: Scene) -> str:
    """A body's name with a question mark where there is doubt; ``T7 54%?`` where it may be another level."""
    levels, shares, name = scene.schema.levels, item.level_shares, short(item.label)
    if shares is not None and item.label in levels and float(shares.sum()) > 0:
        own = float(shares[levels.index(item.label)] / shares.sum())
        if own < SURE_NAME:
            return f"{name} {own:.0%}?"
    return f"{name} ?".strip() if item.flags else name


def family_of(name: str) -> str:
    """A measurement's name without the level at its end: ``body_height`` of ``body_height_l1``."""
    found = LEVELLED.fullmatch(name)
    return found["family"] if found is not None else name
