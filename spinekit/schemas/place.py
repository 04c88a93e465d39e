"""A value of a YAML file with the place where it stands, so that each complaint names its place."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spinekit.core.errors import UsageError


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint ``did you mean X?`` or the list of what there is, to close a message with."""
    options = list(known)
    folded = {option.lower(): option for option in options}
    begun = [option for option in folded if name and option.startswith(name.lower())]
    close = begun or difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.5)
    if close:
        return f"did you mean {folded[close[0]]}?"
    return f"known: {', '.join(options)}" if options else "there are none"


@dataclass(frozen=True, slots=True)
class Place:
    """A value and where it stands.

    Attributes:
        source: What to call the file.
        where: The path to the value, e.g. ``the schema.landmarks[2].name``.
        value: As YAML gave it.
    """

    source: str
    where: str
    value: object

    def wrong(self, what: str) -> UsageError:
        """A complaint about this place."""
        return UsageError(f"{self.source}: {self.where} {what}")

    def text(self) -> str:
        """The value as text that is not empty."""
        if not isinstance(self.value, str):
            raise self.wrong(f"must be text, not {self.value!r} -- put it in quotes")
        if not self.value.strip():
            raise self.wrong("is empty")
        return self.value

    def number(self) -> float:
        """The value as a finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.wrong(f"must be a number, not {self.value!r}")
        if not math.isfinite(self.value):
            raise self.wrong(f"must be a finite number, not {self.value!r}")
        return float(self.value)

    def choice(self, options: Sequence[str]) -> str:
        """The value as one of these words."""
        value = self.text()
        if value not in options:
            raise self.wrong(f"is {value!r} -- {nearest(value, options)}")
        return value

    def items(self) -> list[Place]:
        """The members of a list."""
        if not isinstance(self.value, list):
            raise self.wrong(f"must be a list, not {self.value!r}")
        return [Place(self.source, f"{self.where}[{i}]", item) for i, item in enumerate(self.value)]

    def names(self) -> tuple[str, ...]:
        """A list of texts, each once."""
        found = tuple(item.text() for item in self.items())
        self.told_once(found)
        return found

    def keys(self, known: Sequence[str] | None, needed: Sequence[str] = ()) -> dict[str, Place]:
        """A mapping, of which every key is known (None: any will do) and the needed ones are there."""
        if not isinstance(self.value, dict):
            raise self.wrong("must be a mapping of keys to values")
        for key in self.value:
            if known is not None and key not in known:
                raise self.wrong(f"has an unknown key {key!r} -- {nearest(str(key), known)}")
        for key in needed:
            if key not in self.value:
                raise self.wrong(f"lacks the key {key!r}")
        return {k: Place(self.source, f"{self.where}.{k}", v) for k, v in self.value.items()}

    def told_once(self, names: Sequence[str]) -> None:
        """Refuses a name that is there twice."""
        doubled = sorted({name for name in names if names.count(name) > 1})
        if doubled:
            raise self.wrong(f"tells {', '.join(doubled)} twice")
