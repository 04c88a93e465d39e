"""A kind whose reader dies or never ends now and then, as codecs do."""

from __future__ import annotations

import os
import time
from pathlib import Path

from spinekit.core.errors import ReadError, SkipFile
from tests.mutation.kinds import Kind, Seed


def _read(path: Path, _: Seed) -> None:
    match path.read_bytes()[0] % 8:
        case 1:
            os.abort()
        case 2:
            while True:  # busy for ever
                time.perf_counter()
        case 3:
            raise ReadError(path, "damaged", "copy it again")
        case 4:
            raise SkipFile(path, "no image", "nothing is to be done")
        case 5:
            raise KeyError("a fault of the program")
        case 6:
            raise ReadError(path, "two\nlines", "copy it again")


DYING = Kind("dying", lambda _: [Seed(f"{n}.bin", bytes([n])) for n in range(8)], lambda c, _: c, _read)
