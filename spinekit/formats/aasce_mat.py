"""Label files of AASCE as MATLAB 5 wrote them: ``p2``, 68 x 2 px, per vertebra TL, TR, BL, BR.

Nothing but that one array is loaded, and no file of more than a few of them: what is compressed can unfold to
at most a thousand times its size.
"""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np

from spinekit.core.errors import AnnotationError
from spinekit.core.image import FloatArray

BODIES = 17
CORNERS = ("TL", "TR", "BL", "BR")
_NAME = "p2"
_SHAPE = (BODIES * len(CORNERS), 2)
_MAX_BYTES = 64 * 1024
_HEADER = b"MATLAB 5.0 MAT-file"
_NUMBERS = frozenset(
    {"double", "single", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
)


def read_corners(path: Path) -> FloatArray:
    """The (68, 2) corners of a film, px.

    Raises:
        AnnotationError: If the file is none of this kind.
    """
    content = _content(path)
    try:
        corners = _loaded(content)
    except _damage() as error:
        raise AnnotationError(f"{path}: is damaged ({type(error).__name__}) -- copy it again") from error
    if corners is None:
        raise AnnotationError(f"{path}: holds no numbers p2 of 68 x 2 -- this is no label of AASCE")
    if not bool(np.isfinite(corners).all()):
        raise AnnotationError(f"{path}: p2 holds a number that is none -- correct it")
    return corners


def is_corners(path: Path) -> bool:
    """Whether a file holds the corners of a film."""
    try:
        if not path.is_file():
            return False
        read_corners(path)
    except AnnotationError:
        return False
    return True


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        raise AnnotationError(f"{path}: cannot be read ({error.strerror}) -- check the path") from error
    if len(content) > _MAX_BYTES:
        raise AnnotationError(f"{path}: is larger than {_MAX_BYTES} bytes -- a label of AASCE has some 400")
    if not content.startswith(_HEADER):
        raise AnnotationError(f"{path}: is no MATLAB 5 file -- save it with the option -v6 or -v7")
    return content


def _loaded(content: bytes) -> FloatArray | None:
    """The array; None where the file's own list of contents has none of that name, kind and shape."""
    from scipy.io import loadmat, whosmat

    if (_NAME, _SHAPE) not in [
        (name, shape) for name, shape, kind in whosmat(io.BytesIO(content)) if kind in _NUMBERS
    ]:
        return None
    found = loadmat(io.BytesIO(content), variable_names=(_NAME,)).get(_NAME)
    if not isinstance(found, np.ndarray) or found.shape != _SHAPE or found.dtype.kind not in "iuf":
        return None
    return found.astype(np.float64)


def _damage() -> tuple[type[Exception], ...]:
    """What reading a damaged file raises."""
    from scipy.io.matlab import MatReadError

    return (
        MatReadError, OSError, ValueError, TypeError, KeyError, IndexError, NotImplementedError, OverflowError,
        MemoryError, zlib.error,
    )  # fmt: skip
