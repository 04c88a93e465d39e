"""The process that decodes files: a codec that crashes, hangs or swallows all memory takes only this one down.

It is started by `spinekit.workflows.decoding` and speaks over one pipe of its own: a path and options come in,
images go out one by one, then ``None``, or the error that the file ended with.
"""

from __future__ import annotations

import dataclasses
import signal
from multiprocessing.connection import Connection
from pathlib import Path

from spinekit.core.errors import ReadError
from spinekit.files import sha256_of
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import read_images
from spinekit.formats.registry import image_readers


@dataclasses.dataclass(frozen=True, slots=True)
class Order:
    """One file to be decoded.

    Attributes:
        path: The file.
        options: How.
        seconds: After which nobody waits for it any more.
    """

    path: Path
    options: ReadOptions
    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """A file that gave no further image.

    Attributes:
        error: Why.
        sha256: Of the file's bytes, or empty where they could not be read.
    """

    error: ReadError
    sha256: str


def main(descriptor: int, memory: int) -> None:
    """Serves orders until the pipe closes.

    Args:
        descriptor: Of the pipe.
        memory: Bytes of address space that decoding may take.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides when to stop
    image_readers()
    _limit(memory)
    pipe: Connection = Connection(descriptor)
    while True:
        try:
            order = pipe.recv()
            _serve(pipe, order)
        except (EOFError, OSError):  # the run has ended
            return


def refused(path: Path, error: ReadError) -> Refused:
    """A refusal with the file's hash, by which a run that goes on knows the file again."""
    try:
        return Refused(error, sha256_of(path) if path.is_file() else "")
    except OSError:
        return Refused(error, "")


def _serve(pipe: Connection, order: Order) -> None:
    _end_after(2 * order.seconds + 5)  # should the run be killed meanwhile, an endless decode ends too
    try:
        for image in read_images(order.path, order.options):
            pipe.send(image)
    except ReadError as error:
        pipe.send(refused(order.path, error))
    except MemoryError:  # in the reader's own code, or on the way to the run
        full = ReadError(order.path, "not enough memory to decode it", "free memory, or lower --max-pixels")
        pipe.send(refused(order.path, full))
    else:
        pipe.send(None)
    finally:
        _end_after(0)


def _end_after(seconds: float) -> None:
    """Ends this process when it has computed so long, whatever native code is doing; 0 calls that off."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _limit(memory: int) -> None:
    try:
        import resource
    except ImportError:  # not on every system; the seconds still hold
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    if most != resource.RLIM_INFINITY:
        memory = min(memory, most)
    resource.setrlimit(resource.RLIMIT_AS, (memory, most))
