"""Files decoded ahead of the network, in processes of their own, in the order in which they were found.

Each process has its own pipe and its own thread that waits for it: nothing is shared between two of them, so
one that dies with a lock, or with half a message sent, stalls nobody.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import spinekit
from spinekit.core.errors import EnvironmentFaultError, ReadError, SpinekitError
from spinekit.core.image import Image
from spinekit.formats.plugin import ReadOptions
from spinekit.formats.reading import FoundFile, read_images
from spinekit.workflows.decoding_child import Order, Refused, refused

MOST_WORKERS = 4
_FEW = 3  # files of harmless kinds for which no process is started
_HARMLESS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")  # whose decoders stood 10,000 damaged files
_HARMLESS_BYTES = 4 << 20
_HEAVY_BYTES = 2 << 20
_LOOKED_AT = 64  # files that tell what kind of files there are
_SHARED_MEMORY = 2 << 30  # libraries, and room for what no pixel is
_PIXEL_MEMORY = 48  # bytes that decoding and windowing take for a pixel, at the most
_START = "import sys; sys.path.append(sys.argv[1]); from spinekit.workflows.decoding_child import main; "

_Message = Image | Refused | None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost.

    Attributes:
        options: How files are read, with the limits of pixels and bytes.
        seconds: To decode one.
    """

    options: ReadOptions
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A file and its images, which may still be on their way.

    Attributes:
        found: The file.
        messages: Its images, then None or why there are no more; read once.
    """

    found: FoundFile
    messages: Iterator[_Message]


def workers_for(asked: int | None, files: Sequence[FoundFile]) -> int:
    """How many processes decode: as asked, or none for a few small PNG and JPEG files, or by the cores.

    Args:
        asked: By the user, or None.
        files: To be decoded.
    """
    if sys.platform == "win32":
        return 0  # pipes are handed down in another way there
    if asked is not None:
        return min(asked, len(files))
    if len(files) <= _FEW and all(_harmless(item.path) for item in files):
        return 0
    cores = os.cpu_count() or 1
    return min(MOST_WORKERS, cores if _heavy(files) else max(1, cores // 2), len(files))


def _heavy(files: Sequence[FoundFile]) -> bool:
    """Whether most of the first files take longer to decode than a network takes to read them (JPEG 2000)."""
    some = files[:_LOOKED_AT]
    return 2 * sum(_large(item.path) for item in some) > len(some)


def _large(path: Path) -> bool:
    """Whether a file is large and neither PNG nor JPEG, which are decoded faster than a network reads them."""
    try:
        with path.open("rb") as stream:
            large = os.fstat(stream.fileno()).st_size > _HEAVY_BYTES
            return large and not stream.read(8).startswith(_HARMLESS)
    except OSError:
        return False


def _harmless(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            small = os.fstat(stream.fileno()).st_size <= _HARMLESS_BYTES
            return small and stream.read(8).startswith(_HARMLESS)
    except OSError:
        return True  # what cannot be opened is refused before any decoder sees it


class Decoders:
    """Processes that decode files; with none of them, files are decoded where they are asked for.

    They are started at once, so that they load while models do.

    Args:
        workers: How many processes.
        limits: What a file may cost.
    """

    def __init__(self, workers: int, limits: Limits) -> None:
        self._limits = limits
        self._orders: queue.SimpleQueue[_Slot | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._threads = [_Worker(self._orders, self._closed, limits) for _ in range(workers)]
        for worker in self._threads:
            worker.start()

    def __enter__(self) -> Decoders:
        """Itself."""
        return self

    def __exit__(self, *failure: object) -> None:
        """Ends the processes, whatever they are doing."""
        del failure
        self._closed.set()
        for _ in self._threads:
            self._orders.put(None)
        for worker in self._threads:
            while worker.is_alive():  # it may be about to start a process
                worker.kill()
                worker.join(0.1)

    def decoded(self, files: Iterable[FoundFile]) -> Iterator[Decoded]:
        """Each file with its images, in order; a few files ahead of the one that is asked for.

        Args:
            files: Regular files.
        """
        if not self._threads:
            yield from (Decoded(item, _in_this_process(item, self._limits)) for item in files)
            return
        ahead: deque[_Slot] = deque()
        for item in files:
            ahead.append(_Slot(item))
            self._orders.put(ahead[-1])
            if len(ahead) > len(self._threads) + 1:
                yield _taken(ahead.popleft())
        while ahead:
            yield _taken(ahead.popleft())


@dataclass(frozen=True, slots=True, eq=False)
class _Slot:
    """A file's place in the order, and the way of its images to the reader: one waits, no more."""

    found: FoundFile
    messages: queue.Queue[_Message] = field(default_factory=lambda: queue.Queue(1))


def _taken(slot: _Slot) -> Decoded:
    def messages() -> Iterator[_Message]:
        while True:
            message = slot.messages.get()
            yield message
            if not isinstance(message, Image):
                return

    return Decoded(slot.found, messages())


def _in_this_process(found: FoundFile, limits: Limits) -> Iterator[_Message]:
    try:
        yield from read_images(found.path, replace(limits.options, root=found.root))
    except ReadError as error:
        yield refused(found.path, error)
    else:
        yield None


class _Worker(threading.Thread):
    """A thread that has one process decode file after file, and replaces it when it dies or hangs."""

    def __init__(
        self, orders: queue.SimpleQueue[_Slot | None], closed: threading.Event, limits: Limits
    ) -> None:
        super().__init__(name="decoding", daemon=True)
        self._orders, self._closed, self._limits = orders, closed, limits
        self._child: _Child | None = _Child(limits.options.max_pixels)

    def run(self) -> None:
        """Serves slots until it is told to end."""
        while (slot := self._orders.get()) is not None and not self._closed.is_set():
            self._serve(slot)

    def kill(self) -> None:
        """Ends the process; from any thread."""
        child = self._child
        if child is not None:
            child.kill(0)

    def _serve(self, slot: _Slot) -> None:
        delivered = 0
        for attempt in (1, 2):
            try:
                for message in self._messages(slot):
                    self._deliver(slot, message)
                    delivered += 1
            except _TooLongError:
                self._replace()
                seconds = f"{self._limits.seconds:g}"
                error = ReadError(
                    slot.found.path, f"took longer than {seconds} s to decode", "raise --seconds"
                )
            except SpinekitError as fault:
                error = ReadError(slot.found.path, "no process to decode it could be started", str(fault))
            except Exception:  # noqa: BLE001  (the end of the pipe, or half a message of one that died)
                how = self._replace()
                if attempt == 1 and not delivered and not self._closed.is_set():
                    continue  # once more: the process may have been ended from outside
                error = ReadError(
                    slot.found.path, f"the decoder crashed ({how})", "export the file again from its source"
                )
            else:
                return
            self._deliver(slot, refused(slot.found.path, error))
            return

    def _messages(self, slot: _Slot) -> Iterator[_Message]:
        """What the process says of a file; only its own time counts, not that of a reader who is busy."""
        if self._closed.is_set():
            raise EOFError
        if self._child is None:
            self._child = _Child(self._limits.options.max_pixels)
        pipe, left = self._child.pipe, self._limits.seconds
        options = replace(self._limits.options, root=slot.found.root)
        pipe.send(Order(slot.found.path, options, left))
        while True:
            began = time.monotonic()
            if not pipe.poll(left):
                raise _TooLongError
            message = pipe.recv()
            left = max(0.0, left - (time.monotonic() - began))
            yield message
            if not isinstance(message, Image):
                return

    def _deliver(self, slot: _Slot, message: _Message) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                slot.messages.put(message, timeout=0.2)
                return

    def _replace(self) -> str:
        """Ends the process, a fresh one takes its place when it is needed; how it ended, in words."""
        child, self._child = self._child, None
        return child.kill() if child is not None else "no process"


class _TooLongError(Exception):
    """A file took more seconds than it may."""


class _Child:
    """A decoding process and our end of its pipe."""

    def __init__(self, max_pixels: int) -> None:
        self.pipe, theirs = _pipe()
        parent = str(Path(spinekit.__file__).resolve().parent.parent)
        code = f"{_START}main({theirs.fileno()}, {_memory(max_pixels)})"
        try:
            self._started = subprocess.Popen(
                [sys.executable, "-P", "-c", code, parent],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # codecs talk, and may quote what they read
                pass_fds=(theirs.fileno(),),
                env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,  # Ctrl-C is for the run alone
            )
        except OSError as error:
            raise EnvironmentFaultError(
                f"no process could be started to decode files ({error.strerror}) -- try --workers 0"
            ) from error
        finally:
            theirs.close()

    def kill(self, patience: float = 0.2) -> str:
        """Ends it; how it had ended by itself, in words: one that closed its pipe is about to."""
        code = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = self._started.wait(patience)
        self._started.kill()
        self._started.wait()
        if code is None or code >= 0:
            return "it ended" if code is None else f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"


def _pipe() -> tuple[Connection, Connection]:
    ours, theirs = Pipe()
    return ours, theirs


def _memory(max_pixels: int) -> int:
    """Bytes that a decoding process may take: enough for the largest image that may be read, not for a bomb."""
    wanted = _SHARED_MEMORY + _PIXEL_MEMORY * max_pixels
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return wanted
    return max(_SHARED_MEMORY, min(wanted, there * 6 // 10))
