"""One broken file after the other, and what became of each."""

from __future__ import annotations

import random
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from spinekit.core.errors import SkipFile, SpinekitError
from tests.mutation.kinds import Kind, Seed, one_line

READ, REFUSED, SKIPPED, TRACEBACK = "read", "refused", "skipped", "traceback"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant.

    Attributes:
        number: Of the mutant; the same number is the same mutant in every run.
        seed: Name of the sound file.
        end: One of the words above.
        said: The error, or the end of a traceback.
        seconds: Of this process's time, not of the clock.
    """

    number: int
    seed: str
    end: str
    said: str
    seconds: float


def mutant(kind: Kind, seeds: Sequence[Seed], number: int) -> tuple[Seed, bytes]:
    """The mutant of that number.

    Args:
        kind: Of file.
        seeds: Of the kind.
        number: From 0.
    """
    seed = seeds[number % len(seeds)]
    return seed, kind.broken(seed.content, random.Random(f"{kind.name} {number}"))


def trials(kind: Kind, folder: Path, numbers: range) -> Iterator[Outcome]:
    """Breaks and reads, one mutant after the other.

    Args:
        kind: Of file.
        folder: An empty one.
        numbers: Of the mutants.
    """
    seeds = kind.seeds(folder)
    for number in numbers:
        seed, content = mutant(kind, seeds, number)
        path = folder / seed.name
        path.write_bytes(content)
        start = time.process_time()
        end, said = _tried(kind, path, seed)
        yield Outcome(number, seed.name, end, said, time.process_time() - start)
        path.unlink()


def _tried(kind: Kind, path: Path, seed: Seed) -> tuple[str, str]:
    try:
        with warnings.catch_warnings(action="ignore"):
            kind.read(path, seed)
    except SpinekitError as error:
        said = str(error)
        try:
            one_line(said)
            assert said.startswith((str(path), str(path.parent))), said
        except AssertionError:
            return TRACEBACK, f"a message unfit to be said: {said!r}"
        return (SKIPPED if isinstance(error, SkipFile) else REFUSED), said.removeprefix(str(path.parent))
    except Exception:  # noqa: BLE001  (this is what is looked for)
        return TRACEBACK, traceback.format_exc()[-1500:]
    return READ, ""
